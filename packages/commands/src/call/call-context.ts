/**
 * What a call has around it: who wants to hear of changes and what is done on its behalf, settings,
 * and the bits by which eviction judges keys. The engine gives all of it to its Call.
 */

import { type Database, defaultLimits, type Ref, type ValueLimits } from "@kv/core";
import type { Argument } from "../declare/arg.ts";

/** Who wants to hear of changes; bits of Call.interest. Zero: nobody, and changes cost nothing. */
export const Interest = {
  /** Somebody watches keys or tracks them for a client-side cache. */
  WATCH: 1,
  /** Keyspace events are on. */
  NOTIFY: 2,
  /** An append-only file or a replica takes commands. */
  PROPAGATE: 4,
} as const;

/** How the running command goes to the append-only file and the replicas. */
export const Propagation = {
  /** As it came, if the data set changed; or as rewritten. */
  DEFAULT: 0,
  /** Not at all. */
  PREVENTED: 1,
  /** Even if the data set did not change. */
  FORCED: 2,
  /** To replicas alone: it changes no data, but those who listen there want to hear it. */
  TO_REPLICAS: 3,
} as const;

/** What the engine does on behalf of commands. Called only where `interest` says so, or rarely. */
export interface Effects {
  /** The key's value changed: tell watchers and trackers, publish the event. */
  keyChanged(
    database: Database,
    bytes: Uint8Array,
    view: DataView,
    start: number,
    end: number,
    event: string,
    notifyClass: number,
  ): void;
  /** The same without an event: those of this change have been published. */
  keyModified(
    database: Database,
    bytes: Uint8Array,
    view: DataView,
    start: number,
    end: number,
  ): void;
  /** Who waits for the key has to look at it again, although no watcher or tracker would call it changed. */
  keyReady(database: Database, bytes: Uint8Array, view: DataView, start: number, end: number): void;
  /** Publishes a keyspace event only. */
  keyEvent(
    database: Database,
    bytes: Uint8Array,
    view: DataView,
    start: number,
    end: number,
    event: string,
    notifyClass: number,
  ): void;
  /**
   * A key was found expired. Removes it (and tells everybody) where this server may do that, and
   * with `toWrite` whenever the command writes: it may put another key in its place. True: it is gone.
   */
  keyExpired(database: Database, entry: Ref, toWrite: boolean): boolean;
  /**
   * True when a key that is given a time that has passed is removed at once. On a replica it stays, as
   * one that has expired.
   */
  removesWhatIsPast(): boolean;
  /**
   * True when the command that runs may remove fields whose time has passed, so that fieldsExpired()
   * is to follow. Otherwise they stay, and are not there for whoever reads.
   */
  mayExpireFields(): boolean;
  /**
   * These fields of the hash in an entry were removed because their time had passed: tells everybody,
   * and removes the key if they were the last.
   */
  fieldsExpired(database: Database, entry: Ref, fields: readonly Uint8Array[]): void;
  /** Fields were removed because they were given a time that had passed: they are counted. */
  fieldsRemoved(count: number): void;
  /** A whole database (-1: each) is about to be emptied, or `successor` to take its place. */
  databaseChanged(index: number, successor?: number): void;
  /** FLUSHALL has emptied all databases. True: it is on disk already that they are empty. */
  allFlushed(): boolean;
}

/** Directives that commands read, under plain names. The engine keeps them up to date. */
export interface CommandSettings {
  /** Longest string that a command may make: proto-max-bulk-len, or what a block can hold. */
  stringBytesMax: number;
  /** Most memory that a command may need for a while: proto-max-bulk-len. */
  transientBytesMax: number;
  /** When values stop being the small form of themselves. */
  limits: ValueLimits;
  /** hll-sparse-max-bytes: a HyperLogLog that would get longer becomes dense. */
  hllSparseBytesMax: number;
  /** lazyfree-lazy-user-del: DEL frees as UNLINK does, bit by bit later on. */
  lazyUserDel: boolean;
  /** lazyfree-lazy-user-flush: FLUSHDB and FLUSHALL without a mode free bit by bit later on. */
  lazyUserFlush: boolean;
  /** lazyfree-lazy-server-del: values that commands replace are freed bit by bit later on. */
  lazyServerDel: boolean;
  /** lazyfree-lazy-expire: so are values whose time has passed. */
  lazyExpire: boolean;
}

/** The settings at Redis's defaults. Copy before changing: `{ ...defaultSettings }`. */
export const defaultSettings: CommandSettings = {
  stringBytesMax: 512 * 2 ** 20,
  transientBytesMax: 512 * 2 ** 20,
  limits: defaultLimits,
  hllSparseBytesMax: 3000,
  lazyUserDel: false,
  lazyUserFlush: false,
  lazyServerDel: false,
  lazyExpire: false,
};

/** Keeps the LRU or LFU bits of entries (packages/eviction has both). */
export interface IdleKeeper {
  /** Bits of a key that is born now. */
  fresh: number;
  /** True: a touched key simply takes `fresh` (LRU). */
  isClock: boolean;
  /** The bits after an access (LFU). */
  touched(bits: number): number;
  /** The access counter in the bits, decayed to now (OBJECT FREQ). */
  frequency(bits: number): number;
  /** Small integers count as shared objects (OBJECT REFCOUNT): not while eviction needs idle bits. */
  sharesIntegers: boolean;
}

/** A part of a rewritten command. */
export type CommandWord = string | number | bigint | Uint8Array;

/** What HELP has to know of the container that it is a subcommand of. */
export interface RunningContainer {
  /** Its name. */
  readonly fullName: string;
  /** The subcommands that are there, those that other systems added included. */
  listedSubcommands(): Iterable<{
    readonly command: {
      readonly name: string;
      readonly args: readonly Argument[];
      readonly summary: string;
    };
  }>;
}

/** What a Call has to know of the command that runs. The table has more of it: its CommandRow. */
export interface RunningCommand {
  /** `config|set` for a subcommand. */
  readonly fullName: string;
  /** What it is a subcommand of, or null. */
  readonly container: RunningContainer | null;
  /** The flags as bits: see FLAG_BITS. */
  readonly bits: number;
}
