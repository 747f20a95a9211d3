/** What is kept for replicas: how much that may be, how it is told, and who else is not to suffer for it. */
import {
  follower,
  type Harness,
  harness,
  infoField,
  replicaClient,
  replicaOptions,
  streamText,
} from "@kv/testing";
import { describe, expect, test } from "vitest";

const quick = (config = {}) =>
  harness({ config: { "repl-diskless-sync-delay": 0, "repl-backlog-size": "1mb", ...config } });

const numberOf = (kv: Harness, field: string) => Number(infoField(kv, field));

/** Writes so many times 100 KB. */
function write(kv: Harness, count: number): void {
  for (let i = 0; i < count; i++) kv.send("SET", "k", "x".repeat(100_000));
}

describe("what is kept for replicas", () => {
  test("up to its size it is the backlog, beyond it is theirs", () => {
    const kv = quick();
    expect(numberOf(kv, "mem_total_replication_buffers")).toBe(0);
    const { client } = follower(kv);
    write(kv, 5);
    expect(numberOf(kv, "mem_clients_slaves")).toBe(0);
    expect(numberOf(kv, "mem_replication_backlog")).toBeGreaterThan(500_000);
    client.isStuck = true;
    write(kv, 40);
    expect(numberOf(kv, "mem_replication_backlog")).toBe(2 ** 20);
    const beyond = numberOf(kv, "mem_clients_slaves");
    expect(beyond).toBeGreaterThan(2_000_000);
    expect(numberOf(kv, "mem_not_counted_for_evict")).toBe(beyond);
    const onTheWay = client.client?.connection.heldBytes ?? 0;
    expect(onTheWay).toBeGreaterThan(100_000);
    expect(numberOf(kv, "mem_total_replication_buffers")).toBe(beyond - onTheWay + 2 ** 20);
    expect(numberOf(kv, "mem_clients_normal")).toBeLessThan(100_000);
    const line = String(kv.send("CLIENT", "LIST", "TYPE", "replica"));
    const fieldOf = (name: string) => Number(new RegExp(` ${name}=(\\d+)`).exec(line)?.[1]);
    expect(fieldOf("omem")).toBeGreaterThan(3_000_000);
    expect(fieldOf("tot-mem")).toBeGreaterThan(fieldOf("omem"));
    client.destroy();
    kv.clock.advance(1);
    expect(numberOf(kv, "mem_clients_slaves")).toBe(0);
    expect(numberOf(kv, "mem_not_counted_for_evict")).toBeLessThan(200_000);
    expect(numberOf(kv, "mem_replication_backlog")).toBeGreaterThan(2 ** 20);
  });

  test("a slow replica costs no key its life", () => {
    const kv = quick({ maxmemory: "6mb", "maxmemory-policy": "allkeys-lru" });
    const { client } = follower(kv);
    client.isStuck = true;
    for (let i = 0; i < 10; i++) kv.send("SET", `key:${i}`, "v");
    write(kv, 100);
    expect(numberOf(kv, "mem_clients_slaves")).toBeGreaterThan(6 * 2 ** 20);
    expect(infoField(kv, "evicted_keys")).toBe("0");
    expect(kv.send("DBSIZE")).toBe(11);
  });

  test("a smaller backlog is one at once", () => {
    const kv = quick();
    follower(kv);
    write(kv, 9);
    expect(numberOf(kv, "repl_backlog_histlen")).toBeGreaterThan(900_000);
    kv.send("CONFIG", "SET", "repl-backlog-size", 100_000);
    kv.clock.advance(1);
    expect(numberOf(kv, "repl_backlog_histlen")).toBeLessThan(200_000);
    expect(numberOf(kv, "repl_backlog_first_byte_offset")).toBeGreaterThan(700_000);
  });
});

describe("client-output-buffer-limit replica", () => {
  test("the soft limit closes one that stays above it for too long", () => {
    const kv = quick({ "client-output-buffer-limit": "replica 0 1mb 3" });
    const { client } = follower(kv);
    client.isStuck = true;
    write(kv, 20);
    kv.clock.advance(2500);
    expect(client.closed).toBe(false);
    kv.clock.advance(1000);
    expect(client.closed).toBe(true);
    expect(numberOf(kv, "client_output_buffer_limit_disconnections")).toBe(1);
  });

  test("time below the soft limit begins it anew", () => {
    const kv = quick({ "client-output-buffer-limit": "replica 0 1mb 3" });
    const { client } = follower(kv);
    for (let round = 0; round < 3; round++) {
      client.isStuck = true;
      write(kv, 20);
      kv.clock.advance(2500);
      client.isStuck = false;
      client.drain();
      client.takeRaw();
      kv.clock.advance(500);
    }
    expect(client.closed).toBe(false);
  });

  test("a hard limit below the size of the backlog is as high as that", () => {
    const kv = quick({ "client-output-buffer-limit": "replica 100kb 0 0" });
    const { client } = follower(kv);
    client.isStuck = true;
    write(kv, 9);
    expect(client.closed).toBe(false);
    write(kv, 3);
    expect(client.closed).toBe(true);
  });
});

test("maxmemory-clients closes no replica", () => {
  const kv = quick({ "maxmemory-clients": "200kb" });
  const { client } = follower(kv);
  client.isStuck = true;
  write(kv, 30);
  kv.clock.advance(1000);
  expect(client.closed).toBe(false);
});

test("a pause holds neither what replicas say nor what they get", () => {
  const kv = quick();
  const { client } = follower(kv);
  kv.send("SET", "k", "v");
  const offset = numberOf(kv, "master_repl_offset");
  client.takeRaw();
  kv.send("CLIENT", "PAUSE", 10_000, "ALL");
  client.send("REPLCONF", "ACK", offset);
  kv.clock.advance(10_001);
  expect(infoField(kv, "slave0")).toContain(`offset=${offset},lag=10`);
  expect(client.takeRaw()).toBe(streamText("PING"));
});

describe("repl-timeout", () => {
  test("says nothing of one that said SYNC: such a one never tells how far it is", async () => {
    const kv = quick({ "repl-timeout": 5 });
    const client = replicaClient(kv);
    client.send("SYNC");
    kv.clock.advance(100);
    await kv.engine.settled();
    kv.clock.advance(20_000);
    expect(infoField(kv, "slave0")).toContain("state=online,offset=0");
    expect(client.closed).toBe(false);
  });

  test("ends a transfer of which nothing is taken, and the log tells that nobody is left", () => {
    const kv = quick({ "repl-timeout": 5, rdbcompression: "no" });
    for (let i = 0; i < 300; i++) kv.send("SET", `key:${i}`, "x".repeat(100_000));
    const { eof } = replicaOptions;
    const client = replicaClient(kv, eof, ["listening-port", 7001]);
    client.isStuck = true;
    client.send("PSYNC", "?", -1);
    kv.clock.advance(4000);
    expect(client.closed).toBe(false);
    kv.clock.advance(4000);
    expect(client.closed).toBe(true);
    const about = /Diskless|Disconnecting|RDB transfer/;
    expect(kv.log.filter((line) => about.test(line))).toEqual([
      `Background RDB transfer started by pid ${kv.host.facts.processId}`,
      "Disconnecting timedout replica (full sync): 127.0.0.1:7001",
      "Diskless rdb transfer, last replica dropped, killing fork child.",
    ]);
  });
});

test("a synchronisation is told of in the words that tools wait for", () => {
  const kv = quick();
  const { eof } = replicaOptions;
  const [one, other] = [replicaClient(kv, eof), replicaClient(kv, eof)];
  kv.send("CONFIG", "SET", "repl-diskless-sync-delay", 1);
  for (const client of [one, other]) client.send("PSYNC", "?", -1);
  kv.clock.advance(1100);
  const about = /Diskless|RDB transfer|BGSAVE/;
  expect(kv.log.filter((line) => about.test(line))).toEqual([
    "Delay next BGSAVE for diskless SYNC",
    "Delay next BGSAVE for diskless SYNC",
    "Starting BGSAVE for SYNC with target: replicas sockets",
    `Background RDB transfer started by pid ${kv.host.facts.processId}`,
    "Diskless rdb transfer, done reading from pipe, 2 replicas still up.",
    "Background RDB transfer terminated with success",
    ...[0, 1].map(
      () =>
        "Streamed RDB transfer with replica 127.0.0.1:<unknown-replica-port> succeeded (socket). Waiting for REPLCONF ACK from replica to enable streaming",
    ),
  ]);
});
