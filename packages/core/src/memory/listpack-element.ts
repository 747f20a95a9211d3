/**
 * Listpack elements: how one string or integer is laid out (listpack.ts has the whole).
 *
 *      0xxxxxxx                      integer 0 to 127
 *      10xxxxxx data                 string of up to 63 bytes
 *      110xxxxx xxxxxxxx             13-bit signed integer, high bits first
 *      1110xxxx xxxxxxxx data        string of up to 4,095 bytes, high bits first
 *      11110000 u32 data             any longer string
 *      11110001 / 2 / 3 / 4          integer of 16, 24, 32, 64 bits
 *
 * All are little-endian unless it says otherwise. Behind the data stands `backlen`, the bytes of
 * encoding and data, which lets one walk backwards: 7 bits a byte, high ones first, and every byte
 * but the first has its top bit set.
 *
 * Integers pass through two module variables, `wanted` and `stored`, since a function that returns
 * 64 bits would have to allocate. Each holds until the next call that fills it.
 */
import { assert } from "../assert.ts";
import { Int64, parseInt64 } from "../int64.ts";

/** Bytes before the first element: the length of the whole and the number of elements. */
export const LISTPACK_HEADER_BYTES = 6;
/** The first byte behind the last element; no element begins with it. */
export const END = 0xff;
/** Bytes of a listpack without elements. */
export const EMPTY_LISTPACK_BYTES = LISTPACK_HEADER_BYTES + 1;
const STRING32 = 0xf0;
const INT16 = 0xf1;
const INT24 = 0xf2;
const INT32 = 0xf3;
const INT64 = 0xf4;
/** Up to this many bytes a loop beats the call into the runtime. */
const SHORT_COPY = 24;

/** The integer that a value to be stored or found stands for: see encodedBytes(). */
export const wanted = new Int64();
let wantedIsInteger = false;
/** The integer that readInteger() read last. */
export const stored = new Int64();

export function isString(lead: number): boolean {
  return (lead & 0xc0) === 0x80 || (lead & 0xf0) === 0xe0 || lead === STRING32;
}

/** Bytes of a string's encoding, before its data. */
export function stringHeadBytes(lead: number): number {
  return lead < 0xc0 ? 1 : lead === STRING32 ? 5 : 2;
}

export function stringBytes(bytes: Uint8Array, at: number, lead: number): number {
  if (lead < 0xc0) return lead & 0x3f;
  if (lead !== STRING32) return ((lead & 0x0f) << 8) | bytes[at + 1];
  const low = bytes[at + 1] | (bytes[at + 2] << 8) | (bytes[at + 3] << 16);
  return low + bytes[at + 4] * 0x1000000;
}

/** Bytes of encoding and data of the element at bytes[at]. */
export function dataBytes(bytes: Uint8Array, at: number): number {
  const lead = bytes[at];
  if (lead < 0x80) return 1;
  if (isString(lead)) return stringHeadBytes(lead) + stringBytes(bytes, at, lead);
  if (lead < 0xe0) return 2;
  if (lead <= INT32) return lead - INT16 + 3; // 3, 4 and 5 bytes.
  assert(lead === INT64, "a listpack element has a known encoding");
  return 9;
}

/** Bytes that backlen itself takes. The odd limits are the format's: 16,383 already takes three. */
export function backlenBytes(size: number): number {
  if (size < 128) return 1;
  if (size < 16383) return 2;
  if (size < 2097151) return 3;
  return size < 268435455 ? 4 : 5;
}

/** The position behind the element at `at`. */
export function positionAfter(bytes: Uint8Array, at: number): number {
  const lead = bytes[at] as number;
  // The two most common forms, with a backlen of one byte.
  if (lead < 0x80) return at + 2;
  if (lead < 0xc0) return at + 2 + (lead & 0x3f);
  if (lead < 0xe0) return at + 3;
  const size = dataBytes(bytes, at);
  return at + size + backlenBytes(size);
}

export function readInteger(bytes: Uint8Array, at: number, lead: number): void {
  let lo: number;
  if (lead < 0x80) lo = lead;
  else if (lead < 0xe0) lo = (((lead << 8) | bytes[at + 1]) << 19) >> 19;
  else if (lead === INT16) lo = ((bytes[at + 1] | (bytes[at + 2] << 8)) << 16) >> 16;
  else if (lead === INT24)
    lo = ((bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)) >> 8;
  else lo = read32(bytes, at + 1);
  stored.lo = lo;
  stored.hi = lead === INT64 ? read32(bytes, at + 5) : lo >> 31;
}

export function read32(bytes: Uint8Array, at: number): number {
  return bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
}

function write32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value;
  bytes[at + 1] = value >> 8;
  bytes[at + 2] = value >> 16;
  bytes[at + 3] = value >> 24;
}

export function sameBytes(
  one: Uint8Array,
  oneStart: number,
  other: Uint8Array,
  otherStart: number,
  length: number,
): boolean {
  for (let i = 0; i < length; i++) if (one[oneStart + i] !== other[otherStart + i]) return false;
  return true;
}

/** Bytes that encoding and data of bytes[start, end) take; leaves the integer in `wanted`. */
export function encodedBytes(bytes: Uint8Array, start: number, end: number): number {
  wantedIsInteger = parseInt64(bytes, start, end, wanted);
  if (!wantedIsInteger) {
    const length = end - start;
    return length < 64 ? 1 + length : length < 4096 ? 2 + length : 5 + length;
  }
  return integerBytes(wanted.hi, wanted.lo);
}

/** As encodedBytes(), of an integer that is given as one. */
export function encodedIntegerBytes(hi: number, lo: number): number {
  wantedIsInteger = true;
  wanted.hi = hi;
  wanted.lo = lo;
  return integerBytes(hi, lo);
}

function integerBytes(hi: number, lo: number): number {
  if (hi !== lo >> 31) return 9;
  if (lo >= 0 && lo < 128) return 1;
  if (lo >= -4096 && lo < 4096) return 2;
  if (lo >= -0x8000 && lo < 0x8000) return 3;
  return lo >= -0x800000 && lo < 0x800000 ? 4 : 5;
}

/** Writes what encodedBytes() has just measured: `size` bytes and the backlen behind them. */
export function writeElement(
  target: Uint8Array,
  at: number,
  bytes: Uint8Array,
  start: number,
  end: number,
  size: number,
): void {
  if (wantedIsInteger) {
    writeInteger(target, at, size);
  } else {
    const length = end - start;
    if (length < 64) {
      target[at] = 0x80 | length;
    } else if (length < 4096) {
      target[at] = 0xe0 | (length >> 8);
      target[at + 1] = length;
    } else {
      target[at] = STRING32;
      write32(target, at + 1, length);
    }
    copyBytes(target, at + size - length, bytes, start, end);
  }
  writeBacklen(target, at + size, size);
}

function copyBytes(
  target: Uint8Array,
  at: number,
  bytes: Uint8Array,
  start: number,
  end: number,
): void {
  if (end - start <= SHORT_COPY) for (let i = start; i < end; i++) target[at++] = bytes[i];
  else target.set(bytes.subarray(start, end), at);
}

function writeInteger(target: Uint8Array, at: number, size: number): void {
  const { hi, lo } = wanted;
  if (size === 1) {
    target[at] = lo;
  } else if (size === 2) {
    target[at] = 0xc0 | ((lo >> 8) & 0x1f);
    target[at + 1] = lo;
  } else {
    target[at] = size === 9 ? INT64 : INT16 + size - 3;
    target[at + 1] = lo;
    target[at + 2] = lo >> 8;
    if (size > 3) target[at + 3] = lo >> 16;
    if (size > 4) target[at + 4] = lo >> 24;
    if (size === 9) write32(target, at + 5, hi);
  }
}

function writeBacklen(target: Uint8Array, at: number, size: number): void {
  const bytes = backlenBytes(size);
  let rest = size;
  for (let i = bytes - 1; i > 0; i--) {
    target[at + i] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  target[at] = rest;
}

/** As dataBytes, for an element that may be anything: 0 unless all of it lies before `limit`. */
export function foreignDataBytes(bytes: Uint8Array, at: number, limit: number): number {
  const lead = bytes[at];
  if (lead > INT64) return 0; // The end byte is no element either.
  const head = isString(lead) ? stringHeadBytes(lead) : 1;
  if (at + head > limit) return 0;
  const size = dataBytes(bytes, at);
  return at + size > limit ? 0 : size;
}

export function isBacklen(bytes: Uint8Array, at: number, size: number): boolean {
  let rest = size;
  for (let i = backlenBytes(size) - 1; i > 0; i--) {
    if (bytes[at + i] !== ((rest & 0x7f) | 0x80)) return false;
    rest >>>= 7;
  }
  return bytes[at] === rest;
}
