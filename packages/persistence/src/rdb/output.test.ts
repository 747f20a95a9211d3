import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { textOfBytes } from "../keyspace-contents.ts";
import { RdbInput, RdbString, Status } from "./input.ts";
import { RdbOutput, type RdbOutputOptions } from "./output.ts";

/** What `write` wrote, to be read. */
function written(write: (output: RdbOutput) => void, options?: RdbOutputOptions): RdbInput {
  const parts: number[] = [];
  const output = new RdbOutput((bytes, start, end) => {
    parts.push(...bytes.subarray(start, end));
  }, options);
  write(output);
  expect(output.writtenBytes).toBeGreaterThanOrEqual(parts.length);
  output.flush();
  expect(output.writtenBytes).toBe(parts.length);
  const bytes = Uint8Array.from(parts);
  const input = new RdbInput();
  input.attach(bytes, new DataView(bytes.buffer), 0, bytes.length);
  return input;
}

const sizes = fc.oneof(
  fc.nat(2 ** 15),
  fc.maxSafeNat(),
  fc.constantFrom(0, 63, 64, 16383, 16384, 2 ** 32 - 1, 2 ** 32, 2 ** 33 + 5),
);

describe("what is written is read again:", () => {
  test("lengths", () => {
    fc.assert(
      fc.property(sizes, (size) => {
        const input = written((output) => output.length(size));
        expect([input.length(), input.number, input.at]).toEqual([Status.OK, size, input.end]);
      }),
    );
  });

  test("times, before 1970 and after 2038", () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), (time) => {
        const input = written((output) => output.milliseconds(time));
        expect([input.milliseconds(), input.number]).toEqual([Status.OK, time]);
      }),
    );
  });

  test("strings, in chunks of any size", () => {
    const text = fc.oneof(fc.integer().map(String), fc.string({ unit: "binary-ascii" }));
    const strings = fc.array(fc.tuple(text, fc.nat(20)).map(([part, count]) => part.repeat(count)));
    fc.assert(
      fc.property(strings, fc.nat(300), fc.boolean(), (all, chunkBytes, compress) => {
        const input = written(
          (output) => {
            for (const each of all) {
              const bytes = Uint8Array.from(each, (character) => character.charCodeAt(0));
              output.string(bytes, new DataView(bytes.buffer), 0, bytes.length);
            }
          },
          { chunkBytes, compress },
        );
        const out = new RdbString();
        for (const each of all) {
          expect(input.string(out)).toBe(Status.OK);
          expect(textOfBytes(out.bytes, out.start, out.end)).toBe(each);
        }
        expect(input.at).toBe(input.end);
      }),
    );
  });

  test("a chunk that is given back is used again", () => {
    const chunks: Uint8Array[] = [];
    const output = new RdbOutput((bytes) => chunks.push(bytes), { chunkBytes: 64 });
    output.byte(1);
    output.flush();
    output.recycle(chunks[0]);
    output.byte(2);
    output.flush();
    output.byte(3);
    output.flush();
    expect(chunks[2]).toBe(chunks[0]);
    expect(chunks[1]).not.toBe(chunks[0]);
  });
});
