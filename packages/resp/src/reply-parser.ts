/**
 * ReplyParser: the client's side. Bytes of a server go in by feed(), whole replies come out of
 * next() as JavaScript values.
 *
 *   + $        string, or Uint8Array; see `strings`      =   VerbatimReply
 *   -  !       ReplyError, as a value                     >   PushReply
 *   :          number, bigint beyond 2^53                 |   AttributedReply around the next value
 *   ,          number                                     *   Array
 *   #          boolean                                    %   Map
 *   _ $-1 *-1  null                                       ~   Set
 *   (          bigint
 *
 * Promises:
 *   - Replies may be cut at any byte. Nothing is read twice: open aggregates are kept on a stack
 *     of our own, so a deep reply cannot exhaust the engine's.
 *   - Memory follows the bytes received. An announced count or length allocates nothing.
 *   - A server that breaks the protocol, or a limit, causes a ReplySyntaxError, after which the
 *     parser is of no more use.
 *
 * Keys of a Map and members of a Set compare as JavaScript compares: with `strings: "bytes"` two
 * equal keys are two keys. Aggregates without a length ("*?"), which no Redis has ever sent, are
 * refused.
 *
 * next() itself reads what most replies are made of, when it is there in full and is written as every
 * server writes it. Whatever is cut, rare or wrong it leaves to line(), which knows every type.
 */
import { type LargeBulk, LargeBytes, LargeLatin1, LargeUtf8 } from "./large-bulk.ts";
import {
  AttributedReply,
  PushReply,
  type Reply,
  ReplyError,
  ReplySyntaxError,
  VerbatimReply,
} from "./reply.ts";
import { copyOf, ReplyInput, viewOf } from "./reply-input.ts";
import { isLineBreak, isMinusOne, lengthOf, lineValue, Refused, ReplyType } from "./reply-line.ts";
import type { ReplyParserOptions } from "./reply-options.ts";
import { SHORT_TEXT_MAX, shortText } from "./short-text.ts";
import { latin1, longLatin1, longUtf8, utf8 } from "./text.ts";
import { isBytes, typeName } from "./type-name.ts";

const CR = 13;
const LF = 10;
const ZERO = 48;
const MINUS = 45;

const { ARRAY, ATTRIBUTE, BLOB_ERROR, BULK, ERROR, INTEGER, MAP, PUSH, SET, SIMPLE, VERBATIM } =
  ReplyType;
/** Stands for attributes and the value that they belong to; no byte of the protocol. */
const ATTRIBUTED = 0;

/** An aggregate around the innermost one. */
interface Frame {
  readonly kind: number;
  readonly count: number;
  readonly values: Reply[];
  readonly filled: number;
  readonly outer: Frame | null;
}

/** What begins at `pos`. */
const State = {
  /** A value of which nothing was read. */
  FRESH: 0,
  /** A line whose end was searched for up to `scan`. */
  LINE: 1,
  /** The bytes of a bulk whose header was read. */
  BULK: 2,
  /** More bytes of a bulk that is put together outside the buffer. */
  LARGE: 3,
  /** Nobody knows. */
  BROKEN: 4,
} as const;

/** A bulk of at least this that has not all come does not wait in the buffer. */
const LARGE_MIN = 32 * 1024;
/** A larger bulk does not wait either when all of it is there: no string may be long enough for it. */
const WHOLE_MAX = 16 * 1024 * 1024;
/** Pieces of a large bulk that are smaller are collected first: each costs an object or two. */
const PIECE_MIN = 4096;
/** What a minus sign is where a digit is expected. */
const MINUS_DIGIT = MINUS - ZERO;
/** As many digits as are exact whatever they are. */
const DIGITS_EXACT = 15;
/** As many digits as fit 32-bit arithmetic whatever they are. */
const DIGITS_PLAIN = 9;
/** Values that an aggregate gets room for at once; what has one value at all is given no less. */
const ROOM_MAX = 16;
const BULK_END = "a bulk does not end where its length says";
/** The shortest limit of a line: what next() reads without asking is never longer. */
const LINE_LEAST = 32;

/** Reads the replies of one server; one per connection. */
export class ReplyParser extends ReplyInput {
  private readonly strings: "utf8" | "latin1" | "bytes";
  /** Strings of at most so many bytes are shortText, with this limit. */
  private readonly shortMax: number = SHORT_TEXT_MAX;
  private readonly shortLimit: number = 0;
  /** What other strings become. */
  private readonly decode: (bytes: Uint8Array, start: number, end: number) => string | Uint8Array;
  private readonly depthMax: number;
  private readonly bulkLengthMax: number;
  /** The longest bulk that is made in one go. */
  private readonly wholeMax: number;
  private readonly lineLengthMax: number;

  private state: number = State.FRESH;
  /** The type and the length of the bulk whose header was read. */
  private bulkType = 0;
  private bulkLength = 0;
  private large: LargeBulk | null = null;

  /** The innermost open aggregate: what it has of its `count` values. Null between replies. */
  private values: Reply[] | null = null;
  private filled = 0;
  private count = 0;
  /** Its type. */
  private kind: number = ARRAY;
  /** The aggregates around it, and how many are open with it. */
  private outer: Frame | null = null;
  private depth = 0;
  /** Whether a reply begins at `pos` of which nothing was read. */
  private isBetween = true;

  private failure: ReplySyntaxError | null = null;

  /** `options` are copied. Throws a TypeError for `strings` that there are not. */
  constructor(options: ReplyParserOptions = {}) {
    const { strings = "utf8", keepChunks = false } = options;
    if (!/^(utf8|latin1|bytes)$/.test(strings))
      throw new TypeError(`strings must be "utf8", "latin1" or "bytes", not ${String(strings)}`);
    super(keepChunks, keepChunks && strings !== "utf8" && strings !== "latin1");
    this.strings = strings;
    if (strings === "utf8") {
      this.shortLimit = 128;
      this.decode = longUtf8;
    } else if (strings === "latin1") {
      this.shortLimit = 256;
      this.decode = longLatin1;
    } else {
      this.shortMax = -1;
      this.decode = keepChunks ? viewOf : copyOf;
    }
    this.depthMax = options.depthMax ?? 128;
    this.bulkLengthMax = options.bulkLengthMax ?? 512 * 1024 * 1024;
    this.wholeMax = Math.min(this.bulkLengthMax, WHOLE_MAX);
    this.lineLengthMax = Math.max(options.lineLengthMax ?? 64 * 1024, LINE_LEAST);
  }

  /** Bytes fed and not yet part of a value. */
  get pendingBytes(): number {
    return this.length - this.pos + (this.large === null ? 0 : this.large.length);
  }

  /**
   * Adds bytes of the server, cut anywhere. They are copied, and `chunk` may be used again, unless the
   * parser was given `keepChunks`. What is wrong with them next() says; but a chunk that is no bytes, as
   * those of a socket with an encoding are, is a TypeError.
   */
  feed(chunk: Uint8Array): void {
    if (!isBytes(chunk))
      throw new TypeError(`a chunk must be a Uint8Array, not ${typeName(chunk)}`);
    let from = 0;
    if (this.state === State.LARGE && this.pos === this.length) {
      const count = Math.min(chunk.length, this.bulkLength - this.large!.length);
      if (count >= PIECE_MIN) {
        this.extend(chunk, 0, count);
        from = count;
      }
    }
    if (from < chunk.length) this.append(chunk, from);
  }

  /**
   * The next whole reply, or undefined when more bytes are needed. Throws a ReplySyntaxError when what
   * came is no reply or is over a limit, and at every call after that.
   */
  next(): Reply | undefined {
    if (this.isBetween) {
      const { bytes, length, pos } = this;
      if (pos === length) return this.starve();
      const type = bytes[pos];
      // An integer costs less than a call: reading one fits into the loop of whoever asks.
      if (type === INTEGER) {
        let end = pos + 1;
        let digit = end < length ? bytes[end] - ZERO : -1;
        const isNegative = digit === MINUS_DIGIT;
        if (isNegative) digit = ++end < length ? bytes[end] - ZERO : -1;
        let number = digit;
        if (number > 0 && number <= 9) {
          const stop = Math.min(length, end + DIGITS_PLAIN);
          while (++end < stop) {
            digit = bytes[end] - ZERO;
            if (digit < 0 || digit > 9) break;
            number = (number * 10 + digit) | 0;
          }
          if (isLineBreak(bytes, end, length)) {
            this.pos = end + 2;
            return isNegative ? -number : number;
          }
        }
      } else if (type === BULK) {
        if (!isMinusOne(bytes, pos + 1, length)) return this.bulkOrElse();
        this.pos = pos + 5;
        return null;
      }
    }
    return this.read();
  }

  /** The bulk at `pos` that is a reply by itself, if it is whole. */
  private bulkOrElse(): Reply | undefined {
    const { bytes, length, pos } = this;
    let end = pos + 1;
    let digit = end < length ? bytes[end] - ZERO : -1;
    if (digit > 0 && digit <= 9) {
      let number = digit;
      const stop = Math.min(length, end + DIGITS_PLAIN);
      while (++end < stop) {
        digit = bytes[end] - ZERO;
        if (digit < 0 || digit > 9) break;
        number = (number * 10 + digit) | 0;
      }
      if (isLineBreak(bytes, end, length)) {
        const value = this.wholeBulk(end + 2, number);
        if (value !== undefined) {
          this.pos = end + number + 4;
          return value;
        }
      }
    }
    return this.read();
  }

  /** Whatever comes next. */
  private read(): Reply | undefined {
    let value: Reply | undefined;
    if (this.state !== State.FRESH) {
      value = this.resume();
      if (this.state !== State.FRESH) return undefined;
    }
    const { bytes, length } = this;
    let { pos: at, values, filled, count } = this;
    while (true) {
      if (value === undefined) {
        if (at >= length) break;
        const type = bytes[at];
        if (type === BULK || type === INTEGER || type === ARRAY) {
          let end = at + 1;
          let digit = end < length ? bytes[end] - ZERO : -1;
          const isNegative = digit === MINUS_DIGIT;
          if (isNegative) digit = ++end < length ? bytes[end] - ZERO : -1;
          let number = digit;
          const stop = end + DIGITS_PLAIN;
          if (number > 0 && number <= 9) {
            while (++end < length && end < stop) {
              digit = bytes[end] - ZERO;
              if (digit < 0 || digit > 9) break;
              number = (number * 10 + digit) | 0;
            }
          } else if (number === 0 && !isNegative) end++;
          else end = length;
          if (isLineBreak(bytes, end, length)) {
            const after = end + 2;
            if (type === INTEGER) {
              at = after;
              if (isNegative) number = -number;
              if (filled + 1 < count && values !== null) {
                values[filled++] = number;
                continue;
              }
              value = number;
            } else if (isNegative) {
              if (number === 1) {
                value = null;
                at = after;
              }
            } else if (type === BULK) {
              value = this.wholeBulk(after, number);
              if (value !== undefined) at = after + number + 2;
            } else if (number > 0 && this.depth < this.depthMax) {
              values = this.openArray(number, values, filled);
              filled = 0;
              count = number;
              at = after;
              continue;
            }
          } else if (type === INTEGER && end === stop) {
            value = this.wideInteger(end, number, isNegative);
            if (value !== undefined) at = this.pos;
          }
        } else if (type === SIMPLE) {
          value = this.wholeSimple(at + 1);
          if (value !== undefined) at = this.pos;
        }
        if (value === undefined) {
          value = this.lineAt(at, values, filled);
          if (value === undefined && this.state !== State.FRESH) return undefined;
          ({ pos: at, values, filled, count } = this);
        }
      }
      // A finished value may finish the aggregate it belongs to, and that the next one out.
      while (value !== undefined) {
        if (values === null) {
          this.pos = at;
          this.values = null;
          this.isBetween = true;
          return value;
        }
        values[filled++] = value;
        if (filled < count) value = undefined;
        else if (this.outer === null && this.kind === ARRAY) {
          this.depth = 0;
          value = values;
          values = null;
        } else {
          value = this.close(values);
          ({ values, filled, count } = this);
        }
      }
    }
    this.pos = at;
    this.values = values;
    this.filled = filled;
    this.isBetween = values === null;
    return this.starve();
  }

  /** The line at `at`, inside the aggregate that has these values; see line(). */
  private lineAt(at: number, values: Reply[] | null, filled: number): Reply | undefined {
    this.pos = at;
    this.scan = at;
    this.values = values;
    this.filled = filled;
    this.isBetween = false;
    return this.line();
  }

  /** The bulk whose bytes begin at `at`, if all are there and their line break is. */
  private wholeBulk(at: number, count: number): string | Uint8Array | undefined {
    const { bytes } = this;
    const end = at + count;
    if (count > this.wholeMax || !isLineBreak(bytes, end, this.length)) return undefined;
    if (count <= this.shortMax) {
      const text = shortText(bytes, at, count, this.shortLimit);
      if (text !== undefined) return text;
    }
    return this.decode(bytes, at, end);
  }

  /** The simple string whose bytes begin at `at`, if its line is whole; leaves `pos` after it. */
  private wholeSimple(at: number): string | Uint8Array | undefined {
    const { bytes, length } = this;
    let end = at;
    while (end < length && bytes[end] !== CR) end++;
    const count = end - at;
    if (count >= this.lineLengthMax || !isLineBreak(bytes, end, length)) return undefined;
    this.pos = end + 2;
    if (count <= this.shortMax) {
      const text = shortText(bytes, at, count, this.shortLimit);
      if (text !== undefined) return text;
    }
    return this.decode(bytes, at, end);
  }

  /** Opens an array, inside the one that has these values, if there is one. */
  private openArray(count: number, values: Reply[] | null, filled: number): Reply[] {
    if (values !== null) this.enclose(values, filled);
    this.kind = ARRAY;
    this.count = count;
    this.depth++;
    return roomFor(count);
  }

  /**
   * The integer whose further digits begin at `end`, if its line is whole and it is exact as a number;
   * leaves `pos` after it.
   */
  private wideInteger(at: number, high: number, isNegative: boolean): number | undefined {
    const { bytes, length } = this;
    let number = high;
    let end = at;
    const stop = at + DIGITS_EXACT - DIGITS_PLAIN;
    for (; end < length && end < stop; end++) {
      const digit = bytes[end] - ZERO;
      if (digit < 0 || digit > 9) break;
      number = number * 10 + digit;
    }
    if (!isLineBreak(bytes, end, length)) return undefined;
    this.pos = end + 2;
    return isNegative ? -number : number;
  }

  /** Goes on with what was cut. Undefined: still cut, or an aggregate was opened. */
  private resume(): Reply | undefined {
    switch (this.state) {
      case State.LINE:
        return this.line();
      case State.BULK:
        return this.bulk();
      case State.LARGE:
        return this.largeBulk();
      default:
        throw this.failure!;
    }
  }

  /** The line at `pos`: a value, or undefined when it is cut or a header. */
  private line(): Reply | undefined {
    const end = this.lineEnd();
    if (end < 0) {
      this.state = State.LINE;
      return undefined;
    }
    const type = this.bytes[this.pos];
    const start = this.pos + 1;
    this.pos = end + 2;
    this.state = State.FRESH;
    switch (type) {
      case ARRAY:
      case MAP:
      case SET:
      case PUSH:
      case ATTRIBUTE: {
        const count = this.lengthOf(start, end);
        if (count === null) return type === ARRAY ? null : this.fail("negative length");
        if (this.depth >= this.depthMax) this.fail("nested too deep");
        if (this.values !== null) this.enclose(this.values, this.filled);
        this.depth++;
        this.kind = type;
        this.count = type === MAP || type === ATTRIBUTE ? count * 2 : count;
        this.values = roomFor(count);
        this.filled = 0;
        return count === 0 ? this.close(this.values) : undefined;
      }
      case BULK:
      case VERBATIM:
      case BLOB_ERROR: {
        const length = this.lengthOf(start, end);
        if (length === null) return type === BULK ? null : this.fail("negative length");
        if (length > this.bulkLengthMax) this.fail("bulk length over the limit");
        this.state = State.BULK;
        this.bulkType = type;
        this.bulkLength = length;
        return this.bulk();
      }
      case SIMPLE:
        return this.decode(this.bytes, start, end);
      case ERROR:
        return new ReplyError(this.errorText(start, end));
      default: {
        const value = lineValue(type, this.bytes, start, end);
        return value instanceof Refused ? this.fail(value.reason) : value;
      }
    }
  }

  /** The bulk at `pos`, or undefined when it is cut. */
  private bulk(): Reply | undefined {
    const { bytes, pos: start, bulkType: type } = this;
    const end = start + this.bulkLength;
    const isCut = end + 2 > this.length;
    if (isCut && (type !== BULK || this.bulkLength < LARGE_MIN)) return undefined;
    if (isCut || (type === BULK && this.bulkLength > WHOLE_MAX)) {
      this.state = State.LARGE;
      this.large =
        this.strings === "utf8"
          ? new LargeUtf8()
          : this.strings === "latin1"
            ? new LargeLatin1()
            : new LargeBytes(this.keepsChunks);
      return this.largeBulk();
    }
    if (bytes[end] !== CR || bytes[end + 1] !== LF) this.fail(BULK_END);
    this.pos = end + 2;
    this.state = State.FRESH;
    if (type === BULK) return this.decode(bytes, start, end);
    if (type === BLOB_ERROR) return new ReplyError(this.errorText(start, end));
    if (end - start < 4 || bytes[start + 3] !== 58) this.fail("verbatim text without a format");
    return new VerbatimReply(latin1(bytes, start, start + 3), utf8(bytes, start + 4, end));
  }

  /** What is in the buffer of the bulk that is put together; the bulk when that was the rest. */
  private largeBulk(): Reply | undefined {
    const large = this.large!;
    const left = this.bulkLength - large.length;
    const count = Math.min(left, this.length - this.pos);
    if (count > 0 && (count === left || count >= PIECE_MIN)) {
      this.extend(this.bytes, this.pos, this.pos + count);
      if (this.failure !== null) throw this.failure;
      this.pos += count;
    }
    if (large.length < this.bulkLength || this.length - this.pos < 2) return undefined;
    const { bytes, pos } = this;
    if (bytes[pos] !== CR || bytes[pos + 1] !== LF) this.fail(BULK_END);
    this.pos = pos + 2;
    this.state = State.FRESH;
    this.large = null;
    return large.finish();
  }

  /** The message of an error is text even where strings are bytes. */
  private errorText(start: number, end: number): string {
    const decode = this.strings === "utf8" ? utf8 : latin1;
    return decode(this.bytes, start, end);
  }

  /** Where the line that starts at `pos` ends, or -1 when its line break is not there yet. */
  private lineEnd(): number {
    const { bytes, length } = this;
    let at = this.scan;
    while (at < length && bytes[at] !== CR) at++;
    this.scan = at;
    if (at - this.pos > this.lineLengthMax) this.fail("line over the limit");
    if (at + 1 >= length) return -1;
    if (bytes[at + 1] !== LF) this.fail("carriage return without line feed");
    if (at === this.pos) this.fail("empty line");
    return at;
  }

  /** The count or length of a header; null for -1. */
  private lengthOf(start: number, end: number): number | null {
    const count = lengthOf(this.bytes, start, end);
    return Number.isNaN(count) ? this.fail("invalid length") : count;
  }

  /** Puts the innermost aggregate, which has these values, around one that follows. */
  private enclose(values: Reply[], filled: number): void {
    const { kind, count, outer } = this;
    this.outer = { kind, count, values, filled, outer };
  }

  /**
   * Turns the innermost aggregate, whose values are all there, into one, and goes on with that around
   * it. Undefined: those were attributes, and the value that they belong to is to come.
   */
  private close(values: Reply[]): Reply | undefined {
    const { kind, outer } = this;
    if (kind === ATTRIBUTE) {
      this.kind = ATTRIBUTED;
      this.values = [mapOf(values)];
      this.filled = 1;
      this.count = 2;
      return undefined;
    }
    this.depth--;
    if (outer === null) this.values = null;
    else {
      this.kind = outer.kind;
      this.count = outer.count;
      this.values = outer.values;
      this.filled = outer.filled;
      this.outer = outer.outer;
    }
    switch (kind) {
      case MAP:
        return mapOf(values);
      case SET:
        return new Set(values);
      case PUSH:
        return new PushReply(values);
      case ATTRIBUTED:
        return new AttributedReply(values[0] as Map<Reply, Reply>, values[1]);
      default:
        return values;
    }
  }

  /** Adds to the bulk that is put together. A string may become too long for the engine. */
  private extend(bytes: Uint8Array, start: number, end: number): void {
    try {
      this.large!.add(bytes, start, end);
    } catch (cause) {
      this.failure = new ReplySyntaxError("a bulk is longer than text can be", { cause });
      this.state = State.BROKEN;
    }
  }

  private fail(message: string): never {
    this.failure = new ReplySyntaxError(message);
    this.state = State.BROKEN;
    throw this.failure;
  }
}

/** For the first values of an aggregate; the rest of the room is made as they come. */
function roomFor(count: number): Reply[] {
  return new Array<Reply>(Math.min(count, ROOM_MAX));
}

function mapOf(values: Reply[]): Map<Reply, Reply> {
  const map = new Map<Reply, Reply>();
  for (let i = 0; i + 1 < values.length; i += 2) map.set(values[i], values[i + 1]);
  return map;
}
