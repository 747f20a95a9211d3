/**
 * Call: what a running command sees. One object per engine, reused for every command.
 *
 * Arguments are offsets into the buffer they arrived in: 0 is the command's name, for a subcommand
 * 0 and 1 are. Keys are looked up by argument index; the reply goes straight into the client's
 * output. What a command changed it says with changed(): that is what wakes watchers, client-side
 * caches, keyspace events, the append-only file and the replicas.
 *
 * Entries are refs into the arena: any method that writes may move an entry, so keep none across
 * such a call except what it returned.
 */
import {
  BLOCK_BYTES_MAX,
  type Database,
  EXPIRY_FLAG,
  expiryMs,
  flagsOf,
  type Int64,
  idleBits,
  type Keyspace,
  NONE,
  parseDecimal,
  parseInt64,
  type Ref,
  StringView,
  toNumber,
  typeOf,
  wordIndex,
  wordsOf,
} from "@kv/core";
import {
  type ArgVector,
  latin1,
  parseDouble,
  parseInteger,
  type ReplyWriter,
  TEXT_BYTES_MAX,
} from "@kv/resp";
import {
  type CommandSettings,
  type CommandWord,
  type Effects,
  type IdleKeeper,
  Interest,
  Propagation,
  type RunningCommand,
} from "./call-context.ts";
import { errors } from "./errors.ts";
import { Notify } from "./notify.ts";
import type { Wait } from "./wait.ts";

/** Longer than the name of anything that a word may name, and as much as an error shows of one. */
const WORD_BYTES_MAX = 1024;

/**
 * What a running command sees: see the head of this file. `Row` is the command as the owner's table
 * has it.
 */
export class Call<Row extends RunningCommand = RunningCommand> {
  /** All databases, and the arena that holds them. */
  readonly keyspace: Keyspace;
  /** Takes the reply: exactly one, in the client's protocol. */
  readonly reply: ReplyWriter;
  /** Directives that commands read; kept up to date by the owner. */
  readonly settings: CommandSettings;
  /** Told of what the command did; mostly by way of changed() and event(). */
  readonly effects: Effects;
  /** The database that the client selected. */
  database: Database;
  /** The command that runs, as the table has it. */
  row!: Row;
  /** The batch that the request is part of: where its words begin and end. */
  args: ArgVector;
  /** The buffer that the arguments lie in. */
  bytes: Uint8Array;
  /** A view over the memory of `bytes`. */
  view: DataView;
  /** Number of words of the request, the command's name included. */
  argc = 0;
  private base = 0;
  /** Number of the request in its batch. */
  requestIndex = 0;
  /** Wall clock in milliseconds: one value for a whole command, transaction or script. */
  nowMs = 0;
  /**
   * What runs was done before, and is told again (by a log, by a primary): it runs whatever the situation,
   * and nothing expires by itself, for what has gone is told as well.
   */
  isReplayed = false;
  /** Argument whose hash is already known (from the look-ahead over a batch), or 0. */
  hashedArgument = 0;
  /** The hash of the key at `hashedArgument`; void while that is 0. */
  knownHash = 0;
  /** Changes this command made to the data set. */
  dirty = 0;
  /** Who wants to hear of changes: bits of Interest. 0: nobody. */
  interest = 0;
  /** How the command goes to the append-only file and the replicas: one of Propagation. */
  propagation = 0;
  /** What to propagate instead of the command, as several commands; null: as it came. */
  rewritten: CommandWord[][] | null = null;
  /** Whether the command may make its client wait: not in a transaction or a script. */
  mayWait = false;
  /** What the command waits for, and has not answered therefore; null: it does not. */
  wait: Wait | null = null;
  /** Keeps the bits by which eviction judges entries. */
  idle: IdleKeeper;
  /** Whether the present command's accesses count for LRU and LFU (CLIENT NO-TOUCH). */
  touches = true;
  /** Keys looked up for reading that were there, since CONFIG RESETSTAT. */
  keyspaceHits = 0;
  /** Keys looked up for reading that were not there, since CONFIG RESETSTAT. */
  keyspaceMisses = 0;
  /** A window for whoever has to look at a string: what it shows is void when the command ends. */
  readonly value = new StringView();
  /** What commands keep from one run to the next: see Kept. */
  readonly kept: unknown[] = [];

  constructor(parts: {
    keyspace: Keyspace;
    reply: ReplyWriter;
    settings: CommandSettings;
    effects: Effects;
    args: ArgVector;
    idle: IdleKeeper;
  }) {
    this.keyspace = parts.keyspace;
    this.reply = parts.reply;
    this.settings = parts.settings;
    this.effects = parts.effects;
    this.idle = parts.idle;
    this.args = parts.args;
    this.bytes = parts.args.bytes;
    this.view = parts.args.view;
    this.database = parts.keyspace.databases[0] as Database;
  }

  /** Points the call at request number `command` of the batch. For the engine. */
  begin(args: ArgVector, command: number, row: Row): void {
    this.args = args;
    this.bytes = args.bytes;
    this.view = args.view;
    this.requestIndex = command;
    this.base = args.firstArg[command] as number;
    this.argc = args.argCount[command] as number;
    this.row = row;
    this.hashedArgument = 0;
    this.dirty = 0;
    this.propagation = Propagation.DEFAULT;
    this.rewritten = null;
    this.wait = null;
  }

  // Arguments.

  /**
   * Where an argument begins in `bytes`. `index` counts from 0, the command's name, and is below
   * `argc`.
   */
  start(index: number): number {
    return this.args.starts[this.base + index] as number;
  }

  /** Where an argument ends in `bytes`: the first byte behind it. */
  end(index: number): number {
    return this.args.ends[this.base + index] as number;
  }

  /** Bytes of an argument. */
  length(index: number): number {
    return (
      (this.args.ends[this.base + index] as number) -
      (this.args.starts[this.base + index] as number)
    );
  }

  /** Bytes of the whole request, as it came. */
  get requestBytes(): number {
    const { args, requestIndex } = this;
    return (args.requestEnd[requestIndex] as number) - (args.requestStart[requestIndex] as number);
  }

  /** The argument's bytes, as a window on the request: void when the command ends. */
  argument(index: number): Uint8Array {
    return this.bytes.subarray(this.start(index), this.end(index));
  }

  /**
   * The argument as text, one character a byte: lossless, allocates. Throws nameTooLong for what no
   * string can hold, which a value may be but nobody calls a channel or an option.
   */
  text(index: number): string {
    if (this.length(index) > TEXT_BYTES_MAX) throw errors.nameTooLong;
    return latin1(this.bytes, this.start(index), this.end(index));
  }

  /**
   * As text(), of a word that is to be looked up by name or shown in an error: nothing has a longer
   * name than WORD_BYTES_MAX, so what follows is cut off.
   */
  word(index: number): string {
    const start = this.start(index);
    return latin1(this.bytes, start, Math.min(this.end(index), start + WORD_BYTES_MAX));
  }

  /** The words from an argument on, as word() gives them, one after the other. */
  *words(first: number): Generator<string> {
    for (let index = first; index < this.argc; index++) yield this.word(index);
  }

  /**
   * Whether keys may be read that no argument names: those that patterns make (SORT BY and GET).
   * Whoever knows users says otherwise.
   */
  mayReadAnyKey(): boolean {
    return true;
  }

  /** Whether a script runs the command. Whoever knows scripts says otherwise. */
  get isScripted(): boolean {
    return false;
  }

  /** True when the argument is `word` (given in upper case), whatever its case. */
  is(index: number, word: string): boolean {
    const start = this.start(index);
    if (this.end(index) - start !== word.length) return false;
    for (let i = 0; i < word.length; i++) {
      let byte = this.bytes[start + i] as number;
      if (byte >= 97 && byte <= 122) byte -= 32;
      if (byte !== word.charCodeAt(i)) return false;
    }
    return true;
  }

  /**
   * The argument as an integer. Beyond 2^53 it is rounded: fine for limits and counts, which are
   * out of range there anyway; where the value itself is kept use int64(). Throws notAnInteger.
   */
  integer(index: number, error = errors.notAnInteger): number {
    const value = parseInteger(this.bytes, this.start(index), this.end(index));
    if (!Number.isNaN(value)) return value;
    if (!parseInt64(this.bytes, this.start(index), this.end(index), wide)) throw error;
    return toNumber(wide.hi, wide.lo);
  }

  /** The argument as an exact 64-bit integer. Throws notAnInteger. */
  int64(index: number, out: Int64, error = errors.notAnInteger): void {
    if (!parseInt64(this.bytes, this.start(index), this.end(index), out)) throw error;
  }

  /** The argument as a double; infinities are numbers, NaN is not. Throws notAFloat. */
  float(index: number, error = errors.notAFloat): number {
    const { bytes } = this;
    const start = this.start(index);
    const end = this.end(index);
    const decimal = parseDecimal(bytes, start, end);
    if (!Number.isNaN(decimal)) return decimal;
    const value = parseDouble(bytes, start, end);
    if (Number.isNaN(value)) throw error;
    return value;
  }

  /** The command is not answered now but run anew later: see wait.ts. Only where `mayWait`. */
  waitFor(wait: Wait): void {
    this.wait = wait;
  }

  // Looking keys up.

  /** Hash of the key at an argument. */
  hashOf(index: number): number {
    if (index === this.hashedArgument) return this.knownHash;
    return this.database.hash(this.bytes, this.view, this.start(index), this.end(index));
  }

  /** Entry of the key for reading; NONE when missing or expired. Counts hits, marks the access. */
  lookupRead(index: number): Ref {
    const entry = this.find(index, false);
    if (entry === NONE) {
      this.keyspaceMisses++;
      if ((this.interest & Interest.NOTIFY) !== 0) this.event(index, "keymiss", Notify.KEY_MISS);
      return NONE;
    }
    this.keyspaceHits++;
    this.touch(entry);
    return entry;
  }

  /** As lookupRead, without marking the access (TTL, TYPE, EXISTS, OBJECT). */
  lookupQuietly(index: number): Ref {
    const entry = this.find(index, false);
    if (entry !== NONE) this.keyspaceHits++;
    else {
      this.keyspaceMisses++;
      if ((this.interest & Interest.NOTIFY) !== 0) this.event(index, "keymiss", Notify.KEY_MISS);
    }
    return entry;
  }

  /** Entry of the key for changing it: hands it to running snapshots first. */
  lookupWrite(index: number): Ref {
    const entry = this.find(index);
    if (entry !== NONE) {
      this.touch(entry);
      this.database.preserve(entry);
    }
    return entry;
  }

  /** As lookupRead; throws wrongType unless the value has the type (core's Type) or is missing. */
  readTyped(index: number, type: number): Ref {
    const entry = this.lookupRead(index);
    if (entry !== NONE && typeOf(this.keyspace.arena, entry) !== type) throw errors.wrongType;
    return entry;
  }

  /** As lookupWrite; throws wrongType unless the value has the type or is missing. */
  writeTyped(index: number, type: number): Ref {
    const entry = this.find(index);
    if (entry === NONE) return NONE;
    this.touch(entry);
    if (typeOf(this.keyspace.arena, entry) !== type) throw errors.wrongType;
    this.database.preserve(entry);
    return entry;
  }

  /**
   * The entry, live or NONE: an expired one is dealt with. No counting, no marking. Unless `toWrite`,
   * one that has expired may keep its place, so that nothing may be put there as a new key.
   */
  find(index: number, toWrite = true): Ref {
    const { database, bytes, view } = this;
    const at = this.base + index;
    const start = this.args.starts[at] as number;
    const end = this.args.ends[at] as number;
    const hash =
      index === this.hashedArgument ? this.knownHash : database.dict.hash(bytes, view, start, end);
    const entry = database.dict.find(bytes, view, start, end, hash);
    if (entry === NONE) return NONE;
    if ((flagsOf(this.keyspace.arena, entry) & EXPIRY_FLAG) === 0) return entry;
    return this.unexpired(database, entry, toWrite);
  }

  /** The entry even when its time has passed: for what removes the key whatever it is. */
  findStored(index: number): Ref {
    return this.database.findKey(this.bytes, this.view, this.start(index), this.end(index));
  }

  /** The entry, or NONE after dealing with it when its time has passed; `toWrite` as of find(). */
  unexpired(database: Database, entry: Ref, toWrite: boolean): Ref {
    if (!this.isExpired(entry)) return entry;
    this.effects.keyExpired(database, entry, toWrite);
    return NONE;
  }

  /** True when the entry's time has passed, as of `expiryNowMs`. */
  isExpired(entry: Ref): boolean {
    const keyExpiryMs = expiryMs(this.keyspace.arena, entry);
    return keyExpiryMs !== -1 && this.expiryNowMs > keyExpiryMs;
  }

  /** True when a key that is given this time of expiry goes at once. */
  isPast(momentMs: number): boolean {
    return momentMs <= this.expiryNowMs && this.effects.removesWhatIsPast();
  }

  /** Longest string that the command may make. What runs again was measured by the limit of its time. */
  get stringBytesMax(): number {
    return this.isReplayed ? BLOCK_BYTES_MAX : this.settings.stringBytesMax;
  }

  /** The moment by which what expires is judged: `nowMs`, or one before all times. */
  get expiryNowMs(): number {
    return this.isReplayed ? 0 : this.nowMs;
  }

  /** Marks an access for LRU and LFU. */
  touch(entry: Ref): void {
    if (!this.touches) return;
    const { idle } = this;
    const words = wordsOf(this.keyspace.arena, entry);
    const at = wordIndex(entry) + 1;
    words[at] = idle.isClock ? idle.fresh : idle.touched((words[at] as number) & 0xffffff);
  }

  /** Bits for a key that gets a new value: under LFU an overwritten key is no newcomer. */
  idleOf(entry: Ref): number {
    const { idle } = this;
    if (entry === NONE || idle.isClock) return idle.fresh;
    const bits = idleBits(this.keyspace.arena, entry);
    return this.touches ? idle.touched(bits) : bits;
  }

  /** As idleOf, where looking the key up has counted as an access already. */
  idleOfKnown(entry: Ref): number {
    const { idle } = this;
    return entry === NONE || idle.isClock ? idle.fresh : idleBits(this.keyspace.arena, entry);
  }

  // Saying what happened.

  /** The value of the key at an argument changed: `event` is what keyspace listeners hear. */
  changed(index: number, event: string, notifyClass: number): void {
    this.dirty++;
    if (this.interest !== 0) {
      this.effects.keyChanged(
        this.database,
        this.bytes,
        this.view,
        this.start(index),
        this.end(index),
        event,
        notifyClass,
      );
    }
  }

  /**
   * The same where Redis publishes the events of a change first, by event(), and tells watchers and caches
   * behind all of them.
   */
  modified(index: number): void {
    this.dirty++;
    if ((this.interest & Interest.WATCH) === 0) return;
    const { effects, database, bytes, view } = this;
    effects.keyModified(database, bytes, view, this.start(index), this.end(index));
  }

  /** Those who wait for the key at an argument are served, if they can be: its value did not change. */
  wakeWaiters(index: number): void {
    if ((this.interest & Interest.WATCH) === 0) return;
    this.effects.keyReady(this.database, this.bytes, this.view, this.start(index), this.end(index));
  }

  /** A further keyspace event about the key at an argument, without a change of its own. */
  event(index: number, event: string, notifyClass: number): void {
    if ((this.interest & Interest.NOTIFY) === 0) return;
    this.effects.keyEvent(
      this.database,
      this.bytes,
      this.view,
      this.start(index),
      this.end(index),
      event,
      notifyClass,
    );
  }

  /** True when somebody takes propagated commands: only then are rewrites worth building. */
  get propagates(): boolean {
    return (this.interest & Interest.PROPAGATE) !== 0;
  }

  /** Propagates this command instead of the request; called again, one more behind it. */
  propagateAs(...words: CommandWord[]): void {
    if (!this.propagates) return;
    this.rewritten ??= [];
    this.rewritten.push(words);
  }
}

const wide = { hi: 0, lo: 0 };
