/**
 * Bulk strings that are too large to wait in the parser's buffer until they are whole: each piece is
 * put where it stays as soon as it comes.
 *
 * As text a piece is decoded on arrival and appended; nothing is joined until somebody looks into the
 * string. As bytes the pieces are listed and joined once, when the last of them has come.
 *
 * A character of UTF-8 may be cut. What follows a piece's last lead byte is held back until the bytes
 * that continue it are there: before a lead byte, and after three continuations, a decoder has nothing
 * half done, so that decoding by pieces gives what decoding the whole gives, of invalid bytes too.
 */
import { copyOf, viewOf } from "./reply-input.ts";
import { latin1, utf8 } from "./text.ts";

/** A bulk string in the making. */
export interface LargeBulk {
  /** Bytes added so far. */
  length: number;
  /** Appends bytes[start, end), which are copied. */
  add(bytes: Uint8Array, start: number, end: number): void;
  /** The whole, as what it was to become. */
  finish(): string | Uint8Array;
}

/** One character for each byte. */
export class LargeLatin1 implements LargeBulk {
  length = 0;
  private text = "";

  add(bytes: Uint8Array, start: number, end: number): void {
    this.length += end - start;
    this.text += latin1(bytes, start, end);
  }

  finish(): string {
    return this.text;
  }
}

const LEAD = 0xc0;
const CONTINUATION_MASK = 0xc0;
const CONTINUATION = 0x80;
/** The longest character has four bytes. */
const CONTINUATIONS_MAX = 3;

/** Text in UTF-8; what is not valid becomes U+FFFD. */
export class LargeUtf8 implements LargeBulk {
  length = 0;
  private text = "";
  /** The character whose end has not come: a lead byte and fewer than three continuations. */
  private readonly cut = new Uint8Array(1 + CONTINUATIONS_MAX);
  private cutLength = 0;

  add(bytes: Uint8Array, start: number, end: number): void {
    this.length += end - start;
    let from = start;
    if (this.cutLength > 0) {
      from = this.resume(bytes, start, end);
      if (from < 0) return;
    }
    const to = lastLead(bytes, from, end);
    for (let i = to; i < end; i++) this.cut[this.cutLength++] = bytes[i];
    this.text += utf8(bytes, from, to);
  }

  finish(): string {
    return this.cutLength === 0 ? this.text : this.text + utf8(this.cut, 0, this.cutLength);
  }

  /** Ends the cut character; returns the position after it, or -1 when bytes may still belong to it. */
  private resume(bytes: Uint8Array, start: number, end: number): number {
    let at = start;
    while (this.cutLength <= CONTINUATIONS_MAX) {
      if (at === end) return -1;
      if ((bytes[at] & CONTINUATION_MASK) !== CONTINUATION) break;
      this.cut[this.cutLength++] = bytes[at++];
    }
    this.text += utf8(this.cut, 0, this.cutLength);
    this.cutLength = 0;
    return at;
  }
}

/** Where the last character starts if it may go on after `end`; otherwise `end`. */
function lastLead(bytes: Uint8Array, start: number, end: number): number {
  const least = Math.max(start, end - CONTINUATIONS_MAX);
  for (let at = end - 1; at >= least; at--) {
    if (bytes[at] >= LEAD) return at;
    if (bytes[at] < CONTINUATION) return end;
  }
  return end;
}

/** Bytes as they are, in memory of their own. */
export class LargeBytes implements LargeBulk {
  length = 0;
  private readonly pieces: Uint8Array[] = [];
  private readonly keepsPieces: boolean;

  /** With `keepsPieces` nobody changes what is added, so that it is copied only once, at the end. */
  constructor(keepsPieces: boolean) {
    this.keepsPieces = keepsPieces;
  }

  add(bytes: Uint8Array, start: number, end: number): void {
    this.length += end - start;
    this.pieces.push((this.keepsPieces ? viewOf : copyOf)(bytes, start, end));
  }

  finish(): Uint8Array {
    const whole = new Uint8Array(this.length);
    let at = 0;
    for (const piece of this.pieces) {
      whole.set(piece, at);
      at += piece.length;
    }
    return whole;
  }
}
