/**
 * Payload: the data set among the bytes that come from a primary, and where it ends.
 *
 *      \n \n $1234\r\n [ 1234 bytes ] what follows            by file: told before
 *      \n $EOF:<40 bytes>\r\n [ any number of bytes ] <the same 40 bytes>      without one
 *
 * Of the second form the last 40 bytes are held back until more come. They are the end when they are the
 * last of what has come, as in Redis: a primary says nothing behind them before it hears of us.
 */
import { latin1, latin1Bytes } from "@kv/resp";

const MARK_BYTES = 40;
/** A longer line is none of a primary's. */
const LINE_BYTES_MAX = 1024;
const NEWLINE = 0x0a;

/** Takes the data set as it comes. */
export interface PayloadTaker {
  /** The data set begins. `byteCount`: -1 where that is not known; `mark`: how it ends then, or "". */
  begin(byteCount: number, mark: string): void;
  /** A part of it: bytes[start, end), which may be overwritten after this returns. */
  take(bytes: Uint8Array, start: number, end: number): void;
  /** That was all of it. */
  end(): void;
}

export class Payload {
  /** Why this is no data set; "" while it may be one. */
  error = "";
  /** All of it has been taken. */
  isDone = false;
  private readonly taker: PayloadTaker;
  private line = "";
  private hasBegun = false;
  /** Bytes still to come, of the first form. */
  private left = 0;
  /** Of the second form; and what is held back. */
  private mark: Uint8Array | null = null;
  private readonly tail = new Uint8Array(MARK_BYTES);
  private tailBytes = 0;

  constructor(taker: PayloadTaker) {
    this.taker = taker;
  }

  /** Takes bytes[start, end). Returns the position behind the last one that belongs to the data set. */
  feed(bytes: Uint8Array, start: number, end: number): number {
    let at = start;
    while (!this.hasBegun && this.error === "" && at < end) at = this.readLine(bytes, at, end);
    if (!this.hasBegun || this.isDone) return at;
    return this.mark === null
      ? this.takeCounted(bytes, at, end)
      : this.takeMarked(this.mark, bytes, at, end);
  }

  private readLine(bytes: Uint8Array, start: number, end: number): number {
    let at = start;
    while (at < end && bytes[at] !== NEWLINE && at - start <= LINE_BYTES_MAX) at++;
    this.line += latin1(bytes, start, at);
    if (this.line.length > LINE_BYTES_MAX) {
      this.refuse(this.line.slice(0, 64));
      return at;
    }
    if (at === end) return at;
    const line = this.line.replace(/\r$/, "");
    this.line = "";
    if (line !== "") this.headed(line);
    return at + 1;
  }

  private headed(line: string): void {
    if (line.startsWith("-")) {
      this.error = `MASTER aborted replication with an error: ${line.slice(1)}`;
      return;
    }
    const [, mark] = /^\$EOF:(.{40})$/s.exec(line) ?? [];
    const [, count] = /^\$(\d{1,15})$/.exec(line) ?? [];
    if (mark === undefined && count === undefined) {
      this.refuse(line);
      return;
    }
    this.hasBegun = true;
    this.left = Number(count ?? -1);
    if (mark !== undefined) this.mark = latin1Bytes(mark);
    this.taker.begin(this.left, mark ?? "");
    if (this.left === 0) this.ended();
  }

  private refuse(line: string): void {
    this.error = `Bad protocol from MASTER, the first byte is not '$' (we received '${line}'), are you sure the host and port are right?`;
  }

  private takeCounted(bytes: Uint8Array, start: number, end: number): number {
    const after = start + Math.min(this.left, end - start);
    if (after > start) this.taker.take(bytes, start, after);
    this.left -= after - start;
    if (this.left === 0) this.ended();
    return after;
  }

  private takeMarked(mark: Uint8Array, bytes: Uint8Array, start: number, end: number): number {
    const { tail, taker } = this;
    const excess = this.tailBytes + (end - start) - MARK_BYTES;
    const fromTail = Math.max(0, Math.min(excess, this.tailBytes));
    if (fromTail > 0) {
      taker.take(tail.slice(0, fromTail), 0, fromTail);
      tail.copyWithin(0, fromTail, this.tailBytes);
      this.tailBytes -= fromTail;
    }
    const taken = start + Math.max(0, excess - fromTail);
    if (taken > start) taker.take(bytes, start, taken);
    tail.set(bytes.subarray(taken, end), this.tailBytes);
    this.tailBytes += end - taken;
    if (this.tailBytes === MARK_BYTES && mark.every((byte, index) => tail[index] === byte))
      this.ended();
    return end;
  }

  private ended(): void {
    this.isDone = true;
    this.taker.end();
  }
}
