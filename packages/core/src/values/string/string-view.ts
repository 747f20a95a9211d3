/** Reading a string's value from its entry, whatever the encoding: see string-value.ts. */
import { formatInt64, INT64_TEXT_BYTES, type Int64, int64TextBytes } from "../../int64.ts";
import type { Arena, Ref } from "../../memory/arena.ts";
import {
  byteIndex,
  bytesOf,
  Encoding,
  EXPIRY_FLAG,
  EXTERNAL_FLAG,
  encodingOf,
  flagsOf,
  keyOffset,
  Type,
  typeOf,
  valueLength,
  valueRef,
  viewOf,
  WORD_FLAG,
  wordFieldIndex,
  wordIndex,
  wordsOf,
} from "../../table/entry.ts";

/** A window on a string's bytes; what it shows is void after the next change or read. */
export class StringView {
  /** The bytes in which the text lies. */
  bytes: Uint8Array;
  /** A view over the memory of `bytes`. */
  view: DataView;
  /** Index of the text's first byte. */
  start = 0;
  /** Index behind the text's last byte. */
  end = 0;
  private readonly digits = new Uint8Array(INT64_TEXT_BYTES);
  private readonly digitsView: DataView = new DataView(this.digits.buffer);

  constructor() {
    this.bytes = this.digits;
    this.view = this.digitsView;
  }

  /** Shows the text of a string entry, whatever its encoding. */
  read(arena: Arena, entry: Ref): void {
    const words = wordsOf(arena, entry);
    const at = wordIndex(entry);
    const flags = ((words[at] as number) >>> 8) & 255;
    if ((flags & WORD_FLAG) === 0) {
      const start = byteIndex(entry) + keyOffset(flags) + (words[at + 2] as number);
      this.bytes = bytesOf(arena, entry);
      this.view = viewOf(arena, entry);
      this.start = start;
      this.end = start + (words[at + 3] as number);
    } else if ((flags & EXTERNAL_FLAG) !== 0) {
      const ref = words[at + 4 + ((flags & EXPIRY_FLAG) << 1)] as number;
      this.bytes = bytesOf(arena, ref);
      this.view = viewOf(arena, ref);
      this.start = byteIndex(ref);
      this.end = this.start + (words[at + 3] as number);
    } else {
      const word = at + 4 + ((flags & EXPIRY_FLAG) << 1);
      this.bytes = this.digits;
      this.view = this.digitsView;
      this.start = 0;
      this.end = formatInt64(words[word + 1] as number, words[word] as number, this.digits, 0);
    }
  }
}

/** True when the entry holds a string. */
export function isStringEntry(arena: Arena, entry: Ref): boolean {
  return typeOf(arena, entry) === Type.STRING;
}

/**
 * The words over the memory in which StringView.read() finds the text of a string entry; null when
 * the text is that of an integer, which lies nowhere.
 */
export function textWords(arena: Arena, entry: Ref): Int32Array | null {
  const flags = flagsOf(arena, entry);
  if ((flags & EXTERNAL_FLAG) !== 0) return wordsOf(arena, valueRef(arena, entry));
  return (flags & WORD_FLAG) === 0 ? wordsOf(arena, entry) : null;
}

/** Bytes of a string value. */
export function stringLength(arena: Arena, entry: Ref): number {
  if (encodingOf(arena, entry) !== Encoding.INT) return valueLength(arena, entry);
  const words = wordsOf(arena, entry);
  const at = wordFieldIndex(arena, entry);
  return int64TextBytes(words[at + 1] as number, words[at] as number);
}

/** Reads an INT-encoded value. False when the value is not encoded so. */
export function readInteger(arena: Arena, entry: Ref, out: Int64): boolean {
  if (encodingOf(arena, entry) !== Encoding.INT) return false;
  const words = wordsOf(arena, entry);
  const at = wordFieldIndex(arena, entry);
  out.lo = words[at] as number;
  out.hi = words[at + 1] as number;
  return true;
}
