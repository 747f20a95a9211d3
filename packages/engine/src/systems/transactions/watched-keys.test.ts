import { errors } from "@kv/commands";
import { ArenaFullError } from "@kv/core";
import { type Harness, harness } from "@kv/testing";
import { describe, expect, test } from "vitest";
import { watchedKeysPort } from "./watched-keys.ts";

const MEGABYTE = 2 ** 20;

/** Sends one WATCH of `count` keys that begin with `prefix`. */
function watchMany(kv: Harness, prefix: string, count: number): unknown {
  return kv.send("WATCH", ...Array.from({ length: count }, (_, index) => `${prefix}${index}`));
}

function usedBytes({ engine }: Harness): number {
  return engine.keyspace.arena.usedBytes;
}

/** Until what a command left for later is freed. */
function settle({ engine }: Harness): void {
  while (engine.keyspace.lazyFree.pendingCount > 0) engine.turn();
}

describe("watched keys", () => {
  test("are in used memory with every byte, and gone with the client", () => {
    const kv = harness();
    const other = kv.client();
    const before = usedBytes(kv);
    for (let index = 0; index < 4; index++) other.send("WATCH", `${index}${"x".repeat(MEGABYTE)}`);
    const grown = usedBytes(kv) - before;
    expect(grown).toBeGreaterThan(4 * MEGABYTE);
    expect(grown).toBeLessThan(4.4 * MEGABYTE);
    other.destroy();
    expect(usedBytes(kv)).toBe(before);
  });

  test("cost their client what they take, however short they are", () => {
    const kv = harness();
    const before = usedBytes(kv);
    watchMany(kv, "key:", 50_000);
    const grown = usedBytes(kv) - before;
    const own = kv.engine.of(watchedKeysPort).bytesOf(kv.self.client as never);
    expect(own / grown).toBeGreaterThan(0.9);
    expect(own / grown).toBeLessThan(1.1);
    expect(grown / 50_000).toBeLessThan(130);
  });

  test.each([
    { why: "UNWATCH", end: [["UNWATCH"]] },
    { why: "EXEC", end: [["MULTI"], ["EXEC"]] },
    { why: "RESET", end: [["RESET"]] },
  ])("of any number are forgotten by $why, and their memory with them", ({ end }) => {
    const kv = harness();
    const before = usedBytes(kv);
    const other = kv.client();
    for (const alone of [true, false]) {
      if (!alone) other.send("WATCH", "key:7");
      const others = usedBytes(kv);
      watchMany(kv, "key:", 20_000);
      for (const words of end) kv.send(...words);
      settle(kv);
      kv.engine.of(watchedKeysPort).check();
      // A table with one key left may be larger than one that never had more.
      expect(usedBytes(kv) - others).toBeLessThan(1000);
    }
    other.destroy();
    expect(usedBytes(kv)).toBe(before);
    expect(kv.engine.of(watchedKeysPort).count).toBe(0);
  });

  test("one of many that changes is enough, and it is the others' watch no more than it was", () => {
    const kv = harness();
    const other = kv.client();
    watchMany(kv, "key:", 1000);
    other.send("WATCH", "key:1");
    other.send("SET", "key:999", "x");
    for (const client of [kv.self, other]) client.send("MULTI");
    expect(kv.send("EXEC")).toBe(null);
    expect(other.send("EXEC")).toEqual([]);
  });

  test("are any bytes, of any length, each in its own database", () => {
    const kv = harness();
    const names = ["", "\0\xff\r\n", "__proto__", "x".repeat(100_000)];
    const other = kv.client();
    for (const name of names) {
      kv.send("SELECT", 3);
      kv.send("WATCH", name);
      other.send("SET", name, 1);
      kv.send("MULTI");
      expect(kv.send("EXEC")).toEqual([]);
      kv.send("WATCH", name);
      other.send("SELECT", 3);
      other.send("SET", name, 1);
      other.send("SELECT", 0);
      kv.send("MULTI");
      expect(kv.send("EXEC")).toBe(null);
    }
  });

  test("are watched all or not at all when there is no room for them", () => {
    const kv = harness();
    kv.send("WATCH", "old");
    const { arena } = kv.engine.keyspace;
    const alloc = arena.alloc.bind(arena);
    let left = 20;
    arena.alloc = (bytes) => {
      if (left-- === 0) throw new ArenaFullError("refused by the test");
      return alloc(bytes);
    };
    expect(watchMany(kv, "key:", 100)).toBe(
      kv.error("OOM command not allowed when used memory > 'maxmemory'."),
    );
    expect(left).toBeLessThan(0);
    expect(kv.engine.of(watchedKeysPort).count).toBe(1);
    kv.client().send("SET", "key:0", 1);
    kv.send("MULTI");
    expect(kv.send("EXEC")).toEqual([]);
    kv.send("WATCH", "old");
    kv.client().send("SET", "old", 1);
    kv.send("MULTI");
    expect(kv.send("EXEC")).toBe(null);
  });

  test("that had expired when two clients began to watch them excuse each of the two once", () => {
    const kv = harness();
    const other = kv.client();
    kv.send("DEBUG", "SET-ACTIVE-EXPIRE", 0);
    kv.send("SET", "k", 1, "PX", 5);
    kv.host.advance(10);
    kv.send("WATCH", "k");
    other.send("WATCH", "k");
    expect(kv.client().send("GET", "k")).toBe(null);
    kv.send("MULTI");
    expect(kv.send("EXEC")).toEqual([]);
    kv.client().send("SET", "k", 2);
    other.send("MULTI");
    expect(other.send("EXEC")).toBe(null);
  });

  test("of another database do not matter when one is flushed or swapped", () => {
    const kv = harness();
    kv.send("SET", "k", 1);
    kv.send("SELECT", 5);
    kv.send("SET", "k", 1);
    kv.send("WATCH", "k");
    const other = kv.client();
    other.send("FLUSHDB");
    other.send("SWAPDB", 0, 1);
    kv.send("MULTI");
    expect(kv.send("EXEC")).toEqual([]);
    kv.send("WATCH", "k", "none");
    other.send("SWAPDB", 5, 6);
    kv.send("MULTI");
    expect(kv.send("EXEC")).toBe(null);
    expect(kv.send("SELECT", 99)).toBe(errors.dbIndexOutOfRange);
  });
});
