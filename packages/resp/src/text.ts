/**
 * Text to bytes and back.
 *
 * Bytes from clients are not text: UTF-8 would destroy what is not valid. Where they have to pass
 * through a string they are latin1, one character for one byte, which loses nothing. UTF-8 is
 * for text of our own and for clients that ask for it.
 */

import { SHORT_TEXT_MAX, shortText } from "./short-text.ts";

/**
 * Longest text that bytes are made into. JavaScript's strings end 24 characters short of the longest
 * argument; some room is left for what is put around a name.
 */
export const TEXT_BYTES_MAX = 2 ** 29 - 1024;

/** Characters per call of String.fromCharCode: its arguments lie on the stack. */
const CHUNK = 4096;

/** The two decoders of Node's, Deno's and Bun's that take a range: no view has to be made for it. */
interface RangeDecoders {
  latin1Slice(this: Uint8Array, start: number, end: number): string;
  utf8Slice(this: Uint8Array, start: number, end: number): string;
}

/**
 * Where the platform has them they decode what is longer than a few bytes, three times as fast as
 * TextDecoder; both say the same, of invalid bytes too. Elsewhere TextDecoder does it.
 */
const platform = (globalThis as { Buffer?: { prototype: Partial<RangeDecoders> } }).Buffer
  ?.prototype;
const latin1Slice = platform?.latin1Slice;
const utf8Slice = platform?.utf8Slice;

const utf8Decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** bytes[start, end) with one character for each byte; at most TEXT_BYTES_MAX of them. */
export function latin1(bytes: Uint8Array, start = 0, end: number = bytes.length): string {
  const count = end - start;
  return count <= SHORT_TEXT_MAX
    ? shortText(bytes, start, count, 256)!
    : longLatin1(bytes, start, end);
}

/** bytes[start, end) read as UTF-8; what is not valid becomes U+FFFD, a byte order mark stays. */
export function utf8(bytes: Uint8Array, start = 0, end: number = bytes.length): string {
  const count = end - start;
  const short = count <= SHORT_TEXT_MAX ? shortText(bytes, start, count, 128) : undefined;
  return short ?? longUtf8(bytes, start, end);
}

/** As latin1, and not the way to read a few bytes. */
export function longLatin1(bytes: Uint8Array, start: number, end: number): string {
  if (latin1Slice !== undefined) return latin1Slice.call(bytes, start, end);
  const parts: string[] = [];
  for (let i = start; i < end; i += CHUNK) {
    const part = bytes.subarray(i, Math.min(i + CHUNK, end));
    parts.push(String.fromCharCode.apply(null, part as unknown as number[]));
  }
  return parts.join("");
}

/** As utf8, and not the way to read a few bytes. */
export function longUtf8(bytes: Uint8Array, start: number, end: number): string {
  if (utf8Slice !== undefined) return utf8Slice.call(bytes, start, end);
  return utf8Decoder.decode(bytes.subarray(start, end));
}

/** The bytes of latin1 text; of a character beyond U+00FF the low byte. */
export function latin1Bytes(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  writeLatin1(bytes, 0, text);
  return bytes;
}

/** The bytes of text in UTF-8. */
export function utf8Bytes(text: string): Uint8Array {
  const bytes = new Uint8Array(utf8Length(text));
  writeUtf8(bytes, 0, text);
  return bytes;
}

/** Writes one byte for each character; returns the position after them. */
export function writeLatin1(bytes: Uint8Array, at: number, text: string): number {
  for (let i = 0; i < text.length; i++) bytes[at + i] = text.charCodeAt(i);
  return at + text.length;
}

/** How many bytes writeUtf8 writes. */
export function utf8Length(text: string): number {
  let length = text.length;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) continue;
    if (unit < 0x800) length += 1;
    else if (isPair(text, i, unit)) {
      // Four bytes for two units.
      length += 2;
      i++;
    } else length += 2;
  }
  return length;
}

/** Writes text as UTF-8 (U+FFFD for half a surrogate pair); returns the position after it. */
export function writeUtf8(bytes: Uint8Array, at: number, text: string): number {
  let out = at;
  for (let i = 0; i < text.length; i++) {
    let unit = text.charCodeAt(i);
    if (unit < 0x80) {
      bytes[out++] = unit;
    } else if (unit < 0x800) {
      bytes[out++] = 0xc0 | (unit >> 6);
      bytes[out++] = 0x80 | (unit & 0x3f);
    } else if (isPair(text, i, unit)) {
      const point = 0x10000 + ((unit - 0xd800) << 10) + (text.charCodeAt(++i) - 0xdc00);
      bytes[out++] = 0xf0 | (point >> 18);
      bytes[out++] = 0x80 | ((point >> 12) & 0x3f);
      bytes[out++] = 0x80 | ((point >> 6) & 0x3f);
      bytes[out++] = 0x80 | (point & 0x3f);
    } else {
      if (unit >= 0xd800 && unit <= 0xdfff) unit = 0xfffd;
      bytes[out++] = 0xe0 | (unit >> 12);
      bytes[out++] = 0x80 | ((unit >> 6) & 0x3f);
      bytes[out++] = 0x80 | (unit & 0x3f);
    }
  }
  return out;
}

function isPair(text: string, at: number, unit: number): boolean {
  if (unit < 0xd800 || unit > 0xdbff || at + 1 >= text.length) return false;
  const next = text.charCodeAt(at + 1);
  return next >= 0xdc00 && next <= 0xdfff;
}
