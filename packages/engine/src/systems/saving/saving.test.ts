import { withoutRoom } from "@kv/core/testing";
import { type Harness, harness } from "@kv/testing";
import { describe, expect, test } from "vitest";
import { Due } from "../../kernel/due.ts";
import { savingPort } from "./saving.ts";

/** Turns and promises until the background save is over; `between` runs in each turn. */
async function finish(kv: Harness, between: () => void = () => {}): Promise<void> {
  for (let turn = 0; kv.engine.of(savingPort).isRunning && turn < 100_000; turn++) {
    between();
    kv.engine.turn();
    await Promise.resolve();
  }
  expect(kv.engine.of(savingPort).isRunning).toBe(false);
}

/** A server that finds the file of another, and has still to load it. */
function beside(kv: Harness): Harness {
  const next = harness();
  next.host.nowMs = kv.host.nowMs;
  const file = kv.host.disk.contents("dump.rdb");
  if (file !== undefined) next.host.disk.put("dump.rdb", file);
  return next;
}

/** Another server that starts on the first one's disk. */
async function restart(kv: Harness): Promise<Harness> {
  const next = beside(kv);
  expect(await next.engine.load()).toBe(true);
  return next;
}

test("a save that cannot remember what changes fails, and nothing else does", async () => {
  const kv = harness();
  for (let i = 0; i < 1000; i++) kv.send("HSET", "big", `f${i}`, "v");
  kv.send("SAVE");
  const file = kv.host.disk.contents("dump.rdb");
  kv.send("SET", "k", "not in the file");
  withoutRoom(kv.engine.keyspace.arena, 1, true, () => {
    // In one batch, so that the save has not come to the field yet.
    kv.self.sendBytes("BGSAVE\r\nHSET big f7 w\r\n");
  });
  expect([kv.self.receive(), kv.self.receive()]).toEqual(["Background saving started", 0]);
  expect(kv.send("HGET", "big", "f7")).toBe("w");
  await finish(kv);
  expect(kv.log.slice(-2)).toEqual([
    "Saving was given up: not enough memory for the changes that are made meanwhile",
    "Background saving error",
  ]);
  expect(kv.send("INFO", "persistence")).toMatch(/rdb_last_bgsave_status:err\r\n/);
  expect(kv.host.disk.contents("dump.rdb")).toEqual(file);
  kv.send("BGSAVE");
  await finish(kv);
  expect((await restart(kv)).send("GET", "k")).toBe("not in the file");
  kv.check();
});

describe("SAVE and loading", () => {
  test("a server that starts again has the same data set", async () => {
    const kv = harness();
    kv.send("SET", "s", "text\r\n\0\xff");
    kv.send("SET", "n", "-9223372036854775808", "PX", 5000);
    kv.send("HSET", "h", "f", "1", "g", "two");
    for (let i = 0; i < 1000; i++) kv.send("HSET", "big", `f${i}`, `v${i}`);
    kv.send("SELECT", 5);
    kv.send("SET", "elsewhere", "v".repeat(10_000));
    expect(kv.send("SAVE")).toBe("OK");
    const again = await restart(kv);
    expect(again.send("DEBUG", "DIGEST")).toBe(kv.send("DEBUG", "DIGEST"));
    expect(again.send("PTTL", "n")).toBe(5000);
    again.clock.advance(6000);
    expect(again.send("EXISTS", "n")).toBe(0);
    again.check();
  });

  test("what had expired meanwhile is left out and counted", async () => {
    const kv = harness();
    kv.send("SET", "gone", "v", "PX", 100);
    kv.send("SET", "stays", "v");
    kv.send("SAVE");
    kv.host.nowMs += 1000;
    const again = await restart(kv);
    expect(again.send("KEYS", "*")).toEqual(["stays"]);
    expect(again.send("INFO", "persistence")).toMatch(/rdb_last_load_keys_expired:1\r\n/);
  });

  test("who asks while a small file is read waits for its end", async () => {
    const kv = harness();
    kv.send("SET", "k", "v");
    kv.send("SAVE");
    const next = beside(kv);
    const loaded = next.engine.load();
    const client = next.client();
    expect(client.send("GET", "k")).toBe(undefined);
    expect(next.send("INFO", "persistence")).toMatch(/loading:1\r\n/);
    await loaded;
    next.clock.advance(1);
    expect(client.receive()).toBe("v");
  });

  test("LOADING is answered until a large file is read, or one that the disk is slow to give", async () => {
    const kv = harness();
    kv.send("SET", "k", "v");
    kv.send("SAVE");
    const next = beside(kv);
    const loaded = next.engine.load();
    const [early, late] = [next.client(), next.client()];
    expect(early.send("GET", "k")).toBe(undefined);
    next.clock.advance(1000);
    const isLoading = next.error("LOADING Redis is loading the dataset in memory");
    expect(early.receive()).toEqual(isLoading);
    expect(late.send("GET", "k")).toEqual(isLoading);
    await loaded;
    expect(late.send("GET", "k")).toBe("v");
  });

  test("a damaged file is refused, with a reason in the log", async () => {
    const kv = harness();
    kv.send("SET", "k", "value");
    kv.send("SAVE");
    const file = (kv.host.disk.contents("dump.rdb") as Uint8Array).slice();
    const next = harness();
    file[file.length - 1] = (file[file.length - 1] as number) ^ 1;
    next.host.disk.put("dump.rdb", file);
    expect(await next.engine.load()).toBe(false);
    expect(next.log.some((line) => line.includes("Wrong RDB checksum expected"))).toBe(true);
    // The log tells what kv-check-rdb finds out about the file.
    expect(next.log.slice(-8)).toEqual([
      "--- RDB ERROR DETECTED ---",
      `[offset ${file.length}] RDB CRC error`,
      "[additional info] While doing: check-sum",
      "[info] 1 keys read",
      "[info] 0 expires",
      "[info] 0 already expired",
      "Terminating server after rdb file reading failure.",
      "Fatal error loading the DB, check server logs. Exiting.",
    ]);
    next.host.disk.put("dump.rdb", file.slice(0, file.length - 12));
    expect(await next.engine.load()).toBe(false);
    const index = next.log.findIndex((line) => line.startsWith("Short read or OOM loading DB"));
    expect(next.log[index + 1]).toMatch(
      /^Internal error in RDB reading offset \d+, .* -> Unexpected EOF reading RDB file$/,
    );
  });

  test("a file that is not for this server is refused without calling it damaged", async () => {
    const kv = harness();
    kv.host.disk.put("dump.rdb", new TextEncoder().encode("REDIS9999"));
    expect(await kv.engine.load()).toBe(false);
    expect(kv.log.slice(-2)).toEqual([
      "Can't handle RDB format version 9999",
      "Fatal error loading the DB, check server logs. Exiting.",
    ]);
  });

  test.each([
    {
      what: "data of a module",
      bytes: `REDIS0010\x07\x01m\x81${"\x01".repeat(8)}\0\xff`,
      says: /Keys of type 7 \(module-value\)/,
    },
    { what: "functions", bytes: "REDIS0010\xf5\x06#!lua \xff", says: /contains functions/ },
  ])(
    "a file with $what gets a reason, and no report that finds it good",
    async ({ bytes, says }) => {
      const kv = harness({ hasScripts: false });
      const file = Uint8Array.from(`${bytes}${"\0".repeat(8)}`, (each) => each.charCodeAt(0));
      kv.host.disk.put("dump.rdb", file);
      expect(await kv.engine.load()).toBe(false);
      expect(kv.log.length).toBe(2);
      expect(kv.log[0]).toMatch(says);
      expect(kv.log[1]).toBe("Fatal error loading the DB, check server logs. Exiting.");
      expect(kv.host.disk.contents("dump.rdb")).toEqual(file);
    },
  );

  test("the report on a damaged file is short, and never says that the file is good", async () => {
    const kv = harness();
    const facts = Array.from({ length: 500 }, (_, i) => `\xfa\x04n${100 + i}\x01x`).join("");
    const twice = "\0\x01k\x01v".repeat(2); // What only loading finds.
    const text = `REDIS0010${facts}${twice}\xff${"\0".repeat(8)}`;
    kv.host.disk.put(
      "dump.rdb",
      Uint8Array.from(text, (each) => each.charCodeAt(0)),
    );
    expect(await kv.engine.load()).toBe(false);
    expect(kv.log[0]).toContain("RDB has duplicated key in DB 0");
    expect(kv.log.slice(1)).toEqual([
      "[offset 0] Checking RDB file dump.rdb",
      "[info] Only loading finds what is wrong with this file.",
      "[info] 2 keys read",
      "[info] 0 expires",
      "[info] 0 already expired",
      "Terminating server after rdb file reading failure.",
      "Fatal error loading the DB, check server logs. Exiting.",
    ]);
  });

  test("a SAVE that fails says so and keeps the old file", async () => {
    const kv = harness({ config: { save: "60 1" } });
    kv.send("SET", "k", "old");
    kv.send("SAVE");
    kv.send("SET", "k", "new");
    kv.host.disk.failsFrom = { at: 1, code: "ENOSPC", message: "No space left on device" };
    expect(kv.send("SAVE")).toBe(kv.error("ERR"));
    expect(kv.send("SET", "k", "newer")).toBe("OK");
    kv.host.disk.failsFrom = undefined;
    expect((await restart(kv)).send("GET", "k")).toBe("old");
  });
});

describe("BGSAVE", () => {
  test("holds the instant, whatever is written while it runs", async () => {
    const kv = harness();
    for (let i = 0; i < 3000; i++) kv.send("SET", `k${i}`, `v${i}`);
    const digest = kv.send("DEBUG", "DIGEST");
    expect(kv.send("BGSAVE")).toBe("Background saving started");
    expect(kv.send("BGSAVE")).toBe(kv.error("ERR Background save already in progress"));
    let turn = 0;
    await finish(kv, () => {
      kv.send("SET", `k${turn * 17}`, "changed");
      kv.send("DEL", `k${turn * 23}`);
      kv.send("SET", `new${turn}`, "born later");
      kv.send("EXPIRE", `k${turn * 29}`, 100);
      if (turn === 3) kv.send("FLUSHDB");
      turn++;
    });
    expect(turn).toBeGreaterThan(5);
    const again = await restart(kv);
    expect(again.send("DBSIZE")).toBe(3000);
    expect(again.send("DEBUG", "DIGEST")).toBe(digest);
  });

  test("changes made while it ran still count as unsaved", async () => {
    const kv = harness();
    kv.send("SET", "a", "1");
    kv.send("BGSAVE");
    kv.send("SET", "b", "2");
    await finish(kv);
    expect(kv.send("INFO", "persistence")).toMatch(/rdb_changes_since_last_save:1\r\n/);
    expect(kv.log).toContain("Background saving terminated with success");
  });

  test.each([
    { what: "one large hash", key: () => "big" },
    { what: "hashes", key: (i: number) => `h${i % 1000}` },
  ])("goes on by itself while the disk keeps up: $what", async ({ key }) => {
    const kv = harness();
    for (let i = 0; i < 40_000; i++) kv.send("HSET", key(i), `field${i}`, `value${i}`);
    kv.send("BGSAVE");
    // What commands change is handed over by them; the walk must not stop where nothing is left.
    for (let i = 0; i < 50; i++) kv.send("HSET", key(i), `field${i}`, "changed");
    while (kv.engine.turn());
    // No turn more: all that is left is the disk's.
    for (let wait = 0; wait < 2000 && kv.engine.of(savingPort).isRunning; wait++)
      await Promise.resolve();
    expect(kv.engine.of(savingPort).isRunning).toBe(false);
    expect(kv.log.at(-1)).toBe("Background saving terminated with success");
  });

  test("rests between slices while clients are served, not for who asks how it gets on", () => {
    const kv = harness();
    kv.send("DEBUG", "POPULATE", 200_000);
    kv.host.advance(1000);
    kv.engine.turn();
    kv.engine.of(savingPort).beginBackground();
    expect(kv.engine.turn()).toBe(Due.SOON);
    kv.send("INFO", "persistence");
    expect(kv.engine.turn()).toBe(Due.SOON);
    for (let i = 0; i < 10; i++) kv.send("GET", `key:${i}`);
    expect(kv.engine.turn()).toBe(Due.LATER);
    kv.host.advance(100);
    expect(kv.engine.turn()).toBe(Due.SOON);
    kv.engine.of(savingPort).abortBackground();
  });

  test("FLUSHALL gives it up", async () => {
    const kv = harness();
    kv.send("SET", "k", "old");
    kv.send("SAVE");
    for (let i = 0; i < 5000; i++) kv.send("SET", `k${i}`, "v");
    kv.send("BGSAVE");
    kv.engine.turn();
    expect(kv.send("FLUSHALL")).toBe("OK");
    expect(kv.send("INFO", "persistence")).toMatch(/rdb_bgsave_in_progress:0\r\n/);
    // The next one may begin at once, and is not disturbed by the end of the other.
    kv.send("SET", "k", "new");
    expect(kv.send("BGSAVE")).toBe("Background saving started");
    await finish(kv);
    const again = await restart(kv);
    expect(again.send("DBSIZE")).toBe(1);
    expect(again.send("GET", "k")).toBe("new");
    expect(kv.host.disk.now.list()).toEqual(["dump.rdb"]);
  });

  test("with save points FLUSHALL saves that there is nothing, whatever was under way", async () => {
    // The background save is aborted in each of its turns once; never may its keys come back.
    for (let turns = 0, wasRunning = true; wasRunning; turns++) {
      const kv = harness({ config: { save: "3600 1" } });
      for (let i = 0; i < 100; i++) kv.send("SET", `k${i}`, "v");
      kv.send("BGSAVE");
      for (let turn = 0; turn < turns; turn++) {
        kv.engine.turn();
        await Promise.resolve();
      }
      wasRunning = kv.engine.of(savingPort).isRunning;
      expect(kv.send("FLUSHALL")).toBe("OK");
      expect(kv.send("INFO", "persistence")).toMatch(/rdb_changes_since_last_save:0\r\n/);
      for (let turn = 0; turn < 50; turn++) await Promise.resolve();
      expect((await restart(kv)).send("DBSIZE")).toBe(0);
    }
  });

  test("that fails refuses writes, until there are no save points or one succeeds", async () => {
    const kv = harness({ config: { save: "3600 1" } });
    kv.send("SET", "k", "v");
    kv.host.disk.failsFrom = { at: 1, code: "ENOSPC", message: "No space left on device" };
    kv.send("BGSAVE");
    await finish(kv);
    const misconf = { message: expect.stringMatching(/^MISCONF /) };
    expect(kv.log.slice(-2)).toEqual([
      "Failed opening the temp RDB file for saving: No space left on device",
      "Background saving error",
    ]);
    expect(kv.send("SET", "k", "w")).toMatchObject(misconf);
    kv.send("CONFIG", "SET", "save", "");
    expect(kv.send("SET", "k", "w")).toBe("OK");
    kv.send("CONFIG", "SET", "save", "3600 1");
    expect(kv.send("SET", "k", "x")).toMatchObject(misconf);
    kv.host.disk.failsFrom = undefined;
    kv.send("BGSAVE");
    await finish(kv);
    expect(kv.send("SET", "k", "x")).toBe("OK");
  });

  test("a key that expires is no change to save", () => {
    const kv = harness();
    kv.send("SET", "a", "1", "PX", 5);
    kv.send("SET", "b", "1", "PX", 5);
    kv.send("SAVE");
    kv.host.advance(6);
    expect(kv.send("GET", "a")).toBe(null);
    kv.clock.advance(1000);
    expect(kv.send("DBSIZE")).toBe(0);
    expect(kv.send("INFO", "persistence")).toMatch(/rdb_changes_since_last_save:0\r\n/);
  });

  test("power gone in the middle leaves the old file whole", async () => {
    const kv = harness();
    kv.send("SET", "k", "old");
    kv.send("SAVE");
    for (let i = 0; i < 5000; i++) kv.send("SET", `k${i}`, "v");
    kv.send("BGSAVE");
    for (let turn = 0; turn < 5; turn++) {
      kv.engine.turn();
      await Promise.resolve();
    }
    kv.host.disk.powerLoss();
    const again = await restart(kv);
    expect(again.send("DBSIZE")).toBe(1);
    expect(again.send("GET", "k")).toBe("old");
  });
});

describe("shutting down", () => {
  test("saves when there are save points, and stays when that fails", async () => {
    const kv = harness({ config: { save: "3600 1" } });
    kv.send("SET", "k", "v");
    kv.host.disk.failsFrom = { at: 1, code: "EIO", message: "Input/output error" };
    expect(await kv.engine.shutdown({ save: "default" })).toBe(false);
    expect(kv.log).toContain("Error trying to save the DB, can't exit.");
    expect(kv.log.at(-1)).toMatch(/^SHUTDOWN NOSAVE ends the server without saving/);
    expect(await kv.engine.shutdown({ save: "default", force: true })).toBe(true);
    kv.host.disk.failsFrom = undefined;
    expect(await kv.engine.shutdown({ save: "default" })).toBe(true);
    expect((await restart(kv)).send("GET", "k")).toBe("v");
  });

  test.each([[[]], [["SAVE"]], [["FORCE"]]])(
    "while loading, never saves the part that is there: %j",
    async (options: string[]) => {
      const kv = harness();
      kv.send("SET", "k", "v");
      kv.send("SAVE");
      const file = kv.host.disk.contents("dump.rdb") as Uint8Array;
      const next = harness({ config: { save: "3600 1" } });
      next.host.disk.put("dump.rdb", file);
      next.host.nextTurn = () => new Promise(() => {}); // Behind the first part it never goes on.
      void next.engine.load();
      for (let turn = 0; turn < 8; turn++) await Promise.resolve();
      expect(next.send("INFO", "persistence")).toMatch(/loading:1\r\n/);
      next.send("SHUTDOWN", ...options);
      for (let turn = 0; turn < 8; turn++) await Promise.resolve();
      expect(next.host.exitCode).toBe(0);
      expect(next.log).not.toContain("DB saved on disk");
      expect(next.host.disk.contents("dump.rdb")).toEqual(file);
    },
  );

  test("saves nothing when told not to", async () => {
    const kv = harness({ config: { save: "3600 1" } });
    kv.send("SET", "k", "v");
    expect(await kv.engine.shutdown({ save: "nosave" })).toBe(true);
    expect(kv.host.disk.contents("dump.rdb")).toBeUndefined();
  });
});
