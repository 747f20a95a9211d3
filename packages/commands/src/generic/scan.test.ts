import { harness } from "@kv/testing";
import { describe, expect, test } from "vitest";

type Kv = ReturnType<typeof harness>;

function fill(kv: Kv, count: number): string[] {
  const keys: string[] = [];
  for (let i = 0; i < count; i++) {
    keys.push(`key:${i}`);
    kv.send("SET", `key:${i}`, i);
  }
  return keys;
}

/** Walks to the end; `between` runs after each call. */
function walk(kv: Kv, options: (string | number)[], between = () => {}): string[] {
  const seen: string[] = [];
  let cursor = "0";
  do {
    const reply = kv.send("SCAN", cursor, ...options) as unknown as [string, string[]];
    cursor = reply[0];
    seen.push(...reply[1]);
    between();
  } while (cursor !== "0");
  return seen;
}

describe("SCAN", () => {
  test.each([1, 7, 10, 1000])("returns every key once, with COUNT %i", (count) => {
    const kv = harness();
    const keys = fill(kv, 500);
    expect(walk(kv, ["COUNT", count]).sort()).toEqual(keys.sort());
  });

  test("returns what is there throughout, whatever comes and goes meanwhile", () => {
    const kv = harness();
    const stay = fill(kv, 300);
    let round = 0;
    const seen = walk(kv, ["COUNT", 3], () => {
      for (let i = 0; i < 40; i++) kv.send("SET", `new:${round}:${i}`, 1);
      if (round > 0) for (let i = 0; i < 40; i++) kv.send("DEL", `new:${round - 1}:${i}`);
      round++;
    });
    expect(seen.filter((key) => key.startsWith("key:")).sort()).toEqual(stay.sort());
  });

  test("MATCH and TYPE leave keys out, not the walk", () => {
    const kv = harness();
    fill(kv, 50);
    kv.send("HSET", "hash", "f", "v");
    expect(walk(kv, ["MATCH", "key:1?"]).length).toBe(10);
    expect(walk(kv, ["TYPE", "hash"])).toEqual(["hash"]);
    expect(walk(kv, ["TYPE", "HASH", "MATCH", "key:*"])).toEqual([]);
    expect(walk(kv, ["TYPE", "unheard-of"])).toEqual([]);
  });

  test("passes expired keys by and removes them", () => {
    const kv = harness();
    kv.send("DEBUG", "SET-ACTIVE-EXPIRE", 0);
    fill(kv, 20);
    for (let i = 0; i < 10; i++) kv.send("PEXPIRE", `key:${i}`, 10);
    kv.clock.advance(11);
    expect(walk(kv, ["COUNT", 5]).length).toBe(10);
    expect(kv.send("DBSIZE")).toBe(10);
  });

  test("a cursor from another life of the table starts anew", () => {
    const kv = harness();
    const keys = fill(kv, 30);
    const other = String(7 * 2 ** 32 + 2 ** 31);
    const reply = kv.send("SCAN", other, "COUNT", 1000) as unknown as [string, string[]];
    expect(reply[0]).toBe("0");
    expect(reply[1].sort()).toEqual(keys.sort());
  });

  test("reads the cursor first, then the options", () => {
    const kv = harness();
    expect(kv.send("SCAN", "x", "COUNT", 0)).toEqual(kv.error("ERR invalid cursor"));
    expect(kv.send("SCAN", "18446744073709551616")).toEqual(kv.error("ERR invalid cursor"));
    expect(kv.send("SCAN", "18446744073709551615")).toEqual(["0", []]);
    expect(kv.send("SCAN", 0, "COUNT", 0)).toEqual(kv.error("ERR syntax error"));
    expect(kv.send("SCAN", 0, "COUNT", "x")).toEqual(
      kv.error("ERR value is not an integer or out of range"),
    );
  });

  test("TYPE looks at each key, whose time may turn out to have passed", () => {
    const kv = harness();
    kv.send("DEBUG", "SET-ACTIVE-EXPIRE", 0);
    kv.send("HSET", "hash", "f", "v");
    kv.send("SET", "text", 1);
    kv.send("SET", "gone", 1, "PX", 5);
    kv.clock.advance(6);
    expect(kv.send("SCAN", 0, "MATCH", "*e*", "TYPE", "hash")).toEqual(["0", []]);
    expect(kv.send("INFO", "stats")).toMatch(/keyspace_hits:1\r\nkeyspace_misses:1\r\n/);
    expect(kv.send("DBSIZE")).toBe(2);
  });
});

describe("keys that were met, and had expired", () => {
  test.each([["SCAN", 0], ["RANDOMKEY"]])("go one by one with %s", (...words) => {
    const kv = harness();
    kv.send("DEBUG", "SET-ACTIVE-EXPIRE", 0);
    for (const key of ["a", "b", "c"]) kv.send("SET", key, 1, "PX", 5);
    kv.clock.advance(6);
    kv.propagated.length = 0;
    kv.send(...words);
    expect([...kv.propagated].sort()).toEqual([
      ["DEL", "a"],
      ["DEL", "b"],
      ["DEL", "c"],
    ]);
  });

  test("go together when a transaction has met them", () => {
    const kv = harness();
    kv.send("DEBUG", "SET-ACTIVE-EXPIRE", 0);
    for (const key of ["a", "b"]) kv.send("SET", key, 1, "PX", 5);
    kv.clock.advance(6);
    kv.propagated.length = 0;
    for (const words of [["MULTI"], ["SCAN", 0], ["EXEC"]]) kv.send(...words);
    expect(kv.propagated.map(([name]) => name)).toEqual(["MULTI", "DEL", "DEL", "EXEC"]);
  });
});

describe("KEYS and RANDOMKEY", () => {
  test("KEYS lists what matches and has not expired", () => {
    const kv = harness();
    kv.send("DEBUG", "SET-ACTIVE-EXPIRE", 0);
    const keys = fill(kv, 40);
    kv.send("SET", "gone", 1, "PX", 5);
    kv.clock.advance(6);
    expect((kv.send("KEYS", "*") as unknown as string[]).sort()).toEqual(keys.sort());
    expect((kv.send("KEYS", "key:3?") as unknown as string[]).length).toBe(10);
    expect(kv.send("KEYS", "gone")).toEqual([]);
    // Listing removes nothing.
    expect(kv.send("DBSIZE")).toBe(41);
  });

  test("RANDOMKEY finds each key sooner or later, and never an expired one", () => {
    const kv = harness();
    kv.send("DEBUG", "SET-ACTIVE-EXPIRE", 0);
    expect(kv.send("RANDOMKEY")).toBe(null);
    for (let i = 0; i < 20; i++) kv.send("SET", `gone:${i}`, 1, "PX", 5);
    for (const key of ["a", "b", "c"]) kv.send("SET", key, 1);
    kv.clock.advance(6);
    const seen = new Set<unknown>();
    for (let i = 0; i < 200; i++) seen.add(kv.send("RANDOMKEY"));
    expect([...seen].sort()).toEqual(["a", "b", "c"]);
    kv.send("DEL", "a", "b", "c");
    expect(kv.send("RANDOMKEY")).toBe(null);
    expect(kv.send("DBSIZE")).toBe(0);
  });
});
