/** Directives for tests that slow saving and loading down, and the version of what is written. */
import { encodeRequest } from "@kv/resp";
import { type Harness, harness } from "@kv/testing";
import { describe, expect, test } from "vitest";
import { Due } from "../../kernel/due.ts";
import { savingPort } from "./saving.ts";

const settle = async () => {
  for (let turn = 0; turn < 60; turn++) await Promise.resolve();
};

function field(kv: Harness, name: string): string | undefined {
  const rows = (kv.send("INFO", "persistence") as string).split("\r\n");
  return rows.find((row) => row.startsWith(`${name}:`))?.slice(name.length + 1);
}

function fill(kv: Harness, count: number): void {
  for (let i = 0; i < count; i++) kv.send("SET", `key:${i}`, "v".repeat(20));
}

/** A server that loads a log whose base is what is in the other one. */
function loadingLog(source: Harness, config: Record<string, string>) {
  source.send("SAVE");
  const kv = harness({ config: { appendonly: "yes", ...config } as never });
  const { disk } = kv.host;
  const folder = "appendonlydir/appendonly.aof";
  disk.put(`${folder}.1.base.rdb`, source.host.disk.contents("dump.rdb") as Uint8Array);
  disk.put(`${folder}.manifest`, Buffer.from("file appendonly.aof.1.base.rdb seq 1 type b\n"));
  return kv;
}

/** A server that loads the file of the other one. */
function loading(source: Harness, config: Record<string, string>) {
  const kv = harness({ config });
  kv.host.disk.put("dump.rdb", source.host.disk.contents("dump.rdb") as Uint8Array);
  return kv;
}

describe("rdb-key-save-delay", () => {
  test("a background save writes as many keys as time has passed for, and shows it", async () => {
    const kv = harness({ config: { "rdb-key-save-delay": 10_000 } });
    fill(kv, 100);
    expect(kv.send("BGSAVE")).toBe("Background saving started");
    expect(kv.engine.turn()).toBe(Due.LATER);
    const taken = () => Number(field(kv, "current_save_keys_processed"));
    expect(taken()).toBe(0);
    kv.host.advance(250);
    kv.engine.turn();
    // Keys that lie together are written together.
    expect(taken()).toBeGreaterThanOrEqual(25);
    expect(taken()).toBeLessThan(45);
    expect(field(kv, "current_save_keys_total")).toBe("100");
    expect(field(kv, "current_fork_perc")).toBe(`${taken()}.00`);
    const before = taken();
    kv.engine.turn();
    expect(taken()).toBe(before);
    expect(field(kv, "rdb_bgsave_in_progress")).toBe("1");
    kv.host.advance(1000);
    kv.engine.turn();
    await settle();
    expect(field(kv, "rdb_bgsave_in_progress")).toBe("0");
    expect(field(kv, "rdb_last_bgsave_status")).toBe("ok");
  });

  test("a save that runs is let go when the delay is taken away", async () => {
    const kv = harness({ config: { "rdb-key-save-delay": 100_000_000 } });
    fill(kv, 100);
    kv.send("BGSAVE");
    for (let turn = 0; turn < 10; turn++) kv.engine.turn();
    expect(field(kv, "current_save_keys_processed")).toBe("0");
    expect(kv.send("CONFIG", "SET", "rdb-key-save-delay", 0)).toBe("OK");
    for (let turn = 0; turn < 10; turn++) kv.engine.turn();
    await settle();
    expect(field(kv, "rdb_bgsave_in_progress")).toBe("0");
  });

  test.each([
    { delay: 200, passesMs: 20 },
    { delay: -4, passesMs: 0.025 },
  ])("SAVE holds everybody: 100 keys at $delay take $passesMs ms", ({ delay, passesMs }) => {
    const kv = harness({ config: { "rdb-key-save-delay": delay } });
    fill(kv, 100);
    const startMs = kv.host.nowMs;
    expect(kv.send("SAVE")).toBe("OK");
    expect(kv.host.nowMs - startMs).toBeCloseTo(passesMs, 2);
  });
});

describe("key-load-delay", () => {
  test("loading takes so much longer, at the start and by DEBUG RELOAD", async () => {
    const source = harness();
    fill(source, 100);
    source.send("SAVE");
    const kv = loading(source, { "key-load-delay": "300", "enable-debug-command": "yes" });
    let startMs = kv.host.nowMs;
    expect(await kv.engine.load()).toBe(true);
    expect(kv.host.nowMs - startMs).toBeCloseTo(30, 5);
    startMs = kv.host.nowMs;
    expect(kv.send("DEBUG", "RELOAD", "NOSAVE")).toBe("OK");
    expect(kv.host.nowMs - startMs).toBeCloseTo(30, 5);
  });

  test("so does the base of a log, at the start and by DEBUG LOADAOF", async () => {
    const source = harness();
    fill(source, 100);
    const kv = loadingLog(source, { "key-load-delay": "300", "enable-debug-command": "yes" });
    let startMs = kv.host.nowMs;
    expect(await kv.engine.load()).toBe(true);
    expect(kv.host.nowMs - startMs).toBeCloseTo(30, 5);
    startMs = kv.host.nowMs;
    expect(kv.send("DEBUG", "LOADAOF")).toBe("OK");
    expect(kv.host.nowMs - startMs).toBeCloseTo(30, 5);
    expect(kv.send("DBSIZE")).toBe(100);
  });

  test("so does each command of a log, and clients are told meanwhile", async () => {
    const kv = harness({ config: { appendonly: true, "key-load-delay": "1000" } });
    const log = Array.from({ length: 100 }, (_, index) => encodeRequest(["SET", `k${index}`, "v"]));
    kv.host.disk.put("appendonly.aof", Buffer.concat(log));
    const startMs = kv.host.nowMs;
    let turnCount = 0;
    kv.host.nextTurn = async () => {
      turnCount++;
      expect(field(kv, "loading")).toBe("1");
      expect(kv.send("GET", "k1")).toBe(kv.error("LOADING Redis is loading the dataset in memory"));
    };
    expect(await kv.engine.load()).toBe(true);
    expect(kv.host.nowMs - startMs).toBeCloseTo(100, 5);
    expect(turnCount).toBeGreaterThanOrEqual(10);
    expect(kv.send("DEBUG", "LOADAOF")).toBe("OK");
    expect(kv.host.nowMs - startMs).toBeCloseTo(200, 5);
    expect(kv.send("DBSIZE")).toBe(100);
  });

  test("it may be taken away meanwhile", async () => {
    const source = harness();
    fill(source, 1000);
    source.send("SAVE");
    const delays = {
      "key-load-delay": "1000",
      "loading-process-events-interval-bytes": "1024",
    };
    const kv = loading(source, delays);
    const startMs = kv.host.nowMs;
    kv.host.nextTurn = async () => {
      kv.send("CONFIG", "SET", "key-load-delay", 0);
    };
    expect(await kv.engine.load()).toBe(true);
    expect(kv.host.nowMs - startMs).toBeGreaterThan(5);
    expect(kv.host.nowMs - startMs).toBeLessThan(100);
  });
});

test("how many keys a file has given so far is told while it is being loaded", async () => {
  const source = harness();
  fill(source, 1000);
  source.send("SAVE");
  const kv = loading(source, { "loading-process-events-interval-bytes": "2048" });
  const seen: number[] = [];
  kv.host.nextTurn = async () => {
    seen.push(Number(field(kv, "rdb_last_load_keys_loaded")));
  };
  expect(await kv.engine.load()).toBe(true);
  expect(seen.length).toBeGreaterThan(3);
  expect(seen).toEqual(seen.toSorted((one, other) => one - other));
  expect(seen[1]).toBeGreaterThan(0);
  expect(seen.at(-2)).toBeLessThan(1000);
  expect(field(kv, "rdb_last_load_keys_loaded")).toBe("1000");
});

test.each([
  { of: "a file", load: loading },
  { of: "the base of a log", load: loadingLog },
])(
  "loading-process-events-interval-bytes of $of: how often clients are served, and see the progress",
  async ({ load }) => {
    const source = harness();
    fill(source, 1000);
    source.send("SAVE");
    const bytes = (source.host.disk.contents("dump.rdb") as Uint8Array).length;
    const kv = load(source, { "loading-process-events-interval-bytes": "2048" });
    const seen: number[] = [];
    kv.host.nextTurn = async () => {
      expect(kv.send("GET", "key:1")).toBe(
        kv.error("LOADING Redis is loading the dataset in memory"),
      );
      expect(field(kv, "loading")).toBe("1");
      expect(field(kv, "async_loading")).toBe("0");
      expect(field(kv, "loading_total_bytes")).toBe(String(bytes));
      const loaded = Number(field(kv, "loading_loaded_bytes"));
      expect(field(kv, "loading_loaded_perc")).toBe(((loaded / bytes) * 100).toFixed(2));
      seen.push(loaded);
    };
    expect(await kv.engine.load()).toBe(true);
    expect(seen.length).toBe(Math.ceil(bytes / 2048));
    expect(seen).toEqual(seen.toSorted((one, other) => one - other));
    expect(field(kv, "loading")).toBe("0");
    expect(field(kv, "loading_total_bytes")).toBe(undefined);
    expect(kv.send("DBSIZE")).toBe(1000);
  },
);

describe("rdb.version", () => {
  const versionOf = (file: Uint8Array) => Buffer.from(file.subarray(5, 9)).toString();
  const footerOf = (payload: unknown) =>
    (payload as string).charCodeAt(String(payload).length - 10);

  test.each(["10", "11", "12"] as const)(
    "%s is what files and payloads are written in",
    async (version) => {
      const kv = harness({ config: { "rdb.version": version } });
      kv.send("SADD", "s", "a", "b");
      expect(kv.send("SAVE")).toBe("OK");
      expect(versionOf(kv.host.disk.contents("dump.rdb") as Uint8Array)).toBe(`00${version}`);
      const payload = kv.send("DUMP", "s");
      expect(footerOf(payload)).toBe(Number(version));
      // A set as a listpack is known since version 11, as a list of strings for ever.
      expect((payload as string).charCodeAt(0)).toBe(version === "10" ? 2 : 20);
      const again = loading(kv, {});
      expect(await again.engine.load()).toBe(true);
      expect(again.send("SMEMBERS", "s")).toEqual(["a", "b"]);
      expect(again.send("RESTORE", "t", 0, Buffer.from(payload as string, "latin1"))).toBe("OK");
    },
  );

  test("is 10 unless told otherwise, can be changed, and gives way where fields expire", () => {
    const kv = harness();
    kv.send("SADD", "s", "a");
    kv.send("SAVE");
    const version = () => versionOf(kv.host.disk.contents("dump.rdb") as Uint8Array);
    expect(version()).toBe("0010");
    expect(kv.send("CONFIG", "SET", "rdb.version", "11")).toBe("OK");
    kv.send("SAVE");
    expect(version()).toBe("0011");
    kv.send("HSET", "h", "f", "v");
    kv.send("HEXPIRE", "h", 100, "FIELDS", 1, "f");
    kv.send("SAVE");
    expect(version()).toBe("0012");
    const told = () => kv.log.filter((line) => line.includes("RDB version 12")).length;
    expect(told()).toBe(1);
    kv.send("CONFIG", "SET", "rdb.version", "12");
    kv.send("SAVE");
    expect(told()).toBe(1);
    expect(kv.send("CONFIG", "SET", "rdb.version", "9")).toEqual(
      kv.error(
        "ERR CONFIG SET failed (possibly related to argument 'rdb.version') - argument(s) must be one of the following: 10, 11, 12",
      ),
    );
    expect(kv.engine.of(savingPort).version).toBe(12);
  });
});
