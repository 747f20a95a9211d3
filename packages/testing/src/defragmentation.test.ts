/**
 * Two servers are sent the same random requests. In one of them blocks move and snapshots run in between:
 * nobody can tell the difference, every snapshot holds its instant, and nothing is lost or left over.
 */
import { Defragmenter, Evacuation, SegmentEvacuation } from "@kv/core";
import { RdbSnapshot } from "@kv/persistence";
import { describe, expect, test } from "vitest";
import { Chance } from "./chance.ts";
import { fuzzSequence } from "./fuzz.ts";
import { type Harness, harness, type TestClient } from "./harness.ts";
import { digestOfFile } from "./values/all-layers.ts";
import { MoveAll } from "./values/move-all.ts";

const FACTS = { redisVersion: "7.2.5", nowMs: 1_700_000_000_000, usedMemoryBytes: 1 };
const SEED = Number(process.env.KV_FUZZ_SEED ?? 1);
const RUNS = Number(process.env.KV_FUZZ_RUNS ?? 4);

/** Both encodings of each type are soon reached. */
const CONFIG = {
  "hash-max-listpack-entries": 8,
  "set-max-listpack-entries": 6,
  "set-max-intset-entries": 8,
  "zset-max-listpack-entries": 6,
  "list-max-listpack-size": 4,
  "stream-node-max-entries": 4,
};

type Words = readonly (string | number)[];

/** What the fuzzer makes seldom: groups whose consumers have read much, and fields that expire. */
class Collections {
  private readonly chance: Chance;
  private id = 0;

  constructor(seed: number) {
    this.chance = new Chance(~seed);
  }

  request(): Words {
    const { chance } = this;
    const stream = `stream:${chance.below(2)}`;
    const group = `group:${chance.below(3)}`;
    const consumer = `consumer:${chance.below(8)}`;
    const id = `${chance.below(this.id + 1)}-1`;
    const hash = `hash:${chance.below(3)}`;
    const fields = ["FIELDS", 1, `field:${chance.below(30)}`];
    const ways: (() => Words)[] = [
      () => ["XADD", stream, `${++this.id}-1`, "f", "v".repeat(chance.below(300))],
      () => ["XADD", stream, `${++this.id}-1`, "f", "v", "g", this.id],
      () => ["XGROUP", "CREATE", stream, group, "0", "MKSTREAM"],
      () => ["XREADGROUP", "GROUP", group, consumer, "COUNT", 4, "STREAMS", stream, ">"],
      () => ["XREADGROUP", "GROUP", group, consumer, "COUNT", 4, "STREAMS", stream, "0"],
      () => ["XCLAIM", stream, group, consumer, 0, id],
      () => ["XACK", stream, group, id],
      () => ["XDEL", stream, id],
      () => ["XPENDING", stream, group, "-", "+", 20],
      () => ["XINFO", "STREAM", stream, "FULL"],
      () => ["HSET", hash, `${fields[2]}`, "v".repeat(chance.below(100))],
      () => ["HSET", hash, `${fields[2]}`, "v"],
      () => ["HPEXPIRE", hash, 1_000_000 + chance.below(1000), ...fields],
      () => ["HPERSIST", hash, ...fields],
      () => ["HPTTL", hash, ...fields],
      () => ["HDEL", hash, `${fields[2]}`],
      () => ["HGETALL", hash],
    ];
    return chance.percent(1) ? ["DEL", chance.of([stream, hash])] : chance.of(ways)();
  }
}

/** A client that is replaced by another one when a command keeps it waiting. */
class Speaker {
  readonly kv: Harness = harness({ config: CONFIG });
  private client: TestClient = this.kv.client();

  send(words: readonly (string | number | Uint8Array)[]): string {
    const reply = this.client.send(...words);
    if (reply === undefined) this.client = this.kv.client();
    return JSON.stringify(reply) ?? "nothing";
  }

  digest(): unknown {
    return this.kv.send("DEBUG", "DIGEST");
  }
}

/** Steps of defragmentation, and snapshots, in between of what clients do. */
class Background {
  moved = 0;
  saved = 0;
  private readonly chance: Chance;
  private readonly told: Speaker;
  private readonly defragmenter: Defragmenter;
  private readonly plans;
  private snapshot: { writer: RdbSnapshot; parts: number[]; digest: unknown } | null = null;

  constructor(told: Speaker, seed: number) {
    const { keyspace } = told.kv.engine;
    this.told = told;
    this.chance = new Chance(seed);
    this.plans = [
      new MoveAll(keyspace.arena),
      new Evacuation(keyspace.arena),
      new SegmentEvacuation(keyspace.arena, 0, true),
    ];
    this.defragmenter = new Defragmenter(keyspace, this.plans[0]);
    this.defragmenter.scanFieldsMax = 5;
    keyspace.cuts.wholeElementsMax = 5;
  }

  turn(): void {
    const { chance, defragmenter } = this;
    if (chance.percent(3))
      defragmenter.restart(chance.percent(60) ? this.plans[0] : chance.of(this.plans));
    if (chance.percent(70)) defragmenter.step(1 + chance.below(40));
    if (this.snapshot === null && chance.percent(10)) this.beginSnapshot();
    if (this.snapshot !== null && chance.percent(60)) this.save(1 + chance.below(20));
    if (chance.percent(20)) this.told.kv.engine.keyspace.lazyFree.step(1 + chance.below(10));
    if (chance.percent(10)) this.told.kv.check();
  }

  private beginSnapshot(): void {
    const parts: number[] = [];
    const digest = this.told.digest();
    const writer = new RdbSnapshot(
      this.told.kv.engine.keyspace,
      (bytes, start, end) => parts.push(...bytes.subarray(start, end)),
      { facts: FACTS, pendingBytesMax: Number.POSITIVE_INFINITY },
    );
    this.snapshot = { writer, parts, digest };
  }

  private save(work: number): void {
    if (this.snapshot === null || !this.snapshot.writer.step(work)) return;
    const { parts, digest } = this.snapshot;
    expect(digestOfFile(Uint8Array.from(parts))).toBe(digest);
    this.snapshot = null;
    this.saved++;
  }

  end(): void {
    while (this.snapshot !== null) this.save(50);
    this.moved = this.defragmenter.hits;
    expect(this.told.kv.engine.keyspace.arena.holds.size).toBe(0);
  }
}

function run(seed: number): { moved: number; saved: number } {
  const [moving, still] = [new Speaker(), new Speaker()];
  const background = new Background(moving, seed);
  const collections = new Collections(seed);
  for (const unit of fuzzSequence(seed, 150)) {
    for (const words of [...unit, collections.request(), collections.request()]) {
      expect(`${words} -> ${moving.send(words)}`).toBe(`${words} -> ${still.send(words)}`);
      background.turn();
    }
  }
  background.end();
  expect(moving.digest()).toBe(still.digest());
  for (const { kv } of [moving, still]) {
    kv.check();
    kv.send("FLUSHALL", "SYNC");
    while (kv.engine.keyspace.lazyFree.step(1000));
    kv.check();
  }
  expect(moving.kv.engine.keyspace.arena.blockCount).toBe(
    still.kv.engine.keyspace.arena.blockCount,
  );
  return background;
}

describe("while blocks move", () => {
  test("replies, snapshots and memory are those of a server where none does", () => {
    let moved = 0;
    let saved = 0;
    for (let seed = SEED; seed < SEED + RUNS; seed++) {
      try {
        const done = run(seed);
        moved += done.moved;
        saved += done.saved;
      } catch (error) {
        throw new Error(`with KV_FUZZ_SEED=${seed} KV_FUZZ_RUNS=1`, { cause: error });
      }
    }
    expect(moved).toBeGreaterThan(RUNS * 500);
    expect(saved).toBeGreaterThan(RUNS);
  });
});
