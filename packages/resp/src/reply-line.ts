/**
 * The first line of a reply: the types that RESP has, and the values of those that have nothing but
 * this line and that no decoding of strings is asked for.
 */
import { parseInt64, parseInteger } from "./number-codec.ts";
import { latin1 } from "./text.ts";

/** The first byte of a reply. */
export const ReplyType = {
  SIMPLE: 43, // +
  ERROR: 45, // -
  INTEGER: 58, // :
  BULK: 36, // $
  ARRAY: 42, // *
  NULL: 95, // _
  BOOLEAN: 35, // #
  DOUBLE: 44, // ,
  BIG_NUMBER: 40, // (
  BLOB_ERROR: 33, // !
  VERBATIM: 61, // =
  MAP: 37, // %
  SET: 126, // ~
  PUSH: 62, // >
  ATTRIBUTE: 124, // |
} as const;

const CR = 13;
const LF = 10;
const MINUS = 45;
const ONE = 49;

/** The most that an announced count or length may be. */
const COUNT_MAX = 0xffffffff;

/** Whether the line from `at` on is "-1", of the `length` bytes that are there. */
export function isMinusOne(bytes: Uint8Array, at: number, length: number): boolean {
  return (
    at + 4 <= length &&
    bytes[at] === MINUS &&
    bytes[at + 1] === ONE &&
    bytes[at + 2] === CR &&
    bytes[at + 3] === LF
  );
}

/** Whether a line ends at `at`; `length` bytes are there. */
export function isLineBreak(bytes: Uint8Array, at: number, length: number): boolean {
  return at + 2 <= length && bytes[at] === CR && bytes[at + 1] === LF;
}

/**
 * The value of a line of `type`, whose bytes after that are bytes[start, end). A line that says none
 * is Refused with the reason.
 */
export function lineValue(
  type: number,
  bytes: Uint8Array,
  start: number,
  end: number,
): number | bigint | boolean | null | Refused {
  switch (type) {
    case ReplyType.INTEGER:
      return integerOf(bytes, bytes[start] === ReplyType.SIMPLE ? start + 1 : start, end);
    case ReplyType.NULL:
      return start === end ? null : new Refused("null with a value");
    case ReplyType.BOOLEAN: {
      const letter = end - start === 1 ? bytes[start] : 0;
      return letter === 116 || (letter === 102 ? false : new Refused("not a boolean"));
    }
    case ReplyType.DOUBLE:
      return doubleOf(latin1(bytes, start, end));
    case ReplyType.BIG_NUMBER:
      return bigNumberOf(latin1(bytes, start, end));
    default:
      return new Refused(`unknown type byte ${type}`);
  }
}

/** Why a line has no value. */
export class Refused {
  readonly reason: string;
  constructor(reason: string) {
    this.reason = reason;
  }
}

/** The count or length of a header; null for -1, NaN when it is neither. */
export function lengthOf(bytes: Uint8Array, start: number, end: number): number | null {
  const n = parseInteger(bytes, start, end);
  if (n === -1) return null;
  return n >= 0 && n <= COUNT_MAX ? n : Number.NaN;
}

function integerOf(bytes: Uint8Array, start: number, end: number): number | bigint | Refused {
  const small = parseInteger(bytes, start, end);
  if (!Number.isNaN(small)) return small;
  return parseInt64(bytes, start, end) ?? new Refused("not an integer");
}

function doubleOf(text: string): number | Refused {
  if (text === "inf" || text === "+inf") return Number.POSITIVE_INFINITY;
  if (text === "-inf") return Number.NEGATIVE_INFINITY;
  if (text === "nan" || text === "-nan") return Number.NaN;
  if (!/^[+-]?\d{1,400}(\.\d{0,400})?([eE][+-]?\d{1,4})?$/.test(text)) {
    return new Refused("not a double");
  }
  return Number(text);
}

function bigNumberOf(text: string): bigint | Refused {
  if (!/^[+-]?\d+$/.test(text)) return new Refused("not a big number");
  return text[0] === "+" ? BigInt(text.slice(1)) : BigInt(text);
}
