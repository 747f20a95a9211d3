/**
 * RequestWriter: a client's commands as RESP bytes, each an array of bulk strings.
 *
 * Text is written as UTF-8, numbers in decimal (a double as formatDouble prints it), bytes as
 * they are. Requests collect in one buffer until take() hands them over.
 */

import { formatDouble } from "./number-codec.ts";
import { ReplyWriter } from "./reply-writer.ts";

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

  /** Appends one request: the command's name and its arguments. They are copied. */
  write(args: readonly RequestArgument[]): void {
    const { out } = this;
    out.array(args.length);
    for (const arg of args) {
      if (typeof arg === "string") out.bulkText(arg);
      else if (typeof arg === "bigint") out.bulkIntegerBig(arg);
      else if (typeof arg !== "number") out.bulk(arg, 0, arg.length);
      else if (Number.isSafeInteger(arg)) out.bulkInteger(arg);
      else out.bulkLatin1(formatDouble(arg));
    }
  }

  /** All requests since the last time, as one piece that the caller owns. */
  take(): Uint8Array {
    const requests = this.out.toBytes();
    this.out.reset();
    return requests;
  }
}

/** One request as bytes, which the caller owns. `args` are the command's name and its arguments. */
export function encodeRequest(args: readonly RequestArgument[]): Uint8Array {
  const writer = new RequestWriter(256);
  writer.write(args);
  return writer.take();
}
