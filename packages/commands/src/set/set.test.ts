import { type Harness, harness } from "@kv/testing";
import { describe, expect, test } from "vitest";
import { errors } from "../call/errors.ts";

const sorted = (reply: unknown) => [...(reply as string[])].sort();
const many = (prefix: string, count: number) =>
  Array.from({ length: count }, (_, index) => `${prefix}${index}`);

/** What the append-only file gets of one request, in words. */
function propagated(kv: Harness, ...request: (string | number)[]): string[][] {
  kv.propagated.length = 0;
  kv.send(...request);
  return kv.propagated.slice();
}

describe("SADD and SREM", () => {
  test("tell how many members came and went; the key goes with the last", () => {
    const kv = harness();
    expect(kv.send("SADD", "k", "a", "b", "a")).toBe(2);
    expect(kv.send("SADD", "k", "b", "c")).toBe(1);
    expect(kv.send("SADD", "k", "c")).toBe(0);
    expect(kv.events).toEqual(["sadd k", "sadd k"]);
    expect(kv.send("SREM", "k", "a", "x")).toBe(1);
    expect(kv.send("SREM", "k", "b", "c", "d")).toBe(2);
    expect(kv.events.slice(2)).toEqual(["srem k", "srem k", "del k"]);
    expect(kv.send("EXISTS", "k")).toBe(0);
  });

  test("the number of words decides what a set is kept as, repeated or not", () => {
    const kv = harness({ config: { "set-max-listpack-entries": 3 } });
    kv.send("SADD", "k", "a", "a", "a", "a");
    expect(kv.send("OBJECT", "ENCODING", "k")).toBe("hashtable");
    kv.send("SADD", "few", "a");
    kv.send("SADD", "few", "a", "a", "a", "a");
    expect(kv.send("OBJECT", "ENCODING", "few")).toBe("hashtable");
  });
});

describe("SPOP", () => {
  test("takes each member once", () => {
    for (const members of [many("", 40), many("m", 40), many("m", 400)]) {
      const kv = harness();
      kv.send("SADD", "k", ...members);
      const taken = new Set<unknown>();
      while (kv.send("EXISTS", "k") === 1) taken.add(kv.send("SPOP", "k"));
      expect([...taken].sort()).toEqual([...members].sort());
      expect(kv.events.slice(-2)).toEqual(["spop k", "del k"]);
    }
  });

  test.each([1, 7, 39, 40, 300, 390, 399, 400, 1000])(
    "%i of 400 are gone, and the others not",
    (count) => {
      for (const prefix of ["", "m"]) {
        const kv = harness();
        const members = many(prefix, 400);
        kv.send("SADD", "k", ...members);
        kv.send("PEXPIRE", "k", 100_000);
        const taken = kv.send("SPOP", "k", count) as string[];
        expect(taken).toHaveLength(Math.min(count, 400));
        const left = kv.send("SMEMBERS", "k") as string[];
        expect(sorted([...taken, ...left])).toEqual(sorted(members));
        if (left.length > 0) expect(kv.send("PTTL", "k")).toBe(100_000);
      }
    },
  );

  test("leaves a small set when few of a large one stay", () => {
    const kv = harness();
    kv.send("SADD", "k", ...many("m", 400));
    kv.send("SPOP", "k", 300);
    expect(kv.send("OBJECT", "ENCODING", "k")).toBe("hashtable");
    kv.send("SPOP", "k", 90);
    expect(kv.send("OBJECT", "ENCODING", "k")).toBe("listpack");
  });

  test("is propagated as what went", () => {
    const kv = harness();
    kv.send("SADD", "k", "a");
    expect(propagated(kv, "SPOP", "k")).toEqual([["SREM", "k", "a"]]);
    kv.send("SADD", "k", ...many("m", 3000));
    const [multi, ...rest] = propagated(kv, "SPOP", "k", 2100);
    expect(multi).toEqual(["MULTI"]);
    expect(rest.map((words) => words.length)).toEqual([1026, 1026, 54, 1]);
    expect(propagated(kv, "SPOP", "k", 5000)).toEqual([["DEL", "k"]]);
    kv.send("CONFIG", "SET", "lazyfree-lazy-server-del", "yes");
    kv.send("SADD", "k", "a", "b");
    expect(propagated(kv, "SPOP", "k", 2)).toEqual([["UNLINK", "k"]]);
    expect(propagated(kv, "SPOP", "k", 2)).toEqual([]);
  });
});

describe("SRANDMEMBER", () => {
  test.each([1, 5, 39, 100, 399, 400, 500])("%i different ones, and as many of any", (count) => {
    for (const members of [many("", 400), many("m", 400), many("m", 40)]) {
      const kv = harness();
      kv.send("SADD", "k", ...members);
      const some = kv.send("SRANDMEMBER", "k", count) as string[];
      expect(new Set(some).size).toBe(Math.min(count, members.length));
      for (const member of some) expect(members).toContain(member);
      expect(kv.send("SRANDMEMBER", "k", -count)).toHaveLength(count);
    }
  });

  test("a count that no reply can have is out of range", () => {
    const kv = harness();
    kv.send("SADD", "k", "a");
    expect(kv.send("SRANDMEMBER", "k", "-9223372036854775807")).toBe(errors.outOfRange);
    expect(kv.send("SRANDMEMBER", "k", "9223372036854775807")).toEqual(["a"]);
  });
});

describe("SMOVE", () => {
  test("says what became of both keys, in that order", () => {
    const kv = harness();
    kv.send("SADD", "a", 1);
    kv.events.length = 0;
    expect(kv.send("SMOVE", "a", "b", 1)).toBe(1);
    expect(kv.events).toEqual(["srem a", "del a", "sadd b"]);
    kv.send("SADD", "a", 1);
    kv.events.length = 0;
    expect(kv.send("SMOVE", "a", "b", 1)).toBe(1);
    expect(kv.events).toEqual(["srem a", "del a"]);
    expect(kv.send("SMOVE", "b", "b", 1)).toBe(1);
    expect(kv.send("SMOVE", "b", "c", 2)).toBe(0);
    expect(kv.events).toEqual(["srem a", "del a"]);
  });
});

describe("set algebra", () => {
  /** Sets of all encodings that meet each other, and a missing one. */
  function filled(): { kv: Harness; sets: Map<string, Set<string>> } {
    const kv = harness();
    const sets = new Map(
      [
        ["ints", many("", 60)],
        ["more", many("", 900)],
        ["words", [...many("w", 50), ...many("", 20)]],
        ["table", [...many("w", 300), ...many("", 300)]],
        ["one", ["7"]],
      ].map(([name, members]) => [name, new Set(members)] as [string, Set<string>]),
    );
    for (const [name, members] of sets) kv.send("SADD", name, ...members);
    sets.set("none", new Set());
    return { kv, sets };
  }

  const model: Record<string, (one: Set<string>, other: Set<string>) => string[]> = {
    INTER: (one, other) => [...one].filter((each) => other.has(each)),
    UNION: (one, other) => [...new Set([...one, ...other])],
    DIFF: (one, other) => [...one].filter((each) => !other.has(each)),
  };

  test.each(Object.keys(model))("S%s agrees with a model, replied and stored", (name) => {
    const { kv, sets } = filled();
    const names = [...sets.keys()];
    const get = (key: string) => sets.get(key) as Set<string>;
    const combine = model[name] as (typeof model)[string];
    for (const one of names) {
      for (const other of names) {
        for (const third of ["words", "none", null]) {
          const keys = [one, other, ...(third === null ? [] : [third, other, third])];
          const expected = keys
            .slice(1)
            .reduce((all, key) => new Set(combine(all, get(key))), get(one));
          expect(sorted(kv.send(`S${name}`, ...keys)), keys.join(" ")).toEqual(sorted(expected));
          expect(kv.send(`S${name}STORE`, "d", ...keys)).toBe(expected.size);
          expect(sorted(kv.send("SMEMBERS", "d"))).toEqual(sorted(expected));
        }
      }
    }
    const first = names.flatMap((one) => many("", 20).map(() => one));
    expect(sorted(kv.send(`S${name}`, ...first))).toEqual(
      name === "UNION" ? sorted(new Set([...sets.values()].flatMap((each) => [...each]))) : [],
    );
  });

  test("a destination that is a source, or of another type, is replaced; nothing removes it", () => {
    const kv = harness();
    kv.send("SADD", "a", 1, 2, 3);
    kv.send("SADD", "b", 2, 3, 4);
    kv.send("EXPIRE", "a", 100);
    kv.events.length = 0;
    expect(kv.send("SINTERSTORE", "a", "a", "b")).toBe(2);
    expect(kv.send("TTL", "a")).toBe(-1);
    expect(kv.send("SDIFFSTORE", "b", "b", "a")).toBe(1);
    expect(kv.send("SMEMBERS", "b")).toEqual(["4"]);
    kv.send("HSET", "h", "f", "v");
    expect(kv.send("SUNIONSTORE", "h", "a", "b")).toBe(3);
    expect(kv.send("SINTERSTORE", "h", "a", "b")).toBe(0);
    expect(kv.send("EXISTS", "h")).toBe(0);
    expect(kv.events).toEqual([
      ...["sinterstore a", "sdiffstore b", "hset h", "sunionstore h", "del h"],
    ]);
  });
});
