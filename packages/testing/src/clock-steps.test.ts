/**
 * Somebody sets the wall clock by an hour. What stands at a time of day comes sooner or later then; what is to
 * last for some time lasts as long as before.
 */
import { describe, expect, test } from "vitest";
import { type Harness, harness } from "./harness.ts";
import { fleet } from "./network.ts";
import { follower, infoField } from "./replica-client.ts";

const HOUR_MS = 3_600_000;

/** The wall clock is set: the other one goes on as if nothing had happened. */
function setClock(kv: Harness, stepMs: number): void {
  kv.host.nowMs += stepMs;
}

const told = (kv: Harness) =>
  kv.log.filter((line) => line.startsWith("The system's clock was set"));

test("a test that moves time on has it pass: nobody has set a clock", () => {
  const kv = harness();
  kv.host.isTimePlayed = () => true;
  const waiting = kv.client();
  expect(waiting.send("BLPOP", "none", 10)).toBe(undefined);
  setClock(kv, 9000);
  kv.engine.turn();
  expect(waiting.receive()).toBe(undefined);
  setClock(kv, -HOUR_MS);
  kv.engine.turn();
  setClock(kv, 1001);
  kv.engine.turn();
  expect(waiting.receive()).toBe(null);
  expect(told(kv)).toEqual(["The system's clock was set back by 3600.0 seconds."]);
});

describe.each([
  { way: "ahead", stepMs: HOUR_MS },
  { way: "back", stepMs: -HOUR_MS },
])("a clock that is set $way", ({ way, stepMs }) => {
  test("is told of once", () => {
    const kv = harness();
    kv.clock.advance(500);
    setClock(kv, stepMs);
    kv.clock.advance(500);
    kv.send("PING");
    expect(told(kv)).toEqual([`The system's clock was set ${way} by 3600.0 seconds.`]);
  });

  test.each([
    ["BLPOP", "none", 10],
    ["BZPOPMIN", "none", 10],
    ["XREAD", "BLOCK", 10_000, "STREAMS", "none", "$"],
    ["WAIT", 1, 10_000],
    ["WAITAOF", 0, 1, 10_000],
  ])("ends no wait sooner or later: %s", (...request) => {
    const kv = harness();
    const waiting = kv.client();
    expect(waiting.send(...request)).toBe(undefined);
    kv.clock.advance(3000);
    setClock(kv, stepMs);
    kv.engine.turn();
    kv.send("PING");
    kv.clock.advance(6900);
    expect(waiting.receive()).toBe(undefined);
    // What begins now has its own time.
    const later = kv.client();
    expect(later.send(...request)).toBe(undefined);
    kv.clock.advance(200);
    expect(waiting.receive()).not.toBe(undefined);
    kv.clock.advance(9500);
    expect(later.receive()).toBe(undefined);
    kv.clock.advance(500);
    expect(later.receive()).not.toBe(undefined);
  });

  test("ends no pause", () => {
    const kv = harness();
    const other = kv.client();
    kv.send("CLIENT", "PAUSE", 10_000);
    setClock(kv, stepMs);
    expect(other.send("GET", "k")).toBe(undefined);
    kv.clock.advance(9800);
    expect(other.receive()).toBe(undefined);
    kv.clock.advance(300);
    expect(other.receive()).toBe(null);
  });

  test("makes no client idle or old", () => {
    const kv = harness({ config: { timeout: 60 } });
    const other = kv.client();
    kv.clock.advance(30_000);
    setClock(kv, stepMs);
    kv.clock.advance(100);
    expect(kv.send("CLIENT", "LIST", "ID", other.client?.id ?? 0)).toMatch(/ age=30 idle=30 /);
    kv.clock.advance(29_000);
    expect(other.closed).toBe(false);
    kv.clock.advance(2000);
    expect(other.closed).toBe(true);
    expect(kv.self.closed).toBe(false);
  });

  test("leaves expiries at their times of day", () => {
    const kv = harness();
    kv.send("SET", "k", "v", "PX", 10_000);
    kv.send("HSET", "h", "f", 1, "g", 1);
    kv.send("HPEXPIRE", "h", 10_000, "FIELDS", 1, "f");
    setClock(kv, stepMs);
    const isGone = stepMs > 0;
    expect(kv.send("PTTL", "k")).toBe(isGone ? -2 : 10_000 + HOUR_MS);
    expect(kv.send("HGETALL", "h")).toEqual(isGone ? ["g", "1"] : ["f", "1", "g", "1"]);
    kv.clock.advance(1000);
    expect(kv.send("DBSIZE")).toBe(isGone ? 1 : 2);
    kv.check();
  });

  test("makes no key old or new for who evicts", () => {
    const kv = harness({ config: { "maxmemory-policy": "allkeys-lru" } });
    kv.send("SET", "k", "v");
    kv.clock.advance(30_000);
    setClock(kv, stepMs);
    kv.clock.advance(200);
    expect(kv.send("OBJECT", "IDLETIME", "k")).toBe(30);
    kv.send("GET", "k");
    expect(kv.send("OBJECT", "IDLETIME", "k")).toBe(0);
    const [, used] = / lru:(\d+) /.exec(kv.send("DEBUG", "OBJECT", "k") as string) ?? [];
    expect(Math.abs(Number(infoField(kv, "lru_clock")) - Number(used))).toBeLessThanOrEqual(1);
  });

  test("has the data set saved when it would have been", async () => {
    const kv = harness({ config: { save: "60 1" } });
    kv.send("SET", "k", "v");
    kv.clock.advance(30_000);
    setClock(kv, stepMs);
    kv.clock.advance(29_000);
    expect(infoField(kv, "rdb_changes_since_last_save")).toBe("1");
    kv.clock.advance(2000);
    await kv.until(() => kv.engine.isSettled);
    expect(infoField(kv, "rdb_changes_since_last_save")).toBe("0");
    expect(kv.send("LASTSAVE")).toBe(Math.floor(kv.host.nowMs / 1000));
  });

  test("has a save that failed tried again as soon as before", async () => {
    const kv = harness({ config: { save: "1 1" } });
    kv.host.disk.fault = { at: 1, code: "EIO", message: "Input/output error" };
    kv.send("SET", "k", "v");
    kv.clock.advance(1200);
    await kv.until(() => kv.engine.isSettled);
    expect(infoField(kv, "rdb_last_bgsave_status")).toBe("err");
    setClock(kv, stepMs);
    kv.clock.advance(4000);
    await kv.until(() => kv.engine.isSettled);
    expect(infoField(kv, "rdb_last_bgsave_status")).toBe("err");
    kv.clock.advance(2000);
    await kv.until(() => kv.engine.isSettled);
    expect(infoField(kv, "rdb_last_bgsave_status")).toBe("ok");
  });

  test("has a rewrite that failed tried again as soon as before", async () => {
    const kv = harness();
    await kv.engine.load();
    kv.host.disk.slowness = async () => {
      kv.host.disk.slowness = undefined;
      kv.host.disk.fault = {
        at: kv.host.disk.operations.length + 1,
        code: "EIO",
        message: "Input/output error",
      };
    };
    kv.send("CONFIG", "SET", "appendonly", "yes");
    await kv.until(() => kv.engine.isSettled);
    expect(infoField(kv, "aof_last_bgrewrite_status")).toBe("err");
    setClock(kv, stepMs);
    kv.clock.advance(500);
    expect(infoField(kv, "aof_rewrite_in_progress")).toBe("0");
    kv.clock.advance(700);
    await kv.until(() => kv.engine.isSettled);
    expect(infoField(kv, "aof_last_bgrewrite_status")).toBe("ok");
  });

  test("makes no replica silent, nor forgets to ping it", () => {
    const kv = harness({ config: { "repl-diskless-sync-delay": 0, "repl-timeout": 60 } });
    const { client, offset } = follower(kv);
    kv.clock.advance(30_000);
    setClock(kv, stepMs);
    client.takeRaw();
    kv.clock.advance(100);
    expect(infoField(kv, "slave0")).toMatch(/state=online,.*lag=30$/);
    kv.clock.advance(11_000);
    expect(client.takeRaw()).toMatch(/PING/);
    client.send("REPLCONF", "ACK", offset);
    kv.clock.advance(59_000);
    expect(client.closed).toBe(false);
    kv.clock.advance(3000);
    expect(client.closed).toBe(true);
  });

  test.each([0, 1])(
    "does not part a primary and its replica (that of %i is set)",
    async (index) => {
      const { network, nodes } = fleet(2);
      const [primary, replica] = nodes;
      replica.send("REPLICAOF", "n1", 6379);
      await network.advance(2000);
      expect(infoField(replica, "master_link_status")).toBe("up");
      setClock(nodes[index] as Harness, stepMs);
      await network.advance(90_000);
      expect(infoField(replica, "master_link_status")).toBe("up");
      expect(infoField(primary, "slave0")).toMatch(/state=online,.*lag=[01]$/);
      expect([infoField(primary, "sync_full"), infoField(primary, "sync_partial_ok")]).toEqual([
        "1",
        "0",
      ]);
      const writer = primary.client();
      writer.send("SET", "k", "v");
      expect(writer.send("WAIT", 1, 5000)).toBe(undefined);
      await network.advance(1100);
      expect(writer.receive()).toBe(1);
    },
  );
});

test("time that has passed is no step, however long nobody looked", () => {
  const kv = harness();
  const waiting = kv.client();
  waiting.send("BLPOP", "none", 10);
  kv.host.advance(HOUR_MS);
  kv.engine.turn();
  expect(waiting.receive()).toBe(null);
  expect(told(kv)).toEqual([]);
});

test("a clock that is a little fast or slow is followed, and nobody hears of it", () => {
  const kv = harness();
  for (let i = 0; i < 100; i++) {
    kv.clock.advance(1000);
    setClock(kv, i % 2 === 0 ? 90 : -80);
  }
  kv.host.advance(2000);
  kv.engine.turn();
  expect(told(kv)).toEqual([]);
});
