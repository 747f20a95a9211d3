/**
 * RequestReader: from the bytes of one client to batches of requests.
 *
 * The reader finds where the arguments are and copies nothing: whole requests in the chunk that
 * was just read are described in place. Only what is left unfinished at the end of a chunk moves
 * into the reader's own buffer, and the next chunk is appended there.
 *
 *   chunk (shared by all clients)   [ SET a 1 | GET a | GET b ... | SET lo ]
 *                                     described in place            copied  -> own buffer
 *   own buffer                      [ consumed | SET lo + next chunk ... |      free      ]
 *                                              ^ pos                     ^ length
 *
 * Promises:
 *   - A request may be cut at any byte: the batches are the same as if it came in one piece. An
 *     unfinished request is remembered argument by argument, so no byte is looked at twice, even
 *     when a large one arrives a byte at a time. (A request with an error in it, or one given
 *     back by suspend(), is read again from its start.)
 *   - Memory follows the bytes received, never the lengths announced: a header of half a gigabyte
 *     allocates nothing. How the own buffer grows: request-buffer.ts.
 *   - Before authentication a batch holds one request, because the request may be the AUTH that
 *     lifts the limits which the next one is read under.
 *   - The raw bytes of a request are never changed. An argument with escapes in an inline request
 *     is unescaped behind the received bytes in the own buffer.
 *
 * What counts as a request, and each error, is as in Redis 7.2: a line break is not looked for
 * past a zero byte, the byte after the carriage return of a header is not examined, nor are the
 * two bytes after a bulk. One difference: a header or inline line is too big when its first
 * 64 KiB have no end, however the bytes were cut; Redis decides by what one read brought.
 *
 * Not in this file: what the arguments mean, and when a client is read at all; a log of requests, whose
 * grammar is narrower (log-parser.ts).
 */

import { ARGUMENTS_MAX, type ArgVector, COMMANDS_MAX } from "./arg-vector.ts";
import { splitPlain, splitQuoted } from "./inline-words.ts";
import { parseInt64, parseInteger } from "./number-codec.ts";
import { release } from "./release.ts";
import {
  BUFFER_KEPT,
  BUFFER_LARGE,
  bufferSize,
  NO_OFFSETS,
  RequestBuffer,
} from "./request-buffer.ts";
import { ReadStatus, STRANGER_ARGUMENTS_MAX, STRANGER_BULK_MAX } from "./request-limits.ts";

const { DONE, MORE, ERROR } = ReadStatus;

/** A quoted inline request was met in a foreign buffer: it is parsed again in the own one. */
const RELOCATE = 3;

/** What slowRequest() answers besides the position after a request. */
export const INCOMPLETE = -1;
export const FAILED = -2;
const FOREIGN = -3;

const CR = 13;
const LF = 10;
const DOLLAR = 36;
const STAR = 42;

/*
 * Headers are recognised four bytes at a time, as little-endian words:
 * "*3\r\n" and "$3\r\n" with the digit masked out, "$16\r" with both digits masked out.
 */
const ONE_DIGIT_MASK = 0xffff00ff | 0;
const ONE_DIGIT_ARRAY = 0x0a0d002a;
const ONE_DIGIT_BULK = 0x0a0d0024;
const TWO_DIGIT_MASK = 0xff0000ff | 0;
const TWO_DIGIT_BULK = 0x0d000024;

/** One per client. Resumes at any byte, never rescans. */
export class RequestReader extends RequestBuffer {
  /** Where parsing of the latest batch stopped, in the batch's buffer. */
  protected stop = 0;
  /** Whether the latest batch was parsed from the own buffer. */
  private ownBatch = false;

  /**
   * Parses chunk[start, end), after whatever waits, and appends the whole requests to `batch`,
   * which the caller has cleared. The chunk may be overwritten once the batch was executed.
   */
  read(
    chunk: Uint8Array,
    chunkView: DataView,
    start: number,
    end: number,
    batch: ArgVector,
  ): number {
    if (this.failed()) return ERROR;
    if (this.length !== this.pos) {
      if (!this.append(chunk, start, end)) return ERROR;
      return this.parseOwn(batch);
    }
    if (end - start > this.pendingMax()) return this.refuse();
    this.ownBatch = false;
    batch.bytes = chunk;
    batch.view = chunkView;
    const status = this.parse(start, end, batch);
    if (this.stop < end) this.keep(chunk, this.stop, end);
    if (status !== RELOCATE) return status;
    return batch.commandCount > 0 ? MORE : this.parseOwn(batch);
  }

  /** Parses what waits, with no new bytes: after MORE, or after suspend(). */
  more(batch: ArgVector): number {
    if (this.failed()) return ERROR;
    if (this.length === this.pos) return DONE;
    return this.parseOwn(batch);
  }

  /**
   * Takes bytes of a client that may not be served now without parsing them; more() does that
   * later. DONE, or ERROR when it holds too many.
   */
  hold(chunk: Uint8Array, start: number, end: number): number {
    if (this.failed()) return ERROR;
    return this.append(chunk, start, end) ? DONE : ERROR;
  }

  /**
   * Gives back the requests from `index` on: they leave the batch, and they and everything after
   * them wait for more(). To be called before the batch or its buffer is used for anything else;
   * the offsets of the requests before `index` stay good until the next call.
   */
  suspend(batch: ArgVector, index: number): void {
    if (index >= batch.commandCount) return;
    const from = batch.requestStart[index];
    if (this.ownBatch) {
      // The buffer may have been exchanged since; the batch still has the one that it came from.
      const shift = this.stop - this.pos;
      this.own = batch.bytes;
      this.ownView = batch.view;
      batch.ownsBytes = false;
      this.length += shift;
      this.pos = from;
      if (this.partialStart >= 0) this.partialStart += shift;
    } else {
      const given = this.stop - from;
      const waiting = this.length - this.pos;
      const own = new Uint8Array(bufferSize(given + waiting));
      own.set(batch.bytes.subarray(from, this.stop));
      own.set(this.own.subarray(this.pos, this.length), given);
      if (this.partialStart >= 0) this.partialStart += given - this.pos;
      this.adopt(own, 0, given + waiting);
    }
    // Now the batch ends where the given back requests begin, should more of it follow them.
    this.stop = from;
    batch.argTotal = batch.firstArg[index];
    batch.commandCount = index;
    this.error = "";
    this.overLimit = false;
  }

  private failed(): boolean {
    return this.error !== "" || this.overLimit;
  }

  /** Gives the request up for good. */
  protected fail(text: string): number {
    this.error = text;
    this.partialStart = -1;
    return FAILED;
  }

  private refuse(): number {
    this.overLimit = true;
    return ERROR;
  }

  /** Parses the own buffer and gives back what it no longer needs of it. */
  private parseOwn(batch: ArgVector): number {
    batch.bytes = this.own;
    batch.view = this.ownView;
    this.ownBatch = true;
    this.scratch = this.length;
    const status = this.parse(this.pos, this.length, batch);
    this.pos = this.stop;
    const waiting = this.length - this.pos;
    const capacity = this.own.length;
    if (
      (waiting === 0 && capacity > BUFFER_KEPT) ||
      (capacity > BUFFER_LARGE && waiting < capacity >>> 2 && this.partialBulk < 0)
    ) {
      this.exchange(waiting);
      batch.ownsBytes = true;
    }
    return status;
  }

  /**
   * Appends the requests in batch.bytes[from, end) and sets `stop` behind the last one.
   *
   * This loop is the server's hottest code and longer than our habit: the plain cases are spelled
   * out with local variables, everything else (an unfinished request, an inline one, an odd
   * header, an error) goes to slowRequest(), which continues where the loop stopped.
   */
  // biome-ignore lint/complexity/noExcessiveLinesPerFunction: calls cost more than the loop body.
  private parse(from: number, end: number, batch: ArgVector): number {
    const { limits } = this;
    const { firstArg, argCount, requestStart, requestEnd, inline } = batch;
    const commandsMax = this.authenticated ? COMMANDS_MAX : 1;
    const argumentsMax = this.authenticated
      ? limits.argumentCountMax
      : Math.min(limits.argumentCountMax, STRANGER_ARGUMENTS_MAX);
    const bulkMax = this.authenticated
      ? limits.bulkLengthMax
      : Math.min(limits.bulkLengthMax, STRANGER_BULK_MAX);
    const lastWord = end - 4;
    let { bytes, view, starts, ends, argTotal, commandCount } = batch;
    let pos = from;

    while (pos < end) {
      if (commandCount >= commandsMax || argTotal >= ARGUMENTS_MAX) {
        batch.argTotal = argTotal;
        batch.commandCount = commandCount;
        this.stop = pos;
        return MORE;
      }

      let at = pos;
      let left = 0;
      let arg = argTotal;
      if (pos <= lastWord && pos !== this.partialStart) {
        const head = view.getInt32(pos, true);
        if ((head & ONE_DIGIT_MASK) === ONE_DIGIT_ARRAY) {
          left = ((head >>> 8) & 0xff) - 48;
          at = pos + 4;
          if (left > 9 || left > argumentsMax) left = 0;
        } else if ((head & 0xff) === STAR) {
          let digit = bytes[pos + 1] - 48;
          at = pos + 2;
          if (digit > 0) {
            while (digit >= 0 && digit <= 9 && left < 1e8 && at < end) {
              left = left * 10 + digit;
              digit = bytes[at++] - 48;
            }
            // A header is only taken with the byte after its carriage return.
            if (digit !== CR - 48 || at >= end || left > argumentsMax) left = 0;
            at++;
          }
        }

        if (left > 0) {
          while (at <= lastWord) {
            const word = view.getInt32(at, true);
            let length = -1;
            let start = at + 4;
            if ((word & ONE_DIGIT_MASK) === ONE_DIGIT_BULK) {
              length = ((word >>> 8) & 0xff) - 48;
              if (length > 9) break;
            } else if ((word & TWO_DIGIT_MASK) === TWO_DIGIT_BULK) {
              const tens = ((word >>> 8) & 0xff) - 48;
              const units = ((word >>> 16) & 0xff) - 48;
              if (tens < 1 || tens > 9 || units < 0 || units > 9) break;
              length = tens * 10 + units;
              start = at + 5;
            } else if ((word & 0xff) === DOLLAR) {
              let digit = ((word >>> 8) & 0xff) - 48;
              if (digit <= 0) break;
              length = 0;
              start = at + 2;
              while (digit >= 0 && digit <= 9 && length < 1e8 && start < end) {
                length = length * 10 + digit;
                digit = bytes[start++] - 48;
              }
              if (digit !== CR - 48 || start >= end) break;
              start++;
            }
            if (length < 0 || length > bulkMax) break;
            const next = start + length + 2;
            if (next > end) break;
            if (arg === starts.length) {
              batch.growArguments(arg + 1);
              starts = batch.starts;
              ends = batch.ends;
            }
            starts[arg] = start;
            ends[arg] = start + length;
            arg++;
            at = next;
            if (--left === 0) break;
          }
          if (left === 0) {
            firstArg[commandCount] = argTotal;
            argCount[commandCount] = arg - argTotal;
            requestStart[commandCount] = pos;
            requestEnd[commandCount] = at;
            inline[commandCount] = 0;
            commandCount++;
            argTotal = arg;
            pos = at;
            continue;
          }
          this.begin(pos);
          this.rememberArguments(batch, argTotal, arg, at, left);
        }
      }

      batch.argTotal = argTotal;
      batch.commandCount = commandCount;
      const next = this.slowRequest(pos, end, batch);
      if (next < 0) {
        this.stop = pos;
        return next === INCOMPLETE ? DONE : next === FAILED ? ERROR : RELOCATE;
      }
      pos = next;
      ({ bytes, view, starts, ends, argTotal, commandCount } = batch);
    }
    batch.argTotal = argTotal;
    batch.commandCount = commandCount;
    this.stop = pos;
    return DONE;
  }

  /** Makes the request at `pos` the unfinished one, with nothing of it parsed. */
  private begin(pos: number): void {
    this.partialStart = pos;
    this.partialPos = 0;
    this.partialScan = 0;
    this.partialLeft = 0;
    this.partialBulk = -1;
    this.partialCount = 0;
  }

  /** Takes over the arguments that the fast loop found in the request it could not finish. */
  protected rememberArguments(
    batch: ArgVector,
    from: number,
    to: number,
    at: number,
    left: number,
  ): void {
    const start = this.partialStart;
    for (let i = from; i < to; i++) this.remember(batch.starts[i] - start, batch.ends[i] - start);
    this.partialPos = at - start;
    this.partialScan = at - start;
    this.partialLeft = left;
  }

  private remember(start: number, end: number): void {
    const at = this.partialCount * 2;
    if (at === this.partialArgs.length) {
      const grown = new Int32Array(Math.max(16, at * 2));
      grown.set(this.partialArgs);
      release(this.partialArgs);
      this.partialArgs = grown;
    }
    this.partialArgs[at] = start;
    this.partialArgs[at + 1] = end;
    this.partialCount++;
  }

  /**
   * Reads the request at `pos` in all its forms, from wherever it stopped the last time. Returns
   * the position after it, INCOMPLETE, FAILED or FOREIGN. A request without arguments (an empty
   * line, "*0", "*-1") is passed over and leaves no state behind.
   */
  private slowRequest(pos: number, end: number, batch: ArgVector): number {
    if (this.partialStart !== pos) this.begin(pos);
    const { bytes } = batch;
    if (bytes[pos] !== STAR) return this.inlineRequest(pos, end, batch);

    if (this.partialLeft === 0) {
      const lineEnd = this.headerEnd(bytes, end);
      if (lineEnd === FAILED) return this.fail("Protocol error: too big mbulk count string");
      if (lineEnd === INCOMPLETE) return INCOMPLETE;
      const count = headerNumber(bytes, pos + 1, lineEnd);
      if (!(count <= this.limits.argumentCountMax)) {
        return this.fail("Protocol error: invalid multibulk length");
      }
      if (count > STRANGER_ARGUMENTS_MAX && !this.authenticated) {
        return this.fail("Protocol error: unauthenticated multibulk length");
      }
      if (count <= 0) {
        this.partialStart = -1;
        return lineEnd + 2;
      }
      this.partialLeft = count;
      this.passTo(lineEnd + 2);
    }

    while (this.partialLeft > 0) {
      if (this.partialBulk < 0) {
        const lineEnd = this.headerEnd(bytes, end);
        if (lineEnd === FAILED) return this.fail("Protocol error: too big bulk count string");
        if (lineEnd === INCOMPLETE) return INCOMPLETE;
        const at = pos + this.partialPos;
        if (bytes[at] !== DOLLAR) {
          const got = String.fromCharCode(bytes[at]);
          return this.fail(`Protocol error: expected '$', got '${got}'`);
        }
        const length = headerNumber(bytes, at + 1, lineEnd);
        if (!(length >= 0 && length <= this.limits.bulkLengthMax)) {
          return this.fail("Protocol error: invalid bulk length");
        }
        if (length > STRANGER_BULK_MAX && !this.authenticated) {
          return this.fail("Protocol error: unauthenticated bulk length");
        }
        this.partialBulk = length;
        this.passTo(lineEnd + 2);
      }
      const bulkEnd = this.partialPos + this.partialBulk;
      if (pos + bulkEnd + 2 > end) return INCOMPLETE;
      if (!this.isLineBreak(bytes, pos + bulkEnd)) {
        return this.fail("Protocol error: expected a line break");
      }
      this.remember(this.partialPos, bulkEnd);
      this.partialBulk = -1;
      this.partialLeft--;
      this.passTo(pos + bulkEnd + 2);
    }
    return this.finish(pos, batch);
  }

  /** Looks at the two bytes behind a bulk. Nothing depends on what they are: as in Redis, any will do. */
  protected isLineBreak(_bytes: Uint8Array, _at: number): boolean {
    return true;
  }

  private passTo(position: number): void {
    this.partialPos = position - this.partialStart;
    this.partialScan = this.partialPos;
  }

  /** Moves the arguments of the request that is now whole into the batch. */
  private finish(pos: number, batch: ArgVector): number {
    const { partialArgs, partialCount } = this;
    const first = batch.argTotal;
    batch.growArguments(first + partialCount);
    for (let i = 0; i < partialCount; i++) {
      batch.starts[first + i] = pos + partialArgs[i * 2];
      batch.ends[first + i] = pos + partialArgs[i * 2 + 1];
    }
    batch.argTotal = first + partialCount;
    const next = pos + this.partialPos;
    batch.pushCommand(first, pos, next, 0);
    this.partialStart = -1;
    if (partialArgs.length > 64) {
      release(partialArgs);
      this.partialArgs = NO_OFFSETS;
    }
    return next;
  }

  /**
   * Where the carriage return of the current header line is, once the byte after it is there too.
   * INCOMPLETE, or FAILED when the line is longer than a line may be.
   */
  protected headerEnd(bytes: Uint8Array, end: number): number {
    const at = this.searchLine(bytes, end, CR);
    if (at < 0) return at;
    return at + 1 < end ? at : INCOMPLETE;
  }

  /** Finds `mark` in the current line from where the last search ended; a zero byte hides it. */
  private searchLine(bytes: Uint8Array, end: number, mark: number): number {
    const lineStart = this.partialStart + this.partialPos;
    const { inlineLengthMax } = this.limits;
    const searchEnd = Math.min(end, lineStart + inlineLengthMax + 1);
    let at = this.partialStart + this.partialScan;
    while (at < searchEnd && bytes[at] !== mark && bytes[at] !== 0) at++;
    this.partialScan = at - this.partialStart;
    if (at < searchEnd && bytes[at] === mark) return at;
    return end - lineStart > inlineLengthMax ? FAILED : INCOMPLETE;
  }

  /** Reads the line at `pos`, which is no array. Returns as slowRequest() does. */
  protected inlineRequest(pos: number, end: number, batch: ArgVector): number {
    const { bytes } = batch;
    const newline = this.searchLine(bytes, end, LF);
    if (newline === FAILED) return this.fail("Protocol error: too big inline request");
    if (newline === INCOMPLETE) return INCOMPLETE;
    const lineEnd = newline > pos && bytes[newline - 1] === CR ? newline - 1 : newline;

    const first = batch.argTotal;
    if (!splitPlain(bytes, pos, lineEnd, batch)) {
      batch.argTotal = first;
      if (bytes !== this.own) return FOREIGN;
      this.makeScratch(lineEnd - pos, batch);
      const scratch = splitQuoted(this.own, pos, lineEnd, this.scratch, batch);
      if (scratch < 0) {
        batch.argTotal = first;
        return this.fail("Protocol error: unbalanced quotes in request");
      }
      this.scratch = scratch;
    }
    this.partialStart = -1;
    if (batch.argTotal > first) batch.pushCommand(first, pos, newline + 1, 1);
    return newline + 1;
  }

  /**
   * Makes room for `count` bytes behind the received ones, for words that have to be unescaped.
   * The next chunk will overwrite them.
   */
  private makeScratch(count: number, batch: ArgVector): void {
    const room = this.scratch + count;
    if (room <= this.own.length) return;
    const grown = new Uint8Array(bufferSize(room) * 2);
    grown.set(this.own.subarray(0, this.scratch));
    release(this.own);
    this.adopt(grown, this.pos, this.length);
    batch.bytes = this.own;
    batch.view = this.ownView;
  }
}

/** The number of a header line; NaN when it is none. Beyond 2^53 only its size matters. */
function headerNumber(bytes: Uint8Array, start: number, end: number): number {
  const small = parseInteger(bytes, start, end);
  if (!Number.isNaN(small)) return small;
  const large = parseInt64(bytes, start, end);
  return large === null ? Number.NaN : Number(large);
}
