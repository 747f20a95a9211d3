/**
 * Sets: written as the bytes of their intset (11), or member by member (2). A listpack goes as its bytes
 * (20) into files of version 11 and later, and member by member into older ones, which Redis 7.0 reads.
 */
import {
  byteIndex,
  bytesOf,
  createSet,
  Encoding,
  eachElement,
  elementsInPieces,
  freeEntry,
  freshSeed,
  Int64,
  intset,
  type Keyspace,
  ListpackDraft,
  listpack,
  NONE,
  parseInt64,
  type Ref,
  type SetLimits,
  SetValue,
  showMember,
  Type,
  valueRef,
  viewOf,
} from "@kv/core";
import { RDB_SET_LISTPACK_SINCE, RdbType } from "../format.ts";
import { type RdbInput, RdbString, Status } from "../input.ts";
import type { RdbForm, ValueReader, WriteForm } from "./form.ts";
import { distinct, packed } from "./grammar.ts";
import {
  INTSET_FAULT,
  intsetFault,
  isEmptyListpack,
  listpackFault,
  writeListpack,
} from "./packed.ts";
import { elementsEnd, stringEnd } from "./value-end.ts";

const LISTPACK_FAULT = "Set listpack integrity check failed.";
const DUPLICATE_FAULT = "Duplicate set members detected";
/** Sets that are written as listpacks while they are read stay below this, whatever the limits say. */
const GATHERED_BYTES_MAX = 65_536;

// --- Writing ---------------------------------------------------------------------------------

const asIntset: WriteForm = {
  type: Type.SET,
  encoding: Encoding.INTSET,
  rdbType: () => RdbType.SET_INTSET,
  write({ arena, output }, entry) {
    const block = valueRef(arena, entry);
    const start = byteIndex(block);
    output.string(
      bytesOf(arena, block),
      viewOf(arena, block),
      start,
      start + intset.intsetBytes(arena, block),
    );
  },
};

const asListpack: WriteForm = {
  type: Type.SET,
  encoding: Encoding.LISTPACK,
  rdbType: (_arena, _entry, version) =>
    version >= RDB_SET_LISTPACK_SINCE ? RdbType.SET_LISTPACK : RdbType.SET,
  write(to, entry) {
    const { arena, output } = to;
    const block = valueRef(arena, entry);
    if (to.version >= RDB_SET_LISTPACK_SINCE) {
      writeListpack(to, block);
      return;
    }
    output.length(listpack.listpackCount(arena, block));
    eachElement(arena, entry, to.elements);
  },
};

const asTable: WriteForm = {
  type: Type.SET,
  encoding: Encoding.HASHTABLE,
  rdbType: () => RdbType.SET,
  write(to, entry) {
    to.output.length(elementsInPieces(to.arena, entry));
    eachElement(to.arena, entry, to.elements);
  },
  pieces: {
    begin({ output }, _entry, memberCount) {
      output.length(memberCount);
      return 0;
    },
    element({ arena, elements }, member) {
      showMember(arena, member, elements.text);
      elements.element();
    },
  },
};

// --- Reading ---------------------------------------------------------------------------------

/** For a look at what might be one. */
const integer = new Int64();

class SetReader implements ValueReader {
  private readonly keyspace: Keyspace;
  private readonly limits: SetLimits;
  private readonly set: SetValue;
  private readonly text = new RdbString();
  private readonly draft = new ListpackDraft();
  /** The set under construction; NONE between values. */
  private entry: Ref = NONE;
  private membersLeft = 0;

  constructor(keyspace: Keyspace, limits: SetLimits) {
    this.keyspace = keyspace;
    this.limits = limits;
    this.set = new SetValue(keyspace.arena, keyspace.seed);
  }

  begin(input: RdbInput, type: number, key: RdbString, expiryMs: number): Status {
    if (type === RdbType.SET) return this.beginMembers(input, key, expiryMs);
    const status = input.string(this.text);
    if (status !== Status.OK) return status;
    const { bytes, view, start, end } = this.text;
    const isIntset = type === RdbType.SET_INTSET;
    if (!isIntset && isEmptyListpack(this.text)) return Status.EMPTY;
    this.entry = this.set.load(
      isIntset ? Encoding.INTSET : Encoding.LISTPACK,
      this.keyspace.cuts.epoch,
      key.bytes,
      key.start,
      key.end,
      expiryMs,
      bytes,
      view,
      start,
      end,
      this.limits,
    );
    if (this.entry !== NONE) return Status.OK;
    return input.bad(isIntset ? INTSET_FAULT : LISTPACK_FAULT);
  }

  private beginMembers(input: RdbInput, key: RdbString, expiryMs: number): Status {
    const status = input.length();
    if (status !== Status.OK) return status;
    const count = input.number;
    if (count === 0) return Status.EMPTY;
    const { at } = input;
    if (count <= this.limits.listpackEntriesMax && this.gather(input, count))
      return this.fromDraft(input, key, expiryMs);
    input.at = at;
    this.membersLeft = count;
    const { arena, cuts } = this.keyspace;
    // Members come in the order of another table. This one must not have the same, see Dict.reserve().
    const seed = freshSeed(this.keyspace.random32);
    this.set.seed = seed;
    // The first member that is no integer makes it a listpack.
    const encoding = this.isTable(input, count) ? Encoding.HASHTABLE : Encoding.INTSET;
    const { bytes, start, end } = key;
    this.entry = createSet(arena, seed, encoding, cuts.epoch, bytes, start, end, expiryMs, count);
    this.set.attach(this.entry);
    return Status.PART;
  }

  /** Whether so many members make a table for sure, as far as the first of them tells. */
  private isTable(input: RdbInput, count: number): boolean {
    const { text, limits } = this;
    if (count > limits.intsetEntriesMax) return true;
    if (count <= limits.listpackEntriesMax) return false;
    const { at } = input;
    const isThere = input.string(text) === Status.OK;
    input.at = at;
    return isThere && !parseInt64(text.bytes, text.start, text.end, integer);
  }

  /**
   * Writes all members into the draft. False where they are not all there yet, or will be no listpack: an
   * integer in front may be followed by integers alone, and one that is too long makes a table of all.
   */
  private gather(input: RdbInput, count: number): boolean {
    const { text, draft } = this;
    const longest = this.limits.listpackValueBytesMax;
    draft.begin();
    for (let left = count; left > 0; left--) {
      if (input.string(text) !== Status.OK) return false;
      const { bytes, start, end } = text;
      if (end - start > longest || draft.length + (end - start) > GATHERED_BYTES_MAX) return false;
      if (left === count && parseInt64(bytes, start, end, integer)) return false;
      draft.add(bytes, start, end);
    }
    draft.finish();
    return true;
  }

  private fromDraft(input: RdbInput, key: RdbString, expiryMs: number): Status {
    const { bytes, view, length } = this.draft;
    this.entry = this.set.load(
      Encoding.LISTPACK,
      this.keyspace.cuts.epoch,
      key.bytes,
      key.start,
      key.end,
      expiryMs,
      bytes,
      view,
      0,
      length,
      this.limits,
    );
    return this.entry === NONE ? input.bad(DUPLICATE_FAULT) : Status.OK;
  }

  more(input: RdbInput): Status {
    const { text, set, limits } = this;
    while (this.membersLeft > 0) {
      input.mark = input.at;
      const status = input.string(text);
      if (status !== Status.OK) return status;
      if (!set.add(text.bytes, text.view, text.start, text.end, limits))
        return input.bad(DUPLICATE_FAULT);
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
}

export const setForm: RdbForm = {
  reads: [
    {
      type: RdbType.SET,
      name: "set-hashtable",
      end: elementsEnd(stringEnd),
      skip: (input, seen) => distinct(input, seen, DUPLICATE_FAULT),
    },
    {
      type: RdbType.SET_INTSET,
      name: "set-intset",
      end: stringEnd,
      skip: packed(intsetFault),
    },
    {
      type: RdbType.SET_LISTPACK,
      name: "set-listpack",
      end: stringEnd,
      skip: packed(listpackFault(LISTPACK_FAULT, 1)),
    },
  ],
  writes: [asIntset, asListpack, asTable],
  createReader: (keyspace, limits) => new SetReader(keyspace, limits.set),
};
