/**
 * Days in seconds: a server lives through random traffic of all types, expiry, eviction by one policy after
 * the other, saves and rewrites of its log, clients that come and go, and flushes. Nothing of that may add up:
 * at the end of each day all is flushed, and what is in use then is what was in use at the end of the first.
 *
 * KV_SOAK_DAYS=60 for a long one, which also tells its figures; KV_SEED repeats a run.
 */
import { FLAG_BITS } from "@kv/commands";
import { expect, test } from "vitest";
import { Chance, drawnSeed } from "./chance.ts";
import { collectedBytes } from "./collected-bytes.ts";
import { type Harness, harness, type TestClient } from "./harness.ts";
import { madeCall } from "./made-calls.ts";

const days = Number(process.env.KV_SOAK_DAYS ?? 4);
const seed = drawnSeed("KV_SEED");
const HOURS = 24;
const REQUESTS_PER_HOUR = 100;
const HOUR_MS = 3_600_000;
/** Days whose growth is that of what is made once: compiled code, buffers that are kept. */
const FIRST_DAYS = 2;
/** The runtime's own: most of it is compiled code, of commands that come for the first time. */
const RUNTIME_BYTES_MAX = 8 * 2 ** 20;

const policies = [
  "allkeys-lru",
  "volatile-lru",
  "allkeys-lfu",
  "volatile-lfu",
  "allkeys-random",
  "volatile-random",
  "volatile-ttl",
  "noeviction",
];
const KEYS = Array.from({ length: 300 }, (_, index) => `key:${index}`);

const rows = harness().engine.commands.all.filter(({ bits, run, command, fullName }) => {
  const touchesData = (bits & (FLAG_BITS.write | FLAG_BITS.readonly)) !== 0;
  const mayEnd = /^(flush|swapdb|eval|fcall|function|sort|migrate|restore)/.test(fullName);
  return run && touchesData && command.keys.length > 0 && !mayEnd;
});

/** One server and whoever talks to it. */
class Life {
  readonly kv: Harness;
  private readonly chance = new Chance(seed);
  private clients: TestClient[] = [];

  constructor() {
    this.kv = harness({
      seed,
      config: {
        appendonly: true,
        appendfsync: "everysec",
        save: "3600 1",
        maxmemory: 2 ** 20,
        "hash-max-listpack-entries": 16,
        "zset-max-listpack-entries": 16,
        "set-max-listpack-entries": 16,
        "notify-keyspace-events": "",
        "auto-aof-rewrite-min-size": 100_000,
      } as never,
    });
  }

  private request(): void {
    const { kv, chance } = this;
    const client = chance.of(this.clients);
    if (client.closed) return;
    const way = chance.below(40);
    if (way === 0) client.send("SELECT", chance.below(16));
    else if (way < 4) client.send("SET", chance.of(KEYS), "v".repeat(chance.below(40_000)));
    else if (way < 8) client.send("PEXPIRE", chance.of(KEYS), 1 + chance.below(3 * HOUR_MS));
    else if (way === 8) client.send("SUBSCRIBE", `channel:${chance.below(5)}`);
    else if (way === 9) client.send("WATCH", chance.of(KEYS));
    else if (way === 10) client.send("MULTI");
    else if (way === 11) client.send("EXEC");
    else if (way === 12) client.send("CLIENT", "SETNAME", `name:${chance.below(100)}`);
    else if (way === 13) client.send("UNLINK", chance.of(KEYS), chance.of(KEYS));
    else client.send(...madeCall(chance.of(rows), chance, { keys: KEYS }));
    client.receive();
    client.takeRaw();
    kv.events.length = 0;
    kv.propagated.length = 0;
  }

  private comeAndGo(): void {
    const { chance, kv } = this;
    while (this.clients.length < 3 + chance.below(10)) this.clients.push(kv.client());
    for (const client of this.clients) if (client.closed || chance.percent(20)) client.destroy();
    this.clients = this.clients.filter(({ closed }) => !closed);
    if (this.clients.length === 0) this.clients.push(kv.client());
  }

  private async turns(count: number): Promise<void> {
    for (let turn = 0; turn < count; turn++) {
      this.kv.engine.turn();
      await Promise.resolve();
    }
  }

  /** Whatever runs in the background comes to its end. */
  private async rest(): Promise<void> {
    for (let i = 0; i < 50; i++) {
      this.kv.clock.advance(1000);
      await this.turns(50);
    }
  }

  private async hour(): Promise<void> {
    const { kv, chance } = this;
    this.comeAndGo();
    if (chance.percent(20)) kv.send("BGSAVE");
    if (chance.percent(10)) kv.send("BGREWRITEAOF");
    if (chance.percent(3)) kv.send("FLUSHALL", chance.of(["ASYNC", "SYNC"]));
    for (let count = 0; count < REQUESTS_PER_HOUR; count++) {
      this.request();
      if (count % 20 === 0) {
        kv.host.advance(HOUR_MS / 5);
        kv.engine.cron();
        await this.turns(20);
      }
    }
  }

  /** Nobody is there any more, and nothing. */
  private async night(): Promise<void> {
    const { kv } = this;
    for (const client of this.clients) client.destroy();
    this.clients = [];
    kv.check();
    await this.rest();
    kv.send("FLUSHALL", "ASYNC");
    expect(kv.send("SAVE")).toBe("OK");
    expect(kv.send("BGREWRITEAOF")).toBe("Background append only file rewriting started");
    await this.rest();
    kv.host.logLines.length = 0;
    kv.host.disk.operations.length = 0;
    kv.events.length = 0;
    kv.propagated.length = 0;
  }

  async day(policy: string): Promise<void> {
    expect(this.kv.send("CONFIG", "SET", "maxmemory-policy", policy)).toBe("OK");
    for (let hour = 0; hour < HOURS; hour++) await this.hour();
    await this.night();
  }

  /** What is in use when nothing is there. */
  get figures() {
    const { kv } = this;
    const { arena } = kv.engine.keyspace;
    const info = kv.send("INFO", "everything") as string;
    // The test's own: each reply of the client that is always there would be kept.
    kv.self.takeRaw();
    const field = (name: string) => Number(new RegExp(`^${name}:(-?\\d+)`, "m").exec(info)?.[1]);
    return {
      usedBytes: arena.usedBytes,
      blockCount: arena.blockCount,
      touchedBytes: arena.touchedBytes,
      clients: field("connected_clients"),
      blocked: field("blocked_clients"),
      subscriptions: field("pubsub_channels"),
      watching: field("watching_clients"),
      tracked: field("tracking_total_keys"),
      logBytes: field("aof_current_size"),
      pendingObjects: field("lazyfree_pending_objects"),
      saving: field("rdb_bgsave_in_progress") + field("aof_rewrite_in_progress"),
      evicted: field("evicted_keys"),
      expired: field("expired_keys"),
      saves: field("rdb_saves"),
      rewrites: field("aof_rewrites"),
      commands: field("total_commands_processed"),
      info,
    };
  }
}

test(`${days} days of a server (seed ${seed})`, { timeout: 3_600_000 }, async () => {
  const life = new Life();
  expect(await life.kv.engine.load()).toBe(true);
  let first: Life["figures"] | undefined;
  let runtimeBytes = 0;
  const runtime: number[] = [];
  for (let day = 0; day < days; day++) {
    await life.day(policies[day % policies.length] as string);
    const figures = life.figures;
    // Counters are counts.
    expect(figures.info).not.toMatch(/:(NaN|undefined|-[2-9]|-1\d)/);
    expect(figures).toMatchObject({
      ...{ clients: 1, blocked: 0, subscriptions: 0, tracked: 0, pendingObjects: 0, saving: 0 },
    });
    if (day < FIRST_DAYS) {
      first = figures;
      runtimeBytes = collectedBytes();
      continue;
    }
    const what = `seed ${seed}, day ${day}`;
    expect(figures.usedBytes, what).toBe(first?.usedBytes);
    expect(figures.blockCount, what).toBe(first?.blockCount);
    expect(figures.logBytes, what).toBe(first?.logBytes);
    expect(figures.touchedBytes, what).toBeLessThan(4 * 2 ** 20);
    runtime.push(collectedBytes() - runtimeBytes);
    expect(runtime.at(-1), what).toBeLessThan(RUNTIME_BYTES_MAX);
  }
  const { evicted, expired, saves, rewrites, commands, touchedBytes } = life.figures;
  // Not on each day: some policies find nothing that they may evict.
  expect(evicted).toBeGreaterThan(0);
  expect(expired).toBeGreaterThan(days);
  expect(saves).toBeGreaterThan(days);
  expect(rewrites).toBeGreaterThan(days);
  if (process.env.KV_SOAK_DAYS !== undefined)
    console.log({ days, commands, evicted, expired, saves, rewrites, touchedBytes, runtime });
});
