/**
 * One value to bytes and back: what RDB files, DUMP payloads and replicas have in common.
 *
 * Written are strings (type 0) and hashes: as the bytes of their listpack (type 16), or field by
 * field (type 4). Read is everything that Redis 2.0 to 7.2 wrote for those two: also hashes as
 * zipmap (9) and as ziplist (13). Foreign bytes are validated to the last one before anything uses
 * them. The other types of values are refused by name.
 *
 * A new value encoding is one case in rdbTypeOf() and write(), a new form in begin().
 */
import {
  type Arena,
  byteIndex,
  bytesOf,
  createHash,
  type Database,
  Encoding,
  encodingOf,
  expiryMs,
  freeEntry,
  type HashLimits,
  HashValue,
  Int64,
  InvariantError,
  type Keyspace,
  keyIndex,
  keyLength,
  ListpackValue,
  listpack,
  NONE,
  type Ref,
  readInteger,
  StringView,
  setIdleBits,
  setString,
  valueRef,
  viewOf,
} from "@kv/core";
import { RDB_TYPE_NAMES, RdbType } from "./format.ts";
import { type RdbInput, RdbString, Status } from "./input.ts";
import type { RdbOutput } from "./output.ts";
import { ZiplistWalk } from "./ziplist.ts";
import { ZipmapWalk } from "./zipmap.ts";

// --- Writing ---------------------------------------------------------------------------------

/** Writes values of one arena. */
export class ObjectWriter {
  private readonly arena: Arena;
  private readonly hash: HashValue;
  private readonly string = new StringView();
  private readonly integer = new Int64();

  constructor(arena: Arena) {
    this.arena = arena;
    this.hash = new HashValue(arena, 0);
  }

  /** The number under which the entry's value is stored. */
  typeOf(entry: Ref): number {
    switch (encodingOf(this.arena, entry)) {
      case Encoding.RAW:
      case Encoding.INT:
      case Encoding.EMBSTR:
        return RdbType.STRING;
      case Encoding.LISTPACK:
        return RdbType.HASH_LISTPACK;
      case Encoding.HASHTABLE:
        return RdbType.HASH;
      default:
        throw new InvariantError("a value that is written has an encoding that is known");
    }
  }

  /** Writes the entry's value, without its type and key. */
  write(output: RdbOutput, entry: Ref): void {
    const { arena } = this;
    switch (encodingOf(arena, entry)) {
      case Encoding.INT:
        readInteger(arena, entry, this.integer);
        output.integer(this.integer.hi, this.integer.lo);
        return;
      case Encoding.LISTPACK: {
        const block = valueRef(arena, entry);
        const start = byteIndex(block);
        const end = start + listpack.listpackBytes(arena, block);
        output.string(bytesOf(arena, block), start, end);
        return;
      }
      case Encoding.HASHTABLE:
        this.writeHash(output, entry);
        return;
      default:
        this.string.read(arena, entry);
        output.string(this.string.bytes, this.string.start, this.string.end);
    }
  }

  private writeHash(output: RdbOutput, entry: Ref): void {
    const hash = this.hash.attach(entry);
    output.length(hash.length);
    hash.rewind();
    while (hash.next()) this.writePair(output);
  }

  /** One field of a hash that is a table: the entry in that table. */
  writeField(output: RdbOutput, field: Ref): void {
    this.hash.readField(field);
    this.writePair(output);
  }

  private writePair(output: RdbOutput): void {
    const { hash } = this;
    output.string(hash.fieldBytes, hash.fieldStart, hash.fieldEnd);
    output.string(hash.valueBytes, hash.valueStart, hash.valueEnd);
  }
}

// --- Reading ---------------------------------------------------------------------------------

/**
 * Builds one value after the other from bytes, for the keys of one keyspace.
 *
 * begin() reads a value, or its first part; after PART, more() goes on. When either has returned
 * OK, store() makes it the value of its key, or discard() gives it back. A value under
 * construction belongs to no database: nobody sees half a hash, and a snapshot cannot meet one.
 */
export class ObjectReader {
  private readonly keyspace: Keyspace;
  private readonly limits: HashLimits;
  private readonly hash: HashValue;
  private readonly value = new RdbString();
  private readonly field = new RdbString();
  private readonly element = new ListpackValue();
  private readonly secondElement = new ListpackValue();
  /** The value's entry, for all types but strings; NONE between values. */
  private entry: Ref = NONE;
  private pairsLeft = 0;

  constructor(keyspace: Keyspace, limits: HashLimits) {
    this.keyspace = keyspace;
    this.limits = limits;
    this.hash = new HashValue(keyspace.arena, keyspace.seed);
  }

  /**
   * Reads the value of type `type` for `key`, which has the expiry `whenMs` or -1. With MORE nothing
   * has happened; with EMPTY the value has been passed over.
   */
  begin(input: RdbInput, type: number, key: RdbString, whenMs = -1): Status {
    switch (type) {
      case RdbType.STRING:
        return input.string(this.value);
      case RdbType.HASH:
        return this.beginHash(input, key, whenMs);
      case RdbType.HASH_LISTPACK:
      case RdbType.HASH_ZIPLIST:
      case RdbType.HASH_ZIPMAP:
        return this.packed(input, type, key, whenMs);
      default:
        return input.refuse(
          `Keys of type ${type} (${RDB_TYPE_NAMES[type] || "unknown"}) cannot be loaded by this version`,
        );
    }
  }

  /** Goes on after PART. */
  more(input: RdbInput): Status {
    const { field, value, hash, limits } = this;
    while (this.pairsLeft > 0) {
      input.mark = input.at;
      let status = input.string(field);
      if (status === Status.OK) status = input.string(value);
      if (status !== Status.OK) return status;
      const isNew = hash.set(
        field.bytes,
        field.view,
        field.start,
        field.end,
        value.bytes,
        value.start,
        value.end,
        limits,
      );
      if (!isNew) return input.bad("Duplicate hash fields detected");
      this.pairsLeft--;
    }
    return Status.OK;
  }

  /**
   * Makes the value that was read the one of its key in `database`. `key` counts for strings only,
   * all others have remembered theirs. Returns the entry, or NONE when there is
   * such a key.
   */
  store(database: Database, key: RdbString, whenMs: number, idle: number): Ref {
    let { entry } = this;
    if (entry === NONE) {
      const { value } = this;
      const hash = database.hash(key.bytes, key.view, key.start, key.end);
      if (database.find(key.bytes, key.view, key.start, key.end, hash) !== NONE) return NONE;
      entry = setString(
        database,
        NONE,
        key.bytes,
        key.start,
        key.end,
        hash,
        value.bytes,
        value.start,
        value.end,
        false,
        idle,
        whenMs,
      );
    } else {
      const { arena } = this.keyspace;
      const at = keyIndex(arena, entry);
      const end = at + keyLength(arena, entry);
      const bytes = bytesOf(arena, entry);
      const view = viewOf(arena, entry);
      const hash = database.hash(bytes, view, at, end);
      if (database.find(bytes, view, at, end, hash) !== NONE) {
        this.discard();
        return NONE;
      }
      setIdleBits(arena, entry, idle);
      database.adopt(entry, hash);
      this.entry = NONE;
      // The payload of a RESTORE does not tell the expiry: that value was begun without.
      if (expiryMs(arena, entry) !== whenMs) entry = database.setExpiry(entry, whenMs);
    }
    return entry;
  }

  /** Gives back what has been read, whole or not. */
  discard(): void {
    if (this.entry !== NONE) freeEntry(this.keyspace.arena, this.entry);
    this.entry = NONE;
    this.pairsLeft = 0;
  }

  private beginHash(input: RdbInput, key: RdbString, whenMs: number): Status {
    const status = input.length();
    if (status !== Status.OK) return status;
    if (input.number === 0) return Status.EMPTY;
    this.pairsLeft = input.number;
    this.createEntry(key, whenMs);
    return Status.PART;
  }

  private createEntry(key: RdbString, whenMs: number): void {
    const { arena, cuts } = this.keyspace;
    this.entry = createHash(arena, cuts.epoch, key.bytes, key.start, key.end, whenMs);
    this.hash.attach(this.entry);
  }

  /** A whole hash in one string. */
  private packed(input: RdbInput, type: number, key: RdbString, whenMs: number): Status {
    let status = input.string(this.value);
    if (status !== Status.OK) return status;
    if (type === RdbType.HASH_LISTPACK) return this.fromListpack(input, key, whenMs);
    this.createEntry(key, whenMs);
    if (type === RdbType.HASH_ZIPLIST) status = this.fromZiplist(input);
    else status = this.fromZipmap(input);
    if (status !== Status.OK) this.discard();
    return status;
  }

  private fromListpack(input: RdbInput, key: RdbString, whenMs: number): Status {
    const { bytes, start, end } = this.value;
    const { epoch } = this.keyspace.cuts;
    // A listpack without elements is its header and its end byte.
    if (end - start === 7 && listpack.validateListpack(bytes, start, end, true)) {
      return Status.EMPTY;
    }
    this.entry = this.hash.load(
      epoch,
      key.bytes,
      key.start,
      key.end,
      whenMs,
      bytes,
      start,
      end,
      this.limits,
    );
    if (this.entry !== NONE) return Status.OK;
    return input.bad("Hash listpack integrity check failed.");
  }

  private fromZiplist(input: RdbInput): Status {
    const { bytes, view, start, end } = this.value;
    const { element: field, secondElement: value, hash } = this;
    // Redis keeps what came packed as a listpack unless it has too many fields, however long.
    const limits = { ...this.limits, maxListpackValue: Infinity };
    const walk = new ZiplistWalk(bytes, view, start, end);
    let whole = true;
    while (whole && walk.next(field)) {
      whole =
        walk.next(value) &&
        hash.set(
          field.bytes,
          field.view,
          field.start,
          field.end,
          value.bytes,
          value.start,
          value.end,
          limits,
        );
    }
    if (!whole || !walk.isWhole()) return input.bad("Hash ziplist integrity check failed.");
    return hash.length === 0 ? Status.EMPTY : Status.OK;
  }

  private fromZipmap(input: RdbInput): Status {
    const { bytes, view, start, end } = this.value;
    const { hash, limits } = this;
    const walk = new ZipmapWalk(bytes, view, start, end);
    while (walk.next()) {
      const isNew = hash.set(
        bytes,
        view,
        walk.fieldStart,
        walk.fieldEnd,
        bytes,
        walk.valueStart,
        walk.valueEnd,
        limits,
      );
      if (!isNew) return input.bad("Hash zipmap with duplicate elements");
    }
    if (!walk.isWhole()) return input.bad("Hash zipmap integrity check failed.");
    return hash.length === 0 ? Status.EMPTY : Status.OK;
  }
}
