/**
 * RequestWriter: a client's commands as RESP bytes, each an array of bulk strings.
 *
 * Text is written as UTF-8, numbers in decimal (a double as formatDouble prints it), bytes as
 * they are. Requests collect in one buffer until take() hands them over.
 */

import type { ArgVector } from "./arg-vector.ts";
import { formatDouble, integerLength, writeInteger } from "./number-codec.ts";
import { ReplyWriter } from "./reply-writer.ts";
import { isBytes, typeName } from "./type-name.ts";

/** A word of a request: text, bytes, a number (a double too) or a signed 64-bit integer. */
export type RequestArgument = string | Uint8Array | number | bigint;

/** Collects requests; one per connection. */
export class RequestWriter {
  // A request has the form of a reply, so the same writer serves.
  private readonly out: ReplyWriter;

  /** `initialBytes` are allocated at once; the buffer grows from there. */
  constructor(initialBytes = 4096) {
    this.out = new ReplyWriter(initialBytes);
  }

  /** Bytes waiting for take(). */
  get length(): number {
    return this.out.total;
  }

  /**
   * Appends one request: the command's name and its arguments. They are copied. Throws a TypeError that
   * names an argument of another type, undefined and null included; then nothing was appended.
   */
  write(args: readonly RequestArgument[]): void {
    const { out } = this;
    const mark = out.mark();
    out.array(args.length);
    for (let i = 0; i < args.length; i++) {
      const arg = args[i] as RequestArgument;
      if (typeof arg === "string") out.bulkText(arg);
      else if (typeof arg === "bigint") out.bulkIntegerBig(arg);
      else if (typeof arg === "number") {
        if (Number.isSafeInteger(arg)) out.bulkInteger(arg);
        else out.bulkLatin1(formatDouble(arg));
      } else if (isBytes(arg)) out.bulk(arg, 0, arg.length);
      else {
        out.rewind(mark);
        throw new TypeError(
          `argument ${i} of a request must be a text, bytes, a number or a bigint, not ${typeName(arg)}`,
        );
      }
    }
  }

  /** All requests since the last time, as one piece that the caller owns. */
  take(): Uint8Array {
    const requests = this.out.toBytes();
    this.out.reset();
    return requests;
  }
}

/**
 * One request as bytes, which the caller owns. `args` are the command's name and its arguments. Throws a
 * TypeError that names an argument of another type.
 */
export function encodeRequest(args: readonly RequestArgument[]): Uint8Array {
  const writer = new RequestWriter(256);
  writer.write(args);
  return writer.take();
}

const STAR = 42;
const DOLLAR = 36;
const CR = 13;
const LF = 10;
/** Of a line: its sign and its end. */
const LINE_BYTES = 3;

/** A request of a batch as bytes, put together of its words: the caller owns them. */
export function encodeWords(batch: ArgVector, index: number): Uint8Array {
  const { bytes, starts, ends } = batch;
  const first = batch.firstArg[index] as number;
  const count = batch.argCount[index] as number;
  let size = LINE_BYTES + integerLength(count);
  for (let at = first; at < first + count; at++) {
    const length = (ends[at] as number) - (starts[at] as number);
    size += LINE_BYTES + integerLength(length) + length + 2;
  }
  const request = new Uint8Array(size);
  let end = line(request, 0, STAR, count);
  for (let at = first; at < first + count; at++) {
    const start = starts[at] as number;
    const length = (ends[at] as number) - start;
    end = line(request, end, DOLLAR, length);
    if (length < 48) for (let i = 0; i < length; i++) request[end + i] = bytes[start + i] as number;
    else request.set(bytes.subarray(start, start + length), end);
    end = lineEnd(request, end + length);
  }
  return request;
}

function line(bytes: Uint8Array, at: number, sign: number, n: number): number {
  bytes[at] = sign;
  return lineEnd(bytes, writeInteger(bytes, at + 1, n));
}

function lineEnd(bytes: Uint8Array, at: number): number {
  bytes[at] = CR;
  bytes[at + 1] = LF;
  return at + 2;
}
