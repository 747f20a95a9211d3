import { ArenaFullError } from "@kv/core";
import { harness } from "@kv/testing";
import { describe, expect, test } from "vitest";
import { memoryPort } from "../systems/memory/memory-system.ts";

/** A value of CLIENT LIST's line for a client. */
function field(line: unknown, name: string): number {
  return Number(new RegExp(` ${name}=(-?\\d+)`).exec(line as string)?.[1]);
}

describe("the queue of MULTI", () => {
  test("lies in the arena, is counted to the byte, and is given back", () => {
    const kv = harness();
    const { arena } = kv.engine.keyspace;
    const before = arena.usedBytes;
    for (const end of ["EXEC", "DISCARD", "RESET"]) {
      kv.send("MULTI");
      for (let i = 0; i < 10_000; i++) kv.self.sendBytes("*1\r\n$4\r\nPING\r\n");
      kv.self.pushed();
      const held = arena.usedBytes - before;
      expect(held).toBeGreaterThan(10_000 * 30);
      expect(held).toBeLessThan(10_000 * 80);
      const { engine } = kv;
      const transaction = kv.self.client?.transaction;
      expect(transaction?.queue.heldBytes).toBe(held);
      const other = kv.client();
      const line = (other.send("CLIENT", "LIST") as string).split("\n")[0];
      expect(field(line, "multi")).toBe(10_000);
      expect(field(line, "multi-mem")).toBe(held);
      expect(field(line, "tot-mem")).toBeGreaterThan(held);
      other.destroy();
      expect(engine.memory.usedBytes).toBeGreaterThan(held);
      kv.send(end);
      kv.self.pushed();
      expect(arena.usedBytes).toBe(before);
    }
    const other = kv.client();
    other.send("MULTI");
    other.send("SET", "k", "x".repeat(100_000));
    other.destroy();
    expect(arena.usedBytes).toBe(before);
    arena.check();
  });

  test("runs requests of every size and form, in order", () => {
    const kv = harness();
    kv.send("MULTI");
    const sizes = [0, 1, 2, 3, 5, 100, 255, 256, 257, 4096, 70_000, 3, 2_000_000, 1];
    for (const [index, size] of sizes.entries()) {
      kv.send("SET", `k${index}`, String.fromCharCode(97 + index).repeat(size));
      kv.self.sendBytes(`append k${index} "\\x00!"\r\n`);
      kv.self.pushed();
    }
    const replies = kv.send("EXEC") as unknown[];
    expect(replies).toEqual(sizes.flatMap((size) => ["OK", size + 2]));
    for (const [index, size] of sizes.entries()) {
      const value = `${String.fromCharCode(97 + index).repeat(size)}\0!`;
      expect(kv.send("GET", `k${index}`) === value).toBe(true);
    }
    expect(kv.propagated.at(0)).toEqual(["MULTI"]);
    expect(kv.propagated.at(-2)).toEqual(["append", `k${sizes.length - 1}`, "\0!"]);
    kv.check();
  });

  test("what a transaction allocates and frees does not touch what is still queued", () => {
    const kv = harness();
    kv.send("MULTI");
    for (let i = 0; i < 300; i++) {
      if (i % 7 === 0) kv.send("FLUSHALL");
      kv.send("SET", `k${i}`, "v".repeat(i * 40));
      kv.send("RENAME", `k${i}`, "last");
    }
    const replies = kv.send("EXEC") as unknown[];
    expect(replies.every((reply) => reply === "OK")).toBe(true);
    expect(kv.send("GET", "last")).toBe("v".repeat(299 * 40));
    kv.check();
    kv.engine.keyspace.arena.check();
  });

  test("maxmemory sees it: the transaction is refused before memory runs out", () => {
    const kv = harness();
    const limit = kv.engine.memory.usedBytes + 2_000_000;
    kv.send("CONFIG", "SET", "maxmemory", limit);
    kv.send("MULTI");
    let reply: unknown = "QUEUED";
    let count = 0;
    for (; reply === "QUEUED" && count < 5000; count++)
      reply = kv.send("APPEND", "k", "x".repeat(1000));
    expect(reply).toBe(kv.error("OOM command not allowed when used memory > 'maxmemory'."));
    expect(count).toBeLessThan(2000);
    expect(kv.engine.memory.usedBytes).toBeLessThan(limit + 1_000_000);
    expect(kv.send("EXEC")).toBe(
      kv.error(
        "EXECABORT Transaction discarded because of: OOM command not allowed when used memory > 'maxmemory'.",
      ),
    );
    expect(kv.send("SET", "a", "b")).toBe("OK");
  });

  test("an arena that is full refuses the request and spoils the transaction", () => {
    const kv = harness();
    const { arena } = kv.engine.keyspace;
    kv.send("MULTI");
    const { alloc } = arena;
    arena.alloc = () => {
      throw new ArenaFullError("full");
    };
    const reply = kv.send("SET", "k", "v");
    arena.alloc = alloc;
    expect(reply).toBe(kv.error("OOM command not allowed when used memory > 'maxmemory'."));
    expect(kv.send("EXEC")).toBe(
      kv.error("EXECABORT Transaction discarded because of previous errors."),
    );
  });

  test("maxmemory-clients evicts who queues too much", () => {
    const kv = harness({ config: { "maxmemory-clients": "1mb" } });
    const other = kv.client();
    other.send("MULTI");
    for (let i = 0; i < 100 && !other.closed; i++)
      other.sendBytes("*1\r\n$4\r\nPING\r\n".repeat(500));
    expect(other.closed).toBe(true);
    expect(kv.engine.of(memoryPort).clientEviction.evictedCount).toBe(1);
    expect(kv.send("PING")).toBe("PONG");
  });
});
