/** What a disk does that takes its time: nobody waits for it who need not, and it can be seen. */
import { type Harness, type HarnessOptions, harness } from "@kv/testing";
import { describe, expect, test } from "vitest";
import { appendOnlyPort } from "./append-only.ts";

const field = (kv: Harness, name: string) =>
  new RegExp(`^${name}:(.*)\r$`, "m").exec(kv.send("INFO", "persistence") as string)?.[1];

const logOf = ({ host }: Harness) =>
  Buffer.from(host.disk.contents("appendonlydir/appendonly.aof.1.incr.aof") ?? []).toString();

const isBusy = (line: string) =>
  line.startsWith("Asynchronous AOF fsync is taking too long (disk is busy?)");

async function promises(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await Promise.resolve();
}

/** A server that logs, on a disk that works when release() has been called, and not before. */
async function onSlowDisk(config: HarnessOptions["config"] = {}) {
  const kv = harness({ config: { appendonly: true, ...config } });
  expect(await kv.engine.load()).toBe(true);
  let release = () => {};
  const untilReleased = new Promise<void>((resolve) => {
    release = resolve;
  });
  kv.host.disk.slowness = () => untilReleased;
  return { kv, release };
}

describe("a sync of everysec that takes long", () => {
  test("keeps nobody waiting, and is counted for each two seconds that something was written", async () => {
    const { kv, release } = await onSlowDisk();
    kv.send("SET", "a", 1);
    kv.clock.advance(1000);
    expect(field(kv, "aof_pending_bio_fsync")).toBe("1");
    expect(kv.send("SET", "b", 1)).toBe("OK");
    expect(logOf(kv)).toMatch(/b/);
    kv.clock.advance(1900);
    expect(field(kv, "aof_delayed_fsync")).toBe("0");
    kv.clock.advance(200);
    expect(field(kv, "aof_delayed_fsync")).toBe("1");
    kv.clock.advance(5000);
    expect(field(kv, "aof_delayed_fsync")).toBe("1");
    expect(kv.send("SET", "c", 1)).toBe("OK");
    kv.clock.advance(2100);
    expect(field(kv, "aof_delayed_fsync")).toBe("2");
    expect(kv.log.filter(isBusy)).toHaveLength(2);
    kv.send("CONFIG", "RESETSTAT");
    expect(field(kv, "aof_delayed_fsync")).toBe("0");
    release();
    await kv.engine.settled();
    expect(field(kv, "aof_pending_bio_fsync")).toBe("0");
    expect(kv.send("SET", "d", 1)).toBe("OK");
    kv.clock.advance(3000);
    expect(field(kv, "aof_delayed_fsync")).toBe("0");
  });

  test("has writing wait for two seconds at most, where the system has writes wait for syncs", async () => {
    const { kv, release } = await onSlowDisk({ "latency-monitor-threshold": 10 });
    kv.send("SET", "a", 1);
    kv.clock.advance(1000);
    kv.send("DEBUG", "AOF-FLUSH-SLEEP", 30_000);
    kv.send("SET", "slow", 1);
    kv.send("DEBUG", "AOF-FLUSH-SLEEP", 0);
    const events = (kv.send("LATENCY", "LATEST") as [string, number, number, number][]).map(
      ([name, , lastMs]) => `${name} ${lastMs}`,
    );
    expect(events).toContain("aof-write-pending-fsync 30");
    expect(events).toContain("aof-write 30");
    expect(kv.send("SET", "later", 1)).toBe("OK");
    kv.clock.advance(1500);
    expect(logOf(kv)).not.toMatch(/later/);
    kv.clock.advance(600);
    expect(logOf(kv)).toMatch(/later/);
    expect(field(kv, "aof_delayed_fsync")).toBe("1");
    expect(kv.log.filter(isBusy)).toHaveLength(1);
    release();
    await kv.engine.settled();
  });

  test("puts nothing off that is done under another policy", async () => {
    const { kv, release } = await onSlowDisk();
    kv.send("SET", "a", 1);
    kv.clock.advance(1000);
    kv.send("DEBUG", "AOF-FLUSH-SLEEP", 30_000);
    kv.send("SET", "slow", 1);
    kv.send("DEBUG", "AOF-FLUSH-SLEEP", 0);
    kv.send("SET", "later", 1);
    expect(logOf(kv)).not.toMatch(/later/);
    expect(kv.send("CONFIG", "SET", "appendfsync", "always")).toBe("OK");
    expect(logOf(kv)).toMatch(/later/);
    const { operations } = kv.host.disk;
    const before = operations.length;
    expect(kv.send("SET", "promised", 1)).toBe("OK");
    expect(operations.slice(before)).toEqual(["write", "sync"]);
    release();
    await kv.engine.settled();
  });

  test("does not keep WAITAOF from knowing what is safe", async () => {
    const { kv, release } = await onSlowDisk();
    const writer = kv.client();
    writer.send("SET", "a", 1);
    expect(writer.send("WAITAOF", 1, 0, 0)).toBe(undefined);
    kv.clock.advance(5000);
    expect(writer.receive()).toBe(undefined);
    release();
    await promises();
    kv.clock.advance(1100);
    expect(writer.receive()).toEqual([1, 0]);
    kv.host.disk.powerLoss();
    const next = harness({ config: { appendonly: true }, disk: kv.host.disk });
    expect(await next.engine.load()).toBe(true);
    expect(next.send("GET", "a")).toBe("1");
  });
});

test("a write beside a snapshot has a latency event of its own", async () => {
  const { kv, release } = await onSlowDisk({ "latency-monitor-threshold": 10 });
  expect(kv.send("BGSAVE")).toBe("Background saving started");
  kv.send("DEBUG", "AOF-FLUSH-SLEEP", 30_000);
  kv.send("SET", "a", 1);
  const names = (kv.send("LATENCY", "LATEST") as [string][]).map(([name]) => name);
  expect(names).toContain("aof-write-active-child");
  release();
  kv.send("DEBUG", "AOF-FLUSH-SLEEP", 0);
  await kv.until(() => kv.engine.isSettled);
});

test("a save on it serves clients for as long as it takes, and can be given up", async () => {
  const { kv, release } = await onSlowDisk();
  for (let i = 0; i < 1000; i++) kv.send("SET", `k${i}`, "v");
  kv.send("BGSAVE");
  await promises();
  kv.clock.advance(60_000);
  expect(field(kv, "rdb_bgsave_in_progress")).toBe("1");
  expect(kv.send("SET", "k1", "later")).toBe("OK");
  expect(kv.send("BGSAVE")).toEqual(kv.error("ERR Background save already in progress"));
  expect(kv.send("FLUSHALL")).toBe("OK");
  expect(field(kv, "rdb_bgsave_in_progress")).toBe("0");
  release();
  await kv.engine.settled();
  expect(kv.host.disk.contents("dump.rdb")).toBe(undefined);
});

// The steps are as many as there are promises in between; one of them is the instant of the new base.
describe("a rewrite that is given up at any step of it", () => {
  const ways: [string, boolean, (kv: Harness) => void][] = [
    ["the end of the server", true, (kv) => kv.engine.stop()],
    ["the end of the server, while the log begins", false, (kv) => kv.engine.stop()],
    ["CONFIG SET appendonly no", true, (kv) => void kv.send("CONFIG", "SET", "appendonly", "no")],
    [
      "CONFIG SET appendonly no, while the log begins",
      false,
      (kv) => void kv.send("CONFIG", "SET", "appendonly", "no"),
    ],
  ];
  test.each(ways)("comes to rest without another turn: %s", async (_what, isOn, giveUp) => {
    for (let step = 0; step < 40; step++) {
      const kv = harness({ config: { appendonly: isOn } });
      await kv.engine.load();
      kv.send("SET", "a", 1);
      if (isOn) kv.send("BGREWRITEAOF");
      else kv.send("CONFIG", "SET", "appendonly", "yes");
      for (let i = 0; i < step; i++) await Promise.resolve();
      giveUp(kv);
      for (let i = 0; i < 100 && !kv.engine.isSettled; i++) await Promise.resolve();
      expect(kv.engine.isSettled, `step ${step}`).toBe(true);
      expect(kv.engine.of(appendOnlyPort).state, `step ${step}`).toBe("off");
      expect(kv.engine.propagator.sinks, `step ${step}`).toHaveLength(1);
    }
  });
});
