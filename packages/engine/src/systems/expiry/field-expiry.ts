/**
 * FieldExpiry: fields of hashes whose time has come are looked for, so that they do not wait for somebody
 * to ask for them.
 *
 * Each database knows which of its hashes has a field that expires next (core's FieldExpiries), so there
 * is nothing to sample: what has passed is found at once, and where nothing has, a cycle is one comparison
 * for each database. A hash loses a slice of its fields at a time; what it lost goes on as one HDEL and is
 * told by one event.
 */
import { type Database, HashValue, type Keyspace } from "@kv/core";
import type { EngineEffects } from "../../kernel/effects.ts";
import type { Host } from "../../kernel/host.ts";
import type { Propagator } from "../../kernel/propagate.ts";

/** Fields that a hash loses between two looks at the clock. */
const SLICE = 64;

/** What it takes of the engine. */
export interface FieldExpiryNeeds {
  readonly host: Host;
  readonly keyspace: Keyspace;
  readonly effects: EngineEffects;
  readonly propagator: Propagator;
}

/** Removes fields that have passed: see the head of this file. */
export class FieldExpiry {
  private readonly needs: FieldExpiryNeeds;
  private readonly hash: HashValue;
  private readonly removed: Uint8Array[] = [];
  private databaseNumber = 0;

  constructor(needs: FieldExpiryNeeds) {
    this.needs = needs;
    this.hash = new HashValue(needs.keyspace.arena, needs.keyspace.seed);
  }

  /** Goes on until nothing is left that has passed at `nowMs`, or the monotonic clock is at `endUs`. */
  cycle(nowMs: number, endUs: number): boolean {
    const { databases } = this.needs.keyspace;
    for (let visited = 0; visited < databases.length; visited++) {
      const database = databases[this.databaseNumber % databases.length] as Database;
      while (database.fieldExpiries.earliestMs < nowMs) {
        this.slice(database, nowMs);
        // The same database comes first the next time: it has not been seen to its end.
        if (this.needs.host.monotonicUs() >= endUs) return false;
      }
      this.databaseNumber++;
    }
    return true;
  }

  private slice(database: Database, nowMs: number): void {
    const { effects, propagator } = this.needs;
    const { hash, removed } = this;
    const entry = database.fieldExpiries.earliest;
    database.preserve(entry);
    hash.attach(entry).removePassed(nowMs, SLICE, this.note);
    database.fieldExpiries.changed(entry);
    effects.fieldsExpired(database, entry, removed);
    removed.length = 0;
    propagator.finish(false);
  }

  private readonly note = (): void => {
    const { bytes, start, end } = this.hash.field;
    this.removed.push(bytes.slice(start, end));
  };
}
