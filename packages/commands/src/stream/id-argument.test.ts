import { harness } from "@kv/testing";
import fc from "fast-check";
import { describe, expect, test } from "vitest";

describe("IDs of streams", () => {
  test("are two numbers of 64 bits, however many digits they have", () => {
    const kv = harness();
    const number = fc.oneof(
      fc.bigInt({ min: 0n, max: 99n }),
      fc.bigInt({ min: 10n ** 14n - 2n, max: 10n ** 15n + 2n }),
      fc.bigInt({ min: 2n ** 32n - 2n, max: 2n ** 32n + 2n }),
      fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    );
    const zeros = fc.nat(3);
    fc.assert(
      fc.property(number, number, zeros, zeros, (ms, seq, before, between) => {
        fc.pre(ms > 0n || seq > 0n);
        kv.send("DEL", "x");
        const text = `${"0".repeat(before)}${ms}-${"0".repeat(between)}${seq}`;
        expect(kv.send("XADD", "x", text, "f", "v")).toBe(`${ms}-${seq}`);
        expect(kv.send("XRANGE", "x", text, text)).toEqual([[`${ms}-${seq}`, ["f", "v"]]]);
        expect(kv.send("XDEL", "x", text)).toBe(1);
      }),
      { numRuns: 400 },
    );
  });

  test.each(["-1", "1-", "1-2-3", "1-2x", "x-2", "1--2", " ", "1-18446744073709551616"])(
    "%j is none",
    (text) => {
      const kv = harness();
      expect(kv.send("XADD", "x", text, "f", "v")).toEqual(
        kv.error("ERR Invalid stream ID specified as stream command argument"),
      );
    },
  );
});

describe("Many IDs in one request", () => {
  const ids = (most: number) =>
    fc.array(fc.integer({ min: 1, max: most }), { minLength: 1, maxLength: most });
  const order = fc.constantFrom("ascending", "descending", "any");

  test("find what each finds alone, deletions and additions in between", () => {
    // Small blocks, and one for all, which counts more than a byte can in its listpack.
    for (const [entries, count] of [
      [7, 60],
      [0, 140],
    ] as const) {
      const kv = harness({ config: { "stream-node-max-entries": entries } });
      fc.assert(
        fc.property(
          fc.array(fc.tuple(ids(count + 10), order, fc.nat(4)), { maxLength: 8 }),
          (steps) => {
            kv.send("DEL", "x");
            for (let ms = 1; ms <= count; ms++)
              kv.send("XADD", "x", `${ms}-1`, "f", ms, "g", "text");
            kv.send("XGROUP", "CREATE", "x", "g", 0);
            kv.send("XREADGROUP", "GROUP", "g", "one", "STREAMS", "x", ">");
            const there = new Set(Array.from({ length: count }, (_, at) => at + 1));
            const pending = new Set(there);
            let next = count + 1;
            for (const [chosen, how, kind] of steps) {
              const wanted = [...chosen];
              if (how !== "any") wanted.sort((a, b) => (how === "ascending" ? a - b : b - a));
              const words = wanted.map((ms) => `${ms}-1`);
              if (kind === 0) {
                const gone = new Set(wanted.filter((ms) => there.delete(ms)));
                expect(kv.send("XDEL", "x", ...words)).toBe(gone.size);
                const [first] = [...there].sort((a, b) => a - b);
                const shown = first === undefined ? [] : [[`${first}-1`, expect.anything()]];
                expect(kv.send("XRANGE", "x", "-", "+", "COUNT", 1)).toEqual(shown);
              } else if (kind === 1) {
                const done = new Set(wanted.filter((ms) => pending.delete(ms)));
                expect(kv.send("XACK", "x", "g", ...words)).toBe(done.size);
              } else if (kind === 2) {
                kv.send("XADD", "x", `${next}-1`, "h", "other");
                there.add(next++);
              } else {
                const claimed = wanted.filter((ms) => pending.has(ms) && there.has(ms));
                for (const ms of wanted) if (!there.has(ms)) pending.delete(ms);
                const justId = kind === 3 ? ["JUSTID"] : [];
                const found = kv.send("XCLAIM", "x", "g", `c${wanted[0]}`, 0, ...words, ...justId);
                expect((found as (string | string[])[]).map((each) => [each].flat()[0])).toEqual(
                  claimed.map((ms) => `${ms}-1`),
                );
              }
              kv.check();
            }
            expect(kv.send("XPENDING", "x", "g", "-", "+", 200)).toHaveLength(pending.size);
          },
        ),
        { numRuns: 40 },
      );
    }
  });
});
