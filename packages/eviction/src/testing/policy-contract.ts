/**
 * policyContract: the laws that every eviction policy keeps, whatever it prefers. Each law is a
 * title and a function that throws where the policy breaks it; any test runner will do:
 *
 *      describe.each(Object.entries(evictionPolicies))("%s", (name, policy) => {
 *        for (const { title, run } of policyContract(name, policy)) test(title, run);
 *      });
 */
import { assert, type Database, EXPIRY_FLAG, flagsOf, type Ref } from "@kv/core";
import { type EvictionResult, Evictor } from "../evict.ts";
import type { EvictionPolicy } from "../policies.ts";
import { defaultEvictionSettings } from "../settings.ts";
import { KeyFixture } from "./key-fixture.ts";

/** One law: what it says, and how it is tried. */
export interface ContractLaw {
  /** The law in one sentence, as the name of a test. */
  readonly title: string;
  /** Throws (an assertion) where the policy breaks the law. */
  run(): void;
}

const NOW_MS = 1_700_000_000_000;
const never = () => false;
/** Databases that the stage fills: not neighbours, not the first. */
const FILLED = [1, 4, 5];
const KEYS_EACH = 40;

/** A keyspace under the policy: three databases, every third key with an expiry, uses at random. */
class Stage {
  readonly policy: EvictionPolicy;
  readonly fixture: KeyFixture;
  readonly evictor: Evictor;
  readonly evicted: string[] = [];

  constructor(name: string, policy: EvictionPolicy, keysEach: number, seed = 1) {
    this.policy = policy;
    this.fixture = new KeyFixture(seed);
    this.evictor = new Evictor({
      keyspace: this.fixture.keyspace,
      random32: this.fixture.random32,
      settings: { ...defaultEvictionSettings(), policy: name },
      policies: { [name]: policy },
    });
    const { random32 } = this.fixture;
    for (const index of FILLED) {
      for (let i = 0; i < keysEach; i++) {
        const { clock } = this.evictor;
        clock.advance(NOW_MS - (random32() % 90_000) * 1000);
        const expiry = i % 3 === 0 ? NOW_MS + (random32() % 1_000_000) : undefined;
        const entry = this.fixture.set(index, `key:${i}`, "v", clock.newKeyBits, expiry);
        for (let uses = random32() % 20; uses > 0; uses--)
          clock.touch(this.fixture.keyspace.arena, entry);
      }
    }
    this.evictor.clock.advance(NOW_MS);
  }

  get size(): number {
    return this.fixture.keyspace.keyCount;
  }

  mayGo(entry: Ref): boolean {
    if (this.policy.keys === "none") return false;
    const expires = (flagsOf(this.fixture.keyspace.arena, entry) & EXPIRY_FLAG) !== 0;
    return this.policy.keys === "all" || expires;
  }

  /** Entries of all databases that may go. */
  candidates(): Ref[] {
    const found: Ref[] = [];
    for (const { dict } of this.fixture.keyspace.databases)
      dict.eachEntry((entry) => void (this.mayGo(entry) && found.push(entry)));
    return found;
  }

  /** Evicts until `goal` keys are left. */
  evictTo(goal: number, deadline: () => boolean = never): EvictionResult {
    const result = this.evictor.performEvictions(
      NOW_MS,
      () => this.size - goal,
      deadline,
      (database: Database, entry: Ref) => {
        assert(this.mayGo(entry), "only a key that the policy names is evicted");
        this.evicted.push(`${database.index} ${this.fixture.keyOf(entry)}`);
        database.remove(entry, false);
      },
    );
    this.fixture.keyspace.check();
    return result;
  }
}

/** The laws for a policy of that name. Each makes keyspaces of its own, so their order is free. */
export function policyContract(name: string, policy: EvictionPolicy): ContractLaw[] {
  const stage = (keysEach = KEYS_EACH, seed = 1) => new Stage(name, policy, keysEach, seed);
  return [...limitLaws(stage), ...choiceLaws(stage), ...scoreLaws(stage)];
}

type MakeStage = (keysEach?: number, seed?: number) => Stage;

function limitLaws(stage: MakeStage): ContractLaw[] {
  return [
    {
      title: "evicts nothing while the limit is kept",
      run() {
        const s = stage();
        assert(s.evictTo(s.size) === "ok", "a kept limit is ok");
        assert(s.evicted.length === 0, "a kept limit costs no key");
      },
    },
    {
      title: "an empty keyspace fails, it does not hang",
      run() {
        assert(stage(0).evictTo(-1) === "fail", "nothing can be evicted from nothing");
      },
    },
    {
      title: "stops with the key that makes enough room",
      run() {
        const s = stage();
        if (s.candidates().length < 5) return;
        assert(s.evictTo(s.size - 5) === "ok", "five keys make room for five");
        assert(s.evicted.length === 5, "no key goes once the limit is kept");
      },
    },
    {
      title: "takes every key that may go, in every database, then fails",
      run() {
        const s = stage();
        const count = s.candidates().length;
        const before = s.size;
        assert(s.evictTo(-1) === "fail", "it fails when it runs out of keys");
        assert(s.evicted.length === count, "all keys that may go went");
        assert(s.size === before - count, "all other keys stayed");
        assert(s.evictor.evictedCount === count, "the evictor counts what it evicts");
      },
    },
    {
      title: "asks for the time, and goes on where it was",
      run() {
        const s = stage();
        const count = s.candidates().length;
        let calls = 0;
        let evicted = 0;
        while (s.evictTo(-1, () => true) === "running") {
          assert(s.evicted.length - evicted <= 16, "a call without time evicts 16 keys at most");
          assert(s.evicted.length > evicted, "a call without time still gets something done");
          evicted = s.evicted.length;
          assert(++calls <= count, "the calls come to an end");
        }
        assert(s.evicted.length === count, "all keys that may go went");
      },
    },
  ];
}

function choiceLaws(stage: MakeStage): ContractLaw[] {
  return [
    {
      title: "keys deleted or made persistent since they were sampled are passed over",
      run() {
        for (let seed = 1; seed <= 20; seed++) {
          const s = stage(KEYS_EACH, seed);
          if (s.policy.keys === "none") return;
          s.evictTo(s.size - 1); // Fills the pool.
          for (const index of FILLED) {
            for (const key of s.fixture.keys(index)) {
              const fate = s.fixture.random32() % 4;
              const entry = s.fixture.find(index, key);
              if (fate === 0) s.fixture.remove(index, key);
              else if (fate === 1) s.fixture.database(index).clearExpiry(entry);
            }
          }
          // mayGo() and check() watch from here on.
          const left = s.candidates().length;
          s.evicted.length = 0;
          s.evictTo(-1);
          assert(s.evicted.length === left, "what may still go goes");
        }
      },
    },
    {
      title: "with everything sampled, the best candidate goes first",
      run() {
        for (let seed = 1; seed <= 20; seed++) {
          const s = stage(5, seed);
          const { score } = s.policy;
          if (score === null || s.policy.keys === "none") return;
          s.evictor.settings.samples = 64;
          while (s.candidates().length > 0) {
            const scores = new Map<string, number>();
            for (const entry of s.candidates())
              scores.set(keyOf(s, entry), score(s.fixture.keyspace.arena, entry, s.evictor.clock));
            s.evictTo(s.size - 1);
            const chosen = scores.get(s.evicted.at(-1) as string);
            assert(chosen === Math.max(...scores.values()), "no candidate was better");
          }
        }
      },
    },
  ];
}

function keyOf(s: Stage, entry: Ref): string {
  const index = FILLED.find(
    (each) => s.fixture.find(each, s.fixture.keyOf(entry)) === entry,
  ) as number;
  return `${index} ${s.fixture.keyOf(entry)}`;
}

function scoreLaws(stage: MakeStage): ContractLaw[] {
  return [
    {
      title: "a score is a number, the same each time it is asked for",
      run() {
        const s = stage();
        const { score } = s.policy;
        if (score === null) return;
        const { arena } = s.fixture.keyspace;
        for (const entry of s.candidates()) {
          const first = score(arena, entry, s.evictor.clock);
          assert(Number.isFinite(first), "a score is finite");
          assert(score(arena, entry, s.evictor.clock) === first, "asking changes nothing");
        }
      },
    },
    {
      title: "using a key never makes it a better candidate",
      run() {
        const s = stage();
        const { score } = s.policy;
        if (score === null) return;
        const { arena } = s.fixture.keyspace;
        const { clock } = s.evictor;
        for (const entry of s.candidates()) {
          const before = score(arena, entry, clock);
          clock.touch(arena, entry);
          assert(score(arena, entry, clock) <= before, "a used key is no better to evict");
        }
      },
    },
  ];
}
