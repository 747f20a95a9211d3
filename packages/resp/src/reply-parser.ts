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
 */

import { parseInt64 } from "./number-codec.ts";
import { latin1, utf8 } from "./text.ts";

export type Reply =
  | string
  | number
  | bigint
  | boolean
  | null
  | Uint8Array
  | ReplyError
  | VerbatimReply
  | PushReply
  | AttributedReply
  | Reply[]
  | Map<Reply, Reply>
  | Set<Reply>;

/** An error that the server answered with. */
export class ReplyError extends Error {
  override readonly name = "ReplyError";

  /** The first word, as in ERR or WRONGTYPE. */
  get code(): string {
    const space = this.message.indexOf(" ");
    return space < 0 ? this.message : this.message.slice(0, space);
  }
}

/** What came is not RESP, or more than the limits allow. */
export class ReplySyntaxError extends Error {
  override readonly name = "ReplySyntaxError";
}

/** Something the server says unasked, such as a published message or an invalidation. */
export class PushReply {
  readonly push: Reply[];
  constructor(push: Reply[]) {
    this.push = push;
  }
}

/** A value with attributes that the server attached to it. */
export class AttributedReply {
  readonly attributes: Map<Reply, Reply>;
  readonly value: Reply;
  constructor(attributes: Map<Reply, Reply>, value: Reply) {
    this.attributes = attributes;
    this.value = value;
  }
}

/** Text with a three-letter format. */
export class VerbatimReply {
  readonly format: string;
  readonly text: string;
  constructor(format: string, text: string) {
    this.format = format;
    this.text = text;
  }
}

export interface ReplyParserOptions {
  /** What strings become: "utf8" (the default), "latin1" (one character a byte) or "bytes". */
  strings?: "utf8" | "latin1" | "bytes";
  /** How many aggregates may be open inside one another. */
  depthMax?: number;
  bulkLengthMax?: number;
  /** Lines are short; a longer one is an attack or another protocol. */
  lineLengthMax?: number;
}

const CR = 13;
const LF = 10;

/** An aggregate whose parts have not all come. */
interface Frame {
  type: number;
  /** Values to come. */
  left: number;
  values: Reply[];
  /** Of a frame that waits for the value which attributes belong to. */
  attributes: Map<Reply, Reply> | null;
}

const ARRAY = 42;
const MAP = 37;
const SET = 126;
const PUSH = 62;
const ATTRIBUTE = 124;
const VERBATIM = 61;
const BLOB_ERROR = 33;
/** The type of a frame for one value that has attributes; no byte of the protocol. */
const ATTRIBUTED = 0;

/** Stands for "not there yet" where null is a value. */
const NOTHING = Symbol("no whole reply");

const BUFFER_INITIAL = 4096;
const BUFFER_KEPT = 1 << 20;

/** One per connection. */
export class ReplyParser {
  private readonly strings: "utf8" | "latin1" | "bytes";
  private readonly depthMax: number;
  private readonly bulkLengthMax: number;
  private readonly lineLengthMax: number;

  /** What waits is bytes[pos, length). */
  private bytes: Uint8Array = new Uint8Array(BUFFER_INITIAL);
  private pos = 0;
  private length = 0;
  /** How far the current line was searched for its end. */
  private scan = 0;
  /** The type of the bulk whose header was read, and its length; -1 when there is none. */
  private bulkType = 0;
  private bulkLength = -1;
  private readonly frames: Frame[] = [];

  constructor(options: ReplyParserOptions = {}) {
    this.strings = options.strings ?? "utf8";
    this.depthMax = options.depthMax ?? 128;
    this.bulkLengthMax = options.bulkLengthMax ?? 512 * 1024 * 1024;
    this.lineLengthMax = options.lineLengthMax ?? 64 * 1024;
  }

  /** Bytes fed and not yet part of a value. */
  get pendingBytes(): number {
    return this.length - this.pos;
  }

  /** Adds bytes, which are copied. */
  feed(chunk: Uint8Array): void {
    const waiting = this.length - this.pos;
    if (this.length + chunk.length > this.bytes.length) {
      const total = waiting + chunk.length;
      if (total <= this.bytes.length && this.pos >= waiting) {
        this.bytes.copyWithin(0, this.pos, this.length);
      } else {
        const grown = new Uint8Array(Math.max(BUFFER_INITIAL, total * 2));
        grown.set(this.bytes.subarray(this.pos, this.length));
        this.bytes = grown;
      }
      this.scan -= this.pos;
      this.pos = 0;
      this.length = waiting;
    }
    this.bytes.set(chunk, this.length);
    this.length += chunk.length;
  }

  /** The next whole reply, or undefined when more bytes are needed. */
  next(): Reply | undefined {
    while (true) {
      let value = this.value();
      if (value === NOTHING) return undefined;
      // A finished value may finish the aggregate it belongs to, and that the next one out.
      while (value !== NOTHING) {
        const frame = this.frames[this.frames.length - 1];
        if (frame === undefined) {
          this.release();
          return value as Reply;
        }
        frame.values.push(value as Reply);
        frame.left--;
        value = frame.left > 0 ? NOTHING : this.close();
      }
    }
  }

  /** Lets go of a large buffer that has been emptied. */
  private release(): void {
    if (this.pos < this.length) return;
    if (this.bytes.length > BUFFER_KEPT) this.bytes = new Uint8Array(BUFFER_INITIAL);
    this.pos = 0;
    this.length = 0;
    this.scan = 0;
  }

  /** One value that is not an aggregate, or an empty one; opens a frame for any other. */
  private value(): Reply | typeof NOTHING {
    while (true) {
      if (this.bulkLength >= 0) return this.bulk();
      const end = this.lineEnd();
      if (end < 0) return NOTHING;
      const type = this.bytes[this.pos];
      const start = this.pos + 1;
      this.pos = end + 2;
      this.scan = this.pos;
      switch (type) {
        case ARRAY:
        case MAP:
        case SET:
        case PUSH:
        case ATTRIBUTE: {
          const count = this.lengthOf(start, end);
          if (count === null) {
            if (type !== ARRAY) throw new ReplySyntaxError("negative length");
            return null;
          }
          this.open(type, type === MAP || type === ATTRIBUTE ? count * 2 : count);
          if (count === 0) {
            const empty = this.close();
            if (empty !== NOTHING) return empty;
          }
          break;
        }
        case 36: // $
        case VERBATIM:
        case BLOB_ERROR: {
          const length = this.lengthOf(start, end);
          if (length === null) {
            if (type !== 36) throw new ReplySyntaxError("negative length");
            return null;
          }
          if (length > this.bulkLengthMax) throw new ReplySyntaxError("bulk length over the limit");
          this.bulkType = type;
          this.bulkLength = length;
          break;
        }
        default:
          return this.scalar(type, start, end);
      }
    }
  }

  private scalar(type: number, start: number, end: number): Reply {
    const { bytes } = this;
    switch (type) {
      case 43: // +
        return this.text(start, end);
      case 45: // -
        return new ReplyError(this.errorText(start, end));
      case 58: {
        // :
        const n = parseInt64(bytes, bytes[start] === 43 ? start + 1 : start, end);
        if (n === null) throw new ReplySyntaxError("not an integer");
        const small = Number(n);
        return Number.isSafeInteger(small) ? small : n;
      }
      case 95: // _
        if (start !== end) throw new ReplySyntaxError("null with a value");
        return null;
      case 35: {
        // #
        const letter = end - start === 1 ? bytes[start] : 0;
        if (letter !== 116 && letter !== 102) throw new ReplySyntaxError("not a boolean");
        return letter === 116;
      }
      case 44: // ,
        return doubleOf(latin1(bytes, start, end));
      case 40: // (
        return bigNumberOf(latin1(bytes, start, end));
      default:
        throw new ReplySyntaxError(`unknown type byte ${type}`);
    }
  }

  private bulk(): Reply | typeof NOTHING {
    const start = this.pos;
    const end = start + this.bulkLength;
    if (end + 2 > this.length) return NOTHING;
    if (this.bytes[end] !== CR || this.bytes[end + 1] !== LF) {
      throw new ReplySyntaxError("a bulk does not end where its length says");
    }
    this.pos = end + 2;
    this.scan = this.pos;
    this.bulkLength = -1;
    if (this.bulkType === BLOB_ERROR) return new ReplyError(this.errorText(start, end));
    if (this.bulkType !== VERBATIM) return this.text(start, end);
    if (end - start < 4 || this.bytes[start + 3] !== 58) {
      throw new ReplySyntaxError("verbatim text without a format");
    }
    return new VerbatimReply(
      latin1(this.bytes, start, start + 3),
      utf8(this.bytes, start + 4, end),
    );
  }

  private text(start: number, end: number): Reply {
    if (this.strings === "utf8") return utf8(this.bytes, start, end);
    if (this.strings === "latin1") return latin1(this.bytes, start, end);
    return this.bytes.slice(start, end);
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
    if (at - this.pos > this.lineLengthMax) throw new ReplySyntaxError("line over the limit");
    if (at + 1 >= length) return -1;
    if (bytes[at + 1] !== LF) throw new ReplySyntaxError("carriage return without line feed");
    if (at === this.pos) throw new ReplySyntaxError("empty line");
    return at;
  }

  /** The count or length of a header; null for -1. */
  private lengthOf(start: number, end: number): number | null {
    const n = parseInt64(this.bytes, start, end);
    if (n === null || n < -1n || n > 0xffffffffn) throw new ReplySyntaxError("invalid length");
    return n === -1n ? null : Number(n);
  }

  private open(type: number, left: number): void {
    if (this.frames.length >= this.depthMax) throw new ReplySyntaxError("nested too deep");
    this.frames.push({ type, left, values: [], attributes: null });
  }

  /** Turns the innermost frame, whose parts are all there, into its value. */
  private close(): Reply | typeof NOTHING {
    const frame = this.frames.pop()!;
    const { values } = frame;
    switch (frame.type) {
      case MAP:
        return mapOf(values);
      case SET:
        return new Set(values);
      case PUSH:
        return new PushReply(values);
      case ATTRIBUTE:
        // The frame goes on as one that waits for the value.
        this.frames.push({ type: ATTRIBUTED, left: 1, values: [], attributes: mapOf(values) });
        return NOTHING;
      case ATTRIBUTED:
        return new AttributedReply(frame.attributes!, values[0]);
      default:
        return values;
    }
  }
}

function mapOf(values: Reply[]): Map<Reply, Reply> {
  const map = new Map<Reply, Reply>();
  for (let i = 0; i + 1 < values.length; i += 2) map.set(values[i], values[i + 1]);
  return map;
}

function doubleOf(text: string): number {
  if (text === "inf" || text === "+inf") return Number.POSITIVE_INFINITY;
  if (text === "-inf") return Number.NEGATIVE_INFINITY;
  if (text === "nan" || text === "-nan") return Number.NaN;
  if (!/^[+-]?\d{1,400}(\.\d{0,400})?([eE][+-]?\d{1,4})?$/.test(text)) {
    throw new ReplySyntaxError("not a double");
  }
  return Number(text);
}

function bigNumberOf(text: string): bigint {
  if (!/^[+-]?\d+$/.test(text)) throw new ReplySyntaxError("not a big number");
  return text[0] === "+" ? BigInt(text.slice(1)) : BigInt(text);
}
