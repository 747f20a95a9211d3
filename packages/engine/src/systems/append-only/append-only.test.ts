import { MemoryStorage } from "@kv/persistence/testing";
import { type Harness, type HarnessOptions, harness, infoField } from "@kv/testing";
import { describe, expect, test } from "vitest";
import { EngineState } from "../../kernel/situation.ts";
import { appendOnlyPort } from "./append-only.ts";

const text = (bytes: Uint8Array | undefined) => Buffer.from(bytes ?? []).toString("latin1");
const manifestOf = ({ host }: Harness) =>
  text(host.disk.contents("appendonlydir/appendonly.aof.manifest"));
const logOf = ({ host }: Harness, sequence = 1) =>
  text(host.disk.contents(`appendonlydir/appendonly.aof.${sequence}.incr.aof`));
const request = (...words: string[]) =>
  `*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join("")}`;

/** A server that logs, on a disk of its own or on one that was there before. */
async function started(
  config: HarnessOptions["config"] = {},
  disk = new MemoryStorage(),
): Promise<Harness> {
  const kv = harness({ config: { appendonly: true, ...config }, disk });
  expect(await kv.engine.load(), kv.log.join("\n")).toBe(true);
  return kv;
}

const restarted = (kv: Harness, config: HarnessOptions["config"] = {}) =>
  started(config, kv.host.disk);

const rewritten = (kv: Harness) => kv.until(() => !kv.engine.of(appendOnlyPort).isRewriting);

describe("the log", () => {
  test("has every change, and makes the same data set of it", async () => {
    const kv = await started();
    kv.send("SET", "a", "1");
    kv.send("GET", "a");
    kv.send("SELECT", 3);
    kv.send("RPUSH", "list", "x", "y");
    kv.send("SET", "e", "1", "PX", 5000);
    const atMs = kv.host.nowMs + 5000;
    expect(logOf(kv)).toBe(
      request("SELECT", "0") +
        request("SET", "a", "1") +
        request("SELECT", "3") +
        request("RPUSH", "list", "x", "y") +
        request("SET", "e", "1", "PXAT", `${atMs}`),
    );
    expect(manifestOf(kv)).toBe(
      "file appendonly.aof.1.base.rdb seq 1 type b\nfile appendonly.aof.1.incr.aof seq 1 type i\n",
    );
    const next = await restarted(kv);
    expect(next.send("DEBUG", "DIGEST")).toBe(kv.send("DEBUG", "DIGEST"));
    next.send("SELECT", 3);
    expect(next.send("PTTL", "e")).toBe(5000);
    next.check();
  });

  test("keeps what has expired since until the log says that it went", async () => {
    const kv = await started();
    kv.send("SET", "k", "1", "PX", 10);
    kv.send("INCR", "k");
    kv.send("HSET", "h", "f", "1", "g", "2");
    kv.send("HPEXPIRE", "h", 10, "FIELDS", 1, "f");
    kv.send("HINCRBY", "h", "f", 5);
    const next = harness({ config: { appendonly: true }, disk: kv.host.disk });
    next.host.nowMs = kv.host.nowMs + 1000;
    await next.engine.load();
    // Had the first command made no key, the second would have made one that lives for ever.
    expect(next.send("EXISTS", "k")).toBe(0);
    expect(next.send("HGETALL", "h")).toEqual(["g", "2"]);
  });

  test("has the last word about keys of its base whose time has passed since", async () => {
    const kv = await started();
    for (const key of ["stays", "later", "goes"]) kv.send("SET", key, "v", "PX", 1000);
    kv.send("RPUSH", "list", "a");
    kv.send("PEXPIRE", "list", 1000);
    kv.send("BGREWRITEAOF");
    await rewritten(kv);
    kv.send("PERSIST", "stays");
    kv.send("PEXPIRE", "later", 60_000);
    kv.send("RPUSH", "list", "b");
    kv.send("PERSIST", "list");
    const next = harness({ config: { appendonly: true }, disk: kv.host.disk });
    next.host.nowMs = kv.host.nowMs + 5000;
    await next.engine.load();
    expect(next.send("MGET", "stays", "later", "goes")).toEqual(["v", "v", null]);
    expect(next.send("LRANGE", "list", 0, -1)).toEqual(["a", "b"]);
    expect(next.send("DBSIZE")).toBe(3);
  });

  test("is over once it is loaded: from then on clients may wait again", async () => {
    const kv = await started();
    kv.send("RPUSH", "list", "x");
    const next = await restarted(kv);
    const waiting = next.client();
    expect(waiting.send("BLMPOP", 0, 1, "other", "LEFT")).toBe(undefined);
    next.send("DEBUG", "LOADAOF");
    next.send("RPUSH", "other", "y");
    expect(waiting.receive()).toEqual(["other", ["y"]]);
    expect(waiting.send("XREAD", "BLOCK", 0, "STREAMS", "s", "$")).toBe(undefined);
  });

  test("a transaction selects its database within MULTI, and is found in it", async () => {
    const kv = await started();
    kv.send("SELECT", 2);
    kv.send("MULTI");
    kv.send("INCR", "a");
    kv.send("INCR", "a");
    kv.send("EXEC");
    const words = logOf(kv)
      .split("\r\n")
      .filter((line) => /^[A-Za-z2]/.test(line));
    expect(words).toEqual(["MULTI", "SELECT", "2", "INCR", "a", "INCR", "a", "EXEC"]);
    const next = await restarted(kv);
    next.send("SELECT", 2);
    expect(next.send("GET", "a")).toBe("2");
  });

  test("takes an XADD that was limited while it trimmed as what came of it", async () => {
    const kv = await started({ "stream-node-max-entries": 10 });
    for (let id = 1; id <= 50; id++) kv.send("XADD", "s", `${id}-0`, "f", "v");
    kv.send("XADD", "s", "MAXLEN", "~", 5, "LIMIT", 30, "51-0", "f", "v");
    kv.send("XADD", "s", "MINID", "~", "60-0", "LIMIT", 10, "52-0", "f", "v");
    kv.send("XTRIM", "s", "MAXLEN", "~", 0, "LIMIT", 10);
    const length = kv.send("XLEN", "s");
    const next = await restarted(kv);
    expect(next.send("XLEN", "s")).toBe(length);
    expect(next.send("DEBUG", "DIGEST")).toBe(kv.send("DEBUG", "DIGEST"));
  });

  test("has strings of any length, whatever a client may send since", async () => {
    const kv = await started();
    const length = 2 ** 21;
    kv.send("SETRANGE", "range", length - 1, "x");
    kv.send("SETBIT", "bits", length * 8 - 1, 1);
    kv.send("BITFIELD", "fields", "SET", "u8", (length - 1) * 8, 1);
    kv.send("APPEND", "range", "x".repeat(100));
    kv.send("SET", "whole", "x".repeat(length));
    const next = await restarted(kv, { "proto-max-bulk-len": 2 ** 20 });
    expect(next.send("DEBUG", "DIGEST")).toBe(kv.send("DEBUG", "DIGEST"));
    expect(next.send("SETBIT", "bits", length * 8, 1)).toEqual(
      next.error("ERR bit offset is not an integer or out of range"),
    );
  });

  test("a transaction is whole, or is not there", async () => {
    const kv = await started();
    kv.send("SET", "before", 1);
    kv.send("MULTI");
    kv.send("SET", "a", 1);
    kv.send("INCR", "a");
    kv.send("EXEC");
    const whole = logOf(kv);
    expect((await restarted(kv)).send("GET", "a")).toBe("2");
    const lastOfAll = whole.length;
    for (let length = whole.indexOf("MULTI") + 7; length < lastOfAll; length += 5) {
      const disk = new MemoryStorage();
      for (const name of ["manifest", "1.base.rdb", "1.incr.aof"]) {
        const path = `appendonlydir/appendonly.aof.${name}`;
        const bytes = kv.host.disk.contents(path) ?? new Uint8Array();
        disk.put(path, name === "1.incr.aof" ? bytes.slice(0, length) : bytes);
      }
      const next = await started({}, disk);
      expect(next.send("MGET", "before", "a")).toEqual(["1", null]);
      next.send("SET", "later", 1);
      expect((await restarted(next)).send("MGET", "later", "a")).toEqual(["1", null]);
    }
  });

  test("what is cut off or zeros at the end goes; anything else ends the start", async () => {
    const kv = await started();
    kv.send("SET", "a", 1);
    const path = "appendonlydir/appendonly.aof.1.incr.aof";
    const good = kv.host.disk.contents(path) as Uint8Array;
    const end = async (tail: string, config = {}) => {
      kv.host.disk.put(path, Buffer.concat([good, Buffer.from(tail, "latin1")]));
      const next = harness({ config: { appendonly: true, ...config }, disk: kv.host.disk });
      const isLoaded = await next.engine.load();
      return isLoaded ? next.send("GET", "a") : next.log.at(-1);
    };
    expect(await end("*3\r\n$3\r\nSE")).toBe("1");
    expect(logOf(kv)).toBe(text(good));
    expect(await end("\0".repeat(100))).toBe("1");
    expect(logOf(kv)).toBe(text(good));
    expect(await end("*1\r\n", { "aof-load-truncated": false })).toMatch(
      /^Unexpected end of file reading the append only file/,
    );
    expect(await end("garbage")).toMatch(/^Bad file format reading the append only file/);
    expect(await end(`\0\0${request("SET", "a", "2")}`)).toMatch(/^Bad file format/);
    expect(await end(request("BLA", "a"))).toBe(
      "Unknown command 'BLA' reading the append only file appendonly.aof.1.incr.aof",
    );
  });

  test("notes the time where that is asked for", async () => {
    const kv = await started({ "aof-timestamp-enabled": true });
    kv.send("SET", "a", 1);
    kv.send("SET", "b", 1);
    kv.clock.advance(1000);
    kv.send("SET", "c", 1);
    const seconds = 1_700_000_000;
    expect(logOf(kv).match(/#TS:\d+\r\n/g)).toEqual([
      `#TS:${seconds}\r\n`,
      `#TS:${seconds + 1}\r\n`,
    ]);
    expect((await restarted(kv)).send("DBSIZE")).toBe(3);
  });
});

describe("replies and the disk", () => {
  test("no reply leaves before its command is in the file, and one write serves all", async () => {
    const kv = await started({ appendfsync: "always" });
    const others = Array.from({ length: 10 }, () => kv.client());
    const before = kv.host.disk.operations.length;
    const view = (bytes: Uint8Array) => new DataView(bytes.buffer);
    for (const [index, other] of others.entries()) {
      const bytes = new TextEncoder().encode(request("SET", `k${index}`, "v"));
      if (other.client !== null)
        kv.engine.receive(other.client, bytes, view(bytes), 0, bytes.length);
      expect(other.receive()).toBe(undefined);
    }
    kv.engine.turn();
    for (const other of others) expect(other.receive()).toBe("OK");
    expect(kv.host.disk.operations.slice(before)).toEqual(["write", "sync"]);
  });

  test("always: what the disk does not take ends the server, and nobody is told OK", async () => {
    for (const call of ["write", "sync"]) {
      const kv = await started({ appendfsync: "always" });
      const { disk } = kv.host;
      const at = disk.operations.length + (call === "write" ? 1 : 2);
      disk.fault = { at, code: "EIO", message: "Input/output error" };
      expect(kv.send("SET", "k", "v")).toBe(undefined);
      expect(kv.send("SET", "k", "w")).toBe(undefined);
      expect(kv.host.exitCode).toBe(1);
    }
  });

  test("everysec: a full disk refuses writes until it takes them again", async () => {
    const kv = await started();
    const { disk } = kv.host;
    kv.send("SET", "a", 1);
    const from = disk.operations.length + 1;
    disk.failsFrom = { at: from, code: "ENOSPC", message: "No space left on device" };
    expect(kv.send("SET", "b", 1)).toBe("OK");
    const refusal = kv.error("MISCONF Errors writing to the AOF file: No space left on device");
    expect(kv.send("SET", "c", 1)).toBe(refusal);
    expect(kv.send("PING")).toBe(refusal);
    expect(kv.send("GET", "b")).toBe("1");
    expect(kv.send("INFO", "persistence")).toMatch(/aof_last_write_status:err/);
    kv.clock.advance(2000);
    expect(kv.send("SET", "c", 1)).toBe(refusal);
    disk.failsFrom = undefined;
    kv.clock.advance(2000);
    expect(kv.send("SET", "c", 1)).toBe("OK");
    expect(kv.log).toContain("AOF write error looks solved. The server can write again.");
    expect((await restarted(kv)).send("MGET", "a", "b", "c")).toEqual(["1", "1", "1"]);
  });

  test("everysec: a sync that failed is not believed again, until other files are there", async () => {
    const kv = await started();
    const { disk } = kv.host;
    kv.send("SET", "a", 1);
    disk.fault = { at: disk.operations.length + 1, code: "EIO", message: "Input/output error" };
    kv.clock.advance(1100);
    await Promise.resolve();
    await kv.engine.settled();
    expect(kv.send("SET", "b", 1)).toBe(
      kv.error("MISCONF Errors writing to the AOF file: Input/output error"),
    );
    kv.clock.advance(1100);
    await rewritten(kv);
    expect(kv.send("SET", "b", 1)).toBe("OK");
    expect(manifestOf(kv)).toMatch(/2\.base\.rdb/);
    disk.powerLoss({ keptBytes: (bytes) => bytes });
    expect((await restarted(kv)).send("MGET", "a", "b")).toEqual(["1", "1"]);
  });

  test("everysec: where writing waits for a sync, replies do not", async () => {
    const kv = await started();
    kv.send("DEBUG", "AOF-FLUSH-SLEEP", 30_000);
    kv.send("SET", "a", 1);
    kv.clock.advance(1000);
    expect(kv.send("SET", "slow", 1)).toBe("OK");
    expect(logOf(kv)).toMatch(/slow/);
    await kv.engine.settled();
    kv.send("DEBUG", "AOF-FLUSH-SLEEP", 0);
    kv.clock.advance(1000);
    expect(kv.send("SET", "later", 1)).toBe("OK");
    expect(logOf(kv)).not.toMatch(/later/);
    await kv.engine.settled();
    kv.engine.turn();
    expect(logOf(kv)).toMatch(/later/);
  });

  test("everysec: a second later it survives a power failure", async () => {
    const kv = await started();
    kv.send("SET", "a", 1);
    kv.clock.advance(1100);
    await kv.engine.settled();
    kv.send("SET", "b", 1);
    kv.host.disk.powerLoss();
    expect((await restarted(kv)).send("MGET", "a", "b")).toEqual(["1", null]);
  });
});

describe("BGREWRITEAOF", () => {
  for (const isSnapshot of [true, false])
    test(`makes it short, and loses nothing that is written meanwhile (${isSnapshot ? "snapshot" : "commands"})`, async () => {
      const kv = await started({ "aof-use-rdb-preamble": isSnapshot });
      for (let i = 0; i < 1000; i++) kv.send("INCR", `k${i % 100}`);
      expect(kv.send("BGREWRITEAOF")).toBe("Background append only file rewriting started");
      expect(kv.send("BGREWRITEAOF")).toBe(
        kv.error("ERR Background append only file rewriting already in progress"),
      );
      for (let i = 0; kv.engine.of(appendOnlyPort).isRewriting; i++) {
        kv.send("INCR", `k${i % 100}`);
        await Promise.resolve();
      }
      kv.send("SET", "after", "1");
      expect(manifestOf(kv)).toBe(
        `file appendonly.aof.2.base.${isSnapshot ? "rdb" : "aof"} seq 2 type b\nfile appendonly.aof.2.incr.aof seq 2 type i\n`,
      );
      expect(kv.host.disk.contents("appendonlydir/appendonly.aof.1.incr.aof")).toBe(undefined);
      expect(kv.send("INFO", "persistence")).toMatch(/aof_last_bgrewrite_status:ok/);
      const next = await restarted(kv);
      expect(next.send("DEBUG", "DIGEST")).toBe(kv.send("DEBUG", "DIGEST"));
    });

  test("leaves the files that were before it where they are to be kept", async () => {
    const kv = await started({ "aof-disable-auto-gc": true });
    kv.send("SET", "a", 1);
    kv.send("BGREWRITEAOF");
    await rewritten(kv);
    expect(manifestOf(kv)).toMatch(/1\.incr\.aof seq 1 type h\n.*1\.base\.rdb seq 1 type h\n/);
    expect(logOf(kv)).toMatch(/SET/);
    expect((await restarted(kv, { "aof-disable-auto-gc": true })).send("GET", "a")).toBe("1");
    kv.send("CONFIG", "SET", "aof-disable-auto-gc", "no");
    await kv.engine.settled();
    expect(manifestOf(kv)).not.toMatch(/type h/);
    expect(logOf(kv)).toBe("");
  });

  test("no sync gets in its way where that is not wanted", async () => {
    const kv = await started({ appendfsync: "always", "no-appendfsync-on-rewrite": true });
    kv.send("BGREWRITEAOF");
    const from = kv.host.disk.operations.length;
    kv.send("SET", "a", 1);
    expect(kv.host.disk.operations.slice(from)).not.toContain("sync");
    await rewritten(kv);
    const later = kv.host.disk.operations.length;
    kv.send("SET", "b", 1);
    expect(kv.host.disk.operations.slice(later)).toEqual(["write", "sync"]);
  });

  test("all files that hold the data set count, whatever becomes of it", async () => {
    const kv = await started();
    const told = () => Number(/aof_current_size:(\d+)/.exec(kv.send("INFO") as string)?.[1]);
    const onDisk = () =>
      [...manifestOf(kv).matchAll(/^file (\S+) seq \d+ type [bi]$/gm)].reduce(
        (sum, [, name]) => sum + (kv.host.disk.contents(`appendonlydir/${name}`)?.length ?? 0),
        0,
      );
    const write = () => {
      kv.send("APPEND", "k", "v".repeat(1000));
      expect(told()).toBe(onDisk());
    };
    for (let i = 0; i < 5; i++) write();
    kv.send("BGREWRITEAOF");
    // Two files have commands of the log now, and still the base is the old one.
    for (; logOf(kv, 2) === ""; await Promise.resolve()) write();
    write();
    const { disk } = kv.host;
    disk.fault = { at: disk.operations.length + 1, code: "EIO", message: "Input/output error" };
    await rewritten(kv);
    expect(kv.send("INFO", "persistence")).toMatch(/aof_last_bgrewrite_status:err/);
    write();
    expect(manifestOf(kv).match(/type i$/gm)).toHaveLength(2);
    const next = await started({}, disk.copy());
    expect(next.send("INFO", "persistence")).toContain(`aof_current_size:${told()}\r\n`);
    kv.send("BGREWRITEAOF");
    await rewritten(kv);
    write();
    expect(manifestOf(kv).match(/type i$/gm)).toHaveLength(1);
  });

  test("waits for the end of the transaction that it stands in", async () => {
    const kv = await started();
    kv.self.sendBytes("MULTI\r\nSET a 1\r\nBGREWRITEAOF\r\nINCR a\r\nEXEC\r\n");
    for (let i = 0; i < 4; i++) kv.self.receive();
    expect(kv.self.receive()).toEqual(["OK", "Background append only file rewriting scheduled", 2]);
    kv.clock.advance(200);
    await rewritten(kv);
    expect(manifestOf(kv)).toMatch(/2\.base\.rdb/);
    expect((await restarted(kv)).send("GET", "a")).toBe("2");
  });

  test("waits for a save that is under way", async () => {
    const kv = await started();
    kv.self.sendBytes("SET a 1\r\nBGSAVE\r\nBGREWRITEAOF\r\n");
    expect([kv.self.receive(), kv.self.receive(), kv.self.receive()]).toEqual([
      "OK",
      "Background saving started",
      "Background append only file rewriting scheduled",
    ]);
    expect(kv.send("INFO", "persistence")).toMatch(/aof_rewrite_scheduled:1/);
    await kv.engine.settled();
    kv.clock.advance(200);
    await rewritten(kv);
    expect(manifestOf(kv)).toMatch(/2\.base\.rdb/);
  });

  test("makes saves wait", async () => {
    const kv = await started({ save: "1 1" });
    kv.send("SET", "a", 1);
    kv.send("BGREWRITEAOF");
    expect(kv.send("BGSAVE")).toEqual(
      kv.error(
        "ERR Another child process is active (AOF?): can't BGSAVE right now. " +
          "Use BGSAVE SCHEDULE in order to schedule a BGSAVE whenever possible.",
      ),
    );
    kv.clock.advance(2000);
    expect(kv.log.join("\n")).not.toMatch(/1 changes in 1 seconds/);
    expect(kv.send("BGSAVE", "SCHEDULE")).toBe("Background saving scheduled");
    expect(kv.send("INFO", "persistence")).toMatch(/rdb_bgsave_in_progress:0/);
    expect(kv.send("SAVE")).toBe("OK");
    await rewritten(kv);
    kv.clock.advance(200);
    await kv.engine.settled();
    expect(kv.send("INFO", "persistence")).toMatch(/rdb_saves:2\r\n/);
  });

  test("begins by itself when the file has grown", async () => {
    const kv = await started({ "auto-aof-rewrite-min-size": 1000 });
    while (logOf(kv).length < 1000) kv.send("SET", "k", "v".repeat(50));
    kv.clock.advance(200);
    await rewritten(kv);
    expect(kv.log.join("\n")).toMatch(/Starting automatic rewriting of AOF on \d+% growth/);
    expect(manifestOf(kv)).toMatch(/2\.base\.rdb/);
  });

  test("that fails again and again is tried less often", async () => {
    const kv = await started({ "auto-aof-rewrite-min-size": 100 });
    kv.send("SET", "k", "v".repeat(500));
    const { disk } = kv.host;
    let failures = 0;
    for (let i = 0; i < 50 && failures < 3; i++) {
      kv.clock.advance(1100);
      // The log is synced by then: what fails is the rewrite.
      disk.failsFrom = { at: disk.operations.length + 1, code: "EIO", message: "no" };
      await rewritten(kv);
      disk.failsFrom = undefined;
      failures = kv.engine.of(appendOnlyPort).failuresInARow;
    }
    kv.clock.advance(10_000);
    expect(kv.log.join("\n")).toMatch(
      /repeatedly failed and triggered the limit, will retry in 1 minutes/,
    );
    expect(kv.engine.of(appendOnlyPort).failuresInARow).toBe(3);
    kv.clock.advance(60_000);
    await rewritten(kv);
    expect(kv.engine.of(appendOnlyPort).failuresInARow).toBe(0);
  });
});

describe("CONFIG SET appendonly", () => {
  test("begins with what is there, and ends with a file that is whole", async () => {
    const kv = harness();
    await kv.engine.load();
    kv.send("SET", "before", 1);
    expect(kv.send("CONFIG", "SET", "appendonly", "yes")).toBe("OK");
    expect(kv.send("INFO", "persistence")).toMatch(/aof_enabled:1/);
    kv.send("SET", "meanwhile", 1);
    await rewritten(kv);
    kv.send("SET", "after", 1);
    expect((await restarted(kv)).send("MGET", "before", "meanwhile", "after")).toEqual([
      "1",
      "1",
      "1",
    ]);
    expect(kv.send("CONFIG", "SET", "appendonly", "no")).toBe("OK");
    kv.send("SET", "never", 1);
    expect((await restarted(kv)).send("MGET", "after", "never")).toEqual(["1", null]);
    expect(kv.send("CONFIG", "SET", "appendonly", "yes")).toBe("OK");
    await rewritten(kv);
    expect((await restarted(kv)).send("GET", "never")).toBe("1");
  });

  test("during a save the log begins when that has ended", async () => {
    const kv = harness();
    await kv.engine.load();
    kv.self.sendBytes(
      "SET before 1\r\nBGSAVE\r\nCONFIG SET appendonly yes\r\nINFO persistence\r\n",
    );
    for (let i = 0; i < 3; i++) expect(kv.self.receive()).not.toBeInstanceOf(Error);
    expect(kv.self.receive()).toMatch(/aof_rewrite_in_progress:0\r\naof_rewrite_scheduled:1\r\n/);
    kv.send("SET", "meanwhile", 1);
    await kv.engine.settled();
    kv.clock.advance(200);
    await rewritten(kv);
    kv.send("SET", "after", 1);
    expect((await restarted(kv)).send("MGET", "before", "meanwhile", "after")).toEqual([
      "1",
      "1",
      "1",
    ]);
  });

  test("a shutdown does not wait for the first file while a script keeps it from getting ready", async () => {
    const kv = harness();
    await kv.engine.load();
    kv.send("CONFIG", "SET", "appendonly", "yes");
    kv.engine.situation.setUnusual(EngineState.BUSY, true);
    expect(kv.engine.shutdown({ save: "nosave" })).toBe(true);
    expect(kv.log).toContain("Writing initial AOF. Exit anyway.");
    await kv.engine.settled();
  });

  test("begun within a transaction it starts behind it, which the log says", async () => {
    const kv = harness();
    await kv.engine.load();
    kv.send("MULTI");
    kv.send("INCR", "n");
    kv.send("CONFIG", "SET", "appendonly", "yes");
    kv.send("INCR", "n");
    expect(kv.send("EXEC")).toEqual([1, "OK", 2]);
    expect(kv.log.join("\n")).toContain("AOF background was scheduled");
    kv.clock.advance(200);
    await rewritten(kv);
    expect((await restarted(kv)).send("GET", "n")).toBe("2");
  });

  test("a shutdown waits for the first file, unless it is forced", async () => {
    const kv = harness();
    await kv.engine.load();
    kv.send("CONFIG", "SET", "appendonly", "yes");
    expect(kv.engine.shutdown({ save: "default" })).toBe(false);
    expect(kv.log).toContain("Writing initial AOF, can't exit");
    expect(kv.engine.shutdown({ save: "default", force: true })).toBe(true);
    await kv.engine.settled();
  });
});

test("a snapshot beside no log is not loaded, and its owner is warned", async () => {
  const kv = harness();
  kv.send("SET", "k", "v");
  kv.send("SAVE");
  const next = await restarted(kv);
  expect(next.send("EXISTS", "k")).toBe(0);
  expect(next.log.join("\n")).toMatch(/WARNING: dump.rdb is there and is not loaded/);
  expect((await restarted(next)).log.join("\n")).not.toMatch(/WARNING: dump.rdb/);
});

test("a single file of older versions becomes the base", async () => {
  const disk = new MemoryStorage();
  disk.put("appendonly.aof", Buffer.from(request("SET", "old", "1")));
  const kv = await started({}, disk);
  expect(kv.send("GET", "old")).toBe("1");
  expect(manifestOf(kv)).toBe(
    "file appendonly.aof seq 1 type b\nfile appendonly.aof.1.incr.aof seq 1 type i\n",
  );
  kv.send("SET", "new", 1);
  const next = await restarted(kv);
  expect(next.send("MGET", "old", "new")).toEqual(["1", "1"]);
  next.send("BGREWRITEAOF");
  await rewritten(next);
  expect(disk.contents("appendonlydir/appendonly.aof")).toBe(undefined);
});

test("a command that fails is told, or ends the start where that is asked for", async () => {
  const disk = new MemoryStorage();
  const log = request("SET", "k", "v") + request("LPUSH", "k", "x") + request("SET", "l", "w");
  disk.put("appendonly.aof", Buffer.from(log));
  const strict = harness({
    config: { appendonly: true, "propagation-error-behavior": "panic" },
    disk,
  });
  expect(await strict.engine.load()).toBe(false);
  const kv = await started({}, disk);
  expect(kv.log.join("\n")).toMatch(/sending an error to its AOF-loading-client: 'WRONGTYPE/);
  expect(infoField(kv, "unexpected_error_replies")).toBe("1");
  expect(kv.send("MGET", "k", "l")).toEqual(["v", "w"]);
});

test("DEBUG LOADAOF makes of the files what is there", async () => {
  const kv = await started();
  kv.self.sendBytes(
    `${request("SET", "a", "1")}${request("LPUSH", "l", "1", "2")}DEBUG LOADAOF\r\nGET a\r\n`,
  );
  expect([1, 2, 3, 4].map(() => kv.self.receive())).toEqual(["OK", 2, "OK", "1"]);
  expect(kv.send("LRANGE", "l", 0, -1)).toEqual(["2", "1"]);
  kv.check();
});
