/**
 * What SCAN, HSCAN, SSCAN and ZSCAN have in common: the cursor and the options behind it.
 *
 *      const options = new ScanOptions();            // one per command, reused
 *      const cursor = scanCursor(call, 1);           // "ERR invalid cursor"
 *      options.parse(call, 2, true);                 // MATCH, COUNT and, for SCAN alone, TYPE
 *      ... if (options.matches(bytes, start, end)) ...
 *
 * Redis reads the cursor before it looks the key up and the options after it, so that a missing
 * key answers even where the options are wrong: hence two steps.
 */
import { globMatch } from "@kv/core";
import { arg } from "../declare/arg.ts";
import type { Call } from "./call.ts";
import { errors } from "./errors.ts";

const STAR = 42;
const DEFAULT_COUNT = 10;
/** Elements per call, however many are asked for: what a 32-bit count can hold. */
const COUNT_MAX = 2 ** 31 - 1;
/** No cursor has more digits, however many zeros stand in front of it. */
const CURSOR_BYTES_MAX = 1024;
const UINT64_MAX = 2n ** 64n - 1n;

/**
 * The cursor at an argument, as an unsigned 32-bit number. Redis reads it as strtoul does: a sign
 * is allowed, nothing at all is zero, and a zero byte ends it. Our cursors have 32 bits; of a
 * foreign one the lower half counts, which is as good as any.
 */
export function scanCursor(call: Call, index: number): number {
  const { bytes } = call;
  const start = call.start(index);
  const end = call.end(index);
  let value = 0;
  let at = start;
  for (; at < end; at++) {
    const digit = (bytes[at] as number) - 48;
    if (digit < 0 || digit > 9) break;
    value = value * 10 + digit;
  }
  if ((at === end || bytes[at] === 0) && value < 2 ** 32) return value;
  if (end - start > CURSOR_BYTES_MAX) throw errors.invalidCursor;
  return foreignCursor(call.text(index));
}

function foreignCursor(text: string): number {
  const parts = /^([+-]?)(\d+)(?:\0|$)/.exec(text);
  // Without digits strtoul stops where it began: fine if there the text ends, too.
  if (parts === null) {
    if (text === "" || text[0] === "\0") return 0;
    throw errors.invalidCursor;
  }
  const digits = (parts[2] as string).replace(/^0+/, "");
  if (digits.length > 20) throw errors.invalidCursor;
  const value = BigInt(digits === "" ? "0" : digits);
  if (value > UINT64_MAX) throw errors.invalidCursor;
  return Number(BigInt.asUintN(32, parts[1] === "-" ? -value : value));
}

/** The options that the scan of one value has, for its declaration. */
export const scanOptionArgs = [
  arg.optional(arg.pattern("pattern", { token: "MATCH" })),
  arg.optional(arg.integer("count", { token: "COUNT" })),
];

/** Replies that a key that is not there has been scanned to its end. Wrong options do not matter then. */
export function replyNothingScanned({ reply }: Call): void {
  reply.array(2);
  reply.bulkInteger(0);
  reply.array(0);
}

/** MATCH, COUNT and TYPE of the command that runs now. */
export class ScanOptions {
  /** About how many elements to visit. */
  count = DEFAULT_COUNT;
  /** Argument with the pattern; 0: everything matches. */
  patternArgument = 0;
  /** Argument with the name of a type; 0: all types. */
  typeArgument = 0;
  /** NOVALUES: fields without their values. */
  hasNoValues = false;
  private bytes: Uint8Array = new Uint8Array(0);
  private start = 0;
  private end = 0;

  /** Reads the options from argument `first` on. TYPE is an option of SCAN alone, NOVALUES of HSCAN. */
  parse(call: Call, first: number, takesType: boolean, takesNoValues = false): void {
    this.count = DEFAULT_COUNT;
    this.patternArgument = 0;
    this.typeArgument = 0;
    this.hasNoValues = false;
    const { argc } = call;
    for (let i = first; i < argc; i += 2) {
      const last = i + 1 === argc;
      if (!last && call.is(i, "COUNT")) this.count = countAt(call, i + 1);
      else if (!last && call.is(i, "MATCH")) this.patternArgument = i + 1;
      else if (!last && takesType && call.is(i, "TYPE")) this.typeArgument = i + 1;
      else if (takesNoValues && call.is(i, "NOVALUES")) {
        this.hasNoValues = true;
        i--;
      } else throw errors.syntax;
    }
    if (this.patternArgument === 0) return;
    this.bytes = call.bytes;
    this.start = call.start(this.patternArgument);
    this.end = call.end(this.patternArgument);
    // A lone star also matches what globs do not: the empty name.
    if (this.end - this.start === 1 && this.bytes[this.start] === STAR) this.patternArgument = 0;
  }

  /** True when MATCH lets bytes[start, end) pass. */
  matches(bytes: Uint8Array, start: number, end: number): boolean {
    if (this.patternArgument === 0) return true;
    return globMatch(this.bytes, this.start, this.end, bytes, start, end, false);
  }
}

function countAt(call: Call, index: number): number {
  const count = call.integer(index);
  if (count < 1) throw errors.syntax;
  return Math.min(count, COUNT_MAX);
}
