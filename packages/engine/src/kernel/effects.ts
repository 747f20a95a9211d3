/**
 * Effects: what a change sets off. Those who listen are told, keyspace events published, expired
 * keys removed. `interest` says whether anybody cares; while it is zero, none of this is reached.
 *
 * Who listens has told so by listen(), and says at any time whether it has a reason to: whoever
 * begins or ends to have one calls updateInterest().
 */
import {
  type Call,
  type CommandRow,
  type Effects,
  FLAG_BITS,
  Interest,
  Notify,
  notifyBits,
} from "@kv/commands";
import {
  bytesOf,
  type Database,
  isEmptyHash,
  type Keyspace,
  keyIndex,
  keyLength,
  type Ref,
} from "@kv/core";
import { latin1Bytes } from "@kv/resp";
import type { Client } from "./client.ts";
import type { ClientCall } from "./client-call.ts";
import type { Host } from "./host.ts";
import type { LatencyMonitor } from "./latency-monitor.ts";
import type { Pause } from "./pause.ts";
import type { Propagator } from "./propagate.ts";
import { EngineState, type Situation } from "./situation.ts";
import type { Stats } from "./stats.ts";

/** Hears of changes to keys (WATCH, client-side caching). */
export interface ChangeListener {
  /** Whether there is anybody to tell. */
  readonly wantsChanges: boolean;
  /**
   * The key bytes[start, end) changed, and `by` is whose command did it; null: the server removed it
   * by its own decision. The view covers the same memory as the bytes.
   */
  keyChanged(
    by: Client | null,
    database: Database,
    bytes: Uint8Array,
    view: DataView,
    start: number,
    end: number,
  ): void;
  /** The key did not change, but who waits for it has to look at it again. */
  keyReady?(
    database: Database,
    bytes: Uint8Array,
    view: DataView,
    start: number,
    end: number,
  ): void;
  /** Before a database (-1: each) is emptied, or `successor` (-1: none) takes its place. */
  databaseChanged(index: number, successor: number): void;
}

/** Hears of each command that ran (MONITOR, client-side caching). */
export interface CommandListener {
  /** Whether there is anybody to tell. */
  readonly wantsCommands: boolean;
  /** The command that `call` points at has run, whatever it answered; its reply is written. */
  commandRan(client: Client, row: CommandRow, call: ClientCall): void;
  /** The command that `call` points at has begun, and is about to run others, which are told of. */
  scriptBegins?(client: Client, row: CommandRow, call: ClientCall): void;
  /** A request was answered with a refusal, or waited in vain; null: its command is unknown. */
  commandRefused?(client: Client, row: CommandRow | null): void;
  /** An EXEC was refused, and with it its transaction is over. */
  execRefused?(client: Client, row: CommandRow, call: ClientCall): void;
}

/** Publishes keyspace events: message[from, to) on the channel `prefix` followed by bytes[start, end). */
export interface EventPublisher {
  /** `messageView` covers the same memory as `message`. Nothing is kept after this returns. */
  publishEvent(
    prefix: Uint8Array,
    bytes: Uint8Array,
    start: number,
    end: number,
    message: Uint8Array,
    messageView: DataView,
    from: number,
    to: number,
  ): void;
}

/** What EngineEffects are made of. */
export interface EffectsParts {
  /** Measures how long it takes to remove a key. */
  host: Host;
  /** Says whose command runs, and whether this server is a replica. */
  situation: Situation;
  /** Counts expired keys. */
  stats: Stats;
  /** Where keys are removed. */
  keyspace: Keyspace;
  /** Takes the DEL or UNLINK of a key that was expired or evicted. */
  propagator: Propagator;
  /** Hears how long removals took. */
  latency: LatencyMonitor;
  /** While it is in force, nothing expires. */
  pause: Pause;
  /** The call of the command that is running. */
  presentCall: () => Call;
}

interface Constant {
  readonly bytes: Uint8Array;
  readonly view: DataView;
}

/** What a change sets off: see the head of this file. One for each engine. */
export class EngineEffects implements Effects {
  /** Bits of Interest: who has to hear of changes now. */
  interest = 0;
  /** True while somebody wants to hear of each command. */
  attends = false;
  /** Classes of events that `notify-keyspace-events` asks for. */
  notifyClasses = 0;
  /** lazyfree-lazy-expire. */
  lazyExpire = false;
  /** Where keyspace events go; null: nobody publishes. */
  events: EventPublisher | null = null;
  /** FLUSHALL has emptied all databases. Whoever has that on disk already says true. */
  onAllFlushed: () => boolean = () => false;
  private readonly changeListeners: ChangeListener[] = [];
  private readonly commandListeners: CommandListener[] = [];
  /** Those of them that want to hear now. */
  private hearChanges: ChangeListener[] = [];
  private hearCommands: CommandListener[] = [];
  /** The key that changes now was expired or evicted: no client did it. */
  private removesByItself = false;
  private readonly constants = new Map<string, Constant>();
  private readonly host: Host;
  private readonly situation: Situation;
  private readonly stats: Stats;
  private readonly keyspace: Keyspace;
  private readonly propagator: Propagator;
  private readonly latency: LatencyMonitor;
  private readonly pause: Pause;
  private readonly presentCall: () => Call;

  constructor(parts: EffectsParts) {
    this.host = parts.host;
    this.situation = parts.situation;
    this.stats = parts.stats;
    this.keyspace = parts.keyspace;
    this.propagator = parts.propagator;
    this.latency = parts.latency;
    this.pause = parts.pause;
    this.presentCall = parts.presentCall;
  }

  /** From now on the listener is told; in the order of these calls. */
  listen(listener: { changeListener?: ChangeListener; commandListener?: CommandListener }): void {
    if (listener.changeListener !== undefined) this.changeListeners.push(listener.changeListener);
    if (listener.commandListener !== undefined)
      this.commandListeners.push(listener.commandListener);
    this.updateInterest();
  }

  /**
   * `notify-keyspace-events`: the letters of Redis's documentation; unknown ones switch all off.
   */
  setNotify(letters: string): void {
    this.notifyClasses = Math.max(0, notifyBits(letters));
    this.updateInterest();
  }

  /** Who has to hear of changes and commands may have changed. */
  updateInterest(): void {
    this.hearChanges = this.changeListeners.filter(({ wantsChanges }) => wantsChanges);
    this.hearCommands = this.commandListeners.filter(({ wantsCommands }) => wantsCommands);
    let interest = 0;
    if (this.hearChanges.length > 0) interest |= Interest.WATCH;
    if (this.notifyClasses !== 0) interest |= Interest.NOTIFY;
    if (this.propagator.isActive) interest |= Interest.PROPAGATE;
    this.interest = interest;
    this.attends = this.hearCommands.length > 0;
  }

  /**
   * The value of the key bytes[start, end) changed: listeners are told, and `event` is published.
   * The view covers the same memory as the bytes; `notifyClass` is a bit of Notify.
   */
  keyChanged(
    database: Database,
    bytes: Uint8Array,
    view: DataView,
    start: number,
    end: number,
    event: string,
    notifyClass: number,
  ): void {
    this.keyModified(database, bytes, view, start, end);
    this.keyEvent(database, bytes, view, start, end, event, notifyClass);
  }

  /** The same for one whose events have been published: listeners are told. */
  keyModified(
    database: Database,
    bytes: Uint8Array,
    view: DataView,
    start: number,
    end: number,
  ): void {
    if ((this.interest & Interest.WATCH) === 0) return;
    const by = this.removesByItself ? null : this.situation.current;
    for (const listener of this.hearChanges)
      listener.keyChanged(by, database, bytes, view, start, end);
  }

  /** Tells those alone who serve waiting clients: nobody's copy of the key is out of date. */
  keyReady(
    database: Database,
    bytes: Uint8Array,
    view: DataView,
    start: number,
    end: number,
  ): void {
    for (const listener of this.hearChanges) listener.keyReady?.(database, bytes, view, start, end);
  }

  /** Publishes a keyspace event, where its class is asked for, and tells no listener. */
  keyEvent(
    database: Database,
    bytes: Uint8Array,
    view: DataView,
    start: number,
    end: number,
    event: string,
    notifyClass: number,
  ): void {
    const { notifyClasses: classes, events } = this;
    if ((classes & notifyClass) === 0 || events === null) return;
    const { bytes: name, view: nameView } = this.constant(event);
    if ((classes & Notify.KEYSPACE) !== 0) {
      const prefix = this.constant(`__keyspace@${database.index}__:`).bytes;
      events.publishEvent(prefix, bytes, start, end, name, nameView, 0, name.length);
    }
    if ((classes & Notify.KEYEVENT) !== 0) {
      const prefix = this.constant(`__keyevent@${database.index}__:`).bytes;
      events.publishEvent(prefix, name, 0, name.length, bytes, view, start, end);
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

  /**
   * A key was found expired: it is removed, unless a replica has to wait for its primary or clients
   * are paused. A command that writes nevertheless (EXEC may have begun the pause itself) needs the
   * place of a key that it looked up to write there.
   */
  keyExpired(database: Database, entry: Ref, toWrite: boolean): boolean {
    if (toWrite ? this.isHeldBack : this.hasToWait) return false;
    this.removeKey(database, entry, "expired", Notify.EXPIRED, this.lazyExpire);
    this.stats.expiredKeys++;
    return true;
  }

  /** True when a key that is given a time that has passed goes at once: on a replica that is its primary's. */
  removesWhatIsPast(): boolean {
    return !this.situation.is(EngineState.REPLICA);
  }

  /** True when nothing may expire: a replica waits for its primary to say so; while paused nothing may change. */
  private get hasToWait(): boolean {
    return this.situation.is(EngineState.REPLICA) || this.pause.isInForce();
  }

  /** True when what has expired has to stay, as the command that runs finds it: see keyExpired(). */
  private get isHeldBack(): boolean {
    return this.hasToWait && (this.presentCall().row.bits & FLAG_BITS.write) === 0;
  }

  /** Whether fields whose time has passed are to be removed by who meets them. */
  mayExpireFields(): boolean {
    return !this.isHeldBack;
  }

  /**
   * Fields were removed from the hash in an entry because their time had passed: that is counted,
   * propagated and told, and the key goes with the last of them. Nobody made it, so no save point
   * counts it.
   */
  fieldsExpired(database: Database, entry: Ref, fields: readonly Uint8Array[]): void {
    const { arena } = this.keyspace;
    const start = keyIndex(arena, entry);
    const key = bytesOf(arena, entry).slice(start, start + keyLength(arena, entry));
    const isEmpty = isEmptyHash(arena, entry);
    if (isEmpty) this.timedRemove(database, entry, "expire-del", this.lazyExpire);
    this.stats.expiredFields += fields.length;
    // One command for each, as Redis has it.
    for (const field of fields) this.propagator.removal(database.index, ["HDEL", key, field]);
    if (this.interest === 0) return;
    const view = new DataView(key.buffer);
    this.removesByItself = true;
    this.keyChanged(database, key, view, 0, key.length, "hexpired", Notify.HASH);
    if (isEmpty) this.keyEvent(database, key, view, 0, key.length, "del", Notify.GENERIC);
    this.removesByItself = false;
  }

  /** Fields were removed by a time that had passed when it was given: they count as expired. */
  fieldsRemoved(count: number): void {
    this.stats.expiredFields += count;
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
    const { arena } = this.keyspace;
    const start = keyIndex(arena, entry);
    const key = bytesOf(arena, entry).slice(start, start + keyLength(arena, entry));
    this.timedRemove(database, entry, event === "evicted" ? "eviction-del" : "expire-del", lazily);
    this.propagator.removal(database.index, [lazily ? "UNLINK" : "DEL", key]);
    if (this.interest === 0) return;
    const view = new DataView(key.buffer);
    this.removesByItself = true;
    if (notifyClass === Notify.EVICTED) {
      this.keyChanged(database, key, view, 0, key.length, event, notifyClass);
    } else {
      // Redis tells caches of an expired key behind its event.
      this.keyEvent(database, key, view, 0, key.length, event, notifyClass);
      this.keyModified(database, key, view, 0, key.length);
    }
    this.removesByItself = false;
  }

  /** A large value may take long to free: the latency monitor, while it is on, is told. */
  private timedRemove(database: Database, entry: Ref, event: string, lazily: boolean): void {
    const { host, latency } = this;
    if (latency.thresholdMs === 0) {
      database.remove(entry, lazily);
      return;
    }
    const startUs = host.monotonicUs();
    database.remove(entry, lazily);
    latency.eventTook(event, host.monotonicUs() - startUs, this.situation.nowMs);
  }

  /** Before a database (-1: each) is emptied, or `successor` (-1: none) takes its place. */
  databaseChanged(index: number, successor = -1): void {
    for (const listener of this.hearChanges) listener.databaseChanged(index, successor);
  }

  /** FLUSHALL has emptied all databases. True: that is on disk already. */
  allFlushed(): boolean {
    return this.onAllFlushed();
  }

  /** A command ran. Only while `attends`. */
  commandRan(client: Client, row: CommandRow, call: ClientCall): void {
    for (const listener of this.hearCommands) listener.commandRan(client, row, call);
  }

  /** A command that runs others has begun. */
  scriptBegins(client: Client, row: CommandRow, call: ClientCall): void {
    for (const listener of this.hearCommands) listener.scriptBegins?.(client, row, call);
  }

  /** A request was refused before its command ran, or got nothing that it waited for. */
  commandRefused(client: Client, row: CommandRow | null): void {
    for (const listener of this.hearCommands) listener.commandRefused?.(client, row);
  }

  /** An EXEC was refused: the transaction is over. */
  execRefused(client: Client, row: CommandRow, call: ClientCall): void {
    for (const listener of this.hearCommands) listener.execRefused?.(client, row, call);
  }
}
