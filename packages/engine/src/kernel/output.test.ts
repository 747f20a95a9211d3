import { type Harness, harness, type TestClient } from "@kv/testing";
import { describe, expect, test } from "vitest";

const MIB = 2 ** 20;

/** A client that reads nothing, and the most memory that its replies took at any time. */
function stuckReader(kv: Harness): { reader: TestClient; peakBytes: () => number } {
  const reader = kv.client();
  reader.isStuck = true;
  let peak = 0;
  const { reply } = kv.engine;
  const ensure = reply.ensure.bind(reply);
  reply.ensure = (extra) => {
    const isRoom = ensure(extra);
    peak = Math.max(peak, reply.heldBytes + reader.pendingBytes);
    return isRoom;
  };
  return { reader, peakBytes: () => peak };
}

function limited(): Harness {
  const kv = harness();
  kv.send("CONFIG", "SET", "client-output-buffer-limit", "normal 4mb 0 0");
  kv.send("SET", "k", "x".repeat(MIB));
  return kv;
}

describe("the output limit acts while a reply is being written", () => {
  test.each([
    { what: "one command's reply", requests: [["MGET", ...Array(500).fill("k")]] },
    {
      what: "the reply of EXEC",
      requests: [["MULTI"], ...Array(500).fill(["GET", "k"]), ["EXEC"]],
    },
  ])("$what", ({ requests }) => {
    const kv = limited();
    const { reader, peakBytes } = stuckReader(kv);
    for (const words of requests) reader.send(...(words as string[]));
    expect(reader.closed).toBe(true);
    expect(kv.engine.stats.outputLimitDisconnections).toBe(1);
    expect(peakBytes()).toBeLessThan(8 * MIB);
    expect(kv.log.filter((line) => line.includes("output buffer limits"))).toHaveLength(1);
    expect(kv.send("PING")).toBe("PONG");
  });

  test("but the command runs to its end, and so does the transaction", () => {
    const kv = limited();
    const { reader } = stuckReader(kv);
    reader.send("MULTI");
    reader.send("SET", "before", "1");
    for (let i = 0; i < 10; i++) reader.send("GET", "k");
    reader.send("GETDEL", "k");
    reader.send("SET", "after", "1");
    kv.propagated.length = 0;
    reader.send("EXEC");
    expect(reader.closed).toBe(true);
    expect(kv.send("MGET", "before", "k", "after")).toEqual(["1", null, "1"]);
    expect(kv.propagated.map((words) => words[0])).toEqual(["MULTI", "SET", "DEL", "SET", "EXEC"]);
  });

  test("a client that reads gets a reply below the limit whole, and no other client pays", () => {
    const kv = limited();
    const reader = kv.client();
    const replies = reader.send("MGET", "k", "k", "k") as string[];
    expect(replies.map((reply) => reply.length)).toEqual([MIB, MIB, MIB]);
    expect(reader.closed).toBe(false);
    reader.send("MGET", ...Array(8).fill("k"));
    expect(reader.closed).toBe(true);
    expect(kv.send("STRLEN", "k")).toBe(MIB);
  });

  test("a reply over the limit is not sent, though the buffer that all share has room for it", () => {
    const kv = harness();
    kv.send("SET", "k", "x".repeat(50_000));
    const reader = kv.client();
    reader.send("MGET", "k", "k");
    kv.send("CONFIG", "SET", "client-output-buffer-limit", "normal 100500 0 0");
    expect(reader.send("MGET", "k", "k")).toHaveLength(2);
    kv.send("CONFIG", "SET", "client-output-buffer-limit", "normal 99500 0 0");
    expect(reader.send("MGET", "k", "k")).toBeUndefined();
    expect(reader.closed).toBe(true);
  });

  test("and what the buffer grew by for it is not kept", () => {
    const kv = harness();
    kv.send("CONFIG", "SET", "client-output-buffer-limit", "normal 200000 0 0");
    kv.send("SET", "k", "x".repeat(50_000));
    const before = kv.engine.memory.usedBytes;
    const reader = kv.client();
    reader.send("MGET", ...Array(5).fill("k"));
    expect(reader.closed).toBe(true);
    expect(kv.engine.memory.usedBytes).toBeLessThanOrEqual(before);
  });

  test.each([
    ["HRANDFIELD", "hash"],
    ["SRANDMEMBER", "set"],
    ["ZRANDMEMBER", "sorted-set"],
  ])("%s of more than may ever be sent ends at once, or is refused where all may", (name, key) => {
    const kv = harness();
    kv.send("HSET", "hash", "f", "v");
    kv.send("SADD", "set", "a");
    kv.send("ZADD", "sorted-set", 1, "a");
    const reader = kv.client();
    expect(reader.send(name, key, -999_999_999)).toBe(kv.error("ERR value is out of range"));
    kv.send("CONFIG", "SET", "client-output-buffer-limit", "normal 1mb 0 0");
    reader.send(name, key, -999_999_999);
    expect(reader.closed).toBe(true);
    const other = kv.client();
    expect(other.send(name, key, -1000)).toHaveLength(1000);
  });

  test("what a client publishes to itself counts as much, and the rest of it is not sent", () => {
    const kv = harness();
    kv.send("CONFIG", "SET", "client-output-buffer-limit", "pubsub 1mb 0 0");
    const own = kv.client();
    own.send("HELLO", 3);
    own.send("SUBSCRIBE", "own");
    own.send("MULTI");
    for (let i = 0; i < 15; i++) own.send("PUBLISH", "own", "m".repeat(100_000));
    own.send("SET", "done", 1);
    own.takeRaw();
    own.sendBytes("EXEC\r\n");
    expect(own.closed).toBe(true);
    expect(own.takeRaw()).not.toContain("message");
    expect(kv.send("GET", "done")).toBe("1");
    expect(kv.send("INFO", "stats")).toMatch(/client_output_buffer_limit_disconnections:1\r\n/);
  });

  test("one message larger than a subscriber may have waiting is never copied for it", () => {
    const kv = harness();
    kv.send("CONFIG", "SET", "client-output-buffer-limit", "pubsub 1mb 0 0");
    const listener = kv.client();
    listener.send("SUBSCRIBE", "a");
    listener.isStuck = true;
    kv.send("PUBLISH", "a", "x".repeat(3 * MIB));
    expect(listener.closed).toBe(true);
    expect(listener.pendingBytes).toBe(0);
  });
});

describe("what is unread", () => {
  test("counts in used memory at once, and no longer when it has left", () => {
    const kv = harness();
    kv.send("SET", "k", "x".repeat(MIB));
    const reader = kv.client();
    const before = kv.engine.memory.usedBytes;
    reader.isStuck = true;
    for (let i = 0; i < 5; i++) reader.send("GET", "k");
    expect(kv.engine.memory.usedBytes - before).toBeGreaterThan(5 * MIB);
    expect(kv.engine.memory.usedBytes - before).toBeLessThan(5.2 * MIB);
    reader.pendingBytes = 0;
    kv.clock.advance(200);
    expect(kv.engine.memory.usedBytes - before).toBeLessThan(0.1 * MIB);
    reader.send("GET", "k");
    reader.destroy();
    expect(kv.engine.memory.usedBytes - before).toBeLessThan(0.1 * MIB);
  });

  test("half a request counts, too", () => {
    const kv = harness();
    const sender = kv.client();
    const before = kv.engine.memory.usedBytes;
    sender.sendBytes(`*2\r\n$4\r\nECHO\r\n$${2 * MIB}\r\n${"x".repeat(MIB)}`);
    expect(kv.engine.memory.usedBytes - before).toBeGreaterThan(MIB);
    sender.destroy();
    expect(kv.engine.memory.usedBytes - before).toBeLessThan(0.1 * MIB);
  });
});
