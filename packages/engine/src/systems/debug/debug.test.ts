import { InvariantError } from "@kv/core";
import { withoutRoom } from "@kv/core/testing";
import { harness } from "@kv/testing";
import { describe, expect, test } from "vitest";

test("DEBUG LISTPACK logs the layout of a listpack, and refuses what is none", () => {
  const kv = harness();
  kv.send("HSET", "h", "f", "v", "g", "w");
  kv.send("SET", "s", "text");
  expect(kv.send("DEBUG", "LISTPACK", "h")).toBe("Listpack structure printed on stdout");
  expect(kv.log.at(-1)).toMatch(/^DEBUG LISTPACK: 4 elements in \d+ bytes$/);
  kv.send("HEXPIRE", "h", 100, "FIELDS", 1, "g");
  expect(kv.send("DEBUG", "LISTPACK", "h")).toBe("Listpack structure printed on stdout");
  expect(kv.log.at(-1)).toMatch(/^DEBUG LISTPACK: 6 elements in \d+ bytes$/);
  expect(kv.send("DEBUG", "LISTPACK", "s")).toBe(kv.error("ERR Not a listpack encoded object."));
});

test("DEBUG POPULATE tells of new keys", () => {
  const kv = harness({ config: { "notify-keyspace-events": "En" } });
  kv.send("SET", "p:0", 1);
  kv.send("DEBUG", "POPULATE", 3, "p");
  expect(kv.events).toEqual(["new p:0", "new p:1", "new p:2"]);
});

describe("DEBUG", () => {
  test.each([
    { allowed: "no", ok: false },
    { allowed: "local", ok: true },
    { allowed: "yes", ok: true },
  ])("enable-debug-command $allowed", ({ allowed, ok }) => {
    const kv = harness({ config: { "enable-debug-command": allowed } as never });
    const reply = kv.send("DEBUG", "SLEEP", 0);
    if (ok) expect(reply).toBe("OK");
    else
      expect(reply).toEqual(
        kv.error(
          'ERR DEBUG command not allowed. If the enable-debug-command option is set to "local", you ' +
            "can run it from a local connection, otherwise you need to set this option in the " +
            "configuration file, and then restart the server.",
        ),
      );
  });

  test("local keeps out clients from elsewhere", () => {
    const kv = harness({ config: { "enable-debug-command": "local" } as never });
    Object.assign(kv.self, { address: "10.0.0.1:50000", isLocal: false });
    expect(String(kv.send("DEBUG", "SLEEP", 0))).toContain("DEBUG command not allowed");
    Object.assign(kv.self, { address: "[::1]:50000", isLocal: true });
    expect(kv.send("DEBUG", "SLEEP", 0)).toBe("OK");
  });

  test("SLEEP within a transaction makes nothing in it later", () => {
    const kv = harness();
    kv.send("SET", "k", "v", "PX", 100);
    kv.send("MULTI");
    kv.send("DEBUG", "SLEEP", 0.2);
    kv.send("GET", "k");
    expect(kv.send("EXEC")).toEqual(["OK", "v"]);
    expect(kv.send("GET", "k")).toBe(null);
  });

  test("SLEEP holds the clock, and what follows is later", () => {
    const kv = harness();
    kv.send("SET", "k", "v", "PX", 100);
    kv.self.sendBytes("DEBUG SLEEP 0.2\r\nGET k\r\n");
    expect([kv.self.receive(), kv.self.receive()]).toEqual(["OK", null]);
  });

  test("OBJECT tells the same address while a value stays where it is", () => {
    const kv = harness();
    kv.send("SET", "n", 20_000);
    const at = () => /at:0x[0-9a-f]+/.exec(kv.send("DEBUG", "OBJECT", "n") as string)?.[0];
    const before = at();
    kv.send("INCR", "n");
    expect(at()).toBe(before);
    expect(kv.send("DEBUG", "OBJECT", "n")).toMatch(
      /^Value at:0x[0-9a-f]{12} refcount:1 encoding:int serializedlength:3 lru:\d+ lru_seconds_idle:0$/,
    );
    kv.clock.advance(3000);
    expect(kv.send("DEBUG", "OBJECT", "n")).toContain("lru_seconds_idle:3");
  });

  test("what looks behind a key sees it until it is removed, and does not remove it", () => {
    const kv = harness();
    kv.send("SET", "k", "v");
    kv.send("PEXPIRE", "k", 1);
    kv.host.advance(2);
    kv.events.length = 0;
    expect(kv.send("DEBUG", "OBJECT", "k")).toContain("encoding:embstr");
    expect(kv.send("DEBUG", "DIGEST-VALUE", "k")).not.toEqual(["0".repeat(40)]);
    expect(kv.send("MEMORY", "USAGE", "k")).toBeGreaterThan(0);
    expect(kv.events).toEqual([]);
  });

  test("DIGEST does not depend on the order in which data came", () => {
    const one = harness({ seed: 1 });
    const other = harness({ seed: 2 });
    for (let i = 0; i < 300; i++) one.send("HSET", "h", `f${i}`, i);
    one.send("SET", "s", "v");
    other.send("SET", "s", "v");
    for (let i = 299; i >= 0; i--) other.send("HSET", "h", `f${i}`, i);
    expect(other.send("DEBUG", "DIGEST")).toBe(one.send("DEBUG", "DIGEST"));
    other.send("HSET", "h", "f7", 8);
    expect(other.send("DEBUG", "DIGEST")).not.toBe(one.send("DEBUG", "DIGEST"));
  });

  test("DIGEST is the one that Redis prints", () => {
    const kv = harness();
    kv.send("SET", "k", "v");
    expect(kv.send("DEBUG", "DIGEST")).toBe("264ccf65edec66bccfa7cc659414ccca432057d2");
    expect(kv.send("DEBUG", "DIGEST-VALUE", "k", "missing")).toEqual([
      "d79ee9fe5d5ad902d7f6620efc3b07b75ddd742f",
      "0".repeat(40),
    ]);
  });

  test("RELOAD gives back the same data, expiries included", () => {
    const kv = harness();
    kv.send("SET", "a", "1", "PX", 100_000);
    kv.send("HSET", "h", "f", "v");
    kv.send("SELECT", 5);
    kv.send("SET", "b", "2");
    const digest = kv.send("DEBUG", "DIGEST");
    expect(kv.send("DEBUG", "RELOAD")).toBe("OK");
    expect(kv.send("DEBUG", "DIGEST")).toBe(digest);
    kv.send("SET", "b", "3");
    expect(kv.send("DEBUG", "RELOAD", "NOSAVE")).toBe("OK");
    expect(kv.send("DEBUG", "DIGEST")).toBe(digest);
    kv.check();
  });

  test("RELOAD NOFLUSH MERGE adds the file's keys, and prefers its values", () => {
    const kv = harness();
    kv.send("SET", "old", "1", "PX", 100_000);
    kv.send("HSET", "both", "f", "file");
    kv.send("SAVE");
    kv.send("DEL", "old");
    kv.send("SET", "both", "memory");
    kv.send("SET", "new", "2", "PX", 50_000);
    expect(kv.send("DEBUG", "RELOAD", "NOSAVE", "NOFLUSH")).toEqual(
      kv.error("ERR Error trying to load the RDB dump, check server logs."),
    );
    expect(kv.send("DEBUG", "RELOAD", "NOSAVE", "NOFLUSH", "MERGE")).toBe("OK");
    expect(kv.send("HGET", "both", "f")).toBe("file");
    expect(kv.send("PTTL", "old")).toBe(100_000);
    expect(kv.send("PTTL", "new")).toBe(50_000);
    expect(kv.send("DBSIZE")).toBe(3);
    kv.check();
  });

  test("RELOAD that fails leaves the data set as it is", () => {
    const kv = harness();
    kv.send("SET", "a", "1", "PX", 100_000);
    kv.send("HSET", "h", "f", "v");
    kv.send("SAVE");
    const file = kv.host.disk.contents("dump.rdb") as Uint8Array;
    kv.send("SET", "b", "2");
    const digest = kv.send("DEBUG", "DIGEST");
    const { usedBytes } = kv.engine.keyspace.arena;
    const failed = kv.error("ERR Error trying to load the RDB dump, check server logs.");
    for (const options of [[], ["NOFLUSH"], ["NOFLUSH", "MERGE"], ["MERGE"]]) {
      kv.host.disk.put("dump.rdb", file.slice(0, file.length - 12));
      expect(kv.send("DEBUG", "RELOAD", "NOSAVE", ...options)).toEqual(failed);
      kv.host.disk.put("dump.rdb", file);
      withoutRoom(kv.engine.keyspace.arena, 3, false, () => {
        expect(kv.send("DEBUG", "RELOAD", "NOSAVE", ...options)).toEqual(failed);
      });
      expect(kv.send("DEBUG", "DIGEST")).toBe(digest);
      expect(kv.send("PTTL", "a")).toBe(100_000);
    }
    kv.send("FLUSHALL");
    kv.send("SET", "a", "1", "PX", 100_000);
    kv.send("HSET", "h", "f", "v");
    kv.send("SET", "b", "2");
    expect(kv.engine.keyspace.arena.usedBytes).toBe(usedBytes);
    kv.check();
  });

  test("RELOAD disturbs those who watch keys", () => {
    const kv = harness();
    kv.send("SET", "k", "v");
    kv.send("WATCH", "k");
    kv.client().send("DEBUG", "RELOAD");
    kv.send("MULTI");
    kv.send("PING");
    expect(kv.send("EXEC")).toBe(null);
  });

  test("POPULATE tells nobody, and leaves keys that exist alone", () => {
    const kv = harness();
    kv.send("SET", "key:1", "mine");
    kv.events.length = 0;
    kv.propagated.length = 0;
    expect(kv.send("DEBUG", "POPULATE", 3)).toBe("OK");
    expect(kv.send("MGET", "key:0", "key:1", "key:2")).toEqual(["value:0", "mine", "value:2"]);
    expect(kv.events).toEqual([]);
    expect(kv.propagated).toEqual([]);
    kv.send("DEBUG", "POPULATE", 1, "wide", 10);
    expect(kv.send("GET", "wide:0")).toBe("value:0\0\0\0");
  });

  test("HTSTATS counts all keys", () => {
    const kv = harness();
    kv.send("DEBUG", "POPULATE", 1000);
    const text = kv.send("DEBUG", "HTSTATS", 0) as string;
    expect(text).toContain(" number of elements: 1000\n");
    expect(text).toMatch(/ table size: \d+\n/);
    expect(text).toMatch(/ max chain length: \d+\n/);
    expect(text).toContain("[Expires HT]\nNo stats available for empty dictionaries\n");
  });

  test("HTSTATS-KEY is for large hashes only", () => {
    const kv = harness();
    kv.send("HSET", "h", "f", "v");
    expect(kv.send("DEBUG", "HTSTATS-KEY", "h")).toEqual(
      kv.error("ERR The value stored at the specified key is not represented using an hash table"),
    );
    kv.send("HSET", "h", "f", "v".repeat(100));
    expect(kv.send("DEBUG", "HTSTATS-KEY", "h")).toContain("number of elements: 1");
    expect(kv.send("DEBUG", "HTSTATS-KEY", "h", "full")).toContain("number of elements: 1");
    kv.send("SADD", "set", "m".repeat(100), "n");
    expect(kv.send("DEBUG", "HTSTATS-KEY", "set")).toContain("number of elements: 2");
    kv.send("ZADD", "sorted", 1, "m".repeat(100), 2, "n", 3, "o");
    expect(kv.send("DEBUG", "HTSTATS-KEY", "sorted")).toContain("number of elements: 3");
    kv.send("RPUSH", "list", "m");
    kv.send("SET", "s", "text");
    for (const key of ["s", "list"])
      expect(kv.send("DEBUG", "HTSTATS-KEY", key)).toHaveProperty("reply");
  });

  test("SDSLEN measures a key and its string", () => {
    const kv = harness();
    kv.send("SET", "key", "hello");
    expect(kv.send("DEBUG", "SDSLEN", "key")).toMatch(
      /^key_sds_len:3, key_sds_avail:0, key_zmalloc: \d+, val_sds_len:5, val_sds_avail:0, val_zmalloc: 5$/,
    );
    kv.send("SET", "key", "x".repeat(5000));
    const [, spare, bytes] = /val_sds_len:5000, val_sds_avail:(\d+), val_zmalloc: (\d+)$/.exec(
      kv.send("DEBUG", "SDSLEN", "key") as string,
    ) as RegExpExecArray;
    expect(Number(bytes)).toBe(5000 + Number(spare));
    expect(Number(spare)).toBeLessThan(1300);
    kv.send("SET", "key", 12);
    const notText = kv.error("ERR Not an sds encoded string.");
    expect(kv.send("DEBUG", "SDSLEN", "key")).toBe(notText);
    kv.send("HSET", "h", "f", "v");
    expect(kv.send("DEBUG", "SDSLEN", "h")).toBe(notText);
  });

  test("STRINGMATCH-LEN matches once", () => {
    const kv = harness();
    expect(kv.send("DEBUG", "STRINGMATCH-LEN", "a*c", "abc")).toBe(1);
    expect(kv.send("DEBUG", "STRINGMATCH-LEN", "A*", "abc")).toBe(0);
    expect(kv.send("DEBUG", "STRINGMATCH-LEN", "", "")).toBe(1);
    expect(kv.send("DEBUG", "STRINGMATCH-LEN", "a")).toBe(
      kv.error(
        "ERR unknown subcommand or wrong number of arguments for 'STRINGMATCH-LEN'. Try DEBUG HELP.",
      ),
    );
  });

  test("SET-ACTIVE-EXPIRE 0 leaves expired keys until they are looked at", () => {
    const kv = harness();
    kv.send("DEBUG", "SET-ACTIVE-EXPIRE", 0);
    kv.send("SET", "k", "v", "PX", 10);
    kv.clock.advance(2000);
    expect(kv.send("DBSIZE")).toBe(1);
    kv.send("DEBUG", "SET-ACTIVE-EXPIRE", 1);
    kv.clock.advance(2000);
    expect(kv.send("DBSIZE")).toBe(0);
  });

  test("CHANGE-REPL-ID gives a new one", () => {
    const kv = harness();
    const before = kv.engine.identity.replicationId;
    kv.send("DEBUG", "CHANGE-REPL-ID");
    expect(kv.engine.identity.replicationId).toMatch(/^[0-9a-f]{40}$/);
    expect(kv.engine.identity.replicationId).not.toBe(before);
  });

  test("LOG writes to the log", () => {
    const kv = harness();
    kv.send("DEBUG", "LOG", "hello");
    expect(kv.log).toContain("DEBUG LOG: hello");
  });

  test("STRINGMATCH-TEST ends", () => {
    expect(harness().send("DEBUG", "STRINGMATCH-TEST")).toContain("test passed");
  });

  test.each(["SEGFAULT", "PANIC", "ASSERT", "OOM"])("%s ends the server", (subcommand) => {
    expect(() => harness().send("DEBUG", subcommand)).toThrow(InvariantError);
  });
});

describe("DEBUG CLIENT-EVICTION", () => {
  const lines = (kv: ReturnType<typeof harness>) =>
    (kv.send("DEBUG", "CLIENT-EVICTION") as string).trimEnd().split("\n");

  test("has nothing to show while clients may cost what they like", () => {
    const kv = harness();
    const off = kv.error("ERR maxmemory-clients is disabled.");
    expect(kv.send("DEBUG", "CLIENT-EVICTION")).toEqual(off);
    kv.send("CONFIG", "SET", "maxmemory-clients", "5%");
    expect(kv.send("DEBUG", "CLIENT-EVICTION")).toEqual(off);
    kv.send("CONFIG", "SET", "maxmemory", "1gb");
    expect(lines(kv)).toHaveLength(19);
  });

  test("counts clients by what they cost, but for those that are spared", () => {
    const kv = harness();
    kv.send("CONFIG", "SET", "maxmemory-clients", "100mb");
    expect(lines(kv)[0]).toMatch(/^bucket {10}0 - {6}32767: tot-mem: +\d+, clients: 1$/);
    expect(lines(kv)[1]).toBe("bucket      32768 -      65535: tot-mem:          0, clients: 0");
    expect(lines(kv)[18]).toBe("bucket 4294967296+            : tot-mem:          0, clients: 0");
    const other = kv.client();
    other.sendBytes(`*2\r\n$3\r\nGET\r\n$2000000\r\n${"x".repeat(1_100_000)}`);
    expect(lines(kv).filter((line) => line.endsWith("clients: 1"))).toEqual([
      expect.stringMatching(/^bucket +0 -/),
      expect.stringMatching(/^bucket {4}1048576 - {4}2097151: tot-mem: +\d{7}, clients: 1$/),
    ]);
    kv.send("CLIENT", "NO-EVICT", "ON");
    expect(lines(kv)[0]).toMatch(/clients: 0$/);
  });
});

test("DEBUG LEAK takes memory that nothing gives back", () => {
  const kv = harness();
  const { arena } = kv.engine.keyspace;
  const before = arena.usedBytes;
  expect(kv.send("DEBUG", "LEAK", "x".repeat(100_000))).toBe("OK");
  expect(kv.send("DEBUG", "LEAK", "")).toBe("OK");
  kv.send("FLUSHALL");
  expect(arena.usedBytes - before).toBeGreaterThan(100_000);
});

test("DEBUG RESTART and CRASH-AND-RECOVER are refused, and say in the log what to do instead", () => {
  const kv = harness();
  const refused = kv.error("ERR failed to restart the server. Check server logs.");
  expect(kv.send("DEBUG", "RESTART")).toEqual(refused);
  expect(kv.log.at(-1)).toMatch(/^DEBUG RESTART: .* a supervisor restarts it after SHUTDOWN$/);
  expect(kv.send("DEBUG", "CRASH-AND-RECOVER", "10", "more")).toEqual(refused);
  const noDelay = kv.error("ERR value is not an integer or out of range");
  expect(kv.send("DEBUG", "RESTART", "soon")).toEqual(noDelay);
  expect(kv.host.exitCode).toBe(null);
});

test("DEBUG STRUCTSIZE tells the sizes of our own structures, and MALLCTL is none of ours", () => {
  const kv = harness();
  expect(kv.send("DEBUG", "STRUCTSIZE")).toMatch(/^bits:64 entry:16( \w+:\d+)+$/);
  expect(String(kv.send("DEBUG", "MALLCTL", "arenas.narenas"))).toContain(
    "unknown subcommand or wrong number of arguments for 'MALLCTL'",
  );
});

test("DEBUG HELP names every subcommand, in the order of the alphabet", () => {
  const kv = harness();
  const help = (kv.send("DEBUG", "HELP") as string[]).filter((line) => /^[A-Z]/.test(line));
  const names = help.map((line) => line.split(" ")[0] ?? "").slice(1, -1);
  expect(names).toEqual([...names].sort());
  for (const name of ["CLIENT-EVICTION", "LEAK", "RESTART", "CRASH-AND-RECOVER", "STRUCTSIZE"])
    expect(names).toContain(name);
});
