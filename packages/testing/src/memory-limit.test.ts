/**
 * `maxmemory` under a storm of writes: with each policy, whatever is written, used memory is never more than
 * one percent above it. What goes over it goes by eviction, or is refused where nothing may go.
 */
import { errors } from "@kv/commands";
import { describe, expect, test } from "vitest";
import { Chance } from "./chance.ts";
import { type Harness, harness } from "./harness.ts";

const seed = Number(process.env.KV_SEED ?? 1);
const WRITES = Number(process.env.KV_STORM_WRITES ?? 12_000);
const MAXMEMORY = 16 * 2 ** 20;
/** Enough to fill it several times over. */
const KEYS = 20_000;

const policies = ["lru", "lfu", "random"]
  .flatMap((usage) => [`allkeys-${usage}`, `volatile-${usage}`])
  .concat("volatile-ttl", "noeviction");

function field(kv: Harness, section: string, name: string): number {
  const text = kv.send("INFO", section) as string;
  return Number(new RegExp(`^${name}:(\\d+)`, "m").exec(text)?.[1]);
}

/** A write to some key, of any type, small as a rule. */
function write(chance: Chance): (string | number)[] {
  const type = chance.of(["s", "h", "l", "t", "z", "x"]);
  const key = `${type}:${chance.below(KEYS / 6)}`;
  const value = "v".repeat(chance.percent(5) ? chance.below(20_000) : chance.below(1500));
  const words = {
    s: ["SET", key, value],
    h: ["HSET", key, `f${chance.below(50)}`, value],
    l: ["RPUSH", key, value, value],
    t: ["SADD", key, `${value}${chance.below(9)}`],
    z: ["ZADD", key, chance.below(1000), `${value}${chance.below(9)}`],
    x: ["XADD", key, "*", "f", value],
  };
  return words[type as keyof typeof words];
}

describe(`maxmemory (seed ${seed})`, () => {
  test.each(policies)(
    "is held within a percent by %s",
    (policy) => {
      const chance = new Chance(seed);
      const kv = harness({
        config: {
          maxmemory: MAXMEMORY,
          "maxmemory-policy": policy,
          "notify-keyspace-events": "",
        } as never,
      });
      const { memory } = kv.engine;
      let refused = 0;
      let mostBytes = 0;
      for (let count = 0; count < WRITES; count++) {
        const words = write(chance);
        const reply = kv.send(...words);
        if (reply === errors.outOfMemory) refused++;
        else {
          expect(reply).not.toBeInstanceOf(Error);
          // What has no time to live is none of the business of volatile policies.
          const lifeMs = 1_000_000 + chance.below(1_000_000);
          if (chance.percent(80)) kv.send("PEXPIRE", words[1] as string, lifeMs);
        }
        if (count % 50 === 0) {
          while (kv.engine.turn());
          kv.propagated.length = 0;
        }
        mostBytes = Math.max(mostBytes, memory.usedBytes);
      }
      expect(mostBytes).toBeGreaterThan(MAXMEMORY * 0.95);
      expect(mostBytes / MAXMEMORY).toBeLessThan(1.01);
      const evicted = field(kv, "stats", "evicted_keys");
      if (policy === "noeviction") {
        expect(evicted).toBe(0);
        expect(refused).toBeGreaterThan(WRITES / 10);
      } else expect(evicted).toBeGreaterThan(WRITES / 100);
      if (policy.startsWith("allkeys")) expect(refused).toBe(0);
      kv.check();
      kv.send("FLUSHALL", "SYNC");
      expect(kv.send("SET", "k", "v")).toBe("OK");
    },
    60_000,
  );
});
