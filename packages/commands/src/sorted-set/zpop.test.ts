import { type Harness, harness } from "@kv/testing";
import { describe, expect, test } from "vitest";
import { errors } from "../call/errors.ts";

describe.each([
  ["a listpack", 128],
  ["a table", 0],
])("taking members out of %s", (_name, entries) => {
  function filled(resp: 2 | 3 = 2): Harness {
    const kv = harness({ resp, config: { "zset-max-listpack-entries": entries } });
    kv.send("ZADD", "z", 1, "a", 2, "b", 3, "c", 4, "d");
    kv.events.length = 0;
    kv.propagated.length = 0;
    return kv;
  }

  test("ZPOPMIN and ZPOPMAX, one or several", () => {
    const kv = filled();
    expect(kv.send("ZPOPMIN", "z")).toEqual(["a", "1"]);
    expect(kv.send("ZPOPMAX", "z", 2)).toEqual(["d", "4", "c", "3"]);
    expect(kv.send("ZPOPMAX", "z", 0)).toEqual([]);
    expect(kv.send("ZPOPMAX", "z", -1)).toBe(errors.mustBePositive);
    expect(kv.send("ZPOPMIN", "z", 100)).toEqual(["b", "2"]);
    expect(kv.send("ZPOPMIN", "z")).toEqual([]);
    expect(kv.events).toEqual(["zpopmin z", "zpopmax z", "zpopmin z", "del z"]);
    expect(kv.engine.situation.dirty).toBe(8);
    kv.check();
  });

  test("ZMPOP takes from the first key that has any, and goes on as ZPOPMIN", () => {
    const kv = filled();
    expect(kv.send("ZMPOP", 2, "none", "z", "MIN", "COUNT", 9)).toEqual([
      "z",
      [
        ["a", "1"],
        ["b", "2"],
        ["c", "3"],
        ["d", "4"],
      ],
    ]);
    expect(kv.propagated).toEqual([["ZPOPMIN", "z", "4"]]);
    expect(kv.send("ZMPOP", 2, "none", "z", "MAX")).toBe(null);
    const keysMissing = kv.error("ERR numkeys should be greater than 0");
    expect(kv.send("ZMPOP", 0, "z", "MIN")).toEqual(keysMissing);
  });

  test("what blocks takes at once what is there", () => {
    const kv = filled();
    expect(kv.send("BZPOPMIN", "none", "z", 0)).toEqual(["z", "a", "1"]);
    expect(kv.send("BZPOPMAX", "z", "0.5")).toEqual(["z", "d", "4"]);
    expect(kv.send("BZMPOP", 0, 1, "z", "MAX", "COUNT", 2)).toEqual([
      "z",
      [
        ["c", "3"],
        ["b", "2"],
      ],
    ]);
    expect(kv.propagated).toEqual([
      ["ZPOPMIN", "z"],
      ["ZPOPMAX", "z"],
      ["ZPOPMAX", "z", "2"],
    ]);
    expect(kv.events.slice(-2)).toEqual(["zpopmax z", "del z"]);
  });

  test("what blocks does not wait in a transaction", () => {
    const kv = filled(3);
    kv.send("MULTI");
    kv.send("BZPOPMIN", "none", 0);
    kv.send("BZMPOP", 0, 1, "none", "MIN");
    kv.send("BZPOPMIN", "z", 0);
    expect(kv.send("EXEC")).toEqual([null, null, ["z", "a", 1]]);
  });

  test("random members: one, some, or with repetition", () => {
    const kv = filled();
    const all = ["a", "b", "c", "d"];
    expect(all).toContain(kv.send("ZRANDMEMBER", "z"));
    expect((kv.send("ZRANDMEMBER", "z", 9) as string[]).sort()).toEqual(all);
    for (let count = 1; count <= 4; count++)
      expect(new Set(kv.send("ZRANDMEMBER", "z", count) as string[]).size).toBe(count);
    expect(kv.send("ZRANDMEMBER", "z", -9, "WITHSCORES")).toHaveLength(18);
    expect(kv.send("ZRANDMEMBER", "none", 3)).toEqual([]);
    const seen = new Map<string, number>();
    for (let i = 0; i < 4000; i++) {
      const member = kv.send("ZRANDMEMBER", "z", i % 2 === 0 ? 1 : -1) as string[];
      seen.set(member[0] as string, (seen.get(member[0] as string) ?? 0) + 1);
    }
    for (const member of all) expect(seen.get(member)).toBeGreaterThan(800);
  });
});

describe("a waiting client", () => {
  test("is served when somebody adds a member, and the one that came first", () => {
    const kv = harness();
    const one = kv.client();
    const other = kv.client();
    expect(one.send("BZPOPMIN", "z", 0)).toBe(undefined);
    expect(other.send("BZMPOP", 0, 1, "z", "MAX")).toBe(undefined);
    kv.send("ZADD", "z", 1, "a", 2, "b");
    expect(one.receive()).toEqual(["z", "a", "1"]);
    expect(other.receive()).toEqual(["z", [["b", "2"]]]);
    expect(kv.send("EXISTS", "z")).toBe(0);
  });
});

describe("ZSCAN", () => {
  test("returns every member of a table once while nothing changes", () => {
    const kv = harness();
    for (let i = 0; i < 1000; i++) kv.send("ZADD", "z", `${i}.5`, `m${i}`);
    const members = new Set<string>();
    let cursor = "0";
    do {
      const [next, part] = kv.send("ZSCAN", "z", cursor, "COUNT", 50) as [string, string[]];
      for (let i = 0; i < part.length; i += 2) {
        expect(part[i + 1]).toBe(`${(part[i] as string).slice(1)}.5`);
        expect(members.has(part[i] as string)).toBe(false);
        members.add(part[i] as string);
      }
      cursor = next;
    } while (cursor !== "0");
    expect(members.size).toBe(1000);
    const [, found] = kv.send("ZSCAN", "z", 0, "MATCH", "m99?", "COUNT", 10_000) as [
      string,
      string[],
    ];
    expect(found).toHaveLength(20);
  });
});
