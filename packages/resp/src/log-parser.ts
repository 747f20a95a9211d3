/**
 * RequestLogReader: a RequestReader for a log of requests, such as an append-only file, instead of for
 * a client.
 *
 *     #TS:1795871132\r\n                           an annotation: a line that is no request
 *     *3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n    a request: an array, never empty, never inline
 *
 * A client that sends nonsense harms itself; a log with nonsense in it is damaged, and whoever reads on
 * may take one thing for another. So here every byte of a header and every line break is looked at, a
 * header with nothing but digits in it is all that is taken, and a wrong byte is wrong as soon as it has
 * come, the rest of its line or not.
 *
 * Promises what RequestReader does; besides, where the first wrong byte is.
 */
import type { ArgVector } from "./arg-vector.ts";
import { ReadStatus, type RequestLimits } from "./request-limits.ts";
import { FAILED, INCOMPLETE, RequestReader } from "./request-parser.ts";

const CR = 13;
const LF = 10;
const HASH = 35;
const DOLLAR = 36;

/** The digits of 2^31 and the mark before them. */
const HEADER_BYTES_MAX = 11;
/** A longer annotation is none: as in Redis, line break included. */
const ANNOTATION_BYTES_MAX = 1023;

/** Gets bytes[start, end), an annotation with its line break. */
export type AnnotationVisitor = (bytes: Uint8Array, start: number, end: number) => void;

/** Reads one log: see the head of this file. */
export class RequestLogReader extends RequestReader {
  /** After ERROR: where the request begins that cannot be read, in the buffer of the batch. */
  faultyAt = -1;
  /** After ERROR: the first wrong byte, likewise; -1 when it is not a byte but a number that is wrong. */
  wrongAt = -1;
  private readonly annotation: AnnotationVisitor;

  /** `annotation` is called while a batch is being filled, with what stands between its requests. */
  constructor(limits: RequestLimits, annotation: AnnotationVisitor) {
    super(limits);
    this.annotation = annotation;
  }

  /** As RequestReader's. */
  override read(
    chunk: Uint8Array,
    chunkView: DataView,
    start: number,
    end: number,
    batch: ArgVector,
  ): number {
    return this.verified(super.read(chunk, chunkView, start, end, batch), batch);
  }

  /** As RequestReader's. */
  override more(batch: ArgVector): number {
    return this.verified(super.more(batch), batch);
  }

  /** Where the latest batch ends in its buffer, annotations included. */
  get batchEnd(): number {
    return this.stop;
  }

  /** Finds what the fast loop passes over: line breaks. Cuts the batch before a wrong one. */
  private verified(status: number, batch: ArgVector): number {
    if (this.faultyAt >= 0) return ReadStatus.ERROR;
    if (status === ReadStatus.ERROR) this.faultyAt = this.stop;
    const { firstArg, commandCount, requestStart } = batch;
    for (let command = 0; command < commandCount; command++) {
      const first = firstArg[command];
      const after = first + batch.argCount[command];
      const wrongAt = wrongBreakAt(batch, requestStart[command], first, after);
      if (wrongAt >= 0) {
        this.fail("Protocol error: expected a line break");
        this.wrongAt = wrongAt;
        this.faultyAt = requestStart[command];
        batch.commandCount = command;
        batch.argTotal = first;
        return ReadStatus.ERROR;
      }
    }
    return status;
  }

  /** As RequestReader's; looks at their line breaks. */
  protected override rememberArguments(
    batch: ArgVector,
    from: number,
    to: number,
    at: number,
    left: number,
  ): void {
    super.rememberArguments(batch, from, to, at, left);
    this.wrongAt = wrongBreakAt(batch, this.partialStart, from, to);
  }

  /** Nothing but a line break is one. */
  protected override isLineBreak(bytes: Uint8Array, at: number): boolean {
    if (bytes[at] !== CR) this.wrongAt = at;
    else if (bytes[at + 1] !== LF) this.wrongAt = at + 1;
    return this.wrongAt < 0;
  }

  /** As RequestReader's, of a header that may have nothing but digits in it. */
  protected override headerEnd(bytes: Uint8Array, end: number): number {
    if (this.wrongAt >= 0) return FAILED; // Among what the fast loop found of the request.
    const start = this.partialStart + this.partialPos;
    let at = start;
    if (at < end && this.partialPos > 0 && bytes[at] !== DOLLAR) return this.wrong(at);
    const digitsEnd = Math.min(end, start + HEADER_BYTES_MAX);
    at++;
    while (at < digitsEnd && bytes[at] >= 48 && bytes[at] <= 57) at++;
    if (at >= end) return INCOMPLETE;
    // No number begins with a zero but 0 itself, which is no count of arguments.
    const isEmpty = at === start + 1;
    const hasZero = bytes[start + 1] === 48 && (this.partialPos === 0 || at > start + 2);
    if (isEmpty || bytes[at] !== CR) return this.wrong(at);
    if (hasZero) return this.wrong(start + 1);
    if (at + 1 >= end) return INCOMPLETE;
    return bytes[at + 1] === LF ? at : this.wrong(at + 1);
  }

  /** Reads an annotation: what else is no array is wrong. */
  protected override inlineRequest(pos: number, end: number, batch: ArgVector): number {
    const { bytes } = batch;
    if (bytes[pos] !== HASH) {
      this.wrong(pos);
      return this.fail("Protocol error: expected a request");
    }
    const last = Math.min(end, pos + ANNOTATION_BYTES_MAX);
    let at = pos + this.partialScan;
    while (at < last && bytes[at] !== LF) at++;
    this.partialScan = at - pos;
    if (at === last) {
      if (at < pos + ANNOTATION_BYTES_MAX) return INCOMPLETE;
      this.wrong(at);
      return this.fail("Protocol error: too long annotation");
    }
    this.partialStart = -1;
    this.annotation(bytes, pos, at + 1);
    return at + 1;
  }

  private wrong(at: number): number {
    this.wrongAt = at;
    return FAILED;
  }
}

/**
 * The first wrong byte among the line breaks of a request that begins at `start`, with the arguments
 * [from, to) of the batch; or -1.
 */
function wrongBreakAt(batch: ArgVector, start: number, from: number, to: number): number {
  const { bytes, starts, ends } = batch;
  let at = start + 2;
  while (bytes[at] !== CR) at++;
  if (bytes[at + 1] !== LF) return at + 1;
  for (let arg = from; arg < to; arg++) {
    const end = ends[arg];
    if (bytes[starts[arg] - 1] !== LF) return starts[arg] - 1;
    if (bytes[end] !== CR) return end;
    if (bytes[end + 1] !== LF) return end + 1;
  }
  return -1;
}
