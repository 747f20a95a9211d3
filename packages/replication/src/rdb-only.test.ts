/** What `redis-cli --rdb` and its like say and get, byte for byte, in a server with a clock of its own. */
import { dataSetFilePort } from "@kv/engine";
import { writeSnapshot } from "@kv/persistence";
import { latin1 } from "@kv/resp";
import {
  dataSetOf,
  type Harness,
  harness,
  infoField,
  replicaClient,
  replicaOptions,
} from "@kv/testing";
import { describe, expect, test } from "vitest";

const { eof, functionsOnly, nothing, rdbOnly } = replicaOptions;
const library = "#!lua name=lib\nredis.register_function('f', function() return 1 end)";

/** The file of a client that gets nothing behind it. */
const bodyOf = (raw: string): string => {
  const { file, rest } = dataSetOf(raw);
  expect(rest).toBe("");
  return file;
};

/** The file that holds what the server holds, as a synchronisation writes it. */
function fileOf(kv: Harness): string {
  const { engine } = kv;
  const parts: string[] = [];
  const options = engine.of(dataSetFilePort).snapshotOptions();
  const replication = { streamDatabase: 0, id: engine.identity.replicationId, offset: 0 };
  const sink = (bytes: Uint8Array, start: number, end: number) => {
    parts.push(latin1(bytes, start, end));
  };
  const facts = { ...options.facts, replication };
  writeSnapshot(engine.keyspace, sink, { ...options, facts });
  return parts.join("");
}

/** What says of itself how much memory was in use when it was written, without that and the checksum. */
const comparable = (file: string) =>
  file
    .slice(0, -8)
    .replace(/used-mem.*?\xfa/s, "used-mem")
    .replace(/ctime.*?\xfa/s, "ctime");

const fill = (kv: Harness, count = 500) => {
  for (let i = 0; i < count; i++) kv.send("SET", `key:${i}`, `${i}`.repeat(50));
};

describe("SYNC of a client that wants the data set only", () => {
  test("gets it with marks around it, after the delay, and is closed", () => {
    const kv = harness();
    fill(kv);
    kv.send("FUNCTION", "LOAD", library);
    const expected = comparable(fileOf(kv));
    const client = replicaClient(kv, eof, rdbOnly);
    client.send("SYNC");
    kv.clock.advance(3000);
    expect(client.takeRaw()).toBe("\n\n\n");
    expect(infoField(kv, "slave0")).toBe("ip=127.0.0.1,port=0,state=wait_bgsave,offset=0,lag=0");
    kv.clock.advance(2500);
    expect(comparable(bodyOf(client.takeRaw()))).toBe(expected);
    expect(client.closed).toBe(true);
    expect(infoField(kv, "connected_slaves")).toBe("0");
  });

  test("gets it with its length in front where it has not said that it finds the end", async () => {
    const kv = harness();
    fill(kv);
    const expected = fileOf(kv);
    const client = replicaClient(kv, rdbOnly);
    client.send("SYNC");
    kv.clock.advance(100);
    await kv.engine.settled();
    const raw = client.takeRaw();
    const [, length, file] = /^\$(\d+)\r\n(.*)$/s.exec(raw) ?? [];
    expect(file?.length).toBe(Number(length));
    expect(comparable(file ?? "")).toBe(comparable(expected));
    expect(client.closed).toBe(true);
    expect(kv.host.disk.now.list()).toEqual([]);
  });

  test("repl-diskless-sync no: also one that finds the end gets a length", async () => {
    const kv = harness({ config: { "repl-diskless-sync": "no" } });
    const client = replicaClient(kv, eof, rdbOnly);
    client.send("SYNC");
    kv.clock.advance(100);
    await kv.engine.settled();
    expect(client.takeRaw()).toMatch(/^\$\d+\r\nREDIS0010/);
    // A file could not be filtered: the other kind is taken whatever the directive says.
    const filtered = replicaClient(kv, eof, rdbOnly, functionsOnly);
    filtered.send("SYNC");
    kv.clock.advance(5100);
    bodyOf(filtered.takeRaw());
  });

  test("PSYNC is told what the data set belongs to", () => {
    const kv = harness({ config: { "repl-diskless-sync-delay": 0 } });
    const id = infoField(kv, "master_replid");
    for (const [asked, count] of [
      ["?", "0"],
      ["x", "1"],
      [id ?? "", "2"],
    ] as const) {
      const client = replicaClient(kv, eof, rdbOnly);
      client.send("PSYNC", asked, asked === "?" ? -1 : 1);
      const raw = client.takeRaw();
      const line = `+FULLRESYNC ${id} 0\r\n`;
      expect(raw.slice(0, line.length)).toBe(line);
      bodyOf(raw.slice(line.length));
      expect(infoField(kv, "sync_partial_err")).toBe(count);
    }
    expect(infoField(kv, "sync_full")).toBe("3");
  });

  test("rdb-filter-only leaves out keys, and functions unless it names them", () => {
    const kv = harness({ config: { "repl-diskless-sync-delay": 0 } });
    fill(kv, 3);
    kv.send("FUNCTION", "LOAD", library);
    const withFunctions = replicaClient(kv, eof, rdbOnly, functionsOnly);
    withFunctions.send("SYNC");
    const body = bodyOf(withFunctions.takeRaw());
    expect(body).toContain(library.slice(0, 20));
    expect(body).not.toContain("key:");
    const empty = replicaClient(kv, eof, rdbOnly, nothing);
    empty.send("SYNC");
    expect(bodyOf(empty.takeRaw())).toMatch(/^REDIS0010\xfa.+\xff.{8}$/s);
    expect(body.endsWith("\xff")).toBe(false);
  });

  test("those that want the same share a cut, and others have their own at the same time", () => {
    const kv = harness({ config: { "repl-diskless-sync-delay": 2 } });
    fill(kv);
    const clients = [
      replicaClient(kv, eof, rdbOnly),
      replicaClient(kv, eof, rdbOnly, nothing),
      replicaClient(kv, eof, rdbOnly),
    ];
    for (const client of clients) client.send("SYNC");
    expect(infoField(kv, "connected_slaves")).toBe("3");
    kv.clock.advance(2100);
    const raws = clients.map((client) => client.takeRaw());
    expect(raws[0]).toBe(raws[2]);
    expect(bodyOf(raws[1] ?? "")).not.toContain("key:");
    expect(kv.log.filter((line) => line.startsWith("Starting BGSAVE"))).toHaveLength(2);
  });

  test("repl-diskless-sync-max-replicas: enough of them need not wait", () => {
    const kv = harness({ config: { "repl-diskless-sync-max-replicas": 2 } });
    const [one, other] = [replicaClient(kv, eof, rdbOnly), replicaClient(kv, eof, rdbOnly)];
    one.send("SYNC");
    expect(one.takeRaw()).toBe("");
    other.send("SYNC");
    expect(bodyOf(one.takeRaw())).toBe(bodyOf(other.takeRaw()));
  });

  test("is the data set of one instant, whatever is written meanwhile", () => {
    const kv = harness({ config: { "repl-diskless-sync-delay": 0, rdbcompression: "no" } });
    for (let i = 0; i < 2000; i++) kv.send("SET", `key:${i}`, `old:${i}.`);
    kv.send("HSET", "hash", ...Array.from({ length: 2000 }, (_, i) => `f${i}`));
    const expected = fileOf(kv);
    const client = replicaClient(kv, eof, rdbOnly);
    client.send("SYNC");
    expect(infoField(kv, "rdb_bgsave_in_progress")).toBe("1");
    kv.send("HSET", "hash", "f0", "changed");
    for (let i = 1999; i >= 0 && !client.closed; i -= 2) {
      kv.send("SET", `key:${i}`, "changed");
      kv.send("DEL", `key:${i - 1}`);
      kv.send("SET", `new:${i}`, "changed");
    }
    kv.send("FLUSHALL");
    kv.clock.advance(100);
    const body = bodyOf(client.takeRaw());
    expect(body.length).toBe(expected.length);
    expect(body).not.toContain("changed");
    for (let i = 0; i < 2000; i++) expect(body).toContain(`old:${i}.`);
    expect(client.closed).toBe(true);
    kv.check();
  });
});

test.each(["yes", "no"])(
  "FLUSHALL ends what is on its way to followers, diskless: %s",
  async (mode) => {
    const kv = harness({ config: { "repl-diskless-sync-delay": 0, "repl-diskless-sync": mode } });
    fill(kv, 3000);
    kv.send("CONFIG", "SET", "rdb-key-save-delay", 1000);
    const client = replicaClient(kv, eof);
    client.send("PSYNC", "?", -1);
    expect(infoField(kv, "rdb_bgsave_in_progress")).toBe("1");
    kv.send("FLUSHALL");
    expect(client.closed).toBe(true);
    expect(infoField(kv, "rdb_bgsave_in_progress")).toBe("0");
    kv.send("CONFIG", "SET", "rdb-key-save-delay", 0);
    const other = replicaClient(kv, eof);
    other.send("PSYNC", "?", -1);
    kv.clock.advance(1000);
    await kv.engine.settled();
    kv.clock.advance(1000);
    expect(infoField(kv, "slave0")).toContain("state=online");
    kv.check();
  },
);

test("FLUSHALL leaves a follower alone that has no more to take than the end of its file", async () => {
  const kv = harness();
  kv.send("SET", "k", "v");
  const client = replicaClient(kv);
  client.send("SYNC");
  expect(infoField(kv, "rdb_bgsave_in_progress")).toBe("0");
  expect(infoField(kv, "slave0")).toContain("state=wait_bgsave");
  kv.send("FLUSHALL");
  await kv.engine.settled();
  kv.clock.advance(1000);
  expect(client.closed).toBe(false);
  expect(client.takeRaw()).toMatch(/flushall\r\n/i);
  kv.check();
});

test("a buffer that a connection keeps is not written to again", () => {
  const kv = harness({ config: { "repl-diskless-sync-delay": 1, rdbcompression: "no" } });
  fill(kv, 3000);
  const [keeping, copying] = [replicaClient(kv, eof, rdbOnly), replicaClient(kv, eof, rdbOnly)];
  const kept: [bytes: Uint8Array, start: number, end: number][] = [];
  const send = (bytes: Uint8Array, start: number, end: number) => {
    kept.push([bytes, start, end]);
    return false;
  };
  Object.assign(keeping, { send });
  keeping.sendBytes("SYNC\r\n");
  copying.send("SYNC");
  kv.clock.advance(3000);
  const raw = keeping.takeRaw() + kept.map((each) => latin1(...each)).join("");
  expect(kept.length).toBeGreaterThan(5);
  expect(bodyOf(raw)).toBe(bodyOf(copying.takeRaw()));
});

describe("a reader that does not read", () => {
  /** Of a hundred thousand bytes each: twice what is kept for a reader. */
  const KEYS = 180;
  const stuckReader = (config: Record<string, string | number> = {}) => {
    const kv = harness({
      config: { "repl-diskless-sync-delay": 0, rdbcompression: "no", ...config },
    });
    for (let i = 0; i < KEYS; i++) kv.send("SET", `key:${i}`, "x".repeat(100_000));
    const client = replicaClient(kv, eof, rdbOnly);
    client.isStuck = true;
    client.send("SYNC");
    kv.clock.advance(200);
    return { kv, client };
  };
  const heldBytes = (kv: Harness) => Number(infoField(kv, "mem_total_replication_buffers"));

  test("makes the reading wait: a few megabytes are kept", () => {
    const { kv, client } = stuckReader();
    const held = heldBytes(kv);
    expect(held).toBeGreaterThan(2 ** 20);
    expect(held).toBeLessThan(12 * 2 ** 20);
    kv.clock.advance(20_000);
    expect(heldBytes(kv)).toBe(held);
    expect(infoField(kv, "rdb_bgsave_in_progress")).toBe("1");
    client.drain();
    kv.clock.advance(1000);
    expect(client.closed).toBe(true);
    expect(heldBytes(kv)).toBe(0);
    expect(infoField(kv, "rdb_bgsave_in_progress")).toBe("0");
  });

  test("is closed when it has taken nothing for repl-timeout", () => {
    const { kv, client } = stuckReader({ "repl-timeout": 10 });
    kv.clock.advance(9000);
    expect(client.closed).toBe(false);
    kv.clock.advance(3000);
    expect(client.closed).toBe(true);
    expect(kv.log).toContain(
      "Disconnecting timedout replica (full sync): 127.0.0.1:<unknown-replica-port>",
    );
    expect(heldBytes(kv)).toBe(0);
    kv.send("FLUSHALL");
    kv.check();
  });

  test("is not closed while it takes anything", () => {
    const { kv, client } = stuckReader({ "repl-timeout": 10 });
    for (let i = 0; i < 20; i++) {
      kv.clock.advance(2000);
      client.pendingBytes--;
    }
    expect(client.closed).toBe(false);
  });

  test("is closed when writes have made more wait than client-output-buffer-limit allows", () => {
    const { kv, client } = stuckReader({
      "client-output-buffer-limit": "replica 4mb 0 0",
    });
    kv.clock.advance(1000);
    expect(client.closed).toBe(false);
    for (let i = 0; i < KEYS; i++) kv.send("DEL", `key:${i}`);
    kv.clock.advance(100);
    expect(client.closed).toBe(true);
    expect(infoField(kv, "client_output_buffer_limit_disconnections")).toBe("1");
    expect(heldBytes(kv)).toBe(0);
  });

  test("does not keep others from being served: each has what it can take", () => {
    const { kv, client } = stuckReader();
    const quick = replicaClient(kv, eof, rdbOnly);
    quick.send("SYNC");
    kv.clock.advance(1000);
    expect(quick.closed).toBe(true);
    bodyOf(quick.takeRaw());
    expect(client.closed).toBe(false);
    client.destroy();
    kv.clock.advance(100);
    expect(infoField(kv, "connected_slaves")).toBe("0");
    expect(heldBytes(kv)).toBe(0);
  });

  test("of a file is shown as such, and closed by the same rule", async () => {
    const kv = harness({ config: { "repl-timeout": 10, rdbcompression: "no" } });
    for (let i = 0; i < 10; i++) kv.send("SET", `key:${i}`, "x".repeat(100_000));
    const client = replicaClient(kv, rdbOnly);
    client.isStuck = true;
    client.send("SYNC");
    kv.clock.advance(100);
    for (let i = 0; i < 300; i++) await Promise.resolve();
    expect(infoField(kv, "slave0")).toContain("state=send_bulk");
    kv.clock.advance(12_000);
    expect(client.closed).toBe(true);
    await kv.engine.settled();
    expect(kv.host.disk.now.list()).toEqual([]);
  });
});

describe("a synchronisation and other work", () => {
  test("BGSAVE and it do not disturb each other", async () => {
    const kv = harness({ config: { "repl-diskless-sync-delay": 0 } });
    fill(kv, 2000);
    const client = replicaClient(kv, eof, rdbOnly);
    const byFile = replicaClient(kv, rdbOnly);
    expect(kv.send("BGSAVE")).toBe("Background saving started");
    client.send("SYNC");
    byFile.send("SYNC");
    kv.clock.advance(500);
    await kv.engine.settled();
    kv.clock.advance(500);
    bodyOf(client.takeRaw());
    expect(byFile.takeRaw()).toMatch(/^\$\d+\r\nREDIS/);
    expect(kv.host.disk.now.list()).toEqual(["dump.rdb"]);
    expect(infoField(kv, "rdb_last_bgsave_status")).toBe("ok");
  });

  test("a disk that refuses the file costs that replica only", async () => {
    const kv = harness();
    fill(kv);
    kv.host.disk.failsFrom = { at: 1, code: "ENOSPC", message: "No space left on device" };
    const client = replicaClient(kv, rdbOnly);
    client.send("SYNC");
    kv.clock.advance(100);
    await kv.engine.settled();
    expect(client.closed).toBe(true);
    expect(client.takeRaw()).toBe("");
    expect(kv.log.join("\n")).toContain("failed: No space left on device");
    expect(kv.send("SET", "k", "v")).toBe("OK");
  });

  test("who comes back behind such a failure waits a second, and does not keep the disk busy", async () => {
    const kv = harness();
    fill(kv);
    kv.host.disk.failsFrom = { at: 1, code: "ENOSPC", message: "No space left on device" };
    replicaClient(kv, rdbOnly).send("SYNC");
    kv.clock.advance(100);
    await kv.engine.settled();
    kv.host.disk.failsFrom = undefined;
    const begun = () => kv.log.filter((line) => line.startsWith("Starting BGSAVE for SYNC")).length;
    const again = replicaClient(kv, rdbOnly);
    again.send("SYNC");
    kv.clock.advance(800);
    expect(begun()).toBe(1);
    kv.clock.advance(300);
    expect(begun()).toBe(2);
    await kv.engine.settled();
    expect(again.takeRaw()).toMatch(/^\n*\$\d+\r\nREDIS/);
  });

  test("the end of the server gives it up", async () => {
    const kv = harness();
    fill(kv);
    const client = replicaClient(kv, rdbOnly);
    client.send("SYNC");
    kv.engine.shutdown({ save: "nosave" });
    await kv.engine.settled();
    expect(kv.host.disk.now.list()).toEqual([]);
    kv.check();
  });
});

describe("a client that is a replica", () => {
  test("is shown as one, and counted apart", () => {
    const kv = harness();
    const client = replicaClient(
      kv,
      eof,
      rdbOnly,
      ["listening-port", 7001],
      ["ip-address", "10.0.0.7"],
    );
    client.send("SYNC");
    expect(infoField(kv, "slave0")).toBe("ip=10.0.0.7,port=7001,state=wait_bgsave,offset=0,lag=0");
    expect(infoField(kv, "connected_clients")).toBe("1");
    const list = kv.send("CLIENT", "LIST", "TYPE", "replica") as string;
    expect(list).toMatch(/^id=\d+ .* flags=S .* cmd=sync /);
    expect(kv.send("CLIENT", "LIST", "TYPE", "normal")).not.toContain("flags=S");
    expect(kv.send("ROLE")).toEqual(["master", 0, []]);
    expect(kv.send("CLIENT", "KILL", "TYPE", "replica")).toBe(1);
    expect(infoField(kv, "connected_slaves")).toBe("0");
    expect(infoField(kv, "connected_clients")).toBe("1");
  });

  test("gets no replies: what would make one closes it", () => {
    for (const [words, closes] of [
      [["PING"], true],
      [["GET", "k"], true],
      [["SET", "k", "v"], true],
      [["REPLCONF", "capa", "eof"], true],
      [["REPLCONF", "ack", "0"], false],
      [["SYNC"], false],
    ] as const) {
      const kv = harness();
      const client = replicaClient(kv, eof, rdbOnly);
      client.send("SYNC");
      client.send(...words);
      expect([words, client.closed]).toEqual([words, closes]);
      expect(client.takeRaw()).toBe("");
      expect(kv.send("EXISTS", "k")).toBe(0);
    }
  });
});

describe("refused", () => {
  test("a filter needs one that finds the end", () => {
    const kv = harness();
    const client = replicaClient(kv, rdbOnly, functionsOnly);
    client.send("SYNC");
    expect(client.takeRaw()).toBe("-ERR Filtered replica requires EOF capability\r\n");
  });

  test("behind replies that have not left", () => {
    const kv = harness();
    kv.self.isRaw = true;
    kv.self.takeRaw();
    kv.self.sendBytes("REPLCONF rdb-only 1\r\nSYNC\r\n");
    expect(kv.self.takeRaw()).toBe(
      "+OK\r\n-ERR SYNC and PSYNC are invalid with pending output\r\n",
    );
  });

  test("not for what the connection has not told yet to have left: a replica would fall back to SYNC", () => {
    const kv = harness({ config: { "repl-diskless-sync-delay": 0 } });
    const client = replicaClient(kv, eof, replicaOptions.psync2);
    client.pendingBytes = 5;
    client.send("PSYNC", "?", -1);
    kv.clock.advance(100);
    expect(client.takeRaw()).toContain("+FULLRESYNC ");
  });

  test("in transactions and scripts", () => {
    const kv = harness();
    kv.send("MULTI");
    expect(kv.send("REPLCONF", "rdb-only", 1)).toBe("QUEUED");
    expect(kv.send("SYNC")).toBe(kv.error("ERR Command not allowed inside a transaction"));
    expect(kv.send("PSYNC", "?", -1)).toBe(
      kv.error("ERR Command not allowed inside a transaction"),
    );
    kv.send("DISCARD");
    for (const call of ["'SYNC'", "'PSYNC', '?', '-1'", "'REPLCONF', 'capa', 'eof'"])
      expect(String(kv.send("EVAL", `return redis.call(${call})`, 0))).toContain(
        "This Redis command is not allowed from script",
      );
  });
});
