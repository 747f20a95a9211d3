/** What an attacker, or a bad day, once got out of the server: each of these has worked. */
import { runInNewContext } from "node:vm";
import { ArenaFullError, InvariantError } from "@kv/core";
import { savingPort } from "@kv/engine";
import { encodeRequest } from "@kv/resp";
import { describe, expect, test } from "vitest";
import { type Harness, harness, type TestClient } from "./harness.ts";
import { pipeline } from "./pipeline.ts";
import { contentsOf } from "./simulation.ts";

function repliesOf(client: TestClient): unknown[] {
  const replies: unknown[] = [];
  for (let next = client.receive(); next !== undefined; next = client.receive()) replies.push(next);
  return replies;
}

describe("the clock and the pause", () => {
  test("a transaction that begins a pause still overwrites an expired key", () => {
    const kv = harness();
    kv.send("DEBUG", "SET-ACTIVE-EXPIRE", 0);
    kv.send("SET", "k", "old", "PX", 10);
    kv.clock.advance(20);
    kv.send("MULTI");
    kv.send("CLIENT", "PAUSE", 1000, "WRITE");
    kv.send("SET", "k", "new");
    kv.send("EXEC");
    expect(kv.send("GET", "k")).toBe("new");
    expect(kv.send("DBSIZE")).toBe(1);
    kv.check();
  });

  test("a held client that sends more than it may is closed, and nobody else hears of it", () => {
    const kv = harness({ config: { "client-query-buffer-limit": "1mb" } });
    const held = kv.client();
    const other = kv.client();
    kv.send("CLIENT", "PAUSE", 1000, "WRITE");
    held.sendBytes(pipeline([["SET", "k", "v"]]));
    held.sendBytes(new Uint8Array(1_200_000));
    expect(held.closed).toBe(true);
    expect(other.send("PING")).toBe("PONG");
    expect(other.takeRaw()).toBe("+PONG\r\n");
  });

  test("a broken request behind a held one is answered after it", () => {
    const kv = harness();
    const held = kv.client();
    kv.send("CLIENT", "PAUSE", 50, "WRITE");
    held.sendBytes(pipeline([["SET", "k", "v"]]));
    held.sendBytes("*1\r\n!bad\r\n");
    held.sendBytes("PING\r\n");
    expect(kv.send("PING")).toBe("PONG");
    kv.clock.advance(100);
    expect(held.takeRaw()).toBe("+OK\r\n-ERR Protocol error: expected '$', got '!'\r\n");
    expect(held.closed).toBe(true);
  });
});

describe("watched keys", () => {
  test("a hundred thousand of them cost no more than their number", () => {
    const kv = harness();
    const words = Array.from({ length: 100_000 }, (_, index) => `k${index}`);
    const startMs = performance.now();
    kv.self.sendBytes(encodeRequest(["WATCH", ...words.slice(0, 50_000)]));
    kv.self.sendBytes(encodeRequest(["WATCH", ...words]));
    kv.client().send("FLUSHALL");
    expect(performance.now() - startMs).toBeLessThan(10_000);
  });

  test("a missing key that comes with SWAPDB is a changed one", () => {
    const kv = harness();
    const other = kv.client();
    kv.send("WATCH", "k");
    other.send("SELECT", 1);
    other.send("SET", "k", "v");
    other.send("SWAPDB", 0, 1);
    kv.send("MULTI");
    kv.send("GET", "k");
    expect(kv.send("EXEC")).toBe(null);
  });

  test("a key that is missing on both sides of SWAPDB, or expired, is not", () => {
    const kv = harness();
    const other = kv.client();
    kv.send("DEBUG", "SET-ACTIVE-EXPIRE", 0);
    other.send("SELECT", 1);
    other.send("SET", "k", "v", "PX", 5);
    kv.clock.advance(20);
    kv.send("WATCH", "k", "l");
    other.send("SWAPDB", 0, 1);
    kv.send("MULTI");
    kv.send("PING");
    expect(kv.send("EXEC")).toEqual(["PONG"]);
  });
});

describe("keys made to collide", () => {
  /** Key number `index` of 4096 that have one hash under every plain seed. */
  function collidingKey(index: number): Uint8Array {
    const key = new Uint8Array(192);
    const view = new DataView(key.buffer);
    for (let block = 0; block < 12; block++) {
      if (((index >>> block) & 1) === 0) continue;
      view.setInt32(block * 16 + 4, 1 << 31, true);
      view.setInt32(block * 16 + 8, 1 << 31, true);
      view.setInt32(block * 16 + 12, 1 << 10, true);
    }
    return key;
  }

  test("come in a pipeline over many other keys: each is found, before the new seed and after", () => {
    const kv = harness();
    const others = Array.from({ length: 17_000 }, (_, index) => [`k${index}`, `v${index}`]);
    kv.send("MSET", ...others.flat());
    const numbers = Array.from({ length: 2000 }, (_, index) => index);
    kv.self.sendBytes(
      pipeline(
        numbers.flatMap((index) => [
          ["SET", collidingKey(index), `c${index}`],
          ["GET", `k${index}`],
          ["GET", collidingKey(index)],
        ]),
      ),
    );
    expect(repliesOf(kv.self)).toEqual(
      numbers.flatMap((index) => ["OK", `v${index}`, `c${index}`]),
    );
    expect(kv.engine.keyspace.databases[0]?.dict.generation).toBe(1);
    kv.check();
  });

  test("as fields of a hash cost little more than others", () => {
    const kv = harness();
    const startMs = performance.now();
    for (let index = 0; index < 4096; index++) kv.send("HSET", "h", collidingKey(index), index);
    expect(performance.now() - startMs).toBeLessThan(10_000);
    expect(kv.send("HLEN", "h")).toBe(4096);
    kv.check();
  });
});

describe("memory", () => {
  test("an empty database flushed under a snapshot gives its table back", async () => {
    const kv = harness();
    kv.send("FLUSHALL");
    const before = kv.engine.keyspace.arena.usedBytes;
    kv.engine.of(savingPort).beginBackground();
    kv.send("FLUSHALL");
    for (let round = 0; round < 100; round++) {
      kv.engine.turn();
      await Promise.resolve();
    }
    expect(kv.engine.of(savingPort).isRunning).toBe(false);
    expect(kv.engine.keyspace.arena.usedBytes).toBe(before);
  });

  test("a pipeline of large replies leaves piece by piece", () => {
    const kv = harness();
    kv.send("SET", "k", "x".repeat(2 ** 20));
    const sizes: number[] = [];
    const reader = kv.client();
    const take = reader.send.bind(reader) as (
      bytes: Uint8Array,
      from: number,
      to: number,
    ) => boolean;
    reader.send = ((bytes: Uint8Array, from: number, to: number) => {
      sizes.push(to - from);
      return take(bytes, from, to);
    }) as typeof reader.send;
    reader.give = (bytes) => {
      sizes.push(bytes.length);
      take(bytes, 0, bytes.length);
    };
    reader.sendBytes(pipeline(Array.from({ length: 40 }, () => ["GET", "k"])));
    expect(sizes.length).toBeGreaterThan(10);
    expect(Math.max(...sizes)).toBeLessThan(2 ** 22);
  });

  test("who does not read stops being served at the limit, and is not waited for", () => {
    const kv = harness();
    kv.send("CONFIG", "SET", "client-output-buffer-limit", "normal 5000000 0 0");
    kv.send("SET", "k", "x".repeat(2 ** 20));
    const reader = kv.client();
    reader.isStuck = true;
    let ended = false;
    reader.end = () => {
      ended = true;
    };
    reader.sendBytes(pipeline(Array.from({ length: 100 }, () => ["GET", "k"])));
    expect(reader.closed).toBe(true);
    expect(ended).toBe(false);
    expect(reader.pendingBytes).toBeLessThan(8_000_000);
  });
});

describe("arguments of any length", () => {
  test("are never made into text by who only watches", () => {
    const kv = harness({ config: { "slowlog-log-slower-than": 0 } as never });
    const watcher = kv.client();
    watcher.send("MONITOR");
    const made: number[] = [];
    const { call } = kv.engine;
    const text = call.text.bind(call);
    call.text = (index) => {
      made.push(call.length(index));
      return text(index);
    };
    const value = "x".repeat(2 ** 20);
    kv.send("SET", "k", `${value}\n\xff`);
    kv.send("MSET", ...Array.from({ length: 2000 }, (_, index) => `${index}`));
    expect(Math.max(...made)).toBeLessThan(100);
    expect(made.length).toBeLessThan(100);
    expect(watcher.takeRaw().includes(`"SET" "k" "${value}\\n\\xff"\r\n`)).toBe(true);
  });

  test("name channels, watched keys and tracked keys without being made into text", () => {
    const kv = harness({ resp: 3 });
    const { call } = kv.engine;
    const made: unknown[] = [];
    call.text = (index) => {
      made.push(index);
      return "";
    };
    call.word = call.text;
    const name = "n".repeat(2 ** 20);
    kv.send("CLIENT", "TRACKING", "ON");
    for (const words of [
      ["SUBSCRIBE", name],
      ["PSUBSCRIBE", name],
      ["SSUBSCRIBE", name],
      ["WATCH", name],
      ["GET", name],
      ["SET", name, "v"],
      ["PUBLISH", name, "m"],
      ["SPUBLISH", name, "m"],
      ["PUBSUB", "NUMSUB", name],
      ["PUBSUB", "CHANNELS", name],
      ["CLIENT", "TRACKINGINFO"],
      ["COMMAND", "GETKEYS", "GET", name],
      ["MULTI"],
      ["EXEC"],
      ["UNSUBSCRIBE", name],
      ["PUNSUBSCRIBE"],
    ]) {
      if (words[1] === "GETKEYS") call.word = Object.getPrototypeOf(call).word;
      kv.send(...words);
      expect(made, words[0]).toEqual([]);
    }
    expect(kv.self.pushed()).toContainEqual(["invalidate", [name]]);
  });

  test("are refused where only text will do and none can hold them", () => {
    const kv = harness();
    kv.engine.call.length = () => 2 ** 29;
    expect(kv.send("CONFIG", "SET", "requirepass", "p")).toMatchObject({
      reply: "ERR name is too long",
    });
    expect(kv.send("CONFIG", "GET", "c")).toEqual([]);
  });
});

describe("an arena that is full", () => {
  const long = "v".repeat(2000);
  const states: Record<string, readonly (readonly string[])[]> = {
    nothing: [],
    "a short string": [["SET", "k", "s"]],
    "an integer": [["SET", "k", "12345"]],
    "a long string": [["SET", "k", long]],
    "strings with expiries": [
      ["SET", "k", long, "PX", "100000"],
      ["SET", "l", "s", "PX", "100000"],
      ["SET", "m", "7", "PX", "100000"],
    ],
    "a small hash": [["HSET", "k", "f", "1", "g", "2"]],
    "a large hash": [
      ["HSET", "k", "f", "1", "g", long],
      ["SET", "l", long, "PX", "77777"],
    ],
  };
  /** One key at most, so that there is nothing between all and nothing. */
  const commands: readonly (readonly string[])[] = [
    ["SET", "k", "s"],
    ["SET", "k", "7"],
    ["SET", "k", long],
    ["SET", "k", long, "KEEPTTL"],
    ["SET", "k", "7", "KEEPTTL"],
    ["GETSET", "k", long],
    ["SETNX", "n", long],
    ["APPEND", "k", "x".repeat(900)],
    ["SETRANGE", "k", "1500", "q"],
    ["INCR", "k"],
    ["INCRBYFLOAT", "k", "1.5"],
    ["GETEX", "k", "PX", "777"],
    ["GETEX", "k", "PERSIST"],
    ["HSET", "k", "f", long],
    ["HSET", "k", "z", "1"],
    ["HINCRBY", "k", "f", "1"],
    ["HDEL", "k", "f"],
    ["EXPIRE", "k", "100"],
    ["PERSIST", "k"],
    ["RENAME", "k", "l"],
    ["RENAME", "k", "g".repeat(600)],
    ["RENAMENX", "k", "other"],
    ["COPY", "k", "l", "REPLACE"],
    ["COPY", "k", "c", "DB", "3"],
    ["MOVE", "k", "5"],
    ["DEL", "k", "l"],
    ["UNLINK", "k"],
    ["FLUSHDB"],
    ["SWAPDB", "0", "1"],
  ];

  /** Runs the command with allocation number `failing` and all after it refused. */
  function runWithoutRoom(kv: Harness, words: readonly string[], failing: number) {
    const { arena } = kv.engine.keyspace;
    const alloc = arena.alloc.bind(arena);
    let count = 0;
    arena.alloc = (bytes) => {
      if (++count >= failing) throw new ArenaFullError("full");
      return alloc(bytes);
    };
    const reply = kv.send(...words);
    arena.alloc = alloc;
    return { reply, isComplete: count < failing };
  }

  test.each(Object.keys(states))("refuses a command as a whole, over %s", (state) => {
    const kv = harness();
    const { arena } = kv.engine.keyspace;
    kv.send("FLUSHALL");
    const empty = arena.usedBytes;
    for (const words of commands) {
      for (let failing = 1, isComplete = false; !isComplete; failing++) {
        for (const each of states[state] ?? []) kv.send(...each);
        const before = contentsOf(kv.engine.keyspace);
        kv.propagated.length = 0;
        const outcome = runWithoutRoom(kv, words, failing);
        isComplete = outcome.isComplete;
        kv.check();
        const context = `${words.join(" ").slice(0, 40)}, allocation ${failing}`;
        if (`${(outcome.reply as { reply?: string } | null)?.reply}`.startsWith("OOM")) {
          expect(contentsOf(kv.engine.keyspace), context).toEqual(before);
          expect(kv.propagated, context).toEqual([]);
        }
        kv.send("FLUSHALL");
        while (kv.engine.turn());
        expect(arena.usedBytes, context).toBe(empty);
      }
    }
  });
});

test("a command that fails by a fault of ours ends the server, with no half transaction kept", () => {
  const kv = harness();
  const incr = kv.engine.commands.find(new TextEncoder().encode("incr"), 0, 4);
  kv.send("MULTI");
  kv.send("SET", "a", "1");
  kv.send("INCR", "a");
  (incr as { run: unknown }).run = () => {
    throw new TypeError("a fault");
  };
  expect(() => kv.send("EXEC")).toThrow("a fault");
  expect(kv.propagated).toEqual([]);
});

describe("an exception of one command", () => {
  /** Has the command throw, whatever it is given. */
  function breaking(kv: Harness, name: string, error: Error): void {
    const row = kv.engine.commands.byName.get(name);
    (row as { run: unknown }).run = () => {
      kv.engine.reply.array(3);
      throw error;
    };
  }
  const tooLarge = "ERR the request or its reply is larger than this server can hold";

  test.each([
    { what: "a string that is too long", error: new RangeError("Invalid string length") },
    { what: "a table that is full", error: new RangeError("Map maximum size exceeded") },
    { what: "memory that is not there", error: new RangeError("Array buffer allocation failed") },
    // As in Jest, whose contexts have errors of their own, and the typed arrays of the runtime.
    { what: "memory of another realm", error: runInNewContext("new RangeError('allocation')") },
  ])("costs that command: $what", ({ error }) => {
    const kv = harness();
    breaking(kv, "append", error);
    expect(kv.send("APPEND", "k", "v")).toBe(kv.error(tooLarge));
    kv.send("MULTI");
    kv.send("SET", "a", "1");
    kv.send("APPEND", "k", "v");
    kv.send("SET", "b", "1");
    expect(kv.send("EXEC")).toEqual(["OK", kv.error(tooLarge), "OK"]);
    expect(kv.send("DBSIZE")).toBe(2);
    expect(kv.log.some((line) => line.startsWith("Command 'append' failed"))).toBe(true);
    expect(kv.send("INFO", "commandstats")).toContain("cmdstat_append:calls=2");
  });

  test("costs that command where nothing was to change, whatever it is", () => {
    const kv = harness();
    breaking(kv, "get", new TypeError("a fault"));
    expect(kv.send("GET", "k")).toBe(kv.error("ERR internal error: see the server's log"));
    expect(kv.send("SET", "k", "v")).toBe("OK");
  });

  test("costs that client where it comes from reading what it sent", () => {
    const kv = harness();
    const other = kv.client();
    const { reader } = other.client as NonNullable<typeof other.client>;
    reader.read = () => {
      throw new RangeError("Invalid typed array length");
    };
    other.sendBytes("*1\r\n$4\r\nPING\r\n");
    expect(other.closed).toBe(true);
    expect(kv.send("PING")).toBe("PONG");
  });

  test("ends the server where a promise of the data's is broken", () => {
    const kv = harness();
    breaking(kv, "get", new InvariantError("broken"));
    expect(() => kv.send("GET", "k")).toThrow("broken");
  });
});

describe("files of a newer version", () => {
  test("are of that version throughout, in what large values begin with, too", () => {
    const kv = harness();
    // Fields that expire are written by version 12 only; before it, consumers lack a time.
    kv.send("HSETEX", "life", "PX", 100_000, "FIELDS", 1, "f", "v");
    kv.send("XGROUP", "CREATE", "stream", "g", 0, "MKSTREAM");
    for (let index = 1; index <= 3000; index++) kv.send("XADD", "stream", `${index}-1`, "f", "v");
    for (const consumer of ["one", "two", "three"]) {
      kv.clock.advance(1000);
      kv.send("XREADGROUP", "GROUP", "g", consumer, "COUNT", 900, "STREAMS", "stream", ">");
    }
    kv.clock.advance(5000);
    kv.send("XREADGROUP", "GROUP", "g", "two", "STREAMS", "other", "stream", "0", "0");
    const consumers = kv.send("XINFO", "CONSUMERS", "stream", "g");
    const contents = contentsOf(kv.engine.keyspace);
    expect(kv.send("DEBUG", "RELOAD")).toBe("OK");
    expect(contentsOf(kv.engine.keyspace)).toEqual(contents);
    expect(kv.send("XINFO", "CONSUMERS", "stream", "g")).toEqual(consumers);
    kv.check();
  });
});
