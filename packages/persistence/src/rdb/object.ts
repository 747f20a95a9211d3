/**
 * One value to bytes and back: what RDB files, DUMP payloads and replicas have in common.
 *
 * How the values of a type look its form says (values/form.ts). Foreign bytes are validated to the
 * last one before anything uses them. Types that have no reader yet are refused by name.
 */
import {
  type Arena,
  assert,
  bytesOf,
  type Database,
  Encoding,
  expiryMs as expiryOf,
  freeEntry,
  type Keyspace,
  keyIndex,
  keyLength,
  kindOf,
  NONE,
  type Ref,
  setIdleBits,
  Type,
  type ValueKind,
  type ValueLimits,
  viewOf,
  wordIndex,
  wordsOf,
} from "@kv/core";
import { RdbType, type RdbWriteVersion } from "./format.ts";
import { type RdbInput, type RdbString, Status } from "./input.ts";
import type { RdbOutput } from "./output.ts";
import { ValueOutput, type ValueReader, type WriteForm } from "./values/form.ts";
import { rdbTypeName, readFormOf, writeFormOf } from "./values/form-table.ts";
import { StringReader, writeString } from "./values/string.ts";

// --- Writing ---------------------------------------------------------------------------------

/** The kinds of strings have the lowest bytes. They are that common that nobody is asked for theirs. */
const STRING_BYTE_MAX = kindOf(Type.STRING, Encoding.EMBSTR);

/** Writes values of one arena. */
export class ObjectWriter {
  private readonly to: ValueOutput;

  /** `version` is that of the file or payload that they become part of. */
  constructor(arena: Arena, output: RdbOutput, version?: RdbWriteVersion) {
    this.to = new ValueOutput(arena, output, version);
  }

  private kindByte(entry: Ref): number {
    return (wordsOf(this.to.arena, entry)[wordIndex(entry)] as number) & 255;
  }

  private formOf(entry: Ref): WriteForm {
    return writeFormOf(this.kindByte(entry));
  }

  /** The number under which the entry's value is stored. */
  typeOf(entry: Ref): number {
    if (this.kindByte(entry) <= STRING_BYTE_MAX) return RdbType.STRING;
    return this.formOf(entry).rdbType(this.to.arena, entry, this.to.version);
  }

  /** Writes the entry's value, without its number and key. */
  write(entry: Ref): void {
    const kind = this.kindByte(entry);
    if (kind <= STRING_BYTE_MAX) writeString(this.to, entry);
    else writeFormOf(kind).write(this.to, entry);
  }

  /**
   * The beginning of a value that comes in pieces; as many elements have to follow. Returns what
   * element() is to be told of this value.
   */
  begin(entry: Ref, elementCount: number): number {
    const { pieces } = this.formOf(entry);
    pieces?.begin(this.to, entry, elementCount);
    return pieces?.tells?.(this.to.arena, entry) ?? 0;
  }

  /** One element of a value of this kind. */
  element(kind: ValueKind, ref: Ref, told: number): void {
    writeFormOf(kindOf(kind.type, kind.encoding)).pieces?.element(this.to, ref, told);
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
  private readonly limits: ValueLimits;
  /** Strings are that common that their reader is called by name. */
  private readonly strings: StringReader;
  /** The readers of other values, by the numbers that they read: made when the first such value comes. */
  private readonly readers: (ValueReader | undefined)[] = [];
  private reader: ValueReader | undefined;
  /** The entry of a whole value that no database has yet. */
  private entry: Ref = NONE;

  /** `limits` say when the values stop being the small form of themselves. */
  constructor(keyspace: Keyspace, limits: ValueLimits) {
    this.keyspace = keyspace;
    this.limits = limits;
    this.strings = new StringReader(keyspace);
  }

  /**
   * Reads the value under the number `type` for `key`, which has the expiry `expiryMs` or -1. With
   * MORE nothing has happened; with EMPTY the value has been passed over.
   */
  begin(input: RdbInput, type: number, key: RdbString, expiryMs = -1): Status {
    if (type === RdbType.STRING) {
      this.reader = undefined;
      return this.strings.begin(input);
    }
    const reader = this.readers[type] ?? this.addReader(type);
    if (reader === undefined) {
      return input.refuse(
        `Keys of type ${type} (${rdbTypeName(type)}) cannot be loaded by this version`,
      );
    }
    this.reader = reader;
    return reader.begin(input, type, key, expiryMs);
  }

  private addReader(type: number): ValueReader | undefined {
    const form = readFormOf(type)?.form;
    const reader = form?.createReader?.(this.keyspace, this.limits);
    for (const each of form?.reads ?? []) this.readers[each.type] = reader;
    return reader;
  }

  /** Goes on after PART. */
  more(input: RdbInput): Status {
    return this.reader === undefined ? Status.OK : this.reader.more(input);
  }

  /**
   * Makes the value that was read the one of its key in `database`, in place of `old`, which is what
   * the key has now; without `old`, a key that is there keeps its value, and NONE is returned. `key`
   * and `expiryMs` are those that the value was begun with. Returns the entry. When it throws for
   * want of room nothing has changed, and discard() is to follow.
   */
  store(
    database: Database,
    key: RdbString,
    expiryMs: number,
    idle: number,
    old: Ref = NONE,
    lazily = false,
  ): Ref {
    const { arena } = this.keyspace;
    if (this.reader === undefined && this.entry === NONE) {
      const hash = database.hash(key.bytes, key.view, key.start, key.end);
      if (old === NONE && database.find(key.bytes, key.view, key.start, key.end, hash) !== NONE)
        return NONE;
      this.entry = this.strings.finish(key, expiryMs, idle);
      return this.put(database, old, hash, lazily);
    }
    if (this.entry === NONE) this.entry = (this.reader as ValueReader).finish(key, expiryMs);
    const { entry } = this;
    const at = keyIndex(arena, entry);
    const end = at + keyLength(arena, entry);
    const bytes = bytesOf(arena, entry);
    const view = viewOf(arena, entry);
    const hash = database.hash(bytes, view, at, end);
    if (old === NONE && database.find(bytes, view, at, end, hash) !== NONE) {
      this.discard();
      return NONE;
    }
    assert(
      expiryOf(arena, entry) === expiryMs,
      "a value is stored with the expiry it was begun with",
    );
    setIdleBits(arena, entry, idle);
    return this.put(database, old, hash, lazily);
  }

  private put(database: Database, old: Ref, hash: number, lazily: boolean): Ref {
    const { entry } = this;
    database.put(entry, old, hash, lazily);
    this.entry = NONE;
    return entry;
  }

  /** Gives back what has been read, whole or not. */
  discard(): void {
    if (this.entry !== NONE) freeEntry(this.keyspace.arena, this.entry);
    this.entry = NONE;
    this.reader?.discard();
  }
}
