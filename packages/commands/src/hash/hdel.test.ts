import { harness } from "@kv/testing";
import fc from "fast-check";
import { describe, expect, test } from "vitest";

describe("HDEL", () => {
  test("counts what it removed", () => {
    const kv = harness();
    kv.send("HSET", "h", "a", 1, "b", 2, "c", 3);
    expect(kv.send("HDEL", "h", "a", "none", "a")).toBe(1);
    expect(kv.send("HDEL", "h", "none")).toBe(0);
    expect(kv.send("HGETALL", "h")).toEqual(["b", "2", "c", "3"]);
    expect(kv.events).toEqual(["hset h", "hdel h"]);
    expect(kv.propagated.slice(1)).toEqual([["HDEL", "h", "a", "none", "a"]]);
  });

  test("the key goes with the last field", () => {
    const kv = harness();
    kv.send("HSET", "h", "a", 1, "b", 2);
    expect(kv.send("HDEL", "h", "a", "b", "c")).toBe(2);
    expect(kv.send("EXISTS", "h")).toBe(0);
    expect(kv.events).toEqual(["hset h", "hdel h", "del h"]);
    kv.check();
  });
});

test("a hash does what a Map does, through both encodings", () => {
  const kv = harness({ config: { "hash-max-listpack-entries": 4 } });
  const field = fc.constantFrom("", "a", "b", "c", "1", "22", "field");
  const value = fc.oneof(
    fc.constantFrom("", "v", "-7", "99999999999"),
    fc.constant("x".repeat(90)),
  );
  const step = fc.oneof(
    fc.record({ name: fc.constantFrom("HSET", "HSETNX"), field, value }),
    fc.record({ name: fc.constant("HDEL"), field, value }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      kv.send("DEL", "h");
      const model = new Map<string, string>();
      for (const { name, field, value } of steps) {
        const has = model.has(field);
        if (name === "HDEL") {
          expect(kv.send("HDEL", "h", field)).toBe(has ? 1 : 0);
          model.delete(field);
        } else {
          expect(kv.send(name, "h", field, value)).toBe(has ? 0 : 1);
          if (name === "HSET" || !has) model.set(field, value);
        }
        expect(kv.send("HLEN", "h")).toBe(model.size);
        expect(kv.send("EXISTS", "h")).toBe(model.size === 0 ? 0 : 1);
      }
      const all = kv.send("HGETALL", "h") as string[];
      const pairs = new Map(all.flatMap((word, i) => (i % 2 === 0 ? [[word, all[i + 1]]] : [])));
      expect(pairs).toEqual(model);
    }),
    { numRuns: 200 },
  );
  kv.check();
});
