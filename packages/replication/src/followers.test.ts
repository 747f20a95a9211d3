/** Replicas that follow: what they get behind the data set, byte for byte, and how they come back. */
import type { Client } from "@kv/engine";
import { latin1Bytes } from "@kv/resp";
import {
  follower,
  type Harness,
  type HarnessOptions,
  harness,
  infoField,
  replicaClient,
  replicaOptions,
  requestText,
  streamText as stream,
  type TestClient,
} from "@kv/testing";
import { describe, expect, test } from "vitest";

const { eof, psync2 } = replicaOptions;

const quick = (config: HarnessOptions["config"] = {}) =>
  harness({ config: { "repl-diskless-sync-delay": 0, ...config } });

describe("a replica that follows", () => {
  test("gets what changes, once it has said that it has the data set", () => {
    const kv = quick();
    kv.send("SET", "before", "v");
    const client = replicaClient(kv, eof, psync2);
    client.send("PSYNC", "?", -1);
    const raw = client.takeRaw();
    kv.send("SET", "k", "v");
    kv.clock.advance(100);
    expect(client.takeRaw()).toBe("");
    expect(infoField(kv, "slave0")).toBe("ip=127.0.0.1,port=0,state=online,offset=0,lag=0");
    client.send("REPLCONF", "ACK", 0);
    const sent = stream("SELECT 0", "SET k v");
    expect(client.takeRaw()).toBe(sent);
    expect(raw).toContain("before");
    expect(infoField(kv, "master_repl_offset")).toBe(`${sent.length}`);
    client.send("REPLCONF", "ACK", sent.length);
    expect(infoField(kv, "slave0")).toContain(`state=online,offset=${sent.length},lag=0`);
  });

  test("SELECT stands where the database changes, MULTI around what belongs together", () => {
    const kv = quick();
    const { client } = follower(kv);
    kv.send("SET", "a", 1);
    kv.send("SELECT", 3);
    kv.send("INCR", "n");
    kv.send("GET", "n");
    kv.send("MULTI");
    kv.send("SET", "x", 1);
    kv.send("SELECT", 0);
    kv.send("DEL", "a", "none");
    kv.send("EXEC");
    kv.send("SET", "e", 1, "PX", 50);
    kv.clock.advance(200);
    expect(client.takeRaw()).toBe(
      stream(
        ...["SELECT 0", "SET a 1", "SELECT 3", "INCR n", "MULTI", "SET x 1", "SELECT 0"],
        ...["DEL a none", "EXEC", `SET e 1 PXAT ${kv.host.nowMs - 150}`, "DEL e"],
      ),
    );
  });

  test("DEL or UNLINK, as they are freed here, for what expires and for what is evicted", () => {
    for (const [lazy, word] of [
      ["no", "DEL"],
      ["yes", "UNLINK"],
    ] as const) {
      const kv = quick({ "lazyfree-lazy-expire": lazy, "lazyfree-lazy-eviction": lazy });
      const { client } = follower(kv);
      kv.send("SET", "e", 1, "PX", 50);
      kv.send("SET", "k", 1);
      client.takeRaw();
      kv.clock.advance(200);
      expect(client.takeRaw()).toBe(stream(`${word} e`));
      kv.send("CONFIG", "SET", "maxmemory-policy", "allkeys-random", "maxmemory", 1);
      kv.clock.advance(200);
      expect(client.takeRaw()).toBe(stream(`${word} k`));
    }
  });

  test("MULTI stands ahead of the SELECT for what is in it", () => {
    const kv = quick();
    const { client } = follower(kv);
    kv.send("MULTI");
    kv.send("INCR", "a");
    kv.send("SELECT", 3);
    kv.send("INCR", "b");
    kv.send("EXEC");
    expect(client.takeRaw()).toBe(
      stream("MULTI", "SELECT 0", "INCR a", "SELECT 3", "INCR b", "EXEC"),
    );
  });

  test("one by file is online at once", async () => {
    const kv = quick();
    const client = replicaClient(kv);
    client.send("SYNC");
    kv.send("SET", "k", "v");
    kv.clock.advance(100);
    await kv.engine.settled();
    kv.clock.advance(100);
    const raw = client.takeRaw();
    expect(raw).toMatch(/^\$\d+\r\nREDIS/);
    expect(raw.endsWith(stream("SELECT 0", "SET k v"))).toBe(true);
    expect(client.closed).toBe(false);
  });

  test("all get the same, those that came later from there on", () => {
    const kv = quick();
    const one = follower(kv).client;
    kv.send("SET", "a", 1);
    expect(one.takeRaw()).toBe(stream("SELECT 0", "SET a 1"));
    const { client: other, offset } = follower(kv);
    expect(offset).toBe(stream("SELECT 0", "SET a 1").length);
    kv.send("SET", "b", 1);
    for (const client of [one, other]) expect(client.takeRaw()).toBe(stream("SELECT 0", "SET b 1"));
    expect(infoField(kv, "connected_slaves")).toBe("2");
  });

  test("hears a PING now and then, which counts as any other byte", () => {
    const kv = quick({ "repl-ping-replica-period": 3 });
    const { client, offset } = follower(kv);
    kv.clock.advance(3500);
    expect(client.takeRaw()).toBe(stream("PING"));
    expect(infoField(kv, "master_repl_offset")).toBe(`${offset + stream("PING").length}`);
  });

  test("is closed when nothing was heard of it for repl-timeout", () => {
    const kv = quick({ "repl-timeout": 5 });
    const [silent, other] = [follower(kv).client, follower(kv).client];
    for (let i = 0; i < 8; i++) {
      kv.clock.advance(1000);
      other.send("REPLCONF", "ACK", 1);
    }
    expect(silent.closed).toBe(true);
    expect(other.closed).toBe(false);
    expect(kv.log).toContain("Disconnecting timedout replica (streaming sync): 127.0.0.1:7001");
  });

  test("is not closed while it says newlines, as it does while it loads its data set", () => {
    const kv = quick({ "repl-timeout": 5 });
    const client = replicaClient(kv, eof, psync2);
    client.send("PSYNC", "?", -1);
    for (let i = 0; i < 20; i++) {
      kv.clock.advance(1000);
      client.sendBytes("\n");
    }
    expect(client.closed).toBe(false);
    expect(infoField(kv, "slave0")).toContain("state=online,offset=0,lag=0");
    kv.clock.advance(7000);
    expect(client.closed).toBe(true);
  });

  test("one that does not read is closed at its limit, and what was kept for it goes", () => {
    const kv = quick({
      "client-output-buffer-limit": "replica 4mb 0 0",
      "repl-backlog-size": "1mb",
    });
    const { client } = follower(kv);
    const other = follower(kv).client;
    client.isStuck = true;
    const value = "x".repeat(100_000);
    let received = "";
    for (let i = 0; i < 60 && !client.closed; i++) {
      kv.send("SET", `k${i}`, value);
      received += other.takeRaw();
    }
    expect(client.closed).toBe(true);
    expect(received.length).toBeGreaterThan(4 * 2 ** 20);
    kv.send("SET", "k", "v");
    expect(other.takeRaw()).toBe(stream("SET k v"));
    expect(Number(infoField(kv, "mem_replication_backlog"))).toBeLessThan(1.2 * 2 ** 20);
  });

  test("one that is slow gets all of it in the end", () => {
    const kv = quick({ "repl-backlog-size": "16kb" });
    const { client } = follower(kv);
    const other = follower(kv).client;
    let expected = "";
    for (let round = 0; round < 8; round++) {
      for (let i = 0; i < 50; i++) kv.send("SET", `k${round}:${i}`, "y".repeat(7000 + i));
      const sent = other.takeRaw();
      expected += sent;
    }
    expect(client.takeRaw()).toBe(expected);
    client.pendingBytes = 2 ** 20;
    for (let i = 0; i < 50; i++) kv.send("SET", `k${i}`, "z".repeat(7000 + i));
    const missing = other.takeRaw();
    const before = client.takeRaw();
    expect(before.length).toBeLessThan(missing.length);
    client.drain();
    kv.clock.advance(10);
    expect(before + client.takeRaw()).toBe(missing);
  });
});

describe("a replica that comes back", () => {
  const comeBack = (kv: Harness, id: string, offset: number, options = [eof, psync2]) => {
    const client = replicaClient(kv, ...options);
    client.send("PSYNC", id, offset + 1);
    return client;
  };

  test("gets what it has missed", () => {
    const kv = quick();
    const { client, offset, id } = follower(kv);
    kv.send("SET", "a", 1);
    const seen = client.takeRaw().length;
    client.destroy();
    kv.send("SET", "b", 1);
    const again = comeBack(kv, id, offset + seen);
    expect(again.takeRaw()).toBe(`+CONTINUE ${id}\r\n${stream("SET b 1")}`);
    kv.send("SET", "c", 1);
    expect(again.takeRaw()).toBe(stream("SET c 1"));
    expect(comeBack(kv, id, offset, [eof]).takeRaw()).toBe(
      `+CONTINUE\r\n${stream("SELECT 0", "SET a 1", "SET b 1", "SET c 1")}`,
    );
    expect(infoField(kv, "sync_partial_ok")).toBe("2");
    expect(infoField(kv, "sync_full")).toBe("1");
  });

  test("gets it at once, and not when the cron comes by", () => {
    const kv = quick();
    const { client, offset, id } = follower(kv);
    client.destroy();
    kv.send("SET", "b", 1);
    const again = replicaClient(kv, eof, psync2);
    const { wakeCount } = kv.host;
    again.send("PSYNC", id, offset + 1);
    expect(kv.host.wakeCount).toBeGreaterThan(wakeCount);
  });

  test("gets all anew where its history is another, or longer, or too old", () => {
    const kv = quick({ "repl-backlog-size": "16kb" });
    const { client, id } = follower(kv);
    client.destroy();
    for (let i = 0; i < 30; i++) kv.send("SET", `k${i}`, "x".repeat(10_000));
    const end = Number(infoField(kv, "master_repl_offset"));
    const first = Number(infoField(kv, "repl_backlog_first_byte_offset"));
    expect(first).toBeGreaterThan(1);
    for (const [replid, offset] of [
      ["x".repeat(40), end],
      [id, end + 1],
      [id, first - 2],
      [id, -5],
    ] as const) {
      const raw = comeBack(kv, replid, offset).takeRaw();
      expect(raw.slice(0, 60)).toContain(`+FULLRESYNC ${id} ${end}`);
    }
    expect(infoField(kv, "sync_partial_err")).toBe("4");
    expect(comeBack(kv, id, end).takeRaw()).toBe(`+CONTINUE ${id}\r\n`);
    const whole = comeBack(kv, id, first - 1).takeRaw();
    expect(whole.length).toBe(`+CONTINUE ${id}\r\n`.length + end - first + 1);
  });

  test("the history ends repl-backlog-ttl after the last of them", () => {
    const kv = quick({ "repl-backlog-ttl": 60 });
    const { client, id } = follower(kv);
    client.destroy();
    kv.clock.advance(55_000);
    expect(infoField(kv, "repl_backlog_active")).toBe("1");
    kv.clock.advance(10_000);
    expect(infoField(kv, "repl_backlog_active")).toBe("0");
    expect(infoField(kv, "master_replid")).not.toBe(id);
    expect(Number(infoField(kv, "mem_replication_backlog"))).toBe(0);
    const offset = infoField(kv, "master_repl_offset");
    kv.send("SET", "k", "v");
    expect(infoField(kv, "master_repl_offset")).toBe(offset);
    expect(follower(kv).offset).toBe(Number(offset));
  });
});

describe("WAIT", () => {
  const two = () => {
    const kv = quick();
    const replicas = [follower(kv).client, follower(kv, 7002).client] as const;
    return { kv, replicas, writer: kv.client() };
  };
  const offsetOf = (kv: Harness) => Number(infoField(kv, "master_repl_offset"));

  test("who has written nothing need not wait, nor who asks for none", () => {
    const { kv } = two();
    expect(kv.send("WAIT", 2, 0)).toBe(2);
    kv.send("SET", "k", "v");
    expect(kv.send("WAIT", 0, 0)).toBe(0);
    expect(kv.send("WAIT", -1, 0)).toBe(0);
    expect(harness().send("WAIT", 0, 0)).toBe(0);
  });

  test("CLIENT REPLY SKIP leaves out what it says when the wait is over", () => {
    const { kv, writer } = two();
    writer.send("SET", "k", "v");
    writer.sendBytes("CLIENT REPLY SKIP\r\nWAIT 2 100\r\nPING\r\n");
    kv.clock.advance(200);
    expect(writer.pushed()).toEqual(["PONG"]);
  });

  test("what the last of them says has a turn at once, not when the cron comes by", () => {
    const { kv, replicas, writer } = two();
    writer.send("SET", "k", "v");
    writer.send("WAIT", 1, 0);
    const { wakeCount } = kv.host;
    const said = latin1Bytes(requestText(["REPLCONF", "ACK", `${offsetOf(kv)}`]));
    // As the host hands it over: it takes a turn when it is woken, and not otherwise.
    const view = new DataView(said.buffer);
    kv.engine.receive(replicas[0].client as Client, said, view, 0, said.length);
    expect(kv.host.wakeCount).toBeGreaterThan(wakeCount);
  });

  test("until so many replicas have what the client wrote; they are asked at once", () => {
    const { kv, replicas, writer } = two();
    writer.send("SET", "k", "v");
    const offset = offsetOf(kv);
    expect(writer.send("WAIT", 2, 0)).toBeUndefined();
    expect(infoField(kv, "blocked_clients")).toBe("1");
    for (const client of replicas)
      expect(client.takeRaw()).toBe(
        stream("SELECT 0", "SET k v") + requestText(["REPLCONF", "GETACK", "*"]),
      );
    replicas[0].send("REPLCONF", "ACK", offset);
    expect(writer.receive()).toBeUndefined();
    replicas[1].send("REPLCONF", "ACK", offset - 1);
    expect(writer.receive()).toBeUndefined();
    writer.send("PING");
    replicas[1].send("REPLCONF", "ACK", offset);
    expect(writer.receive()).toBe(2);
    kv.clock.advance(1);
    expect(writer.receive()).toBe("PONG");
    expect(infoField(kv, "blocked_clients")).toBe("0");
    expect(writer.send("WAIT", 2, 0)).toBe(2);
  });

  test("one that comes meanwhile is asked, too, and need not wait until it says so by itself", async () => {
    const kv = quick();
    const writer = kv.client();
    const { client, id, offset } = follower(kv);
    client.destroy();
    writer.send("SET", "k", "v");
    expect(writer.send("WAIT", 2, 0)).toBeUndefined();
    const asked = requestText(["REPLCONF", "GETACK", "*"]);
    const back = replicaClient(kv, psync2);
    back.send("PSYNC", id, offset + 1);
    expect(back.takeRaw()).toBe(`+CONTINUE ${id}\r\n${stream("SELECT 0", "SET k v")}${asked}`);
    const byFile = replicaClient(kv);
    byFile.send("PSYNC", "?", -1);
    kv.clock.advance(100);
    await kv.engine.settled();
    kv.clock.advance(1);
    expect(byFile.takeRaw().endsWith(asked)).toBe(true);
    for (const each of [back, byFile]) each.send("REPLCONF", "ACK", offsetOf(kv));
    expect(writer.receive()).toBe(2);
  });

  test("one that is back by another connection counts once, two that listen alike twice", () => {
    const kv = quick();
    const writer = kv.client();
    const { client: first, id } = follower(kv);
    const sayAll = (client: TestClient) => client.send("REPLCONF", "ACK", offsetOf(kv));
    writer.send("SET", "k", "v");
    sayAll(first);
    // Nobody has seen the first connection end.
    const second = replicaClient(kv, psync2, ["listening-port", 7001]);
    second.send("PSYNC", id, offsetOf(kv) + 1);
    sayAll(second);
    expect(writer.send("WAIT", 2, 100)).toBeUndefined();
    kv.clock.advance(200);
    expect(writer.receive()).toBe(1);
    sayAll(first);
    expect(writer.send("WAIT", 2, 100)).toBe(2);
  });

  test("what was written before anybody followed counts when they have said so", () => {
    const kv = quick();
    const writer = kv.client();
    writer.send("SET", "k", "v");
    const client = replicaClient(kv, replicaOptions.eof);
    client.send("PSYNC", "?", -1);
    kv.clock.advance(100);
    expect(infoField(kv, "slave0")).toContain("state=online");
    expect(writer.send("WAIT", 1, 0)).toBeUndefined();
    client.send("REPLCONF", "ACK", 0);
    kv.clock.advance(1);
    expect(writer.receive()).toBe(1);
  });

  test("no replica has what it was not sent, whatever it says", () => {
    const kv = quick();
    const { client } = follower(kv);
    client.send("REPLCONF", "ACK", "9007199254740991");
    const writer = kv.client();
    client.isStuck = true;
    writer.send("SET", "k", "v");
    expect(Number(/offset=(\d+)/.exec(infoField(kv, "slave0") ?? "")?.[1])).toBeLessThan(1000);
    expect(writer.send("WAIT", 1, 0)).toBeUndefined();
  });

  test("or until time is up", () => {
    const { kv, replicas, writer } = two();
    writer.send("SET", "k", "v");
    replicas[0].send("REPLCONF", "ACK", offsetOf(kv));
    expect(writer.send("WAIT", 2, 500)).toBeUndefined();
    kv.clock.advance(300);
    expect(writer.receive()).toBeUndefined();
    kv.clock.advance(300);
    expect(writer.receive()).toBe(1);
    expect(harness().send("WAIT", 1, 1)).toBeUndefined();
  });

  test("in a transaction nothing waits, and its writes count when it is over", () => {
    const { kv, writer } = two();
    writer.send("MULTI");
    writer.send("SET", "k", "v");
    writer.send("WAIT", 2, 0);
    expect(writer.send("EXEC")).toEqual(["OK", 2]);
    expect(writer.send("WAIT", 1, 100)).toBeUndefined();
    kv.clock.advance(200);
    expect(writer.receive()).toBe(0);
  });

  test("CLIENT UNBLOCK, a close and errors", () => {
    const { kv, writer } = two();
    writer.send("SET", "k", "v");
    const id = writer.send("CLIENT", "ID") as number;
    writer.send("WAIT", 1, 0);
    expect(kv.send("CLIENT", "UNBLOCK", id, "ERROR")).toBe(1);
    kv.clock.advance(1);
    expect(writer.receive()).toBe(kv.error("UNBLOCKED client unblocked via CLIENT UNBLOCK"));
    writer.send("WAIT", 1, 0);
    expect(kv.send("CLIENT", "UNBLOCK", id)).toBe(1);
    kv.clock.advance(1);
    expect(writer.receive()).toBe(0);
    writer.send("WAIT", 1, 0);
    writer.destroy();
    kv.clock.advance(1000);
    expect(infoField(kv, "blocked_clients")).toBe("0");
    expect(kv.send("WAIT", 1, -1)).toBe(kv.error("ERR timeout is negative"));
    expect(kv.send("WAIT", "x", 1)).toBe(kv.error("ERR value is not an integer or out of range"));
    expect(kv.send("WAIT", 1, "x")).toBe(kv.error("ERR timeout is not an integer or out of range"));
  });
});

test("ROLE lists the replicas that are online", () => {
  const kv = quick();
  expect(kv.send("ROLE")).toEqual(["master", 0, []]);
  const { client } = follower(kv);
  kv.send("SET", "k", "v");
  client.send("REPLCONF", "ACK", 23);
  replicaClient(kv, eof, ["rdb-only", 1]).send("SYNC");
  expect(kv.send("ROLE")).toEqual([
    "master",
    stream("SELECT 0", "SET k v").length,
    [["127.0.0.1", "7001", "23"]],
  ]);
});
