/**
 * ShortString: a string from a file as far as anybody looks at it: facts, names, what a line quotes.
 *
 * A file can hold strings of a gigabyte, and 1.6 MB of compressed bytes stand for 140 MB. JavaScript
 * text is made of no more than the first kilobyte of any; names are compared as bytes.
 */
import type { RdbInput } from "./input.ts";
import { item, type Skipper, skipString, waitForBytes } from "./skip-string.ts";

/** Strings up to this length are read whole. */
const SHORT_BYTES_MAX = 1024;
/** A line quotes no more of one. */
const SHOWN_BYTES_MAX = 128;

const BACKSLASH = 92;
const escapes: Readonly<Record<number, string>> = { 92: "\\\\", 10: "\\n", 13: "\\r", 9: "\\t" };

/** The first bytes of a string, and how long it is. */
export class ShortString {
  /** The first `length` bytes are the string's. */
  readonly bytes = new Uint8Array(SHORT_BYTES_MAX);
  /** Bytes of the whole string. */
  length = 0;
  /** How long the string is in the file, decompressed. */
  fullLength = 0;

  /** True when all of the string is here. */
  get isWhole(): boolean {
    return this.length === this.fullLength;
  }

  /** Takes the beginning of bytes[start, end), which is all of the string. */
  set(bytes: Uint8Array, start: number, end: number): void {
    this.length = Math.min(end - start, SHORT_BYTES_MAX);
    this.fullLength = end - start;
    for (let i = 0; i < this.length; i++) this.bytes[i] = bytes[start + i];
  }

  /** True when the string is this text, a character for each byte. */
  is(text: string): boolean {
    if (this.fullLength !== text.length || !this.isWhole) return false;
    for (let i = 0; i < text.length; i++) if (this.bytes[i] !== text.charCodeAt(i)) return false;
    return true;
  }

  /** The kept bytes, a character each. */
  text(): string {
    let text = "";
    for (let i = 0; i < this.length; i++) text += String.fromCharCode(this.bytes[i]);
    return text;
  }

  /** For a line of a log: the beginning, with escapes for all that is no printable ASCII. */
  shown(): string {
    const length = Math.min(this.length, SHOWN_BYTES_MAX);
    let text = "";
    for (let i = 0; i < length; i++) text += shownByte(this.bytes[i]);
    const left = this.fullLength - length;
    return left === 0 ? text : `${text}... (${left} more bytes)`;
  }
}

function shownByte(byte: number): string {
  if (byte >= 32 && byte < 127 && byte !== BACKSLASH) return String.fromCharCode(byte);
  return escapes[byte] ?? `\\x${byte.toString(16).padStart(2, "0")}`;
}

/** Reads a string into `out`. What is longer than it holds is passed over and never decompressed. */
export function* readShort(input: RdbInput, out: ShortString): Skipper {
  yield* item(input, (each) => each.peekString());
  if (input.number <= SHORT_BYTES_MAX) {
    yield* item(input, (each) => each.string(each.ignored));
    const { bytes, start, end } = input.ignored;
    out.set(bytes, start, end);
    return;
  }
  out.fullLength = input.number;
  out.length = 0;
  if (!input.isCompressed) {
    // The beginning, whatever of the rest has come.
    const headerBytes = input.dataAt - input.at;
    for (;;) {
      const start = input.at + headerBytes;
      if (start + SHORT_BYTES_MAX <= input.end) {
        out.bytes.set(input.bytes.subarray(start, start + SHORT_BYTES_MAX));
        out.length = SHORT_BYTES_MAX;
        break;
      }
      const status = waitForBytes(input, headerBytes + SHORT_BYTES_MAX);
      input.reachedAt = start;
      yield status;
    }
  }
  yield* skipString(input);
}
