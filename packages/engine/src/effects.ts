/**
 * Effects: what a change sets off. Watchers are marked, client-side caches told, keyspace events
 * published, expired keys removed. `interest` says whether anybody cares; while it is zero, none
 * of this is reached.
 */
import {
  type CommandRow,
  type Effects,
  FLAG_BITS,
  Interest,
  Notify,
  notifyBits,
} from "@kv/commands";
import { bytesOf, type Database, keyIndex, keyLength, type Ref } from "@kv/core";
import { latin1Bytes } from "@kv/resp";
import { type Client, ClientState } from "./client.ts";
import type { Engine } from "./engine.ts";
import type { EngineCall } from "./engine-call.ts";
import { EngineState } from "./guards.ts";

interface Constant {
  readonly bytes: Uint8Array;
  readonly view: DataView;
}

export class EngineEffects implements Effects {
  /** Bits of Interest: who has to hear of changes now. */
  interest = 0;
  /** True while something is to be done after each command (tracking, MONITOR, ready keys). */
  attends = false;
  /** Classes of events that `notify-keyspace-events` asks for. */
  notifyClasses = 0;
  /** lazyfree-lazy-expire. */
  lazyExpire = false;
  /** The key that changes now was expired or evicted: no client did it. */
  private removesByItself = false;
  private readonly constants = new Map<string, Constant>();
  private readonly engine: Engine;

  constructor(engine: Engine) {
    this.engine = engine;
  }

  setNotify(letters: string): void {
    this.notifyClasses = Math.max(0, notifyBits(letters));
    this.updateInterest();
  }

  updateInterest(): void {
    const { engine } = this;
    let interest = 0;
    if (engine.watchedKeys.count > 0 || engine.tracking.isOn) interest |= Interest.WATCH;
    if (this.notifyClasses !== 0) interest |= Interest.NOTIFY;
    if (engine.propagator.isActive) interest |= Interest.PROPAGATE;
    this.interest = interest;
    this.attends = engine.tracking.isOn || engine.monitors.count > 0 || engine.output.hasOwnPushes;
  }

  keyChanged(
    database: Database,
    bytes: Uint8Array,
    view: DataView,
    start: number,
    end: number,
    event: string,
    notifyClass: number,
  ): void {
    const { engine } = this;
    if ((this.interest & Interest.WATCH) !== 0) {
      if (engine.watchedKeys.count > 0)
        engine.watchedKeys.changed(database, bytes, view, start, end);
      if (engine.tracking.isOn) {
        const by = this.removesByItself ? null : engine.current;
        engine.tracking.keyChanged(by, bytes, view, start, end);
      }
    }
    this.keyEvent(database, bytes, view, start, end, event, notifyClass);
  }

  keyEvent(
    database: Database,
    bytes: Uint8Array,
    view: DataView,
    start: number,
    end: number,
    event: string,
    notifyClass: number,
  ): void {
    const classes = this.notifyClasses;
    if ((classes & notifyClass) === 0) return;
    const { pubsub } = this.engine;
    const { bytes: name, view: nameView } = this.constant(event);
    if ((classes & Notify.KEYSPACE) !== 0) {
      const prefix = this.constant(`__keyspace@${database.index}__:`).bytes;
      pubsub.publishEvent(prefix, bytes, start, end, name, nameView, 0, name.length);
    }
    if ((classes & Notify.KEYEVENT) !== 0) {
      const prefix = this.constant(`__keyevent@${database.index}__:`).bytes;
      pubsub.publishEvent(prefix, name, 0, name.length, bytes, view, start, end);
    }
  }

  /** The bytes of a word that events are made of: the name of one, or what stands before a key. */
  private constant(word: string): Constant {
    let known = this.constants.get(word);
    if (known === undefined) {
      const bytes = latin1Bytes(word);
      known = { bytes, view: new DataView(bytes.buffer) };
      this.constants.set(word, known);
    }
    return known;
  }

  keyExpired(database: Database, entry: Ref): void {
    const { engine } = this;
    // A replica waits for its primary to say so; while paused nothing may change. A command that
    // writes nevertheless (EXEC may have begun the pause itself) needs the place of the key.
    const isHeldBack = (engine.unusual & EngineState.REPLICA) !== 0 || engine.pause.isInForce();
    if (isHeldBack && (engine.call.row.bits & FLAG_BITS.write) === 0) return;
    this.removeKey(database, entry, "expired", Notify.EXPIRED, this.lazyExpire);
    engine.stats.expiredKeys++;
  }

  /**
   * Removes a key by the server's own decision: expired or evicted. That is no change that a save
   * point would count: nobody made it.
   */
  removeKey(
    database: Database,
    entry: Ref,
    event: string,
    notifyClass: number,
    lazily: boolean,
  ): void {
    const { engine } = this;
    const { arena } = engine.keyspace;
    const start = keyIndex(arena, entry);
    const key = bytesOf(arena, entry).slice(start, start + keyLength(arena, entry));
    this.timedRemove(database, entry, event === "evicted" ? "eviction-del" : "expire-del", lazily);
    engine.propagator.words(database.index, [lazily ? "UNLINK" : "DEL", key]);
    if (this.interest === 0) return;
    this.removesByItself = true;
    this.keyChanged(database, key, new DataView(key.buffer), 0, key.length, event, notifyClass);
    this.removesByItself = false;
  }

  /** A large value may take long to free: the latency monitor, while it is on, is told. */
  private timedRemove(database: Database, entry: Ref, event: string, lazily: boolean): void {
    const { host, latency, nowMs } = this.engine;
    if (latency.thresholdMs === 0) {
      database.remove(entry, lazily);
      return;
    }
    const startUs = host.monotonicUs();
    database.remove(entry, lazily);
    latency.eventTook(event, host.monotonicUs() - startUs, nowMs);
  }

  databaseChanged(index: number, successor = -1): void {
    const { engine } = this;
    // Names are all that tracking knows, and those outlive a swap: like Redis, it says nothing.
    if (engine.tracking.isOn && successor === -1) engine.tracking.flushed();
    if (engine.watchedKeys.count === 0) return;
    for (const database of engine.keyspace.databases) {
      if (index !== -1 && database.index !== index) continue;
      engine.watchedKeys.databaseChanged(database, engine.keyspace.databases[successor]);
    }
  }

  allFlushed(): boolean {
    return this.engine.saving.allFlushed();
  }

  /** Only while `attends`. */
  afterCommand(client: Client, entry: CommandRow, call: EngineCall): void {
    const { engine } = this;
    if (engine.monitors.count > 0) engine.monitors.feed(client, entry, call);
    if (engine.tracking.isOn) {
      if ((entry.bits & FLAG_BITS.readonly) !== 0 && client.is(ClientState.TRACKING))
        engine.tracking.remember(client, entry, call);
      engine.tracking.afterCommand(client, entry);
    }
    // Nothing may stand between the replies of a transaction.
    if (engine.output.hasOwnPushes && !engine.propagator.isOpen) engine.output.flushOwn(client);
  }
}
