/** WAITAOF: until what a client wrote is on disk, here and at replicas. */

import { EngineState } from "@kv/engine";
import { latin1 } from "@kv/resp";
import { fleet, follower, type Harness, harness, infoField, streamText } from "@kv/testing";
import { describe, expect, test } from "vitest";

const logging = async (appendfsync = "everysec"): Promise<Harness> => {
  const kv = harness({ config: { appendonly: "yes", appendfsync, "repl-diskless-sync-delay": 0 } });
  await kv.engine.load();
  return kv;
};

/** So much time passes, and the disk does what it was given meanwhile. */
async function later(kv: Harness, durationMs: number): Promise<void> {
  for (let leftMs = durationMs; leftMs > 0; leftMs -= 100) {
    kv.clock.advance(Math.min(leftMs, 100));
    await kv.until(() => kv.engine.isSettled);
  }
}

describe("WAITAOF, the disk of this server", () => {
  test("with everysec it is there with the next sync", async () => {
    const kv = await logging();
    const writer = kv.client();
    expect(writer.send("WAITAOF", 1, 0, 0)).toEqual([1, 0]); // It has written nothing.
    writer.send("SET", "k", "v");
    expect(writer.send("WAITAOF", 0, 0, 0)).toEqual([0, 0]);
    expect(writer.send("WAITAOF", 1, 0, 0)).toBeUndefined();
    expect(kv.client().send("WAITAOF", 1, 0, 0)).toEqual([1, 0]);
    await later(kv, 1200);
    expect(writer.receive()).toEqual([1, 0]);
    expect(writer.send("WAITAOF", 1, 0, 0)).toEqual([1, 0]);
  });

  test("with everysec what follows a second of rest is synced at once", async () => {
    const kv = await logging();
    const writer = kv.client();
    writer.send("SET", "k", "v");
    expect(writer.send("WAITAOF", 1, 0, 0)).toBeUndefined();
    await kv.until(() => kv.engine.isSettled);
    expect(writer.receive()).toEqual([1, 0]);
    writer.send("SET", "k", "w");
    expect(writer.send("WAITAOF", 1, 0, 0)).toBeUndefined();
    await later(kv, 800);
    expect(writer.receive()).toBeUndefined();
    await later(kv, 300);
    expect(writer.receive()).toEqual([1, 0]);
  });

  test("with always before the reply, with no never", async () => {
    const kv = await logging("always");
    kv.send("SET", "k", "v");
    expect(kv.send("WAITAOF", 1, 0, 0)).toEqual([1, 0]);
    kv.self.sendBytes("SET k w\r\nWAITAOF 1 0 0\r\n");
    kv.clock.advance(1);
    expect(kv.self.pushed()).toEqual(["OK", [1, 0]]);
    kv.send("CONFIG", "SET", "appendfsync", "no");
    kv.send("SET", "k", "x");
    expect(kv.send("WAITAOF", 1, 0, 5000)).toBeUndefined();
    await later(kv, 5100);
    expect(kv.self.receive()).toEqual([0, 0]);
  });

  test("a sync that failed counts for nothing until the file has been replaced", async () => {
    const kv = await logging();
    const writer = kv.client();
    writer.send("SET", "k", "v");
    expect(writer.send("WAITAOF", 1, 0, 0)).toBeUndefined();
    kv.host.disk.failsFrom = { at: 1, code: "EIO", message: "Input/output error" };
    await later(kv, 1200);
    kv.host.disk.failsFrom = undefined;
    let sawRewrite = false;
    let reply: unknown;
    for (let turn = 0; reply === undefined && turn < 2000; turn++) {
      kv.clock.advance(5);
      await Promise.resolve();
      const isRewriting = infoField(kv, "aof_rewrite_in_progress") === "1";
      reply = writer.receive();
      if (isRewriting) expect(reply).toBe(undefined);
      sawRewrite ||= isRewriting;
    }
    expect(sawRewrite).toBe(true);
    expect(reply).toEqual([1, 0]);
  });

  test("it counts on over rewrites, and when logging is turned off and on", async () => {
    const kv = await logging();
    for (let round = 0; round < 3; round++) {
      kv.send("SET", "k", round);
      kv.send("BGREWRITEAOF");
      await later(kv, 1200);
      expect(kv.send("WAITAOF", 1, 0, 0)).toEqual([1, 0]);
      kv.send("SET", "k", "v");
      expect(kv.send("WAITAOF", 1, 0, 10)).toBeUndefined();
      await later(kv, 20);
      expect(kv.self.receive()).toEqual([0, 0]);
      kv.send("CONFIG", "SET", "appendonly", "no");
      kv.send("SET", "k", "w");
      kv.send("CONFIG", "SET", "appendonly", "yes");
      expect(kv.send("WAITAOF", 1, 0, 0)).toBeUndefined();
      await later(kv, 1200);
      expect(kv.self.receive()).toEqual([1, 0]);
    }
  });

  test("needs a log, also while somebody waits", async () => {
    const kv = await logging("no");
    const refused = kv.error(
      "ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.",
    );
    const writer = kv.client();
    writer.send("SET", "k", "v");
    expect(writer.send("WAITAOF", 1, 0, 0)).toBeUndefined();
    kv.send("CONFIG", "SET", "appendonly", "no");
    kv.clock.advance(100);
    expect(writer.receive()).toBe(refused);
    expect(writer.send("WAITAOF", 1, 0, 0)).toBe(refused);
    expect(writer.send("WAITAOF", 0, 0, 0)).toEqual([0, 0]);
  });
});

describe("WAITAOF, the disks of replicas", () => {
  test("those count that have said so, and are asked", async () => {
    const kv = await logging();
    const replicas = [follower(kv).client, follower(kv).client] as const;
    const writer = kv.client();
    writer.send("SET", "k", "v");
    const offset = Number(infoField(kv, "master_repl_offset"));
    expect(writer.send("WAITAOF", 0, 2, 0)).toBeUndefined();
    expect(replicas[0].takeRaw()).toContain(streamText("REPLCONF GETACK *"));
    replicas[0].send("REPLCONF", "ACK", offset, "FACK", offset);
    replicas[1].send("REPLCONF", "ACK", offset);
    expect(kv.send("WAITAOF", 0, 1, 0)).toEqual([1, 2]); // Who wrote nothing waits for nothing.
    replicas[1].send("REPLCONF", "ACK", offset, "FACK", offset - 1);
    expect(writer.receive()).toBe(undefined);
    replicas[1].send("REPLCONF", "ACK", offset, "FACK", offset);
    expect(writer.receive()).toEqual([0, 2]);
    expect(writer.send("WAIT", 2, 0)).toBe(2);
  });

  test("both are waited for; CLIENT UNBLOCK and time end it", async () => {
    const kv = await logging();
    const replica = follower(kv).client;
    const writer = kv.client();
    writer.send("SET", "k", "v");
    const offset = Number(infoField(kv, "master_repl_offset"));
    expect(writer.send("WAITAOF", 1, 1, 5000)).toBeUndefined();
    expect(infoField(kv, "clients_in_timeout_table")).toBe("1");
    await later(kv, 1500);
    expect(writer.receive()).toBe(undefined);
    replica.send("REPLCONF", "ACK", offset, "FACK", offset);
    expect(writer.receive()).toEqual([1, 1]);
    writer.send("SET", "k", "w");
    writer.send("WAITAOF", 1, 1, 0);
    expect(kv.send("CLIENT", "UNBLOCK", writer.client?.id ?? 0)).toBe(1);
    expect(writer.receive()).toEqual([0, 0]);
    writer.send("WAITAOF", 0, 1, 700);
    kv.clock.advance(699);
    expect(writer.receive()).toBe(undefined);
    kv.clock.advance(1);
    expect(writer.receive()).toEqual([0, 0]);
  });
});

describe("WAITAOF among servers", () => {
  test("a replica that logs says how much of it is on disk; one that does not is none", async () => {
    const { network, nodes } = fleet(3, { appendonly: "yes" });
    const [primary, second, third] = nodes;
    for (const kv of nodes) await kv.engine.load();
    third.send("CONFIG", "SET", "appendonly", "no");
    for (const replica of [second, third]) replica.send("REPLICAOF", "n1", 6379);
    await network.advance(3000);
    expect(infoField(primary, "connected_slaves")).toBe("2");
    const writer = primary.client();
    for (let round = 0; round < 3; round++) {
      writer.send("SET", "k", round);
      expect(writer.send("WAITAOF", 1, 1, 0)).toBeUndefined();
      await network.advance(4000);
      expect(writer.receive()).toEqual([1, 1]);
      expect(second.send("GET", "k")).toBe(`${round}`);
      const text = [1, 2, 3, 4].map((sequence) => {
        const name = `appendonlydir/appendonly.aof.${sequence}.incr.aof`;
        return latin1(second.host.disk.contents(name) ?? new Uint8Array(0));
      });
      expect(text.join("")).toContain(streamText(`SET k ${round}`));
    }
    expect(writer.send("WAITAOF", 0, 2, 500)).toBeUndefined();
    await network.advance(600);
    expect(writer.receive()).toEqual([1, 1]);
  });
});

test("WAITAOF in a transaction tells what is so", async () => {
  const kv = await logging();
  kv.send("SET", "k", "v");
  kv.send("MULTI");
  kv.send("WAITAOF", 1, 1, 0);
  expect(kv.send("EXEC")).toEqual([[0, 0]]);
});

test.each([
  { args: [2, 0, 0], error: "ERR value is out of range, value must between 0 and 1" },
  { args: [-1, 0, 0], error: "ERR value is out of range, value must between 0 and 1" },
  { args: ["x", 0, 0], error: "ERR value is not an integer or out of range" },
  { args: [0, -1, 0], error: "ERR value is out of range, must be positive" },
  { args: [0, "x", 0], error: "ERR value is out of range, must be positive" },
  { args: [0, 0, -1], error: "ERR timeout is negative" },
  { args: [0, 0, "x"], error: "ERR timeout is not an integer or out of range" },
])("WAITAOF refuses $args", ({ args, error }) => {
  const kv = harness();
  expect(kv.send("WAITAOF", ...args)).toBe(kv.error(error));
});

test.each([
  [
    "WAIT",
    "WAIT cannot be used with replica instances. Please also note that since Redis 4.0 if a replica is configured to be writable (which is not the default) writes to replicas are just local and are not propagated.",
  ],
  [
    "WAITAOF",
    "WAITAOF cannot be used with replica instances. Please also note that writes to replicas are just local and are not propagated.",
  ],
])("a replica refuses %s", (name, text) => {
  const kv = harness();
  kv.engine.situation.setUnusual(EngineState.REPLICA, true);
  const args = name === "WAIT" ? ["x", 0] : [0, 0, 0];
  expect(kv.send(name, ...args)).toBe(kv.error(`ERR ${text}`));
});
