/**
 * Sorted sets: written as the bytes of their listpack (17), or member by member with the score as a
 * binary double (5). Read is also what older versions wrote: scores as text (3) and ziplists (12).
 *
 *      5:   count | member, 8 bytes of score, low ones first | ...
 *      3:   count | member, length byte, digits | ...          253, 254, 255: nan, inf, -inf
 */
import {
  Added,
  createSortedSet,
  Encoding,
  eachElement,
  elementsInPieces,
  freeEntry,
  type Keyspace,
  ListpackValue,
  loadSortedSet,
  NONE,
  parseScore,
  type Ref,
  type SortedSetLimits,
  SortedSetScratch,
  SortedSetValue,
  Type,
  valueRef,
  visitMember,
} from "@kv/core";
import { RdbType } from "../format.ts";
import { type RdbInput, RdbString, Status } from "../input.ts";
import { item } from "../skip-string.ts";
import { ZiplistWalk } from "../ziplist.ts";
import type { RdbForm, ValueReader, WriteForm } from "./form.ts";
import { distinct, packed } from "./grammar.ts";
import {
  isEmptyListpack,
  scoredListpackFault,
  scoredZiplistFault,
  writeListpack,
} from "./packed.ts";
import { bytesEnd, elementsEnd, stringEnd } from "./value-end.ts";

const DUPLICATE = "Duplicate zset fields detected";
const NOT_A_NUMBER = "Zset with NAN score detected";
const ZIPLIST_FAULT = "Zset ziplist integrity check failed.";
const LISTPACK_FAULT = "Zset listpack integrity check failed.";

// --- Writing ---------------------------------------------------------------------------------

const asListpack: WriteForm = {
  type: Type.ZSET,
  encoding: Encoding.LISTPACK,
  rdbType: () => RdbType.ZSET_LISTPACK,
  write: (to, entry) => writeListpack(to, valueRef(to.arena, entry)),
};

const asTable: WriteForm = {
  type: Type.ZSET,
  encoding: Encoding.SKIPLIST,
  rdbType: () => RdbType.ZSET_2,
  write({ arena, output, elements }, entry) {
    output.length(elementsInPieces(arena, entry));
    eachElement(arena, entry, elements);
  },
  pieces: {
    begin({ output }, _entry, memberCount) {
      output.length(memberCount);
      return 0;
    },
    element: ({ arena, elements }, element) => visitMember(arena, element, elements),
  },
};

// --- Reading ---------------------------------------------------------------------------------

/** Reads a score as text into `number`. */
function readText(input: RdbInput): Status {
  return numeric(input, input.textDouble());
}

/** Reads a score of eight bytes into `number`. */
function readBinary(input: RdbInput): Status {
  return numeric(input, input.binaryDouble());
}

function numeric(input: RdbInput, status: Status): Status {
  return status === Status.OK && Number.isNaN(input.number) ? input.bad(NOT_A_NUMBER) : status;
}

class SortedSetReader implements ValueReader {
  private readonly keyspace: Keyspace;
  private readonly limits: SortedSetLimits;
  private readonly set: SortedSetValue;
  private readonly text = new RdbString();
  private readonly member = new ListpackValue();
  private readonly score = new ListpackValue();
  private readonly scratch = new SortedSetScratch();
  /** The sorted set under construction; NONE between values. */
  private entry: Ref = NONE;
  private membersLeft = 0;
  private isText = false;

  constructor(keyspace: Keyspace, limits: SortedSetLimits) {
    this.keyspace = keyspace;
    this.limits = limits;
    this.set = new SortedSetValue(keyspace.arena, keyspace.seed);
  }

  begin(input: RdbInput, type: number, key: RdbString, expiryMs: number): Status {
    if (type === RdbType.ZSET || type === RdbType.ZSET_2) {
      const status = input.length();
      if (status !== Status.OK) return status;
      if (input.number === 0) return Status.EMPTY;
      this.isText = type === RdbType.ZSET;
      this.membersLeft = input.number;
      // Many members go into a table at once; few become one when the first is too long.
      const isTable = input.number > this.limits.listpackEntriesMax;
      this.create(key, expiryMs, isTable, input.number);
      return Status.PART;
    }
    const status = input.string(this.text);
    if (status !== Status.OK) return status;
    if (type === RdbType.ZSET_LISTPACK) return this.fromListpack(input, key, expiryMs);
    this.create(key, expiryMs, false);
    const done = this.fromZiplist(input);
    if (done !== Status.OK) this.discard();
    return done;
  }

  more(input: RdbInput): Status {
    const { text, set, limits } = this;
    while (this.membersLeft > 0) {
      input.mark = input.at;
      let status = input.string(text);
      if (status === Status.OK) status = this.isText ? readText(input) : readBinary(input);
      if (status !== Status.OK) return status;
      if (set.add(text.bytes, text.view, text.start, text.end, input.number, limits) !== Added.NEW)
        return input.bad(DUPLICATE);
      this.membersLeft--;
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
    this.membersLeft = 0;
  }

  private create(key: RdbString, expiryMs: number, isTable: boolean, expected = 0): void {
    const { arena, cuts, seed } = this.keyspace;
    const { bytes, start, end } = key;
    this.entry = createSortedSet(
      arena,
      cuts.epoch,
      bytes,
      start,
      end,
      expiryMs,
      isTable,
      seed,
      expected,
    );
    this.set.attach(this.entry);
  }

  private fromListpack(input: RdbInput, key: RdbString, expiryMs: number): Status {
    const { bytes, start, end } = this.text;
    if (isEmptyListpack(this.text)) return Status.EMPTY;
    this.entry = loadSortedSet(
      this.set,
      this.keyspace.cuts.epoch,
      key.bytes,
      key.start,
      key.end,
      expiryMs,
      bytes,
      start,
      end,
      this.limits,
      this.scratch,
    );
    return this.entry === NONE ? input.bad(LISTPACK_FAULT) : Status.OK;
  }

  private fromZiplist(input: RdbInput): Status {
    const { bytes, view, start, end } = this.text;
    const { member, score, set } = this;
    // What came packed stays so unless there are too many members, however long they are.
    const limits = { ...this.limits, listpackValueBytesMax: Number.POSITIVE_INFINITY };
    const walk = new ZiplistWalk(bytes, view, start, end);
    let isWhole = true;
    while (isWhole && walk.next(member)) {
      isWhole = walk.next(score);
      if (!isWhole) break;
      const number = parseScore(score.bytes, score.start, score.end);
      isWhole =
        !Number.isNaN(number) &&
        set.add(member.bytes, member.view, member.start, member.end, number, limits) === Added.NEW;
    }
    if (!isWhole || !walk.isWhole()) return input.bad(ZIPLIST_FAULT);
    return set.length === 0 ? Status.EMPTY : Status.OK;
  }
}

// --- Forms -----------------------------------------------------------------------------------

const textScore = (input: RdbInput) => item(input, readText);
const binaryScore = (input: RdbInput) => item(input, readBinary);

export const sortedSetForm: RdbForm = {
  reads: [
    {
      type: RdbType.ZSET,
      name: "zset-v1",
      skip: (input, seen) => distinct(input, seen, DUPLICATE, textScore),
    },
    {
      type: RdbType.ZSET_2,
      name: "zset-v2",
      end: elementsEnd(stringEnd, bytesEnd(8)),
      skip: (input, seen) => distinct(input, seen, DUPLICATE, binaryScore),
    },
    {
      type: RdbType.ZSET_ZIPLIST,
      name: "zset-ziplist",
      end: stringEnd,
      skip: packed(scoredZiplistFault(ZIPLIST_FAULT)),
    },
    {
      type: RdbType.ZSET_LISTPACK,
      name: "zset-listpack",
      end: stringEnd,
      skip: packed(scoredListpackFault(LISTPACK_FAULT)),
    },
  ],
  writes: [asListpack, asTable],
  createReader: (keyspace, limits) => new SortedSetReader(keyspace, limits.sortedSet),
};
