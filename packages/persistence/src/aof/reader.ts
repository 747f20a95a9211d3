/**
 * AofReader: from the bytes of an append-only file to batches of commands.
 *
 *     *2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n
 *     #TS:1795871132\r\n                           seconds since 1970: what follows is not older
 *     *3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n
 *     *1\r\n$5\r\nMULTI\r\n  ...  *1\r\n$4\r\nEXEC\r\n
 *
 * The reader is RequestLogReader of @kv/resp: commands are described in place, and the batch is the one
 * that clients' requests come in. This adds where things are in the file, and what a bad end means:
 *
 *     truncated   the file ends within a command, an annotation, or a transaction: a write was torn
 *     zeros       from some byte on there is nothing but zeros: what a power failure leaves of a write
 *                 whose length reached the disk and whose bytes did not
 *     format      anything else. Nobody knows what the bytes behind it are worth
 *
 * The first two are mended by cutting the file at `safeOffset`, which is never within a transaction:
 *
 *     ... SET a 1 | MULTI | SET b 2 | SET c
 *                 ^ safeOffset      ^ offset
 *
 * Redis goes back no further than to `offset`. The MULTI that it leaves swallows what is written later.
 *
 * Promises: nothing throws, whatever the bytes; they may be cut anywhere; memory follows the bytes that
 * came and never what a header announces: about a megabyte, and eight times the unfinished command.
 */
import {
  type ArgVector,
  defaultRequestLimits,
  latin1Bytes,
  ReadStatus,
  type RequestLimits,
  RequestLogReader,
} from "@kv/resp";

/** What is wrong with a file. */
export interface AofDamage {
  /** See the head of reader.ts. */
  readonly kind: "truncated" | "zeros" | "format";
  /** Behind the last whole command or annotation. */
  readonly offset: number;
  /** The same, but before the MULTI of a transaction that is not complete there. */
  readonly safeOffset: number;
}

/** How large a command may be. */
export interface AofReaderOptions {
  /** The longest argument. Whoever wrote the file had a limit; unless told, the largest there can be. */
  argumentBytesMax?: number;
  /** The most arguments of a command. */
  argumentCountMax?: number;
}

/** Offsets in a batch have 32 bits: no command, and no argument, is longer than this. */
export const COMMAND_BYTES_MAX = 0x7fff0000;

/** Reads the commands of one file: read() the chunks, then finish(). */
export class AofReader {
  /** Why nothing more is read, once there is a reason. */
  error: AofDamage | undefined;
  /** Seconds of the last #TS annotation, which may stand behind the batch; -1 before the first. */
  timestamp = -1;
  /** Behind the last whole command or annotation: where the next one begins. */
  offset = 0;
  /** True behind a MULTI and before its EXEC. */
  isInTransaction = false;
  private transactionOffset = 0;
  private readonly reader: RequestLogReader;
  /** Bytes of the file up to the end of the latest chunk. */
  private receivedBytes = 0;
  /** Where in the file the buffer of the latest batch begins; less than 0 if that is not all the file's. */
  private batchOffset = 0;
  private batch: ArgVector | undefined;
  /** A wrong byte was met, and it and all that followed it are zeros. */
  private isAllZeros = false;

  /** `options`: how large a command may be. */
  constructor(options: AofReaderOptions = {}) {
    const limits: RequestLimits = {
      ...defaultRequestLimits(),
      bulkLengthMax: options.argumentBytesMax ?? COMMAND_BYTES_MAX,
      argumentCountMax: options.argumentCountMax ?? COMMAND_BYTES_MAX,
      queryBufferMax: COMMAND_BYTES_MAX,
    };
    this.reader = new RequestLogReader(limits, (bytes, start, end) => {
      const seconds = timestampOf(bytes, start, end);
      if (seconds >= 0) this.timestamp = seconds;
    });
  }

  /** Before the first read(): the commands do not begin at the beginning of the file. */
  startAt(offset: number): void {
    this.offset = offset;
    this.receivedBytes = offset;
  }

  /** Where the file may be cut: `offset`, but before the MULTI while in a transaction. */
  get safeOffset(): number {
    return this.isInTransaction ? this.transactionOffset : this.offset;
  }

  /** Bytes that this holds: of an unfinished command, and of what more() has not looked at. */
  get heldBytes(): number {
    return this.reader.bufferBytes;
  }

  /**
   * Reads bytes[start, end), the next ones of the file; `view` is of exactly the memory of `bytes`.
   * Appends whole commands to `batch`, which the caller has cleared. True when the batch is full: execute
   * it, clear it, and call more(). Until the next call the bytes must not change.
   */
  read(bytes: Uint8Array, view: DataView, start: number, end: number, batch: ArgVector): boolean {
    if (this.error !== undefined) return false;
    if (this.isAllZeros) {
      this.passZeros(bytes, start, end);
      return false;
    }
    const status = this.reader.read(bytes, view, start, end, batch);
    this.receivedBytes += end - start;
    return this.arrived(status, batch);
  }

  /** Reads on in bytes that read() was given: true as there. */
  more(batch: ArgVector): boolean {
    if (this.error !== undefined || this.isAllZeros) return false;
    return this.arrived(this.reader.more(batch), batch);
  }

  /** Where command `index` of the latest batch begins in the file. */
  commandOffset(index: number): number {
    return this.batchOffset + (this.batch?.requestStart[index] ?? 0);
  }

  /** There are no more bytes. Returns what is wrong with the file, if anything is. */
  finish(): AofDamage | undefined {
    if (this.error !== undefined) return this.error;
    if (this.isAllZeros) return this.damage("zeros");
    const isTorn = this.offset < this.receivedBytes || this.isInTransaction;
    return isTorn ? this.damage("truncated") : undefined;
  }

  private damage(kind: AofDamage["kind"]): AofDamage {
    return { kind, offset: this.offset, safeOffset: this.safeOffset };
  }

  private arrived(status: number, batch: ArgVector): boolean {
    const { reader } = this;
    if (reader.overLimit) {
      this.error = this.damage("format");
      return false;
    }
    this.batch = batch;
    // What the reader keeps is the end of what has come.
    this.batchOffset = this.receivedBytes - reader.pendingBytes - reader.batchEnd;
    this.followTransactions(batch);
    this.offset = this.batchOffset + reader.batchEnd;
    if (status !== ReadStatus.ERROR) return status === ReadStatus.MORE;
    this.offset = this.batchOffset + reader.faultyAt;
    this.isAllZeros = true;
    const { wrongAt } = reader;
    const from = wrongAt < 0 ? reader.faultyAt : wrongAt;
    this.passZeros(batch.bytes, from, reader.batchEnd + reader.pendingBytes);
    return false;
  }

  /** Looks for something else among bytes that may be the zeros which a file ends with. */
  private passZeros(bytes: Uint8Array, start: number, end: number): void {
    let at = start;
    while (at < end && bytes[at] === 0) at++;
    if (at === end) return;
    this.isAllZeros = false;
    this.error = this.damage("format");
  }

  private followTransactions(batch: ArgVector): void {
    const { bytes, starts, ends, firstArg, commandCount } = batch;
    for (let command = 0; command < commandCount; command++) {
      const name = firstArg[command];
      const start = starts[name];
      const length = ends[name] - start;
      if (this.isInTransaction) {
        if (length === 4 && isWord(bytes, start, EXEC)) this.isInTransaction = false;
      } else if (length === 5 && isWord(bytes, start, MULTI)) {
        this.isInTransaction = true;
        this.transactionOffset = this.commandOffset(command);
      }
    }
  }
}

const EXEC = [...latin1Bytes("exec")];
const MULTI = [...latin1Bytes("multi")];
const TIMESTAMP = [...latin1Bytes("#TS:")];

/** True when a word, in small letters, stands at `start`, whatever its letters there. */
function isWord(bytes: Uint8Array, start: number, word: readonly number[]): boolean {
  for (let i = 0; i < word.length; i++) if ((bytes[start + i] | 0x20) !== word[i]) return false;
  return true;
}

/** The seconds of a #TS annotation; -1 for any other one. */
function timestampOf(bytes: Uint8Array, start: number, end: number): number {
  for (let i = 0; i < TIMESTAMP.length; i++) if (bytes[start + i] !== TIMESTAMP[i]) return -1;
  let at = start + TIMESTAMP.length;
  let seconds = 0;
  const from = at;
  for (; at < end && bytes[at] >= 48 && bytes[at] <= 57; at++)
    seconds = seconds * 10 + bytes[at] - 48;
  return at === from || !Number.isSafeInteger(seconds) ? -1 : seconds;
}
