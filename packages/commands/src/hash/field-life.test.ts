/** What becomes of a field's time to live, and of a field whose time has passed. */
import { type Harness, harness } from "@kv/testing";
import { describe, expect, test } from "vitest";

const forms = [
  { form: "listpack", entries: 512 },
  { form: "table", entries: 0 },
];

/** Fields a, b and c; a and b live for a second, and nobody looks for what has passed. */
function withMortals(entries: number): Harness {
  const kv = harness({ config: { "hash-max-listpack-entries": entries } });
  kv.send("DEBUG", "SET-ACTIVE-EXPIRE", 0);
  kv.send("HSET", "h", "a", 1, "b", 2, "c", 3);
  kv.send("HEXPIRE", "h", 1, "FIELDS", 2, "a", "b");
  kv.events.length = 0;
  kv.propagated.length = 0;
  return kv;
}

function pass(kv: Harness): Harness {
  kv.clock.advance(1001);
  return kv;
}

describe.each(forms)("the time to live of a field of a $form", ({ entries }) => {
  test("goes with HSET, HMSET, HDEL; stays with HINCRBY and HINCRBYFLOAT", () => {
    const kv = withMortals(entries);
    kv.send("HINCRBY", "h", "a", 5);
    kv.send("HINCRBYFLOAT", "h", "b", "0.5");
    expect(kv.send("HPTTL", "h", "FIELDS", 2, "a", "b")).toEqual([1000, 1000]);
    expect(kv.propagated).toEqual([
      ["HINCRBY", "h", "a", "5"],
      ["HSETEX", "h", "KEEPTTL", "FIELDS", "1", "b", "2.5"],
    ]);
    kv.send("HSET", "h", "a", 9);
    kv.send("HMSET", "h", "b", 9, "x", 1);
    expect(kv.send("HPTTL", "h", "FIELDS", 2, "a", "b")).toEqual([-1, -1]);
    kv.send("HEXPIRE", "h", 1, "FIELDS", 1, "a");
    kv.send("HDEL", "h", "a");
    kv.send("HSETNX", "h", "a", 1);
    expect(kv.send("HPTTL", "h", "FIELDS", 1, "a")).toEqual([-1]);
    kv.check();
    expect(pass(kv).send("HLEN", "h")).toBe(4);
  });

  test("goes along with RENAME, COPY, MOVE, SWAPDB, DUMP and RESTORE, EXPIRE and PERSIST", () => {
    const kv = withMortals(entries);
    const left = (key: string) => kv.send("HPTTL", key, "FIELDS", 3, "a", "b", "c");
    kv.send("EXPIRE", "h", 100);
    kv.send("RENAME", "h", "i");
    expect(left("i")).toEqual([1000, 1000, -1]);
    kv.send("PERSIST", "i");
    kv.send("COPY", "i", "j");
    kv.send("RESTORE", "k", 0, kv.send("DUMP", "i") as string);
    expect([left("j"), left("k")]).toEqual([
      [1000, 1000, -1],
      [1000, 1000, -1],
    ]);
    kv.send("MOVE", "j", 1);
    kv.check();
    kv.send("SWAPDB", 0, 1);
    kv.check();
    expect(left("j")).toEqual([1000, 1000, -1]);
    expect(kv.send("INFO", "keyspace")).toContain("db1:keys=2,expires=0,avg_ttl=0,subexpiry=2");
    kv.send("SET", "j", "text");
    kv.check();
    expect(kv.send("INFO", "keyspace")).toContain("db0:keys=1,expires=0,avg_ttl=0\r\n");
    kv.send("FLUSHALL");
    kv.check();
  });

  test("survives the other form", () => {
    const kv = withMortals(entries);
    kv.send("HSET", "h", "d", "v".repeat(2000));
    expect(kv.send("OBJECT", "ENCODING", "h")).toBe("hashtable");
    expect(kv.send("HPTTL", "h", "FIELDS", 3, "a", "c", "d")).toEqual([1000, -1, -1]);
    kv.check();
  });
});

test("a small hash says in OBJECT ENCODING that its fields may expire, from then on", () => {
  const kv = harness();
  kv.send("HSET", "h", "a", 1);
  expect(kv.send("OBJECT", "ENCODING", "h")).toBe("listpack");
  kv.send("HEXPIRE", "h", 1, "FIELDS", 1, "a");
  expect(kv.send("OBJECT", "ENCODING", "h")).toBe("listpackex");
  kv.send("HPERSIST", "h", "FIELDS", 1, "a");
  expect(kv.send("OBJECT", "ENCODING", "h")).toBe("listpackex");
  expect(kv.send("INFO", "keyspace")).not.toContain("subexpiry");
  kv.check();
});

describe.each(forms)("a field of a $form whose time has passed", ({ entries }) => {
  test.each([
    { words: ["HGET", "h", "a"], reply: null },
    { words: ["HEXISTS", "h", "a"], reply: 0 },
    { words: ["HSTRLEN", "h", "a"], reply: 0 },
    { words: ["HMGET", "h", "a", "c"], reply: [null, "3"] },
    { words: ["HSETNX", "h", "a", "new"], reply: 1 },
    { words: ["HSET", "h", "a", "new"], reply: 1 },
    { words: ["HINCRBY", "h", "a", "5"], reply: 5 },
    { words: ["HINCRBYFLOAT", "h", "a", "0.5"], reply: "0.5" },
    { words: ["HEXPIRE", "h", "5", "FIELDS", "1", "a"], reply: [-2] },
    { words: ["HPERSIST", "h", "FIELDS", "1", "a"], reply: [-2] },
    { words: ["HGETEX", "h", "PX", "5", "FIELDS", "1", "a"], reply: [null] },
    { words: ["HGETDEL", "h", "FIELDS", "1", "a"], reply: [null] },
    { words: ["HSETEX", "h", "FXX", "FIELDS", "1", "a", "1"], reply: 0 },
    { words: ["HSETEX", "h", "KEEPTTL", "FIELDS", "1", "a", "new"], reply: 1 },
  ])("is removed by $words, which says so first", ({ words, reply }) => {
    const kv = pass(withMortals(entries));
    expect(kv.send(...words)).toEqual(reply);
    expect(kv.events[0]).toBe("hexpired h");
    expect(kv.propagated.find(([name]) => name !== "MULTI")).toEqual(["HDEL", "h", "a"]);
    const left = kv.send("HPTTL", "h", "FIELDS", 1, "a");
    expect(left).toEqual([kv.send("HEXISTS", "h", "a") === 1 ? -1 : -2]);
    expect(kv.send("INFO", "stats")).toContain("expired_subkeys:1\r\n");
    kv.check();
  });

  test("is not there for who looks at the whole, and counts until it is gone", () => {
    const kv = pass(withMortals(entries));
    expect(kv.send("HGETALL", "h")).toEqual(["c", "3"]);
    expect(kv.send("HKEYS", "h")).toEqual(["c"]);
    expect(kv.send("HVALS", "h")).toEqual(["3"]);
    expect(kv.send("HSCAN", "h", 0)).toEqual(["0", ["c", "3"]]);
    expect(kv.send("HPTTL", "h", "FIELDS", 1, "a")).toEqual([-2]);
    expect(kv.send("HLEN", "h")).toBe(3);
    expect([kv.events, kv.propagated]).toEqual([[], []]);
    kv.check();
  });

  test.each([
    { words: ["HRANDFIELD", "h"], reply: "c" },
    { words: ["HRANDFIELD", "h", "5"], reply: ["c"] },
    { words: ["HRANDFIELD", "h", "-3"], reply: ["c", "c", "c"] },
  ])("goes with all others like it by $words", ({ words, reply }) => {
    const kv = pass(withMortals(entries));
    expect(kv.send(...words)).toEqual(reply);
    expect(kv.events).toEqual(["hexpired h"]);
    const [first, ...removals] = kv.propagated;
    expect([first, removals.pop()]).toEqual([["MULTI"], ["EXEC"]]);
    expect(removals.map((words) => words.join(" ")).sort()).toEqual(["HDEL h a", "HDEL h b"]);
    expect(kv.send("HLEN", "h")).toBe(1);
    expect(kv.send("INFO", "stats")).toContain("expired_subkeys:2\r\n");
    kv.check();
  });

  test.each(["HRANDFIELD h", "HRANDFIELD h 2"])("takes the key along with %s", (line) => {
    const kv = withMortals(entries);
    kv.send("HDEL", "h", "c");
    kv.events.length = 0;
    const reply = pass(kv).send(...line.split(" "));
    expect(reply).toEqual(line.endsWith("2") ? [] : null);
    expect(kv.send("EXISTS", "h")).toBe(0);
    expect(kv.events).toEqual(["hexpired h", "del h"]);
    kv.check();
  });

  test("takes the key along when it was the last", () => {
    const kv = withMortals(entries);
    kv.send("HDEL", "h", "c");
    kv.events.length = 0;
    pass(kv);
    expect(kv.send("HGETALL", "h")).toEqual([]);
    expect(kv.send("HMGET", "h", "a", "b")).toEqual([null, null]);
    expect(kv.send("EXISTS", "h")).toBe(0);
    expect(kv.events).toEqual(["hexpired h", "del h"]);
    kv.check();
  });

  test("still lives in the last millisecond", () => {
    const kv = withMortals(entries);
    kv.clock.advance(1000);
    expect(kv.send("HGET", "h", "a")).toBe("1");
    expect(kv.send("HPTTL", "h", "FIELDS", 1, "a")).toEqual([0]);
    kv.clock.advance(1);
    expect(kv.send("HGET", "h", "a")).toBe(null);
  });

  test("stays, unseen, while clients are paused", () => {
    const kv = withMortals(entries);
    kv.client().send("CLIENT", "PAUSE", 100_000, "WRITE");
    pass(kv);
    expect(kv.send("HGET", "h", "a")).toBe(null);
    expect(kv.send("HKEYS", "h")).toEqual(["c"]);
    expect(kv.send("HLEN", "h")).toBe(3);
    expect(kv.events).toEqual([]);
    kv.check();
  });

  test("wakes those who watch the key", () => {
    const kv = withMortals(entries);
    kv.send("WATCH", "h");
    pass(kv).client().send("HGET", "h", "a");
    kv.send("MULTI");
    kv.send("HLEN", "h");
    expect(kv.send("EXEC")).toBe(null);
  });
});
