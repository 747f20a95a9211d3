/**
 * Entry: the block that holds one key, and for a short value the value too.
 *
 * Keys of a database, fields of a large hash, members of a large set or sorted set are all entries, so
 * that one dict serves them all. An entry is one arena block, 8-byte aligned:
 *
 *      byte  0   type (upper 4 bits) and encoding (lower 4)
 *            1   flags: 1 EXPIRY, 2 WORD, 4 EXTERNAL
 *            2   epoch, 16 bits: the snapshot epoch in which this state of the entry was born
 *            4   idle: 24 bits of LRU clock or LFU counter; the upper 8 are free
 *            8   key length
 *           12   value length: bytes of a string value; of a hash whose fields expire its place in
 *                the database's heap of those; free for the use of other types
 *           16   [expiry, 8 bytes: milliseconds since 1970 as a double]            if EXPIRY
 *            .   [word, 8 bytes: an int64 (encoding INT), or a ref]               if WORD
 *            .   key bytes
 *            .   value bytes, right behind the key            if a string without EXTERNAL, INT
 *
 * A 16-byte key with a 16-byte value takes 48 bytes; an expiry adds 8. EXTERNAL says that the value
 * is another block, whose ref is the first half of the word (long strings, and every collection).
 *
 * Example, key "ab" holding the string "xyz", no expiry: 24 bytes asked for, and
 *      00 | 00 | epoch | idle | 02 00 00 00 | 03 00 00 00 | 61 62 | 78 79 7a
 */
import { assert } from "../assert.ts";
import {
  type Arena,
  BLOCK_BYTES_MAX,
  type Ref,
  SEGMENT_SHIFT,
  UNIT_MASK,
} from "../memory/arena.ts";

/** The value types, with the numbers that the entry's header stores. */
export const Type = {
  STRING: 0,
  LIST: 1,
  SET: 2,
  ZSET: 3,
  HASH: 4,
  STREAM: 6,
} as const;

/** The encodings that OBJECT ENCODING tells apart. */
export const Encoding = {
  RAW: 0,
  INT: 1,
  EMBSTR: 2,
  LISTPACK: 3,
  HASHTABLE: 4,
  INTSET: 5,
  QUICKLIST: 6,
  SKIPLIST: 7,
  STREAM: 8,
  /** A listpack of fields that may expire: LISTPACK | VOLATILE_BIT. */
  LISTPACK_EX: 11,
  /** A table of which some fields expire: HASHTABLE | VOLATILE_BIT. */
  HASHTABLE_EX: 12,
} as const;

/** Among the encodings of hashes: its fields may expire. */
export const VOLATILE_BIT = 8;

/** What the first bytes of such hashes have in common, without the lowest three bits. */
const VOLATILE_HASH = (Type.HASH << 4) | VOLATILE_BIT;

/** The entry has an expiry. */
export const EXPIRY_FLAG = 1;
/** The entry has an 8-byte word: an integer, or a ref and what belongs to it. */
export const WORD_FLAG = 2;
/** The value is a block of its own, named by the word. */
export const EXTERNAL_FLAG = 4;
/** Bytes of an entry's header, without expiry and word. */
export const HEADER_BYTES = 16;
/** Bytes of header before the key, by the flags EXPIRY and WORD. */
const KEY_OFFSET = Int32Array.of(16, 24, 24, 32);

/** Index, in the segment's words, of the entry's first word. */
export function wordIndex(ref: Ref): number {
  return (ref & UNIT_MASK) << 1;
}

/** The 32-bit words of the segment that a block lies in: see wordIndex(). */
export function wordsOf(arena: Arena, ref: Ref): Int32Array {
  return arena.words[ref >>> SEGMENT_SHIFT] as Int32Array;
}

/** The bytes of the segment that a block lies in: see byteIndex(). */
export function bytesOf(arena: Arena, ref: Ref): Uint8Array {
  return arena.bytes[ref >>> SEGMENT_SHIFT] as Uint8Array;
}

/** A view over the same memory as bytesOf(). */
export function viewOf(arena: Arena, ref: Ref): DataView {
  return arena.views[ref >>> SEGMENT_SHIFT] as DataView;
}

/** Index, in the segment's bytes, of the block's first byte. */
export function byteIndex(ref: Ref): number {
  return (ref & UNIT_MASK) << 3;
}

/** The type of an entry's value: one of Type. */
export function typeOf(arena: Arena, entry: Ref): number {
  return ((wordsOf(arena, entry)[wordIndex(entry)] as number) >>> 4) & 15;
}

/**
 * The encoding of an entry's value: one of Encoding. What it means depends on the type: see
 * kindOfEntry().
 */
export function encodingOf(arena: Arena, entry: Ref): number {
  return (wordsOf(arena, entry)[wordIndex(entry)] as number) & 15;
}

/** The flags of an entry. */
export function flagsOf(arena: Arena, entry: Ref): number {
  return ((wordsOf(arena, entry)[wordIndex(entry)] as number) >>> 8) & 255;
}

/** True for an entry that holds a hash of which fields may expire: one look at its first byte. */
export function isVolatileHash(arena: Arena, entry: Ref): boolean {
  return ((wordsOf(arena, entry)[wordIndex(entry)] as number) & 0xf8) === VOLATILE_HASH;
}

/** The snapshot epoch in which the entry's present state was born: 16 bits. */
export function epochOf(arena: Arena, entry: Ref): number {
  return (wordsOf(arena, entry)[wordIndex(entry)] as number) >>> 16;
}

/** Sets the snapshot epoch of an entry. */
export function setEpoch(arena: Arena, entry: Ref, epoch: number): void {
  const words = wordsOf(arena, entry);
  const at = wordIndex(entry);
  words[at] = ((words[at] as number) & 0xffff) | (epoch << 16);
}

/** Sets the encoding; type, flags and epoch stay. */
export function setEncoding(arena: Arena, entry: Ref, encoding: number): void {
  const words = wordsOf(arena, entry);
  const at = wordIndex(entry);
  words[at] = ((words[at] as number) & ~15) | encoding;
}

/** The 24 bits of LRU clock or LFU counter. */
export function idleBits(arena: Arena, entry: Ref): number {
  return (wordsOf(arena, entry)[wordIndex(entry) + 1] as number) & 0xffffff;
}

/** Sets the 24 bits of LRU clock or LFU counter. */
export function setIdleBits(arena: Arena, entry: Ref, bits: number): void {
  wordsOf(arena, entry)[wordIndex(entry) + 1] = bits;
}

/** Bytes of an entry's key. */
export function keyLength(arena: Arena, entry: Ref): number {
  return wordsOf(arena, entry)[wordIndex(entry) + 2] as number;
}

/** Bytes of a string value that is no integer; other types use the field as they like. */
export function valueLength(arena: Arena, entry: Ref): number {
  return wordsOf(arena, entry)[wordIndex(entry) + 3] as number;
}

/** Sets what valueLength() tells; throws an InvariantError for what no block can have. */
export function setValueLength(arena: Arena, entry: Ref, length: number): void {
  assert(length >= 0 && length <= BLOCK_BYTES_MAX, "a value has a length that a block can have");
  wordsOf(arena, entry)[wordIndex(entry) + 3] = length;
}

/** Bytes between the start of the entry and its key. */
export function keyOffset(flags: number): number {
  return KEY_OFFSET[flags & 3] as number;
}

/** True when an entry with these flags holds its string behind the key. */
export function isInline(flags: number): boolean {
  return (flags & WORD_FLAG) === 0;
}

/** Index, in `bytesOf(arena, entry)`, of the key's first byte. */
export function keyIndex(arena: Arena, entry: Ref): number {
  return byteIndex(entry) + keyOffset(flagsOf(arena, entry));
}

/** Expiry in milliseconds since 1970, or -1 when the key has none. */
export function expiryMs(arena: Arena, entry: Ref): number {
  if ((flagsOf(arena, entry) & EXPIRY_FLAG) === 0) return -1;
  return (arena.doubles[entry >>> SEGMENT_SHIFT] as Float64Array)[
    (entry & UNIT_MASK) + 2
  ] as number;
}

/** Sets the expiry, milliseconds since 1970, of an entry that has the flag EXPIRY. */
export function setExpiryMs(arena: Arena, entry: Ref, expiryMs: number): void {
  (arena.doubles[entry >>> SEGMENT_SHIFT] as Float64Array)[(entry & UNIT_MASK) + 2] = expiryMs;
}

/** Index, in the segment's words, of the entry's 8-byte word (which must exist). */
export function wordFieldIndex(arena: Arena, entry: Ref): number {
  return wordIndex(entry) + 4 + ((flagsOf(arena, entry) & EXPIRY_FLAG) << 1);
}

/** The ref of the value's own block: only for entries with the EXTERNAL flag. */
export function valueRef(arena: Arena, entry: Ref): Ref {
  return wordsOf(arena, entry)[wordFieldIndex(arena, entry)] as number;
}

/** Names the value's own block: only for entries with the flag EXTERNAL. */
export function setValueRef(arena: Arena, entry: Ref, ref: Ref): void {
  wordsOf(arena, entry)[wordFieldIndex(arena, entry)] = ref;
}

/** Bytes that an entry asks the arena for. `inlineBytes` is the value's share. */
export function entryBytes(flags: number, keyBytes: number, inlineBytes: number): number {
  return keyOffset(flags) + keyBytes + inlineBytes;
}

/** A new entry for the key bytes[start, end); the value's bytes and the word are left to fill. */
export function createEntry(
  arena: Arena,
  kind: number,
  flags: number,
  epoch: number,
  bytes: Uint8Array,
  start: number,
  end: number,
  inlineBytes: number,
): Ref {
  const offset = keyOffset(flags);
  const entry = arena.alloc(offset + (end - start) + inlineBytes);
  // The sum is a block's size by now, so neither part is beyond 32 bits; nor may one be negative.
  assert(((end - start) | inlineBytes) >= 0, "a key and a value have lengths");
  const words = wordsOf(arena, entry);
  const at = wordIndex(entry);
  words[at] = kind | (flags << 8) | (epoch << 16);
  words[at + 1] = 0;
  words[at + 2] = end - start;
  words[at + 3] = inlineBytes;
  arena.write(entry, offset, bytes, start, end);
  return entry;
}

/** True when the entry's key is bytes[start, end). `view` covers the same memory as `bytes`. */
export function keyEquals(
  arena: Arena,
  entry: Ref,
  bytes: Uint8Array,
  view: DataView,
  start: number,
  end: number,
): boolean {
  const words = arena.words[entry >>> SEGMENT_SHIFT] as Int32Array;
  let at = (entry & UNIT_MASK) << 1;
  const length = end - start;
  if (words[at + 2] !== length) return false;
  at += (KEY_OFFSET[((words[at] as number) >>> 8) & 3] as number) >> 2;
  let i = start;
  for (; i + 4 <= end; i += 4) if (words[at++] !== view.getInt32(i, true)) return false;
  if (i < end) {
    // The last one to three bytes: the entry's word, one byte at a time (little-endian).
    let rest = words[at] as number;
    for (; i < end; i++) {
      if ((rest & 255) !== bytes[i]) return false;
      rest >>>= 8;
    }
  }
  return true;
}

/** The first byte of an entry whose value has this type and encoding: the number of its kind. */
export function kindOf(type: number, encoding: number): number {
  return (type << 4) | encoding;
}
