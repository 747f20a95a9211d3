/**
 * String values: setting, appending, overwriting ranges. string-view.ts reads them.
 *
 * Three reported encodings, two places:
 *
 *      int      8 bytes in the entry's word: an int64
 *      embstr   behind the key, or in a block of its own when the entry would get too large
 *      raw      the same, for strings over 44 bytes and those that were modified
 *
 * Where the bytes lie is a matter of size alone: up to 512 bytes inline, above that in an EXTERNAL
 * block that grows with room to spare, so appending is amortised O(1) per byte.
 */
import { assert } from "../../assert.ts";
import { INT64_TEXT_BYTES, Int64, parseInt64 } from "../../int64.ts";
import type { Database } from "../../keyspace/database.ts";
import {
  type Arena,
  ArenaFullError,
  BLOCK_BYTES_MAX,
  NONE,
  type Ref,
  roundedBytes,
} from "../../memory/arena.ts";
import {
  createEntry,
  Encoding,
  EXPIRY_FLAG,
  EXTERNAL_FLAG,
  encodingOf,
  flagsOf,
  isInline,
  keyLength,
  keyOffset,
  kindOf,
  setEncoding,
  setExpiryMs,
  setIdleBits,
  setValueLength,
  setValueRef,
  Type,
  valueLength,
  valueRef,
  WORD_FLAG,
  wordFieldIndex,
  wordIndex,
  wordsOf,
} from "../../table/entry.ts";
import { kindAt } from "../kind-table.ts";
import { freeBlocks } from "../value.ts";
import type { StringView } from "./string-view.ts";

/** Longest string that OBJECT ENCODING calls embstr. */
export const EMBSTR_BYTES_MAX = 44;
/** Longest string kept inside its entry. */
const INLINE_BYTES_MAX = 512;

const number = new Int64();

/**
 * SET: gives the key the string value[from, to). `entry` is the key's present entry (of any type)
 * or NONE. The expiry is kept or dropped by `keepExpiry`, unless `expiryMs` gives a new one. `idle`
 * are the bits for eviction.
 */
export function setString(
  database: Database,
  entry: Ref,
  bytes: Uint8Array,
  start: number,
  end: number,
  hash: number,
  value: Uint8Array,
  from: number,
  to: number,
  keepExpiry: boolean,
  idle: number,
  expiryMs = -1,
): Ref {
  const length = to - from;
  if (length <= INT64_TEXT_BYTES && parseInt64(value, from, to, number)) {
    return setInteger(
      database,
      entry,
      bytes,
      start,
      end,
      hash,
      number.hi,
      number.lo,
      keepExpiry,
      idle,
      expiryMs,
    );
  }
  return setText(
    database,
    entry,
    bytes,
    start,
    end,
    hash,
    value,
    from,
    to,
    keepExpiry,
    idle,
    expiryMs,
  );
}

/** As setString, but kept as text even where the text is an integer's (INCRBYFLOAT). */
export function setText(
  database: Database,
  entry: Ref,
  bytes: Uint8Array,
  start: number,
  end: number,
  hash: number,
  value: Uint8Array,
  from: number,
  to: number,
  keepExpiry: boolean,
  idle: number,
  expiryMs = -1,
): Ref {
  const { arena } = database;
  const length = to - from;
  const kind = kindOf(Type.STRING, length <= EMBSTR_BYTES_MAX ? Encoding.EMBSTR : Encoding.RAW);
  const shape = length > INLINE_BYTES_MAX ? WORD_FLAG | EXTERNAL_FLAG : 0;
  const inline = shape === 0 ? length : 0;
  const block = shape === 0 ? NONE : arena.alloc(length);
  let target: Ref;
  try {
    target = shaped(
      database,
      entry,
      bytes,
      start,
      end,
      hash,
      kind,
      shape,
      inline,
      keepExpiry,
      idle,
      expiryMs,
    );
  } catch (full) {
    if (block !== NONE) arena.free(block);
    throw full;
  }
  if (block === NONE) {
    arena.write(target, keyOffset(flagsOf(arena, target)) + (end - start), value, from, to);
  } else {
    arena.write(block, 0, value, from, to);
    setValueRef(arena, target, block);
    setValueLength(arena, target, length);
  }
  return target;
}

/**
 * True when setString() would give the entry the string value[from, to), and no expiry, without
 * asking for memory: so it cannot fail.
 */
export function fitsInPlace(
  arena: Arena,
  entry: Ref,
  value: Uint8Array,
  from: number,
  to: number,
): boolean {
  const flags = flagsOf(arena, entry);
  const length = to - from;
  if (length <= INT64_TEXT_BYTES && parseInt64(value, from, to, number)) return flags === WORD_FLAG;
  if (flags !== 0 || length > INLINE_BYTES_MAX) return false;
  const offset = keyOffset(0) + keyLength(arena, entry);
  const has = valueLength(arena, entry);
  return has === length || roundedBytes(offset + has) === roundedBytes(offset + length);
}

/**
 * A new entry for the key bytes[start, end) that holds the string value[from, to), encoded as
 * setString would. It is in no table yet: Database.put() follows. `expiryMs` is its expiry, or -1.
 */
export function createString(
  arena: Arena,
  epoch: number,
  bytes: Uint8Array,
  start: number,
  end: number,
  value: Uint8Array,
  from: number,
  to: number,
  idle: number,
  expiryMs: number,
): Ref {
  const length = to - from;
  const isInteger = length <= INT64_TEXT_BYTES && parseInt64(value, from, to, number);
  const isExternal = length > INLINE_BYTES_MAX;
  let encoding: number = length <= EMBSTR_BYTES_MAX ? Encoding.EMBSTR : Encoding.RAW;
  if (isInteger) encoding = Encoding.INT;
  let flags = isExternal ? WORD_FLAG | EXTERNAL_FLAG : isInteger ? WORD_FLAG : 0;
  if (expiryMs !== -1) flags |= EXPIRY_FLAG;
  const inline = isExternal || isInteger ? 0 : length;
  const block = isExternal ? arena.alloc(length) : NONE;
  let entry: Ref;
  try {
    const kind = kindOf(Type.STRING, encoding);
    entry = createEntry(arena, kind, flags, epoch, bytes, start, end, inline);
  } catch (full) {
    if (block !== NONE) arena.free(block);
    throw full;
  }
  if (expiryMs !== -1) setExpiryMs(arena, entry, expiryMs);
  setIdleBits(arena, entry, idle);
  if (isExternal) {
    arena.write(block, 0, value, from, to);
    setValueRef(arena, entry, block);
    setValueLength(arena, entry, length);
  } else if (isInteger) {
    const words = wordsOf(arena, entry);
    const at = wordFieldIndex(arena, entry);
    words[at] = number.lo;
    words[at + 1] = number.hi;
  } else {
    arena.write(entry, keyOffset(flags) + (end - start), value, from, to);
  }
  return entry;
}

/** As setString, for an integer. */
export function setInteger(
  database: Database,
  entry: Ref,
  bytes: Uint8Array,
  start: number,
  end: number,
  hash: number,
  hi: number,
  lo: number,
  keepExpiry: boolean,
  idle: number,
  expiryMs = -1,
): Ref {
  const { arena } = database;
  const kind = kindOf(Type.STRING, Encoding.INT);
  const target = shaped(
    database,
    entry,
    bytes,
    start,
    end,
    hash,
    kind,
    WORD_FLAG,
    0,
    keepExpiry,
    idle,
    expiryMs,
  );
  const words = wordsOf(arena, target);
  const at = wordFieldIndex(arena, target);
  words[at] = lo;
  words[at + 1] = hi;
  return target;
}

/** Overwrites an INT-encoded value in place. */
export function updateInteger(database: Database, entry: Ref, hi: number, lo: number): void {
  const { arena } = database;
  assert(encodingOf(arena, entry) === Encoding.INT, "only an integer is updated in place");
  database.preserve(entry);
  const words = wordsOf(arena, entry);
  const at = wordFieldIndex(arena, entry);
  words[at] = lo;
  words[at + 1] = hi;
}

/**
 * A new or reused entry of the given shape, with its old value gone and the new one to fill in.
 * When it throws for want of room, the key is as it was.
 */
function shaped(
  database: Database,
  entry: Ref,
  bytes: Uint8Array,
  start: number,
  end: number,
  hash: number,
  kind: number,
  shape: number,
  inline: number,
  keepExpiry: boolean,
  idle: number,
  expiryMs: number,
): Ref {
  const { arena } = database;
  if (entry === NONE) {
    const added = database.add(bytes, start, end, hash, kind, shape, inline, expiryMs);
    setIdleBits(arena, added, idle);
    return added;
  }
  database.preserve(entry);
  const flags = flagsOf(arena, entry);
  const block = (flags & EXTERNAL_FLAG) !== 0 ? valueRef(arena, entry) : NONE;
  const { expires, fieldExpiries } = database;
  const slot = block === NONE ? -1 : fieldExpiries.slotOf(entry);
  let wanted = keepExpiry ? shape | (flags & EXPIRY_FLAG) : shape;
  let expiresHash = 0;
  if (expiryMs !== -1) {
    wanted = shape | EXPIRY_FLAG;
    // Room first: an entry that has moved already could not be put back.
    if ((flags & EXPIRY_FLAG) === 0)
      expiresHash = expires.makeRoomFor(entry, expires.hashOfEntry(entry));
  }
  const target = reshapeString(database, entry, flags, wanted, inline);
  if (expiryMs !== -1) {
    setExpiryMs(arena, target, expiryMs);
    if ((flags & EXPIRY_FLAG) === 0) expires.insert(target, expiresHash);
  }
  if (slot !== -1) {
    fieldExpiries.dropSlot(slot, target);
    setValueLength(arena, target, inline);
  }
  const words = wordsOf(arena, target);
  const at = wordIndex(target);
  if (block !== NONE) freeBlocks(arena, kindAt((words[at] as number) & 255), block);
  words[at] = ((words[at] as number) & ~255) | kind;
  words[at + 1] = idle;
  return target;
}

function reshapeString(
  database: Database,
  entry: Ref,
  flags: number,
  wanted: number,
  inline: number,
): Ref {
  const { arena } = database;
  if (flags === wanted) {
    // The common overwrite: same shape and size class, nothing moves.
    const offset = keyOffset(flags) + keyLength(arena, entry);
    const has = isInline(flags) ? valueLength(arena, entry) : 0;
    if (has === inline || roundedBytes(offset + has) === roundedBytes(offset + inline)) {
      setValueLength(arena, entry, inline);
      return entry;
    }
  }
  return database.reshape(entry, wanted, inline, 0);
}

/**
 * Makes a string entry hold `length` bytes that may be written to: the present bytes are kept, new
 * ones are zero, the encoding becomes raw. Returns the entry; `out` shows the writable bytes.
 */
export function growString(database: Database, entry: Ref, length: number, out: StringView): Ref {
  const { arena } = database;
  database.preserve(entry);
  const flags = flagsOf(arena, entry);
  out.read(arena, entry);
  const before = out.end - out.start;
  const after = Math.max(before, length);
  let target = entry;
  if ((flags & EXTERNAL_FLAG) !== 0) {
    growExternal(arena, entry, before, after);
  } else if (isInline(flags) && after <= INLINE_BYTES_MAX) {
    target = database.reshape(entry, flags, after, before);
  } else {
    // An integer, or an inline string that gets too large: a block of its own, or inline again.
    const expiry = flags & EXPIRY_FLAG;
    if (after <= INLINE_BYTES_MAX) {
      target = database.reshape(entry, expiry, after, 0);
      arena.write(target, keyOffset(expiry) + keyLength(arena, target), out.bytes, 0, before);
    } else {
      const block = withRoom(after, (bytes) => arena.alloc(bytes));
      arena.write(block, 0, out.bytes, out.start, out.end);
      try {
        target = database.reshape(entry, expiry | WORD_FLAG | EXTERNAL_FLAG, 0, 0);
      } catch (full) {
        arena.free(block);
        throw full;
      }
      setValueRef(arena, target, block);
    }
  }
  setValueLength(arena, target, after);
  setEncoding(arena, target, Encoding.RAW);
  out.read(arena, target);
  // Memory from the arena is not zeroed: what was not there before must not show through.
  if (after > before) out.bytes.fill(0, out.start + before, out.end);
  return target;
}

/**
 * A new key, which must not exist yet, with a string of `length` zero bytes that may be written to:
 * `out` shows them. The encoding is raw.
 */
export function addZeros(
  database: Database,
  bytes: Uint8Array,
  start: number,
  end: number,
  hash: number,
  length: number,
  idle: number,
  out: StringView,
): Ref {
  const { arena } = database;
  const kind = kindOf(Type.STRING, Encoding.RAW);
  const isExternal = length > INLINE_BYTES_MAX;
  const block = isExternal ? arena.alloc(length) : NONE;
  let entry: Ref;
  try {
    const shape = isExternal ? WORD_FLAG | EXTERNAL_FLAG : 0;
    entry = database.add(bytes, start, end, hash, kind, shape, isExternal ? 0 : length);
  } catch (full) {
    if (block !== NONE) arena.free(block);
    throw full;
  }
  setIdleBits(arena, entry, idle);
  if (isExternal) {
    setValueRef(arena, entry, block);
    setValueLength(arena, entry, length);
  }
  out.read(arena, entry);
  out.bytes.fill(0, out.start, out.end);
  return entry;
}

/**
 * A new entry for the key bytes[start, end) with a string of `length` bytes that are to be written:
 * `out` shows them, and what is in them means nothing. The encoding is raw. It is in no table yet:
 * Database.put() follows.
 */
export function createBlank(
  arena: Arena,
  epoch: number,
  bytes: Uint8Array,
  start: number,
  end: number,
  length: number,
  idle: number,
  out: StringView,
): Ref {
  const isExternal = length > INLINE_BYTES_MAX;
  const flags = isExternal ? WORD_FLAG | EXTERNAL_FLAG : 0;
  const block = isExternal ? arena.alloc(length) : NONE;
  let entry: Ref;
  try {
    const kind = kindOf(Type.STRING, Encoding.RAW);
    entry = createEntry(arena, kind, flags, epoch, bytes, start, end, isExternal ? 0 : length);
  } catch (full) {
    if (block !== NONE) arena.free(block);
    throw full;
  }
  setIdleBits(arena, entry, idle);
  if (isExternal) {
    setValueRef(arena, entry, block);
    setValueLength(arena, entry, length);
  }
  out.read(arena, entry);
  return entry;
}

function growExternal(arena: Arena, entry: Ref, before: number, after: number): void {
  const block = valueRef(arena, entry);
  if (after <= arena.blockBytes(block)) return;
  const grown = withRoom(after, (bytes) => arena.resize(block, bytes, before));
  setValueRef(arena, entry, grown);
}

/**
 * Room to grow on: twice the length up to 1 MiB, one MiB more beyond, as Redis's strings have it.
 * Where there is no such room, that of the length itself is enough.
 */
function withRoom(length: number, allot: (bytes: number) => Ref): Ref {
  const roomy = Math.min(length < 2 ** 20 ? length * 2 : length + 2 ** 20, BLOCK_BYTES_MAX);
  try {
    if (roomy > length) return allot(roomy);
  } catch (full) {
    if (!(full instanceof ArenaFullError)) throw full;
  }
  return allot(length);
}
