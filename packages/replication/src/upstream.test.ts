/** A server that follows another one: all of it in memory, byte for byte. */
import type { Dialed } from "@kv/engine";
import { fleet, type Harness, type HarnessOptions, harness, infoField, Network } from "@kv/testing";
import { describe, expect, test } from "vitest";

const digest = (kv: Harness) => kv.send("DEBUG", "DIGEST");

/** The second follows the first, and has what that has. */
async function pair(config: HarnessOptions["config"] = {}) {
  const { network, nodes } = fleet(2, config);
  const [primary, replica] = nodes;
  primary.send("SET", "before", "v");
  expect(replica.send("REPLICAOF", "n1", 6379)).toBe("OK");
  await network.advance(2000);
  expect(infoField(replica, "master_link_status")).toBe("up");
  return { network, primary, replica };
}

describe("a replica", () => {
  test.each([
    { "repl-diskless-sync": "yes" },
    { "repl-diskless-sync": "no" },
    { "repl-diskless-load": "swapdb" },
    { "repl-diskless-load": "on-empty-db" },
    { "repl-diskless-load": "swapdb", "repl-diskless-sync": "no" },
  ] as const)("has the data set, and then what changes: %j", async (config) => {
    const { network, primary, replica } = await pair(config);
    expect(replica.send("GET", "before")).toBe("v");
    primary.send("SET", "k", "v");
    primary.send("SELECT", 3);
    primary.send("MULTI");
    primary.send("RPUSH", "l", "a", "b");
    primary.send("INCR", "n");
    primary.send("EXEC");
    await network.settle();
    expect(replica.send("GET", "k")).toBe("v");
    replica.send("SELECT", 3);
    expect(replica.send("LRANGE", "l", 0, -1)).toEqual(["a", "b"]);
    expect(digest(replica)).toBe(digest(primary));
    expect(infoField(replica, "master_repl_offset")).toBe(infoField(primary, "master_repl_offset"));
    expect(infoField(replica, "master_replid")).toBe(infoField(primary, "master_replid"));
    await network.advance(1000);
    expect(infoField(primary, "slave0")).toBe(
      `ip=n2,port=6379,state=online,offset=${infoField(primary, "master_repl_offset")},lag=0`,
    );
    replica.check();
  });

  test("takes no writes, and says what it is", async () => {
    const { replica } = await pair();
    expect(replica.send("SET", "a", 1)).toEqual(
      replica.error("READONLY You can't write against a read only replica."),
    );
    expect(replica.send("ROLE")).toEqual(["slave", "n1", 6379, "connected", 0]);
    expect(replica.send("REPLICAOF", "n1", 6379)).toBe("OK Already connected to specified master");
    const line = String(replica.send("CLIENT", "LIST", "TYPE", "MASTER"));
    expect(line).toMatch(/addr=n1:6379 .* flags=M /);
  });

  test("does what is longer than clients of its own may send: its primary has done it", async () => {
    const { network, primary, replica } = await pair();
    for (const name of ["client-query-buffer-limit", "proto-max-bulk-len"])
      expect(replica.send("CONFIG", "SET", name, 2 ** 20)).toBe("OK");
    const large = "x".repeat(2 ** 20 + 1);
    const half = "y".repeat(2 ** 19);
    const all = [
      ["SET", "large", large],
      ["APPEND", "large", half],
      ["SETRANGE", "patched", 2 ** 20, "z"],
      ["SETBIT", "bits", 2 ** 24, 1],
      ["MULTI"],
      ["RPUSH", "list", half, half, half],
      ["RPUSH", "list", half, half, half],
      ["EXEC"],
    ];
    for (const words of all) {
      primary.send(...words);
      await network.settle();
    }
    expect(replica.send("STRLEN", "bits")).toBe(2 ** 21 + 1);
    expect(replica.send("LLEN", "list")).toBe(6);
    expect(digest(replica)).toBe(digest(primary));
    await network.advance(2000);
    expect(infoField(primary, "sync_full")).toBe("1");
    expect(infoField(primary, "sync_partial_ok")).toBe("0");
  });

  test("has time until somebody waits for it", async () => {
    const { network, nodes } = fleet(2);
    const [primary, replica] = nodes;
    const { network: wire } = replica.host;
    const links: Dialed[] = [];
    replica.host.network = {
      dial: (target, dialed) => {
        links.push(dialed);
        return (wire as NonNullable<typeof wire>).dial(target, dialed);
      },
    };
    replica.send("REPLICAOF", "n1", 6379);
    const isPatient = () => links[0]?.isPatient?.();
    expect(isPatient()).toBe(false);
    await network.advance(2000);
    expect(isPatient()).toBe(true);
    const writer = primary.client();
    writer.send("SET", "k", "v");
    await network.settle();
    expect(isPatient()).toBe(true);
    expect(writer.send("WAIT", 1, 0)).toBeUndefined();
    await network.settle();
    expect(writer.receive()).toBe(1);
    expect(isPatient()).toBe(false);
    await network.advance(1500);
    expect(isPatient()).toBe(true);
  });

  test("replaces what it had", async () => {
    const { network, nodes } = fleet(2);
    const [primary, replica] = nodes;
    primary.send("SET", "a", 1);
    replica.send("SET", "b", 1);
    replica.send("SAVE");
    replica.send("REPLICAOF", "n1", 6379);
    await network.advance(2000);
    expect(replica.send("KEYS", "*")).toEqual(["a"]);
    expect(replica.host.disk.contents("dump.rdb")).toBeDefined();
    expect([...(await replica.host.storage.list())]).toEqual(["dump.rdb"]);
  });

  test("goes on where it stood when the link was lost, and says so", async () => {
    const { network, primary, replica } = await pair();
    primary.send("CLIENT", "KILL", "TYPE", "replica");
    primary.send("SET", "meanwhile", 1);
    await network.advance(2000);
    expect(replica.send("GET", "meanwhile")).toBe("1");
    expect(infoField(primary, "sync_full")).toBe("1");
    expect(infoField(primary, "sync_partial_ok")).toBe("1");
    expect(replica.log).toContain("Successful partial resynchronization with master.");
    replica.send("CLIENT", "KILL", "TYPE", "master");
    primary.send("SET", "again", 1);
    await network.advance(2000);
    expect(replica.send("GET", "again")).toBe("1");
    expect(infoField(primary, "sync_partial_ok")).toBe("2");
  });

  test("keeps what has expired until the primary says that it goes", async () => {
    const { network, primary, replica } = await pair();
    primary.send("SET", "k", "v", "PX", 100);
    await network.settle();
    replica.clock.advance(500);
    expect(replica.send("GET", "k")).toBe(null);
    expect(replica.send("DBSIZE")).toBe(2);
    await network.advance(500);
    expect(replica.send("DBSIZE")).toBe(1);
  });

  test("has a transaction whole or not at all", async () => {
    const { network, primary, replica } = await pair();
    primary.send("SET", "first", 1);
    await network.settle();
    const offset = infoField(replica, "master_repl_offset");
    primary.send("MULTI");
    primary.send("SET", "a", 1);
    primary.send("SET", "b", 1);
    primary.send("EXEC");
    // Byte by byte: so long as EXEC is not there, nothing is.
    let seen = 0;
    while (infoField(replica, "master_repl_offset") === offset) {
      expect(replica.send("EXISTS", "a", "b")).toBe(0);
      primary.engine.turn();
      network.deliver(1);
      if (seen++ > 1000) throw new Error("nothing comes");
    }
    await network.settle();
    expect(seen).toBeGreaterThan(50);
    expect(replica.send("EXISTS", "a", "b")).toBe(2);
  });

  test("promoted it takes writes, and others go on from it", async () => {
    const { network, nodes } = fleet(3);
    const [primary, one, two] = nodes;
    primary.send("SET", "a", 1);
    one.send("REPLICAOF", "n1", 6379);
    two.send("REPLICAOF", "n1", 6379);
    await network.advance(2000);
    const old = infoField(primary, "master_replid");
    network.detach("n1:6379");
    await network.advance(200);
    expect(one.send("REPLICAOF", "NO", "ONE")).toBe("OK");
    expect(one.send("SET", "b", 1)).toBe("OK");
    expect(infoField(one, "master_replid2")).toBe(old);
    two.send("REPLICAOF", "n2", 6379);
    await network.advance(2000);
    expect(two.send("GET", "b")).toBe("1");
    expect(infoField(one, "sync_partial_ok")).toBe("1");
    expect(infoField(two, "master_replid")).toBe(infoField(one, "master_replid"));
    expect(infoField(two, "master_replid2")).toBe(old);
    expect(digest(two)).toBe(digest(one));
  });

  test("of a replica gets the primary's bytes as they are", async () => {
    const { network, nodes } = fleet(3);
    const [primary, one, two] = nodes;
    primary.send("SET", "a", 1);
    one.send("REPLICAOF", "n1", 6379);
    await network.advance(1500);
    two.send("REPLICAOF", "n2", 6379);
    await network.advance(1500);
    primary.send("SELECT", 7);
    primary.send("SET", "b", 2, "EX", 100);
    primary.send("MULTI");
    primary.send("INCR", "c");
    primary.send("INCR", "c");
    primary.send("EXEC");
    await network.settle();
    expect(digest(two)).toBe(digest(primary));
    for (const node of [one, two])
      for (const field of ["master_repl_offset", "master_replid"])
        expect(infoField(node, field)).toBe(infoField(primary, field));
  });

  test("starts where its file says that it stood", async () => {
    const { network, primary, replica } = await pair();
    replica.send("SAVE");
    primary.send("SET", "later", 1);
    network.detach("n2:6379");
    const again = harness({
      seed: 9,
      disk: replica.host.disk,
      config: { replicaof: { host: "n1", port: 6379 } },
    });
    network.attach("n2:6379", again);
    expect(await again.engine.load()).toBe(true);
    await network.advance(3000);
    expect(again.send("GET", "later")).toBe("1");
    expect(infoField(primary, "sync_full")).toBe("1");
    expect(infoField(primary, "sync_partial_ok")).toBe("1");
  });

  test("a primary that comes back as a replica goes on in the database that its file was saved in", async () => {
    const { network, primary, replica } = await pair();
    primary.send("SELECT", 5);
    primary.send("SET", "before the file", 1);
    await network.settle();
    primary.send("SAVE");
    primary.send("SET", "behind it", 1);
    await network.settle();
    network.detach("n1:6379");
    replica.send("REPLICAOF", "NO", "ONE");
    const again = harness({
      seed: 9,
      disk: primary.host.disk,
      config: { replicaof: { host: "n2", port: 6379 } },
    });
    network.attach("n1:6379", again);
    expect(await again.engine.load()).toBe(true);
    await network.advance(3000);
    expect(infoField(replica, "sync_partial_ok")).toBe("1");
    expect(digest(again)).toBe(digest(replica));
  });

  test("a primary that starts again goes on for those who followed it", async () => {
    const { network, primary, replica } = await pair();
    primary.send("SAVE");
    network.detach("n1:6379");
    const again = harness({ seed: 9, disk: primary.host.disk });
    network.attach("n1:6379", again);
    expect(await again.engine.load()).toBe(true);
    again.send("SET", "later", 1);
    await network.advance(3000);
    expect(replica.send("GET", "later")).toBe("1");
    expect(infoField(again, "sync_partial_ok")).toBe("1");
    expect(infoField(again, "sync_full")).toBe("0");
  });
});

describe("what a primary may do to a replica", () => {
  /** A primary that says what it is told to. */
  async function against(
    say: (words: string[]) => string | Uint8Array | undefined,
    config: HarnessOptions["config"] = {},
  ) {
    const kv = harness({ config });
    kv.send("SET", "old", "v");
    kv.send("SAVE");
    const network = new Network();
    network.attach("n2:6379", kv);
    network.listen("evil:6379", say);
    kv.send("REPLICAOF", "evil", 6379);
    await network.advance(3500);
    return { kv, network };
  }
  const polite = (data: string) => (words: string[]) => {
    if (words[0] === "PING") return "+PONG\r\n";
    if (words[0] === "REPLCONF") return words[1] === "ACK" ? undefined : "+OK\r\n";
    return `+FULLRESYNC ${"a".repeat(40)} 0\r\n${data}`;
  };
  const mark = "m".repeat(40);

  test.each([
    ["an error", "-ERR no\r\n", "MASTER aborted replication with an error: ERR no"],
    ["no length", "hello\r\n", /^Bad protocol from MASTER/],
    ["garbage", `$20\r\nhello, hello, hello!`, /Failed trying to load .*signature/],
    ["too little", `$EOF:${mark}\r\nhello${mark}`, /Failed trying to load .*Unexpected EOF/],
    ["half a file", `$12\r\nREDIS0010\xfe\x00\xfb`, /Failed trying to load .*Unexpected EOF/],
    ["a line that never ends", "x".repeat(5000), /^Bad protocol/],
  ])("%s: the old data stay, and it is tried again", async (_name, data, line) => {
    for (const load of ["disabled", "swapdb"] as const) {
      const { kv } = await against(polite(data), { "repl-diskless-load": load });
      expect(kv.send("GET", "old")).toBe("v");
      expect(kv.log).toContainEqual(typeof line === "string" ? line : expect.stringMatching(line));
      const tries = kv.log.filter((each) => each === "MASTER <-> REPLICA sync started").length;
      expect(tries).toBeGreaterThan(1);
      kv.check();
    }
  });

  test("silence ends it, at each step", async () => {
    const { kv, network } = await against(() => undefined, { "repl-timeout": 2 });
    await network.advance(3000);
    expect(kv.log).toContain("Timeout connecting to the MASTER...");
    const half = await against(polite("$100\r\nREDIS"), { "repl-timeout": 2 });
    await half.network.advance(3000);
    expect(half.kv.log).toContainEqual(expect.stringMatching(/^Timeout receiving bulk data/));
    expect(half.kv.send("GET", "old")).toBe("v");
  });

  test("it goes away in the middle: it is asked again at once, as in Redis", async () => {
    const { kv, network } = await against(polite("$100\r\nREDIS"));
    expect(infoField(kv, "master_sync_in_progress")).toBe("1");
    const syncs = () => kv.log.filter((line) => line === "MASTER <-> REPLICA sync started").length;
    const before = syncs();
    network.detach("evil:6379");
    await network.settle();
    expect(kv.log).toContain("Reconnecting to MASTER evil:6379 after failure");
    expect(syncs()).toBe(before + 1);
    expect(infoField(kv, "master_sync_in_progress")).toBe("1");
    expect(kv.send("GET", "old")).toBe("v");
  });

  test("what is not a word of it", async () => {
    for (const answer of ["+FULLRESYNC x y", "-ERR whatever", "what"]) {
      const { kv } = await against((words) => {
        if (words[0] === "PING") return "+PONG\r\n";
        return words[0] === "PSYNC" ? `${answer}\r\n` : "+OK\r\n";
      });
      expect(kv.send("GET", "old")).toBe("v");
      expect(infoField(kv, "master_link_status")).toBe("down");
    }
  });
});

describe("a primary that starts again, where keys of its file have expired meanwhile", () => {
  /** It has so many of those in each of two databases. */
  async function restarted(count: number, config: HarnessOptions["config"] = {}) {
    const { network, primary, replica } = await pair({ ...config, save: "3600 1" });
    primary.send("DEBUG", "SET-ACTIVE-EXPIRE", 0);
    for (const database of [0, 3]) {
      primary.send("SELECT", database);
      primary.send("SET", "stays", "v");
      for (let key = 0; key < count; key++) primary.send("SET", `key:${key}`, "v", "PX", 10);
    }
    await network.settle();
    const offset = Number(infoField(primary, "master_repl_offset"));
    primary.send("SHUTDOWN", "NOW");
    // Its final save takes a while, in which nothing more may come by the stream.
    await network.advance(2000);
    expect(primary.host.exitCode).toBe(0);
    network.detach("n1:6379");
    const again = harness({ seed: 9, disk: primary.host.disk, config });
    again.host.nowMs = primary.host.nowMs + 1000;
    network.attach("n1:6379", again);
    expect(await again.engine.load()).toBe(true);
    expect(infoField(again, "rdb_last_load_keys_expired")).toBe(`${2 * count}`);
    expect(infoField(again, "rdb_last_load_keys_loaded")).toBe("3");
    expect(infoField(again, "second_repl_offset")).toBe(`${offset + 1}`);
    await network.advance(9000);
    expect(infoField(replica, "master_link_status")).toBe("up");
    const held = Number(infoField(again, "repl_backlog_histlen"));
    const first = Number(infoField(again, "repl_backlog_first_byte_offset"));
    expect(first - 1 + held).toBe(Number(infoField(again, "master_repl_offset")));
    for (const kv of [again, replica]) {
      expect(kv.send("DBSIZE")).toBe(2);
      kv.check();
    }
    expect(digest(replica)).toBe(digest(again));
    expect(infoField(replica, "master_repl_offset")).toBe(infoField(again, "master_repl_offset"));
    return { again, replica, gap: first - offset - 1 };
  }

  test("its replica goes on, and is told of each", async () => {
    const { again, gap } = await restarted(20);
    expect(gap).toBe(0);
    expect(infoField(again, "sync_partial_ok")).toBe("1");
  });

  test("its replica gets all anew if the backlog is too short for that", async () => {
    const { again, gap } = await restarted(1000, { "repl-backlog-size": 16_384 });
    expect(gap).toBeGreaterThan(0);
    expect(infoField(again, "sync_partial_ok")).toBe("0");
    expect(infoField(again, "sync_full")).toBe("1");
  });
});

test("nobody goes on from a file that FLUSHALL has saved: it is no point of the history", async () => {
  const { network, primary, replica } = await pair({ save: "3600 1" });
  primary.send("FLUSHALL");
  network.detach("n1:6379");
  const again = harness({ seed: 9, disk: primary.host.disk });
  network.attach("n1:6379", again);
  expect(await again.engine.load()).toBe(true);
  again.send("SET", "later", 1);
  await network.advance(8000);
  expect(replica.send("KEYS", "*")).toEqual(["later"]);
  expect(infoField(again, "sync_full")).toBe("1");
});
