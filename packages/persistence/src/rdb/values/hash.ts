/**
 * Hashes: written as the bytes of their listpack (16), or field by field (4). Read is also what older
 * versions wrote: zipmaps (9) and ziplists (13). Hashes of which fields expire, from version 12 on:
 *
 *      25   earliest expiry, 8 bytes | listpack of field, value, expiry; field, value, expiry ...
 *      24   earliest expiry, 8 bytes | number of fields | expiry, field, value; expiry, field, value ...
 *
 * An expiry in 24 is a length: 0 says never, 1 the earliest one, 2 a millisecond later and so on. Before
 * its release Redis 7.4 wrote these without the earliest one (23 and 22, with times since 1970): those are
 * read. A listpack that keeps expiries and has none at present is written field by field, as any Redis
 * reads it.
 */
import {
  createHash,
  createHashTable,
  Dict,
  Encoding,
  eachElement,
  earliestFieldExpiry,
  elementsInPieces,
  expiryMs,
  FIELD_EXPIRY_LOADED_MAX_MS,
  freeEntry,
  type HashLimits,
  HashValue,
  type Keyspace,
  ListpackValue,
  listpack,
  NONE,
  type Ref,
  showField,
  Type,
  valueRef,
} from "@kv/core";
import type { Distinct } from "../distinct.ts";
import { RdbType } from "../format.ts";
import { type RdbInput, RdbString, Status } from "../input.ts";
import { item, type Skipper } from "../skip-string.ts";
import { ZiplistWalk } from "../ziplist.ts";
import { ZipmapWalk } from "../zipmap.ts";
import type { RdbForm, ValueOutput, ValueReader, WriteForm } from "./form.ts";
import { distinct, distinctBehind, length, packed, string } from "./grammar.ts";
import {
  isEmptyListpack,
  listpackFault,
  tripleListpackFault,
  writeListpack,
  ziplistFault,
  zipmapFault,
} from "./packed.ts";
import { elementsEnd, stringEnd } from "./value-end.ts";

/** Elements of a listpack for a field that may expire: with its value and its expiry. */
const ELEMENTS_OF_FIELD = 3;

// --- Writing ---------------------------------------------------------------------------------

const asListpack: WriteForm = {
  type: Type.HASH,
  encoding: Encoding.LISTPACK,
  rdbType: () => RdbType.HASH_LISTPACK,
  write: (to, entry) => writeListpack(to, valueRef(to.arena, entry)),
};

function writeFields(to: ValueOutput, entry: Ref): void {
  to.output.length(elementsInPieces(to.arena, entry));
  eachElement(to.arena, entry, to.elements);
}

const asTable: WriteForm = {
  type: Type.HASH,
  encoding: Encoding.HASHTABLE,
  rdbType: () => RdbType.HASH,
  write: writeFields,
  pieces: {
    begin: ({ output }, _entry, fieldCount) => output.length(fieldCount),
    element({ arena, elements }, field) {
      showField(arena, field, elements.text, elements.value);
      elements.pair();
    },
  },
};

const asVolatileListpack: WriteForm = {
  type: Type.HASH,
  encoding: Encoding.LISTPACK_EX,
  rdbType: (arena, entry) =>
    earliestFieldExpiry(arena, entry) === -1 ? RdbType.HASH : RdbType.HASH_LISTPACK_EX,
  write(to, entry) {
    const { arena, output } = to;
    const block = valueRef(arena, entry);
    const earliestMs = earliestFieldExpiry(arena, entry);
    if (earliestMs === -1) {
      output.length(listpack.listpackCount(arena, block) / ELEMENTS_OF_FIELD);
      eachElement(arena, entry, to.elements);
      return;
    }
    output.milliseconds(earliestMs);
    writeListpack(to, block);
  },
};

function writeField(
  { arena, output, elements }: ValueOutput,
  field: Ref,
  earliestMs: number,
): void {
  const fieldMs = expiryMs(arena, field);
  output.length(fieldMs === -1 ? 0 : fieldMs - earliestMs + 1);
  showField(arena, field, elements.text, elements.value);
  elements.pair();
}

function beginVolatile({ arena, output }: ValueOutput, entry: Ref, fieldCount: number): void {
  output.milliseconds(earliestFieldExpiry(arena, entry));
  output.length(fieldCount);
}

const asVolatileTable: WriteForm = {
  type: Type.HASH,
  encoding: Encoding.HASHTABLE_EX,
  rdbType: () => RdbType.HASH_METADATA,
  write(to, entry) {
    const { arena } = to;
    beginVolatile(to, entry, elementsInPieces(arena, entry));
    const earliestMs = earliestFieldExpiry(arena, entry);
    const dict = new Dict(arena).attach(valueRef(arena, entry));
    dict.eachEntry((field) => writeField(to, field, earliestMs));
  },
  pieces: { begin: beginVolatile, tells: earliestFieldExpiry, element: writeField },
};

// --- Reading ---------------------------------------------------------------------------------

/** Reads the earliest expiry into `number`. */
function readEarliest(input: RdbInput): Status {
  const status = input.milliseconds();
  if (status !== Status.OK) return status;
  const isValid = input.number >= 0 && input.number <= FIELD_EXPIRY_LOADED_MAX_MS;
  return isValid ? status : input.bad("Invalid earliest expiry of the fields of a hash");
}

class HashReader implements ValueReader {
  private readonly keyspace: Keyspace;
  private readonly limits: HashLimits;
  private readonly hash: HashValue;
  private readonly value = new RdbString();
  private readonly field = new RdbString();
  private readonly element = new ListpackValue();
  private readonly secondElement = new ListpackValue();
  /** The hash under construction; NONE between values. */
  private entry: Ref = NONE;
  private pairsLeft = 0;
  /** An expiry stands before each field: what is to be added to it. -1: none does. */
  private expiryBaseMs = -1;

  constructor(keyspace: Keyspace, limits: HashLimits) {
    this.keyspace = keyspace;
    this.limits = limits;
    this.hash = new HashValue(keyspace.arena, keyspace.seed);
  }

  begin(input: RdbInput, type: number, key: RdbString, expiryMs: number): Status {
    this.expiryBaseMs = -1;
    if (type === RdbType.HASH) return this.beginFields(input, key, expiryMs);
    if (type >= RdbType.HASH_METADATA_PRE_GA) return this.beginVolatile(input, type, key, expiryMs);
    let status = input.string(this.value);
    if (status !== Status.OK) return status;
    if (type === RdbType.HASH_LISTPACK) return this.fromListpack(input, key, expiryMs);
    this.create(key, expiryMs);
    if (type === RdbType.HASH_ZIPLIST) status = this.fromZiplist(input);
    else status = this.fromZipmap(input);
    if (status !== Status.OK) this.discard();
    return status;
  }

  more(input: RdbInput): Status {
    const { field, value, hash, limits } = this;
    while (this.pairsLeft > 0) {
      input.mark = input.at;
      let status: Status = Status.OK;
      let fieldMs = 0;
      if (this.expiryBaseMs !== -1) {
        status = input.length();
        if (status !== Status.OK) return status;
        fieldMs = input.number === 0 ? 0 : input.number + this.expiryBaseMs;
        if (fieldMs > FIELD_EXPIRY_LOADED_MAX_MS)
          return input.bad("Invalid expiry of a hash field");
      }
      status = input.string(field);
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
      if (fieldMs !== 0) {
        hash.prepareExpiry(field.bytes, field.view, field.start, field.end, 1);
        hash.setExpiry(field.bytes, field.view, field.start, field.end, fieldMs);
      }
      this.pairsLeft--;
    }
    return Status.OK;
  }

  finish(): Ref {
    const { entry } = this;
    this.entry = NONE;
    return entry;
  }

  discard(): void {
    if (this.entry !== NONE) freeEntry(this.keyspace.arena, this.entry);
    this.entry = NONE;
    this.pairsLeft = 0;
  }

  private beginFields(input: RdbInput, key: RdbString, expiryMs: number): Status {
    const status = input.length();
    if (status !== Status.OK) return status;
    if (input.number === 0) return Status.EMPTY;
    this.pairsLeft = input.number;
    if (input.number > this.limits.listpackEntriesMax) this.createTable(key, expiryMs);
    else this.create(key, expiryMs);
    return Status.PART;
  }

  /** A hash whose fields may expire. */
  private beginVolatile(input: RdbInput, type: number, key: RdbString, expiryMs: number): Status {
    let earliestMs = 1;
    if (type === RdbType.HASH_METADATA || type === RdbType.HASH_LISTPACK_EX) {
      const status = readEarliest(input);
      if (status !== Status.OK) return status;
      earliestMs = input.number;
    }
    if (type === RdbType.HASH_LISTPACK_EX || type === RdbType.HASH_LISTPACK_EX_PRE_GA) {
      const status = input.string(this.value);
      return status === Status.OK ? this.fromListpack(input, key, expiryMs, true) : status;
    }
    this.expiryBaseMs = earliestMs - 1;
    return this.beginFields(input, key, expiryMs);
  }

  private create(key: RdbString, expiryMs: number): void {
    const { arena, cuts } = this.keyspace;
    this.entry = createHash(arena, cuts.epoch, key.bytes, key.start, key.end, expiryMs);
    this.hash.attach(this.entry);
  }

  private createTable({ bytes, start, end }: RdbString, expiryMs: number): void {
    const { arena, cuts, seed } = this.keyspace;
    const { epoch } = cuts;
    const count = this.pairsLeft;
    this.entry = createHashTable(arena, seed, count, epoch, bytes, start, end, expiryMs);
    this.hash.attach(this.entry);
  }

  private fromListpack(
    input: RdbInput,
    key: RdbString,
    expiryMs: number,
    isVolatile = false,
  ): Status {
    const { bytes, start, end } = this.value;
    const { epoch } = this.keyspace.cuts;
    if (isEmptyListpack(this.value)) return Status.EMPTY;
    this.entry = this.hash.load(
      epoch,
      key.bytes,
      key.start,
      key.end,
      expiryMs,
      bytes,
      start,
      end,
      this.limits,
      isVolatile,
    );
    if (this.entry !== NONE) return Status.OK;
    return input.bad("Hash listpack integrity check failed.");
  }

  private fromZiplist(input: RdbInput): Status {
    const { bytes, view, start, end } = this.value;
    const { element: field, secondElement: value, hash } = this;
    // Redis keeps what came packed as a listpack unless it has too many fields, however long.
    const limits = { ...this.limits, listpackValueBytesMax: Infinity };
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
      if (!isNew) return input.bad("Hash zipmap with dup elements");
    }
    return walk.isWhole() ? Status.OK : input.bad("Zipmap integrity check failed.");
  }
}

// --- Forms -----------------------------------------------------------------------------------

export const hashForm: RdbForm = {
  reads: [
    {
      type: RdbType.HASH,
      name: "hash-hashtable",
      end: elementsEnd(stringEnd, stringEnd),
      skip: (input, seen) => distinct(input, seen, "Duplicate hash fields detected", string),
    },
    { type: RdbType.HASH_ZIPMAP, name: "hash-zipmap", skip: packed(zipmapFault) },
    {
      type: RdbType.HASH_ZIPLIST,
      name: "hash-ziplist",
      end: stringEnd,
      skip: packed(ziplistFault("Hash ziplist integrity check failed.", 2)),
    },
    {
      type: RdbType.HASH_LISTPACK,
      name: "hash-listpack",
      end: stringEnd,
      skip: packed(listpackFault("Hash listpack integrity check failed.", 2)),
    },
  ],
  writes: [asListpack, asTable, asVolatileListpack, asVolatileTable],
  createReader: (keyspace, limits) => new HashReader(keyspace, limits.hash),
};

const fieldsWithExpiries = (input: RdbInput, seen: Distinct) =>
  distinctBehind(input, seen, "Duplicate hash fields detected", length, string);
const triples = packed(tripleListpackFault("Hash listpack integrity check failed."));

/** Hashes whose fields expire begin with the earliest of those times. */
function* withEarliest(input: RdbInput, rest: Skipper): Skipper {
  yield* item(input, readEarliest);
  yield* rest;
}

const createReader: RdbForm["createReader"] = (keyspace, limits) =>
  new HashReader(keyspace, limits.hash);

export const hashWithExpiriesForm: RdbForm = {
  reads: [
    {
      type: RdbType.HASH_METADATA_PRE_GA,
      name: "hash-metadata-pre-release",
      skip: fieldsWithExpiries,
    },
    {
      type: RdbType.HASH_LISTPACK_EX_PRE_GA,
      name: "hash-listpack-md-pre-release",
      skip: triples,
    },
    {
      type: RdbType.HASH_METADATA,
      name: "hash-metadata",
      skip: (input, seen) => withEarliest(input, fieldsWithExpiries(input, seen)),
    },
    {
      type: RdbType.HASH_LISTPACK_EX,
      name: "hash-listpack-md",
      skip: (input, seen) => withEarliest(input, triples(input, seen)),
    },
  ],
  writes: [],
  createReader,
};
