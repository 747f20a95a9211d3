import { harness } from "@kv/testing";
import { describe, expect, test } from "vitest";
import { observePort } from "../observe/observe.ts";
import { savingPort } from "../saving/saving.ts";

describe("TIME and LASTSAVE", () => {
  test("tell the host's clock", () => {
    const kv = harness();
    kv.host.nowMs = 1_700_000_000_123.456;
    expect(kv.send("TIME")).toEqual(["1700000000", "123456"]);
    expect(kv.send("LASTSAVE")).toBe(1_700_000_000);
    kv.clock.advance(5000);
    kv.send("SAVE");
    expect(kv.send("LASTSAVE")).toBe(1_700_000_005);
  });
});

test("TIME is the same throughout a transaction or a script, and goes on behind it", () => {
  const kv = harness();
  const script =
    "local a = redis.call('TIME') for i = 1, 3e5 do end local b = redis.call('TIME') return {a, b}";
  let earlier = "";
  for (let round = 0; round < 2; round++) {
    const [first, second] = kv.send("EVAL", script, 0) as string[][];
    expect(second).toEqual(first);
    expect(String(first)).not.toBe(earlier);
    earlier = String(first);
    kv.clock.advance(1);
  }
  kv.send("MULTI");
  for (const words of [["TIME"], ["EVAL", script, "0"], ["TIME"]]) kv.send(...words);
  const [first, [second, third], fourth] = kv.send("EXEC") as [string[], string[][], string[]];
  expect([second, third, fourth]).toEqual([first, first, first]);
});

describe("MONITOR", () => {
  test("shows what others run, each on a line, and secrets redacted", () => {
    const kv = harness();
    const watcher = kv.client();
    expect(watcher.send("MONITOR")).toBe("OK");
    kv.send("SELECT", 3);
    kv.send("SET", "k", 'a"b\\c\r\n\x01\xff');
    kv.send("AUTH", "bob", "secret");
    expect(watcher.pushed()).toEqual([
      '1700000000.000000 [3 127.0.0.1:50000] "SELECT" "3"',
      '1700000000.000000 [3 127.0.0.1:50000] "SET" "k" "a\\"b\\\\c\\r\\n\\x01\\xff"',
      '1700000000.000000 [3 127.0.0.1:50000] "AUTH" "(redacted)" "(redacted)"',
    ]);
  });

  test("shows a transaction command by command, and EXEC last", () => {
    const kv = harness();
    const watcher = kv.client();
    watcher.send("MONITOR");
    kv.send("MULTI");
    kv.send("SET", "k", "v");
    kv.send("EXEC");
    const lines = watcher.pushed() as string[];
    expect(lines.map((line) => line.replace(/^.*?\] /, ""))).toEqual([
      '"MULTI"',
      '"SET" "k" "v"',
      '"EXEC"',
    ]);
  });

  test("the monitoring client gets no data, waits for no pause, and is told once", () => {
    const kv = harness();
    const watcher = kv.client();
    const refusal = kv.error("ERR Replica can't interact with the keyspace");
    watcher.send("MONITOR");
    expect(watcher.send("MONITOR")).toBeUndefined();
    expect(watcher.send("GET", "k")).toBe(refusal);
    expect(watcher.send("SET", "k", "v")).toBe(refusal);
    expect(watcher.send("PUBLISH", "channel", "message")).toBe(refusal);
    kv.send("CLIENT", "PAUSE", 10_000, "ALL");
    expect(watcher.send("PING")).toBe("PONG");
    watcher.pushed();
    expect(watcher.send("RESET")).toBe("RESET");
    kv.clock.advance(10_000);
    expect(watcher.send("GET", "k")).toBe(null);
  });

  test("shows an EXEC that may not run, for it ends the transaction", () => {
    const kv = harness();
    const watcher = kv.client();
    watcher.send("MONITOR");
    kv.send("MULTI");
    kv.send("SET", "k", "v");
    kv.client().send("CONFIG", "SET", "maxmemory", 1);
    kv.send("EXEC");
    const lines = () => watcher.pushed().map((line) => `${line}`.replace(/^.*\] /, ""));
    expect(lines()).toEqual(['"MULTI"', '"EXEC"']);
    watcher.send("EXEC", "x");
    expect(lines()).toEqual(['"EXEC" "x"']);
  });

  test("CLIENT REPLY OFF is about the lines, too", () => {
    const kv = harness();
    const watcher = kv.client();
    watcher.send("MONITOR");
    watcher.pushed();
    watcher.send("CLIENT", "REPLY", "OFF");
    watcher.send("PING");
    kv.send("PING", "unseen");
    watcher.send("CLIENT", "REPLY", "ON");
    kv.send("PING", "seen");
    expect(watcher.pushed().map((line) => `${line}`.replace(/^.*\] /, ""))).toEqual([
      '"CLIENT" "REPLY" "ON"',
      '"PING" "seen"',
    ]);
  });

  test("is refused inside a transaction", () => {
    const kv = harness();
    kv.send("MULTI");
    kv.send("MONITOR");
    expect(kv.send("EXEC")).toEqual([
      kv.error("ERR MONITOR isn't allowed for DENY BLOCKING client"),
    ]);
    expect(kv.engine.of(observePort).monitors.count).toBe(0);
  });

  test("QUIT is the last thing a monitoring client hears of", () => {
    const kv = harness();
    const watcher = kv.client();
    watcher.send("MONITOR");
    watcher.takeRaw();
    watcher.send("QUIT");
    expect(watcher.takeRaw()).toBe("+OK\r\n");
  });

  test("leaves out what administrators do, and ends with the connection", () => {
    const kv = harness();
    const watcher = kv.client();
    watcher.send("MONITOR");
    kv.send("CONFIG", "GET", "hz");
    kv.send("NOPE");
    expect(watcher.pushed()).toEqual([]);
    watcher.destroy();
    expect(kv.engine.of(observePort).monitors.count).toBe(0);
  });

  test("shows only the path of a Unix socket", () => {
    const kv = harness();
    const watcher = kv.client();
    watcher.send("MONITOR");
    Object.assign(kv.self, { isUnix: true, address: "/tmp/kv.sock:0" });
    kv.send("PING");
    expect(watcher.pushed()).toEqual(['1700000000.000000 [0 unix:/tmp/kv.sock] "PING"']);
  });
});

describe("LOLWUT", () => {
  test("ends with the version, whatever the picture", () => {
    const kv = harness();
    const first = kv.send("LOLWUT") as string;
    expect(first).toMatch(/\n\nRedis ver\. 7\.2\.4\n$/);
    expect(kv.send("LOLWUT", "VERSION", 5)).not.toBe(first);
    expect(
      first
        .split("\n")
        .slice(0, 16)
        .every((line) => line.length === 64),
    ).toBe(true);
  });
});

describe("MODULE", () => {
  test("loads nothing, allowed or not", () => {
    expect(String(harness().send("MODULE", "LOAD", "/x.so"))).toContain(
      "MODULE command not allowed",
    );
    const kv = harness({ config: { "enable-module-command": "yes" } as never });
    for (const form of ["LOAD", "LOADEX"]) {
      const refusal = "ERR Error loading the extension. Please check the server logs.";
      expect(String(kv.send("MODULE", form, `/${form}.so`))).toContain(refusal);
      expect(kv.log).toContain(
        `Module /${form}.so failed to load: native modules are not supported by this server`,
      );
    }
    expect(String(kv.send("MODULE", "UNLOAD", "x"))).toContain("no such module");
    expect(kv.send("MODULE", "LIST")).toEqual([]);
  });
});

describe("MEMORY", () => {
  test("USAGE measures a key with its value, and samples large ones", () => {
    const kv = harness();
    kv.send("SET", "s", "x".repeat(1000));
    expect(kv.send("MEMORY", "USAGE", "s")).toBeGreaterThanOrEqual(1000);
    for (let i = 0; i < 1000; i++) kv.send("HSET", "h", `f${i}`, "x".repeat(100));
    const exact = kv.send("MEMORY", "USAGE", "h", "SAMPLES", 0) as number;
    expect(exact).toBeGreaterThan(100_000);
    const estimate = kv.send("MEMORY", "USAGE", "h") as number;
    expect(Math.abs(estimate - exact)).toBeLessThan(exact / 10);
    expect(kv.send("MEMORY", "USAGE", "missing")).toBe(null);
  });

  test("STATS has the fields of Redis, doubles as doubles", () => {
    const kv = harness({ resp: 3 });
    kv.send("SET", "k", "v");
    const stats = kv.send("MEMORY", "STATS") as Map<string, unknown>;
    expect([...stats.keys()].join(" ")).toBe(
      "peak.allocated total.allocated startup.allocated replication.backlog clients.slaves " +
        "clients.normal cluster.links aof.buffer lua.caches functions.caches db.0 overhead.total " +
        "keys.count keys.bytes-per-key dataset.bytes dataset.percentage peak.percentage " +
        "allocator.allocated allocator.active allocator.resident allocator-fragmentation.ratio " +
        "allocator-fragmentation.bytes allocator-rss.ratio allocator-rss.bytes " +
        "rss-overhead.ratio rss-overhead.bytes fragmentation fragmentation.bytes",
    );
    expect(stats.get("keys.count")).toBe(1);
    expect([...(stats.get("db.0") as Map<string, number>).keys()]).toEqual([
      "overhead.hashtable.main",
      "overhead.hashtable.expires",
      "overhead.hashtable.slot-to-keys",
    ]);
    kv.self.takeRaw();
    kv.send("MEMORY", "STATS");
    expect(kv.self.takeRaw()).toContain("peak.percentage\r\n,");
  });

  test("DOCTOR, MALLOC-STATS and PURGE", () => {
    const kv = harness();
    expect(kv.send("MEMORY", "DOCTOR")).toContain("too little data");
    expect(kv.send("MEMORY", "MALLOC-STATS")).toMatch(/^Arena\n {2}blocks: \d+\n/);
    expect(kv.send("MEMORY", "PURGE")).toBe("OK");
    kv.send("DEBUG", "POPULATE", 20_000, "k", 500);
    expect(kv.send("MEMORY", "DOCTOR")).toContain("No problem");
    kv.send("FLUSHALL");
    kv.send("DEBUG", "POPULATE", 11_000, "k", 500);
    expect(kv.send("MEMORY", "DOCTOR")).toContain("1. Peak: ");
  });

  test("DOCTOR does not mind gaps between a few blocks, whatever their share", () => {
    const kv = harness();
    kv.send("SET", "k", "v".repeat(200));
    // What is kept of a script is used memory, and here more than the data.
    kv.send("SCRIPT", "LOAD", `return 1 -- ${"x".repeat(6_000_000)}`);
    expect(kv.send("MEMORY", "DOCTOR")).toBe("No problem was found with the use of memory.\n");
  });

  test("DOCTOR tells of a process that is much larger than its data", () => {
    const kv = harness();
    kv.send("DEBUG", "POPULATE", 20_000, "k", 500);
    const usage = kv.host.usage();
    kv.host.usage = () => ({ ...usage, residentBytes: 400 * 2 ** 20 });
    expect(kv.send("MEMORY", "DOCTOR")).toMatch(/^1\. Runtime: the process holds 3\d\d\.\d\dM /);
  });
});

describe("SAVE and BGSAVE", () => {
  test("SAVE writes the file, and says no more than ERR when it cannot", () => {
    const kv = harness();
    kv.send("SET", "k", "v");
    expect(kv.send("SAVE")).toBe("OK");
    kv.send("FLUSHALL");
    expect(kv.send("DEBUG", "RELOAD", "NOSAVE")).toBe("OK");
    expect(kv.send("GET", "k")).toBe("v");
    kv.engine.of(savingPort).saveNow = () => false;
    expect(kv.send("SAVE")).toEqual(kv.error("ERR"));
  });

  test("BGSAVE runs beside the commands, one at a time", async () => {
    const kv = harness();
    kv.send("DEBUG", "POPULATE", 1000);
    expect(kv.send("BGSAVE")).toBe("Background saving started");
    expect(kv.send("INFO", "persistence")).toContain("rdb_bgsave_in_progress:1");
    expect(kv.send("BGSAVE")).toEqual(kv.error("ERR Background save already in progress"));
    expect(kv.send("SAVE")).toEqual(kv.error("ERR Background save already in progress"));
    for (let turn = 0; turn < 100 && kv.engine.of(savingPort).isRunning; turn++) {
      kv.engine.turn();
      await Promise.resolve();
      await new Promise((resolve) => setImmediate(resolve));
    }
    const info = kv.send("INFO", "persistence") as string;
    expect(info).toContain("rdb_bgsave_in_progress:0");
    expect(info).toContain("rdb_last_bgsave_status:ok");
    expect(info).toContain("rdb_saves:1");
  });

  test("inside EXEC a BGSAVE waits for the end of it", () => {
    const kv = harness();
    kv.send("MULTI");
    kv.send("SET", "k", "v");
    kv.send("BGSAVE");
    expect(kv.send("EXEC")).toEqual(["OK", "Background saving scheduled"]);
    expect(kv.engine.of(savingPort).isRunning).toBe(false);
    kv.clock.advance(200);
    expect(kv.engine.of(savingPort).isRunning || kv.engine.of(savingPort).saveCount > 0).toBe(true);
  });
});

describe("SHUTDOWN", () => {
  const settled = () => new Promise((resolve) => setImmediate(resolve));

  test("ends the host without a word", async () => {
    const kv = harness();
    expect(kv.send("SHUTDOWN")).toBe(undefined);
    await settled();
    expect(kv.host.exitCode).toBe(0);
    expect(kv.log).toContain("Redis is now ready to exit, bye bye...");
  });

  test("saves when it is told to, or when there are save points", async () => {
    const kv = harness();
    kv.send("SET", "k", "v");
    kv.send("SHUTDOWN", "SAVE");
    await settled();
    expect(kv.engine.of(savingPort).saveCount).toBe(1);

    const careful = harness({ config: { save: "3600 1" } as never });
    careful.send("SET", "k", "v");
    careful.send("SHUTDOWN");
    await settled();
    expect(careful.engine.of(savingPort).saveCount).toBe(1);
  });

  test("answers when saving fails, and goes on serving what came behind", async () => {
    const kv = harness();
    kv.host.disk.failsFrom = { at: 1, code: "ENOSPC", message: "No space left on device" };
    kv.self.sendBytes("SHUTDOWN SAVE\r\nPING\r\n");
    expect(kv.self.receive()).toBe(undefined);
    await settled();
    expect(kv.self.receive()).toEqual(kv.error("ERR Errors trying to SHUTDOWN. Check logs."));
    expect(kv.self.receive()).toBe("PONG");
    expect(kv.host.exitCode).toBe(null);
  });

  test("FORCE ends it even so", async () => {
    const kv = harness();
    kv.host.disk.failsFrom = { at: 1, code: "ENOSPC", message: "No space left on device" };
    kv.send("SHUTDOWN", "SAVE", "FORCE");
    await settled();
    expect(kv.host.exitCode).toBe(0);
  });

  test("ABORT needs one that is going on", () => {
    const kv = harness();
    expect(kv.send("SHUTDOWN", "ABORT")).toEqual(kv.error("ERR No shutdown in progress."));
  });

  test("cannot be queued", () => {
    const kv = harness();
    kv.send("MULTI");
    expect(kv.send("SHUTDOWN")).toEqual(kv.error("ERR Command not allowed inside a transaction"));
    expect(kv.send("EXEC")).toEqual(
      kv.error("EXECABORT Transaction discarded because of previous errors."),
    );
  });
});

describe("words longer than the name of anything", () => {
  const long = "x".repeat(2000);
  const shown = "x".repeat(1024);

  test.each([
    { words: ["CLIENT", "KILL", "USER", long], error: `ERR No such user '${shown}'` },
    { words: ["CLIENT", "LIST", "TYPE", long], error: `ERR Unknown client type '${shown}'` },
    { words: ["CLIENT", "KILL", long], error: "ERR No such client" },
    { words: ["ACL", "CAT", long], error: `ERR Unknown category '${shown}'` },
    { words: ["LATENCY", "GRAPH", long], error: `ERR No samples available for event '${shown}'` },
    { words: ["SCAN", long], error: "ERR invalid cursor" },
    { words: ["SCAN", "1".repeat(2000)], error: "ERR invalid cursor" },
  ])("are cut short in errors, or just unknown: $words.0 $words.1", ({ words, error }) => {
    const kv = harness();
    expect(kv.send(...words)).toBe(kv.error(error));
  });

  test("name no section, directive, event or command, and however many there are they are not kept", () => {
    const kv = harness();
    const many = Array.from({ length: 5000 }, (_, index) => `name-${index}`);
    expect(kv.send("INFO", long)).toBe("");
    expect(kv.send("INFO", ...many)).toBe("");
    expect(kv.send("INFO", ...many, "CPU")).toMatch(/^# CPU/);
    expect(kv.send("CONFIG", "GET", long, ...many, "HZ")).toEqual(["HZ", "10"]);
    expect(kv.send("LATENCY", "RESET", long, ...many)).toBe(0);
    expect(kv.send("COMMAND", "INFO", long)).toEqual([null]);
    expect(kv.send("CONFIG", "SET", ...many)).toBe(
      kv.error("ERR Unknown option or number of arguments for CONFIG SET - 'name-0'"),
    );
    const known = Array.from({ length: 3000 }, () => ["hz", "10"]).flat();
    expect(kv.send("CONFIG", "SET", ...known)).toBe(
      kv.error("ERR CONFIG SET failed (possibly related to argument 'hz') - duplicate parameter"),
    );
  });

  test("COMMAND DOCS tells of a command as often as it is named", () => {
    const kv = harness();
    const docs = kv.send("COMMAND", "DOCS", "get", long, "nothing", "GET", "set") as unknown[];
    expect(docs.filter((_, index) => index % 2 === 0)).toEqual(["get", "get", "set"]);
  });

  test("COMMAND GETKEYS answers with bytes of any length", () => {
    const kv = harness();
    const key = `\0\xff${"k".repeat(100_000)}`;
    expect(kv.send("COMMAND", "GETKEYS", "MSET", key, "1", "b", "2")).toEqual([key, "b"]);
    expect(kv.send("COMMAND", "GETKEYS", "SET", "k", "v", long)).toEqual(["k"]);
  });
});
