import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { OutputQueue } from "./output-queue.ts";

describe("OutputQueue", () => {
  test("gives back what was put in, in order, whatever was copied and whatever given", () => {
    const step = fc.record({ given: fc.boolean(), taken: fc.boolean(), size: fc.nat(5000) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const queue = new OutputQueue();
        const put: number[] = [];
        const got: number[] = [];
        let next = 0;
        for (const { given, taken, size } of steps) {
          const bytes = Uint8Array.from({ length: size }, () => next++ & 255);
          put.push(...bytes);
          if (given) queue.give(bytes);
          else {
            queue.append(bytes, 0, size);
            bytes.fill(0);
          }
          expect(queue.length).toBe(put.length - got.length);
          expect(queue.heldBytes).toBeGreaterThanOrEqual(queue.length);
          if (taken) got.push(...(queue.take() ?? []));
        }
        for (let chunk = queue.take(); chunk !== undefined; chunk = queue.take())
          got.push(...chunk);
        expect(got).toEqual(put);
        expect(queue.length).toBe(0);
        expect(queue.heldBytes).toBe(0);
      }),
    );
  });

  test("a million short replies cost what they are long", () => {
    const queue = new OutputQueue();
    const pong = new TextEncoder().encode("+PONG\r\n");
    for (let i = 0; i < 1_000_000; i++) queue.append(pong, 0, pong.length);
    expect(queue.length).toBe(7_000_000);
    expect(queue.heldBytes).toBeLessThan(7_100_000);
    let chunks = 0;
    while (queue.take() !== undefined) chunks++;
    expect(chunks).toBeLessThan(30);
  });

  test("what is cleared is gone, and its memory with it", () => {
    const queue = new OutputQueue();
    const given = new Uint8Array(100_000);
    queue.append(given, 0, given.length);
    queue.give(given);
    queue.clear();
    expect(queue.length).toBe(0);
    expect(given.length).toBe(0);
    expect(queue.take()).toBe(undefined);
  });
});
