/**
 * Loading: the keys of an RDB file into a keyspace.
 *
 * A string goes from the chunk straight into the arena; no JavaScript object is made for a key.
 * Every key stands in its database as soon as it has been read, so what was loaded before an error
 * stays until the caller empties the keyspace.
 */
import { type Database, type Keyspace, NONE, type ValueLimits } from "@kv/core";
import { type RdbInput, Status } from "./input.ts";
import { KeyPeek } from "./key-peek.ts";
import { ObjectReader } from "./object.ts";
import {
  type RdbError,
  RdbReader,
  type RdbReaderOptions,
  type RdbRecord,
  type RdbTarget,
} from "./reader.ts";
import { ShortString } from "./short-string.ts";

/** How much a line of the log matters. */
export type LogLevel = "notice" | "warning";

/** What a load is told. */
export interface RdbLoadOptions extends RdbReaderOptions {
  /** When values stop being the small form of themselves. */
  limits: ValueLimits;
  /**
   * The wall clock: keys that expired before it are left out, as a primary does. A replica leaves
   * it undefined and keeps them: its primary will say when they go.
   */
  nowMs?: number;
  /**
   * Gets each key that was left out so, bytes[start, end), if the file belongs to a history: others may go
   * on from there, and have it.
   */
  expired?: (databaseIndex: number, bytes: Uint8Array, start: number, end: number) => void;
  /** The 24 bits for eviction of a key that was idle so long, or so frequent; -1 is unknown. */
  idleBits?: (idleSeconds: number, frequency: number) => number;
  /** Gets the code of each library of functions. Without it, a file that holds some is refused. */
  functionCode?: (code: Uint8Array) => void;
  /** Gets the lines for the log. */
  log?: (level: LogLevel, message: string) => void;
}

/** Empty keys that are named in the log; the rest are only counted. */
const EMPTY_KEYS_LOGGED = 10;
/** Facts that are kept, and those that the log tells: a file can have as many as it likes. */
const FACTS_MAX = 64;
const FACTS_LOGGED = 32;
const PERCENT = 0x25;

/** One file being loaded: feed() the chunks, then finish(). */
export class RdbLoader implements RdbTarget {
  /** Facts that the file tells about itself: redis-ver, ctime, repl-id and so on; the short ones. */
  readonly facts = new Map<string, string>();
  /** Keys that the file has put into the keyspace. */
  loadedCount = 0;
  /** Keys left out because they had expired. */
  expiredCount = 0;
  /** Keys left out because they had no elements. */
  emptyCount = 0;
  private readonly reader: RdbReader;
  private readonly keyspace: Keyspace;
  private readonly options: RdbLoadOptions;
  private readonly objects: ObjectReader;
  private readonly idleUnknown: number;
  private readonly peek = new KeyPeek();
  /** Keeps a library's code for who wants it. */
  readonly functionCode: RdbTarget["functionCode"];
  private loggedFactCount = 0;
  /** Keys until the next look ahead. */
  private peekedCount = 0;
  private database: Database;

  constructor(keyspace: Keyspace, options: RdbLoadOptions) {
    this.keyspace = keyspace;
    this.options = options;
    const { functionCode } = options;
    if (functionCode !== undefined)
      this.functionCode = (bytes, start, end) => functionCode(bytes.slice(start, end));
    this.reader = new RdbReader(this, options);
    this.objects = new ObjectReader(keyspace, options.limits);
    this.idleUnknown = options.idleBits?.(-1, -1) ?? 0;
    this.database = keyspace.databases[0];
  }

  /** Loads from bytes[start, end); the position behind the last byte that belongs to the file. */
  feed(bytes: Uint8Array, start: number, end: number): number {
    return this.reader.feed(bytes, start, end);
  }

  /** There are no more bytes. Returns the error, if there is one. */
  finish(): RdbError | undefined {
    return this.reader.finish();
  }

  /** Why nothing more is loaded, once there is a reason. */
  get error(): RdbError | undefined {
    return this.reader.error;
  }

  /** True behind the end of the file; what follows then is something else (an AOF's commands). */
  get isDone(): boolean {
    return this.reader.isDone;
  }

  /** Bytes of the file read so far: INFO's loading_loaded_bytes. */
  get loadedBytes(): number {
    return this.reader.offset;
  }

  /** Others may go on from where the file stands. */
  private get isOfHistory(): boolean {
    return this.facts.has("repl-id");
  }

  // --- What the reader calls -----------------------------------------------------------------

  /** Keeps a fact about the file, and tells the log of some. */
  aux(name: ShortString, value: ShortString): void {
    if (name.isWhole && value.isWhole && this.facts.size < FACTS_MAX) {
      this.facts.set(name.text(), value.text());
    }
    if (this.loggedFactCount === FACTS_LOGGED) return;
    const text = this.factText(name, value);
    if (text === undefined) return;
    this.loggedFactCount++;
    this.options.log?.("notice", text);
  }

  private factText(name: ShortString, value: ShortString): string | undefined {
    if (name.is("redis-ver")) return `Loading RDB produced by version ${value.shown()}`;
    if (name.is("ctime")) {
      const { nowMs } = this.options;
      if (nowMs === undefined) return undefined;
      return `RDB age ${Math.max(0, Math.floor(nowMs / 1000) - numberIn(value))} seconds`;
    }
    if (name.is("used-mem")) {
      return `RDB memory usage when created ${(numberIn(value) / 2 ** 20).toFixed(2)} Mb`;
    }
    // Facts whose name begins with a percent sign are meant for the log.
    const isForLog = name.length > 0 && name.bytes[0] === PERCENT;
    return isForLog ? `RDB '${name.shown()}': ${value.shown()}` : undefined;
  }

  // Going on without these would lose them: the next save writes a file that lacks them.

  /** Refuses them, unless somebody takes them. */
  functions(): string {
    if (this.functionCode !== undefined) return "";
    return "The RDB file contains functions, which this version cannot load";
  }

  /** Refuses it. */
  moduleAux(module: string): string {
    return `The RDB file contains AUX module data I can't load: no matching module '${module}'`;
  }

  /** Goes on in that database, or says that there is none. */
  selectDatabase(index: number): string {
    const { databases } = this.keyspace;
    if (index >= databases.length) {
      return `FATAL: Data file was created with a Redis server configured to handle more than ${databases.length} databases. Exiting`;
    }
    this.database = databases[index];
    return "";
  }

  /** Takes no notice of hints. */
  resizeDatabase(_keyCount: number, _expiryCount: number): void {
    // Tables grow page by page, so knowing their size early would save nothing.
  }

  /** Begins to load a value. */
  begin(record: RdbRecord, input: RdbInput): Status {
    if (--this.peekedCount < 0)
      this.peekedCount = this.peek.ahead(this.database.dict, input, record.type) - 1;
    return this.keep(
      record,
      input,
      this.objects.begin(input, record.type, record.key, record.expiryMs),
    );
  }

  /** Goes on with it. */
  more(record: RdbRecord, input: RdbInput): Status {
    return this.keep(record, input, this.objects.more(input));
  }

  /** Tells the log when there was no checksum. */
  end(checksum: "right" | "none" | "unknown"): void {
    if (checksum === "none") {
      const words = "RDB file was saved with checksum disabled: no check performed.";
      this.options.log?.("notice", words);
    }
  }

  /** Gives back the value under construction. */
  abandon(): void {
    this.objects.discard();
  }

  private keep(record: RdbRecord, input: RdbInput, status: Status): Status {
    if (status === Status.EMPTY) {
      if (this.emptyCount++ < EMPTY_KEYS_LOGGED) {
        const { bytes, start, end } = record.key;
        const key = new ShortString();
        key.set(bytes, start, end);
        this.options.log?.("notice", `rdbLoadObject skipping empty key: ${key.shown()}`);
      }
      return status;
    }
    if (status !== Status.OK) return status;
    const { expiryMs, idleSeconds, frequency } = record;
    const { nowMs, idleBits } = this.options;
    if (expiryMs !== -1 && nowMs !== undefined && expiryMs < nowMs) {
      this.objects.discard();
      this.expiredCount++;
      const { bytes, start, end } = record.key;
      if (this.isOfHistory) this.options.expired?.(this.database.index, bytes, start, end);
      return status;
    }
    const idle =
      idleBits === undefined || (idleSeconds === -1 && frequency === -1)
        ? this.idleUnknown
        : idleBits(idleSeconds, frequency);
    if (this.objects.store(this.database, record.key, expiryMs, idle) === NONE) {
      return input.bad(`RDB has duplicated key in DB ${this.database.index}`);
    }
    this.loadedCount++;
    return status;
  }
}

function numberIn(value: ShortString): number {
  return Number.parseInt(value.text(), 10) || 0;
}
