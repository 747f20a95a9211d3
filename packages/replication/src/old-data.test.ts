/** What becomes of the data that a replica has while others come, and of those that no disk takes. */
import type { Dialed } from "@kv/engine";
import { fleet, type Harness, type HarnessOptions, harness, infoField, Network } from "@kv/testing";
import { describe, expect, test } from "vitest";

type Config = NonNullable<HarnessOptions["config"]>;

/** The file of a server that holds this one key. */
function fileOf(key: string): string {
  const kv = harness();
  kv.send("SET", key, "v");
  kv.send("SAVE");
  return String.fromCharCode(...(kv.host.disk.contents("dump.rdb") as Uint8Array));
}

const [oldFile, newFile] = [fileOf("old"), fileOf("new")];

/**
 * A replica that has the old file, and whose primary has sent the first `half` bytes of the new one;
 * finish() sends the rest. `isSame`: it belongs to the history that the replica has already.
 */
async function halfWay(load: Config["repl-diskless-load"], isSame: boolean) {
  let file = `$${oldFile.length}\r\n${oldFile}`;
  let id = "a".repeat(40);
  const network = new Network();
  const kv = harness({ config: { "repl-diskless-load": load } });
  network.attach("n1:6379", kv);
  network.listen("primary:6379", ([name, option]) => {
    if (name === "PING") return "+PONG\r\n";
    if (name === "REPLCONF") return option === "ACK" ? undefined : "+OK\r\n";
    return `+FULLRESYNC ${id} 0\r\n${file}`;
  });
  kv.send("REPLICAOF", "primary", 6379);
  await network.advance(2000);
  expect(kv.send("GET", "old")).toBe("v");

  const half = newFile.length >> 1;
  file = `$${newFile.length}\r\n${newFile.slice(0, half)}`;
  if (!isSame) id = "b".repeat(40);
  kv.send("CLIENT", "KILL", "TYPE", "master");
  await network.advance(2000);
  const finish = async () => {
    network.say("primary:6379", newFile.slice(half));
    await network.settle();
    expect(kv.send("MGET", "old", "new")).toEqual([null, "v"]);
    expect(infoField(kv, "master_link_status")).toBe("up");
  };
  return { network, kv, half, finish };
}

describe("while a data set comes", () => {
  test.each([
    // Only what belongs to the same history is as good as old.
    { load: "swapdb", isSame: true, answer: "v", asynchronously: "1" },
    { load: "swapdb", isSame: false, answer: "LOADING", asynchronously: "0" },
    // Until the file is whole nothing is loaded.
    { load: "disabled", isSame: true, answer: "v", asynchronously: "0" },
    { load: "disabled", isSame: false, answer: "v", asynchronously: "0" },
  ] as const)(
    "$load, of the same history $isSame: the old one answers $answer",
    async ({ load, isSame, answer, asynchronously }) => {
      const { network, kv, half, finish } = await halfWay(load, isSame);
      const reply = kv.send("GET", "old");
      expect(reply instanceof Error || typeof reply === "object" ? "LOADING" : reply).toBe(answer);
      expect(infoField(kv, "async_loading")).toBe(asynchronously);
      expect(infoField(kv, "loading")).toBe(answer === "LOADING" ? "1" : "0");
      const { length } = newFile;
      const rows = {
        master_link_status: "down",
        master_sync_in_progress: "1",
        master_sync_total_bytes: `${length}`,
        master_sync_read_bytes: `${half}`,
        master_sync_left_bytes: `${length - half}`,
        master_sync_perc: ((half / length) * 100).toFixed(2),
      };
      for (const [name, value] of Object.entries(rows)) expect(infoField(kv, name)).toBe(value);
      if (answer === "LOADING") {
        expect(reply).toEqual(kv.error("LOADING Redis is loading the dataset in memory"));
        expect(infoField(kv, "loading_loaded_bytes")).toBe(`${half}`);
        expect(infoField(kv, "loading_total_bytes")).toBe(`${length}`);
        expect(infoField(kv, "loading_loaded_perc")).toBe(rows.master_sync_perc);
      }
      await network.advance(1000);
      expect(infoField(kv, "master_sync_last_io_seconds_ago")).toBe("2");
      await finish();
    },
  );

  test("the link goes when all of it is here: it is had, and what follows is asked for", async () => {
    const { network, nodes } = fleet(2, { "repl-diskless-sync": "no" });
    const [primary, replica] = nodes;
    const wire = replica.host.network as NonNullable<typeof replica.host.network>;
    let isCut = false;
    const cut = (dialed: Dialed) => {
      if (isCut || infoField(replica, "master_sync_left_bytes") !== "0") return;
      isCut = true;
      primary.send("CLIENT", "KILL", "TYPE", "replica");
      dialed.closed("Connection reset by peer");
      expect(infoField(replica, "master_link_status")).toBe("down");
      primary.send("SET", "meanwhile", "v");
    };
    replica.host.network = {
      dial: (target, dialed) =>
        wire.dial(target, {
          ...dialed,
          received: (...bytes) => {
            dialed.received(...bytes);
            cut(dialed);
          },
        }),
    };
    primary.send("SET", "new", "v");
    replica.send("SET", "old", "v");
    replica.send("REPLICAOF", "n1", 6379);
    await network.advance(3000);
    expect(isCut).toBe(true);
    expect(replica.send("MGET", "old", "new", "meanwhile")).toEqual([null, "v", "v"]);
    expect(infoField(replica, "master_link_status")).toBe("up");
    expect(infoField(primary, "sync_full")).toBe("1");
    expect(infoField(primary, "sync_partial_ok")).toBe("1");
    expect(replica.log).toContain("Connection with master lost.");
    replica.check();
  });

  test("nothing is read behind it before it is loaded, though the disk takes the last of it late", async () => {
    const saved = harness({ config: { rdbcompression: "no" } });
    saved.send("SET", "large", "x".repeat(9 * 2 ** 20));
    saved.send("SAVE");
    const file = saved.host.disk.contents("dump.rdb") as Uint8Array;
    const kv = harness();
    const network = new Network();
    network.attach("n1:6379", kv);
    network.listen("primary:6379", ([name, option]) => {
      if (name === "PING") return "+PONG\r\n";
      if (name === "REPLCONF") return option === "ACK" ? undefined : "+OK\r\n";
      return Buffer.concat([
        Buffer.from(`+FULLRESYNC ${"a".repeat(40)} 0\r\n$${file.length}\r\n`),
        file,
      ]);
    });
    const wire = kv.host.network as NonNullable<typeof kv.host.network>;
    const loadedAtResume: boolean[] = [];
    kv.host.network = {
      dial: (target, dialed) =>
        wire.dial(target, {
          ...dialed,
          opened: (connection) => {
            const resume = connection.resume.bind(connection);
            connection.resume = () => {
              loadedAtResume.push(kv.send("EXISTS", "large") === 1);
              resume();
            };
            dialed.opened(connection);
          },
        }),
    };
    kv.send("REPLICAOF", "primary", 6379);
    await network.advance(3000);
    expect(infoField(kv, "master_link_status")).toBe("up");
    expect(loadedAtResume).toEqual([true]);
  });

  test("given up at whatever moment, nothing of it stays on the disk", async () => {
    for (let steps = 0; steps < 90; steps += 3) {
      const { network, kv, half } = await halfWay("disabled", false);
      network.say("primary:6379", newFile.slice(half));
      network.deliver();
      for (let step = 0; step < steps; step++) await Promise.resolve();
      kv.send("REPLICAOF", "NO", "ONE");
      await kv.engine.settled();
      expect(kv.host.disk.now.list(), `behind ${steps} steps`).toEqual(["dump.rdb"]);
    }
  });

  test.each(["yes", "no"] as const)(
    "where there is no room for both the old one goes first; replica-lazy-flush %s: when",
    async (isLazy) => {
      const { network, nodes } = fleet(2, { "replica-lazy-flush": isLazy });
      const [primary, replica] = nodes;
      const { usage } = replica.host;
      replica.host.usage = () => ({ ...usage.call(replica.host), allowedMemoryBytes: 2 ** 16 });
      replica.send("SADD", "old", ...Array.from({ length: 5000 }, (_, member) => `m${member}`));
      primary.send("SET", "new", "v");
      replica.send("REPLICAOF", "n1", 6379);
      await network.advance(2000);
      expect(replica.log).toContain("MASTER <-> REPLICA sync: Flushing old data");
      expect(replica.send("KEYS", "*")).toEqual(["new"]);
      const freed = Number(infoField(replica, "lazyfreed_objects"));
      expect(freed > 0).toBe(isLazy === "yes");
      replica.check();
    },
  );

  test("what the file says of its size counts: there may be room for the old one twice, and not for both", async () => {
    const { network, nodes } = fleet(2);
    const [primary, replica] = nodes;
    primary.send("SADD", "new", ...Array.from({ length: 5000 }, (_, member) => `m${member}`));
    replica.send("SET", "old", "v");
    const { usage } = replica.host;
    const allowedMemoryBytes = replica.engine.keyspace.arena.usedBytes * 4;
    replica.host.usage = () => ({ ...usage.call(replica.host), allowedMemoryBytes });
    replica.send("REPLICAOF", "n1", 6379);
    await network.advance(2000);
    expect(replica.log).toContain("MASTER <-> REPLICA sync: Flushing old data");
    expect(replica.send("KEYS", "*")).toEqual(["new"]);
  });
});

describe("what the disk does not take", () => {
  /** The replica cannot save what it has. */
  async function unsaved(config: Config) {
    const { network, nodes } = fleet(2, config);
    const [primary, replica] = nodes;
    replica.send("CONFIG", "SET", "save", "3600 1");
    replica.send("REPLICAOF", "n1", 6379);
    await network.advance(2000);
    replica.host.disk.failsFrom = { at: 1, code: "ENOSPC", message: "No space left on device" };
    replica.send("BGSAVE");
    await network.advance(1000);
    expect(replica.log).toContain("Background saving error");
    expect(replica.host.exitCode).toBe(null);
    return { network, primary, replica };
  }
  const count = (kv: Harness, line: string) => kv.log.filter((each) => each === line).length;

  test("ends a replica: it would have what it cannot keep", async () => {
    const { network, primary, replica } = await unsaved({});
    // Nothing is changed by that.
    await network.advance(12_000);
    expect(replica.host.exitCode).toBe(null);
    primary.send("SET", "k", "v");
    await network.settle();
    expect(replica.host.exitCode).toBe(1);
    expect(count(replica, "Replica was unable to write command to disk.")).toBe(1);
  });

  test("replica-ignore-disk-write-errors: is applied, and told every ten seconds", async () => {
    const { network, primary, replica } = await unsaved({
      "replica-ignore-disk-write-errors": "yes",
    });
    const line = "Replica is applying a command even though it is unable to write to disk.";
    for (let second = 0; second < 15; second++) {
      primary.send("INCR", "k");
      await network.advance(1000);
    }
    expect(replica.send("GET", "k")).toBe("15");
    expect(replica.host.exitCode).toBe(null);
    expect(count(replica, line)).toBe(2);
  });

  test.each([
    { isReadOnly: "yes", script: /^READONLY/ },
    { isReadOnly: "no", script: /^MISCONF/ },
  ])(
    "is told to the replica's own clients, too; replica-read-only $isReadOnly",
    async ({ isReadOnly, script }) => {
      const { replica } = await unsaved({});
      replica.send("CONFIG", "SET", "replica-read-only", isReadOnly);
      const refused = replica.send("PING") as { reply: string };
      expect(refused.reply).toMatch(/^MISCONF Redis is configured to save RDB/);
      expect(replica.send("SET", "k", "v")).toBe(refused);
      expect(replica.send("GET", "k")).toBe(null);
      const write = "return redis.call('SET', 'k', 'v')";
      const fromScript = replica.send("EVAL", write, 0) as { reply: string };
      expect(fromScript.reply).toMatch(script);
      expect(replica.send("EVAL", `#!lua\n${write}`, 0)).toMatchObject({ reply: refused.reply });
    },
  );
});
