/** What a server does otherwise while it follows another one. */
import { type Harness, type HarnessOptions, harness, infoField, Network } from "@kv/testing";
import { describe, expect, test } from "vitest";
import { replicationPort } from "./primary.ts";

async function pair(config: HarnessOptions["config"] = {}) {
  const network = new Network();
  const primary = harness({ seed: 1, config: { "repl-diskless-sync-delay": 0 } });
  const replica = harness({ seed: 2, config });
  network.attach("n1:6379", primary);
  network.attach("n2:6379", replica);
  replica.send("REPLICAOF", "n1", 6379);
  await network.advance(2000);
  expect(infoField(replica, "master_link_status")).toBe("up");
  return { network, primary, replica };
}

const readOnly = (kv: Harness) => kv.error("READONLY You can't write against a read only replica.");

describe("REPLICAOF", () => {
  test("refuses what is no place", () => {
    const kv = harness();
    for (const port of [-1, 65536, "x", "", "1.5", "18446744073709551616"])
      expect(kv.send("REPLICAOF", "h", port)).toEqual(kv.error("ERR Invalid master port"));
    expect(kv.send("SLAVEOF", "NO", "ONE")).toBe("OK");
    expect(infoField(kv, "role")).toBe("master");
  });

  test("in a transaction with CONFIG REWRITE and CLIENT KILL, as a sentinel sends it", () => {
    const kv = harness();
    kv.host.facts.configFile = "/etc/kv.conf";
    kv.host.texts.set("/etc/kv.conf", "port 6379\n");
    const other = kv.client();
    const sentinel = kv.client();
    sentinel.send("MULTI");
    sentinel.send("SLAVEOF", "10.0.0.9", 7000);
    sentinel.send("CONFIG", "REWRITE");
    sentinel.send("CLIENT", "KILL", "TYPE", "normal");
    sentinel.send("CLIENT", "KILL", "TYPE", "pubsub");
    expect(sentinel.send("EXEC")).toEqual(["OK", "OK", 2, 0]);
    expect(other.closed).toBe(true);
    expect(kv.host.texts.get("/etc/kv.conf")).toContain("replicaof 10.0.0.9 7000");
    const again = kv.client();
    again.send("REPLICAOF", "NO", "ONE");
    again.send("CONFIG", "REWRITE");
    expect(kv.host.texts.get("/etc/kv.conf")).not.toContain("replicaof");
  });

  test("ends the waits of clients: nobody will write here any more", () => {
    const kv = harness();
    const waiting = kv.client();
    expect(waiting.send("BLPOP", "k", 0)).toBeUndefined();
    kv.send("REPLICAOF", "10.0.0.9", 7000);
    expect(waiting.receive()).toEqual(
      kv.error(
        "UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)",
      ),
    );
    expect(waiting.closed).toBe(true);
  });
});

describe("a replica", () => {
  test("with old data serves it, or says why not", async () => {
    const { network, primary, replica } = await pair();
    primary.send("SET", "k", "v");
    await network.settle();
    network.detach("n1:6379");
    await network.advance(1000);
    expect(replica.send("GET", "k")).toBe("v");
    replica.send("CONFIG", "SET", "replica-serve-stale-data", "no");
    expect(replica.send("GET", "k")).toEqual(
      replica.error(
        "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
      ),
    );
    expect(String(replica.send("INFO", "replication"))).toContain("master_link_status:down");
  });

  test("that may be written to does what is asked, tells nobody, and sees to its own expiries", async () => {
    const { network, primary, replica } = await pair();
    expect(replica.send("SET", "own", 1)).toEqual(readOnly(replica));
    replica.send("CONFIG", "SET", "replica-read-only", "no");
    primary.send("SET", "theirs", "v", "PX", 50);
    await network.settle();
    const offset = infoField(replica, "master_repl_offset");
    expect(replica.send("SET", "own", 1, "PX", 50)).toBe("OK");
    replica.send("SET", "stays", 1, "PX", 50);
    replica.send("PERSIST", "stays");
    expect(infoField(replica, "slave_expires_tracked_keys")).toBe("1");
    expect(infoField(replica, "master_repl_offset")).toBe(offset);
    replica.clock.advance(500);
    expect(replica.send("DBSIZE")).toBe(2);
    expect(replica.send("EXISTS", "theirs", "own", "stays")).toBe(1);
    expect(replica.events).toContain("expired own");
    await network.advance(500);
    expect(replica.send("DBSIZE")).toBe(1);
    replica.send("REPLICAOF", "NO", "ONE");
    expect(infoField(replica, "slave_expires_tracked_keys")).toBe("0");
  });

  test("that may be written to leaves what has expired to its primary where it only reads, and else deletes or replaces it", async () => {
    const { network, primary, replica } = await pair();
    replica.send("CONFIG", "SET", "replica-read-only", "no");
    for (const key of ["read", "deleted", "taken", "replaced", "written"])
      primary.send("SET", key, "v", "PX", 50);
    await network.settle();
    replica.clock.advance(500);
    replica.events.length = 0;
    expect(replica.send("COPY", "read", "copy")).toBe(0);
    expect(replica.send("GETEX", "read", "PERSIST")).toBe(null);
    expect(replica.send("BITOP", "NOT", "copy", "read")).toBe(0);
    expect(replica.send("DBSIZE")).toBe(5);
    expect(replica.events.filter((event) => !event.startsWith("keymiss"))).toEqual([]);
    expect(replica.send("UNLINK", "deleted", "none")).toBe(1);
    expect(replica.send("GETDEL", "taken")).toBe(null);
    expect(replica.send("DBSIZE")).toBe(3);
    expect(replica.send("GETSET", "replaced", "new")).toBe(null);
    expect(replica.send("SET", "written", "new", "GET")).toBe(null);
    expect(replica.send("MGET", "replaced", "written")).toEqual(["new", "new"]);
    expect(replica.send("DBSIZE")).toBe(3);
    const told = ["del deleted", "del taken", "set replaced", "set written"];
    expect(replica.events.filter((event) => told.includes(event))).toEqual(told);
  });

  test("keeps a key that is given a time that has passed: its primary may see that otherwise", async () => {
    const { network, primary, replica } = await pair();
    for (const server of [primary, replica]) {
      server.send("CONFIG", "SET", "replica-read-only", "no");
      server.send("MSET", "a", 1, "b", 2);
    }
    await network.settle();
    const dump = replica.send("DUMP", "a") as string;
    const held = (server: typeof replica) => {
      expect(server.send("EXPIRE", "a", -1)).toBe(1);
      expect(server.send("GETEX", "b", "PXAT", 1)).toBe("2");
      return server.send("DBSIZE");
    };
    expect(held(replica)).toBe(2);
    expect(replica.send("RESTORE", "c", 1, dump, "ABSTTL")).toBe("OK");
    expect(replica.send("DBSIZE")).toBe(3);
    expect(replica.send("EXISTS", "a", "b", "c")).toBe(0);
    expect(held(primary)).toBe(0);
  });

  test("that may be written to no more still ends what was, unless the primary has written it", async () => {
    const { network, primary, replica } = await pair();
    replica.send("CONFIG", "SET", "replica-read-only", "no");
    replica.send("SET", "own", 1, "PX", 50);
    replica.send("SET", "taken", 1, "PX", 50);
    replica.send("CONFIG", "SET", "replica-read-only", "yes");
    primary.send("SET", "taken", "v", "PX", 40);
    await network.settle();
    primary.send("DEBUG", "SET-ACTIVE-EXPIRE", 0);
    expect(infoField(replica, "slave_expires_tracked_keys")).toBe("1");
    replica.clock.advance(500);
    expect(replica.send("DBSIZE")).toBe(1);
    expect(infoField(replica, "slave_expires_tracked_keys")).toBe("0");
  });

  test("evicts nothing by itself", async () => {
    const { network, primary, replica } = await pair();
    for (let i = 0; i < 200; i++) primary.send("SET", `k${i}`, "x".repeat(1000));
    await network.settle();
    replica.send("CONFIG", "SET", "maxmemory-policy", "allkeys-lru", "maxmemory", 1);
    primary.send("SET", "more", 1);
    await network.settle();
    replica.clock.advance(300);
    expect(replica.send("DBSIZE")).toBe(201);
    replica.send("CONFIG", "SET", "replica-ignore-maxmemory", "no");
    replica.clock.advance(300);
    replica.send("PING");
    expect(Number(replica.send("DBSIZE"))).toBeLessThan(201);
  });

  test("tells its own clients what changes: events, messages, invalidations, watched keys", async () => {
    const { network, primary, replica } = await pair();
    const reader = replica.client();
    reader.send("HELLO", 3);
    reader.send("CLIENT", "TRACKING", "ON");
    reader.send("GET", "k");
    reader.send("SUBSCRIBE", "channel");
    replica.send("WATCH", "k");
    reader.pushed();
    primary.send("SET", "k", "v");
    primary.send("PUBLISH", "channel", "hello");
    await network.settle();
    replica.engine.turn();
    expect(reader.pushed()).toEqual([
      ["invalidate", ["k"]],
      ["message", "channel", "hello"],
    ]);
    expect(replica.events).toContain("set k");
    replica.send("MULTI");
    replica.send("GET", "k");
    expect(replica.send("EXEC")).toBe(null);
  });

  test("answers neither errors nor anything, and says so in its log", async () => {
    const { network, primary, replica } = await pair();
    replica.send("CONFIG", "SET", "replica-read-only", "no");
    replica.send("SET", "list", "no list");
    primary.send("RPUSH", "list", "a");
    primary.send("SET", "k", "v");
    await network.settle();
    expect(replica.send("GET", "k")).toBe("v");
    expect(replica.log).toContain(
      "== CRITICAL == This replica is sending an error to its master: 'WRONGTYPE Operation against a key holding the wrong kind of value' after processing the command 'rpush'",
    );
    expect(infoField(replica, "master_link_status")).toBe("up");
    // Whoever may write here is to expect that.
    replica.send("CONFIG", "SET", "propagation-error-behavior", "panic");
    primary.send("RPUSH", "list", "b");
    await network.settle();
    expect(replica.host.exitCode).toBe(null);
    expect(infoField(replica, "unexpected_error_replies")).toBe("2");
    replica.send("CONFIG", "SET", "replica-read-only", "yes");
    primary.send("RPUSH", "list", "c");
    await network.settle();
    expect(replica.host.exitCode).toBe(1);
  });

  test("is held by CLIENT PAUSE as clients are, and goes on behind it where it stood", async () => {
    const { network, primary, replica } = await pair();
    primary.send("SET", "k", "before");
    await network.advance(200);
    replica.send("CLIENT", "PAUSE", 100_000, "WRITE");
    const offset = infoField(replica, "slave_repl_offset");
    primary.send("SET", "k", "after");
    primary.send("INCR", "n");
    await network.advance(200);
    expect(replica.send("GET", "k")).toBe("before");
    expect(infoField(replica, "slave_repl_offset")).toBe(offset);
    expect(infoField(replica, "slave_read_repl_offset")).toBe(
      infoField(primary, "master_repl_offset"),
    );
    replica.send("CLIENT", "UNPAUSE");
    await network.advance(200);
    expect(replica.send("MGET", "k", "n")).toEqual(["after", "1"]);
    expect(infoField(replica, "slave_repl_offset")).toBe(infoField(primary, "master_repl_offset"));
  });

  test("is not cut for what its commands would answer, though it is more than a client may have", async () => {
    const { network, primary, replica } = await pair();
    const closed = () =>
      /client_output_buffer_limit_disconnections:(\d+)/.exec(
        replica.send("INFO", "stats") as string,
      )?.[1];
    replica.send("CONFIG", "SET", "client-output-buffer-limit", "normal 100kb 0 0");
    for (let index = 0; index < 200; index++) primary.send("RPUSH", "list", "x".repeat(1000));
    expect(primary.send("LPOP", "list", 199)).toHaveLength(199);
    await network.advance(200);
    expect(replica.send("LLEN", "list")).toBe(1);
    expect(infoField(replica, "master_link_status")).toBe("up");
    expect(closed()).toBe("0");
  });

  test("waits for a script that runs for too long, and misses nothing", async () => {
    const { network, primary, replica } = await pair({ "busy-reply-threshold": 1 });
    const runner = replica.client();
    runner.send("EVAL_RO", "while true do end", 0);
    replica.clock.advance(11);
    expect(String(replica.send("GET", "k"))).toContain("BUSY");
    primary.send("SET", "k", "v");
    primary.engine.turn();
    for (let i = 0; i < 5; i++) network.deliver();
    const { upstream, followers } = replica.engine.of(replicationPort);
    expect(upstream.readOffset).toBeGreaterThan(followers.offset);
    expect(replica.send("SCRIPT", "KILL")).toBe("OK");
    await network.advance(200);
    expect(replica.send("GET", "k")).toBe("v");
    expect(infoField(replica, "master_repl_offset")).toBe(infoField(primary, "master_repl_offset"));
  });

  test("logs what it is told in its append-only file, also behind a new data set", async () => {
    const network = new Network();
    const primary = harness({ seed: 1, config: { "repl-diskless-sync-delay": 0 } });
    const replica = harness({ seed: 2, config: { appendonly: "yes" } });
    await replica.engine.load();
    network.attach("n1:6379", primary);
    network.attach("n2:6379", replica);
    replica.send("SET", "old", 1);
    primary.send("SET", "a", 1);
    replica.send("REPLICAOF", "n1", 6379);
    await network.advance(3000);
    primary.send("SET", "b", 2);
    await network.advance(1000);
    network.detach("n2:6379");
    const again = harness({ seed: 3, disk: replica.host.disk, config: { appendonly: "yes" } });
    expect(await again.engine.load()).toBe(true);
    expect((again.send("KEYS", "*") as string[]).sort()).toEqual(["a", "b"]);
  });
});

test("hands the lead over to the replica that is asked for it", async () => {
  const { network, primary, replica } = await pair();
  primary.send("SET", "k", "v");
  await network.settle();
  const id = infoField(primary, "master_replid");
  const asking = replica.client();
  const offset = Number(infoField(replica, "master_repl_offset")) + 1;
  expect(primary.client().send("PSYNC", id as string, offset, "FAILOVER")).toEqual(
    primary.error("ERR PSYNC FAILOVER can't be sent to a master."),
  );
  expect(replica.client().send("PSYNC", "x".repeat(40), offset, "FAILOVER")).toEqual(
    primary.error("ERR PSYNC FAILOVER replid must match my replid."),
  );
  asking.send("REPLCONF", "capa", "psync2");
  asking.takeRaw();
  asking.isRaw = true;
  asking.send("PSYNC", id as string, offset, "FAILOVER");
  const raw = asking.takeRaw();
  expect(raw).toBe(`+CONTINUE ${infoField(replica, "master_replid")}\r\n`);
  expect(infoField(replica, "role")).toBe("master");
});
