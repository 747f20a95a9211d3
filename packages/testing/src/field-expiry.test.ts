/**
 * Fields that expire, against a model and with a clock that moves: whatever is done to some hashes, by
 * commands, by the server itself, by a snapshot, the fields are those that the documentation promises.
 */
import { kindOfEntry } from "@kv/core";
import { RdbSnapshot } from "@kv/persistence";
import { describe, expect, test } from "vitest";
import { Chance, drawnSeed } from "./chance.ts";
import { type Harness, harness } from "./harness.ts";

const seed = drawnSeed("KV_ODD_SEED");
const rounds = Number(process.env.KV_ODD_ROUNDS ?? 1);
const KEYS = ["h", "i", "j"];
const FIELDS = ["a", "b", "c", "d", "1", "22", "long".repeat(15)];
const VALUES = ["", "v", "7", "x".repeat(60), "y".repeat(70), "z".repeat(1500)];
/** Where listpacks are to stay such. */
const SHORT_VALUES = VALUES.slice(0, 4);
const FACTS = { redisVersion: "7.2.5", nowMs: 1_700_000_000_000, usedMemoryBytes: 1 };

interface Field {
  value: string;
  expiryMs: number;
}

/** What the keys hold, by the documentation alone. */
class Model {
  nowMs: number;
  readonly keys = new Map<string, Map<string, Field>>();

  constructor(nowMs: number) {
    this.nowMs = nowMs;
  }

  /** Fields that have not passed. */
  live(key: string): Map<string, Field> {
    const fields = [...(this.keys.get(key) ?? [])];
    return new Map(fields.filter(([, { expiryMs }]) => expiryMs === -1 || expiryMs >= this.nowMs));
  }

  /** Keeps those alone, and these changes. */
  set(key: string, change: (fields: Map<string, Field>) => void): void {
    const fields = this.live(key);
    change(fields);
    this.keys.set(key, fields);
    if (fields.size === 0) this.keys.delete(key);
  }
}

class Rig {
  readonly kv: Harness;
  readonly model: Model;
  readonly chance: Chance;
  readonly values: string[];

  constructor(chance: Chance, entries: number) {
    this.chance = chance;
    this.values = entries === 512 ? SHORT_VALUES : VALUES;
    this.kv = harness({ config: { "hash-max-listpack-entries": entries }, seed: 5 });
    this.kv.engine.keyspace.cuts.wholeElementsMax = 2;
    this.model = new Model(this.nowMs);
    if (chance.percent(50)) this.kv.send("DEBUG", "SET-ACTIVE-EXPIRE", 0);
  }

  get nowMs(): number {
    return this.kv.host.wallMs();
  }

  private some(list: readonly string[]): string[] {
    const count = 1 + this.chance.below(3);
    return Array.from({ length: count }, () => this.chance.of([...list]));
  }

  step(): void {
    const { chance, kv, model } = this;
    const key = chance.of(KEYS);
    const fields = this.some(FIELDS);
    const named = ["FIELDS", String(fields.length), ...fields];
    const live = model.live(key);
    const ttl = chance.of([0, 1, 5, 50, 50, 5000]);
    const deadline = this.nowMs + ttl;
    const ways: (() => void)[] = [
      () => this.advance(chance.of([1, 2, 6, 51, 120])),
      () => this.advance(1),
      () => {
        const value = chance.of(this.values);
        const unique = new Set(fields);
        const isNew = [...unique].filter((each) => !live.has(each)).length;
        expect(kv.send("HSET", key, ...fields.flatMap((each) => [each, value]))).toBe(isNew);
        model.set(key, (all) => {
          for (const each of fields) all.set(each, { value, expiryMs: -1 });
        });
      },
      () => {
        const value = chance.of(this.values);
        const keeps = chance.percent(30);
        const words = keeps ? ["KEEPTTL"] : ["PX", String(ttl)];
        const pairs = fields.flatMap((each) => [each, value]);
        kv.send("HSETEX", key, ...words, "FIELDS", String(fields.length), ...pairs);
        model.set(key, (all) => {
          for (const each of fields) {
            if (!keeps && ttl === 0) all.delete(each);
            else
              all.set(each, {
                value,
                expiryMs: keeps ? (all.get(each)?.expiryMs ?? -1) : deadline,
              });
          }
        });
      },
      () => {
        const replies = kv.send("HPEXPIRE", key, ttl, ...named) as number[];
        model.set(key, (all) => {
          for (const [i, each] of fields.entries()) {
            const present = all.get(each);
            expect(replies[i]).toBe(present === undefined ? -2 : ttl === 0 ? 2 : 1);
            if (present === undefined) continue;
            if (ttl === 0) all.delete(each);
            else present.expiryMs = deadline;
          }
        });
      },
      () => {
        const replies = kv.send("HPERSIST", key, ...named) as number[];
        model.set(key, (all) => {
          for (const [i, each] of fields.entries()) {
            const present = all.get(each);
            expect(replies[i]).toBe(present === undefined ? -2 : present.expiryMs === -1 ? -1 : 1);
            if (present !== undefined) present.expiryMs = -1;
          }
        });
      },
      () => {
        const read = kv.send("HGETDEL", key, ...named) as (string | null)[];
        model.set(key, (all) => {
          for (const [i, each] of fields.entries()) {
            expect(read[i]).toBe(all.get(each)?.value ?? null);
            all.delete(each);
          }
        });
      },
      () => {
        const target = chance.of(KEYS);
        if (!model.keys.has(key) || kv.send("EXISTS", key) === 0) return;
        const command = chance.of(["RENAME", "COPY"]);
        if (command === "COPY" && target === key) return;
        kv.send(command, key, target, ...(command === "COPY" ? ["REPLACE"] : []));
        const moved = new Map([...live].map(([name, field]) => [name, { ...field }]));
        if (command === "RENAME") model.keys.delete(key);
        model.set(target, (all) => {
          all.clear();
          for (const [name, field] of moved) all.set(name, field);
        });
      },
      () => {
        if (kv.send("EXISTS", key) === 0) return;
        const payload = kv.send("DUMP", key) as string;
        expect(kv.send("RESTORE", key, 0, payload, "REPLACE")).toBe("OK");
      },
      () => {
        const [field] = fields as [string];
        this.advance(chance.of([6, 51]));
        kv.send("RPUSH", "keys", ...KEYS);
        const found = kv.send("SORT", "keys", "BY", "nosort", "GET", `*->${field}`);
        expect(found).toEqual(KEYS.map((each) => model.live(each).get(field)?.value ?? null));
        kv.send("DEL", "keys");
      },
      () => {
        kv.send("EXPIRE", key, 1000);
        kv.send("PERSIST", key);
      },
      () => {
        expect(kv.send("DEBUG", "RELOAD")).toBe("OK");
      },
      () => {
        if (chance.percent(70)) return;
        kv.send(chance.of(["DEL", "UNLINK"]), key);
        model.keys.delete(key);
      },
      () => {
        kv.send("SET", key, "text");
        kv.send("DEL", key);
        model.keys.delete(key);
      },
    ];
    chance.of(ways)();
  }

  private advance(durationMs: number): void {
    this.kv.clock.advance(durationMs);
    this.model.nowMs = this.nowMs;
  }

  agrees(): void {
    const { kv, model } = this;
    kv.check();
    const { arena, databases } = kv.engine.keyspace;
    databases[0]?.dict.eachEntry((entry) => kindOfEntry(arena, entry).check(arena, entry));
    for (const key of KEYS) {
      const live = model.live(key);
      const all = kv.send("HGETALL", key) as string[];
      expect(all.length).toBe(live.size * 2);
      for (let i = 0; i < all.length; i += 2)
        expect(live.get(all[i] as string)?.value).toBe(all[i + 1]);
      const random = kv.send("HRANDFIELD", key) as string | null;
      if (random === null) expect(live.size).toBe(0);
      else expect(live.has(random)).toBe(true);
      const times = kv.send("HPEXPIRETIME", key, "FIELDS", FIELDS.length, ...FIELDS);
      expect(times).toEqual(FIELDS.map((each) => live.get(each)?.expiryMs ?? -2));
    }
  }

  /** What the keys hold, with times. */
  contents(): string {
    const { kv } = this;
    return JSON.stringify(
      KEYS.map((key) => [
        FIELDS.map((each) => kv.send("HGET", key, each)),
        kv.send("HPEXPIRETIME", key, "FIELDS", FIELDS.length, ...FIELDS),
      ]),
    );
  }
}

describe(`fields that expire (seed ${seed})`, () => {
  test.each([512, 3, 0])("are those of the model (listpacks of up to %d fields)", (entries) => {
    for (let round = 0; round < rounds * 6; round++) {
      const chance = new Chance(seed + round);
      const rig = new Rig(chance, entries);
      for (let step = 0; step < 60; step++) {
        try {
          rig.step();
          rig.agrees();
        } catch (error) {
          throw new Error(`KV_ODD_SEED=${seed}, round ${round}, step ${step}`, { cause: error });
        }
      }
      rig.kv.send("FLUSHALL");
      rig.kv.check();
      expect(rig.kv.engine.keyspace.fieldExpiryCount).toBe(0);
    }
  });

  test.each([512, 0])(
    "are in a snapshot as they were (listpacks of up to %d fields)",
    (entries) => {
      for (let round = 0; round < rounds * 8; round++) {
        const chance = new Chance(seed + round);
        const rig = new Rig(chance, entries);
        const { kv, model } = rig;
        // Some have fields that expire at the instant, and in some rounds none has.
        for (const key of KEYS) {
          const pairs = FIELDS.flatMap((each) => [each, chance.of(rig.values)]);
          kv.send("HSET", key, ...pairs);
          if (round % 3 !== 0 && chance.percent(60))
            kv.send(
              "HPEXPIRE",
              key,
              100_000 + chance.below(9),
              "FIELDS",
              2,
              "a",
              chance.of(FIELDS),
            );
        }
        const isVolatile = kv.engine.keyspace.fieldExpiryCount > 0;
        const before = rig.contents();
        const parts: number[] = [];
        const snapshot = new RdbSnapshot(
          kv.engine.keyspace,
          (bytes, start, end) => parts.push(...bytes.subarray(start, end)),
          { facts: FACTS, pendingBytesMax: Number.POSITIVE_INFINITY },
        );
        model.keys.clear();
        while (!snapshot.step(1)) {
          const key = chance.of(KEYS);
          const field = chance.of(FIELDS);
          kv.send("HPEXPIRE", key, 1 + chance.below(60), "FIELDS", 1, field);
          if (chance.percent(40)) kv.send("HSET", key, field, chance.of(rig.values));
          if (chance.percent(30)) kv.clock.advance(20);
          if (chance.percent(10)) kv.send("DEL", key);
        }
        const file = Uint8Array.from(parts);
        expect(String.fromCharCode(...file.subarray(5, 9))).toBe(isVolatile ? "0012" : "0010");
        const loaded = new Rig(chance, entries);
        const writer = loaded.kv.host.syncStorage.create("dump.rdb");
        writer.write(file, 0, file.length);
        writer.close();
        expect(loaded.kv.send("DEBUG", "RELOAD", "NOSAVE")).toBe("OK");
        expect(loaded.contents(), `KV_ODD_SEED=${seed}, round ${round}`).toBe(before);
        loaded.kv.check();
        kv.check();
      }
    },
  );
});
