/**
 * ArgVector: a batch of parsed requests, as offsets into one byte buffer.
 *
 * Nothing is copied out of the buffer and no object stands for a request. Three flat tables say
 * where everything is:
 *
 *   bytes           *2\r\n$3\r\nGET\r\n$1\r\nk\r\n*1\r\n$4\r\nPING\r\n
 *   starts / ends           [8,11)      [17,18)             [28,32)       one entry per argument
 *   firstArg / argCount     0, 2                            2, 1          one entry per command
 *   requestStart / End      [0,20)                          [20,34)       one entry per command
 *
 * Argument `a` of command `c` is `bytes[starts[i], ends[i])` with `i = firstArg[c] + a`.
 *
 * The vector is made once and reused for every client: a reader fills it, the caller executes the
 * commands and clears it. The offsets are good until then, and only with this `bytes`. A batch has
 * at most COMMANDS_MAX commands, so the per-command tables never grow; the argument tables double
 * when one command brings more arguments than they hold, and clear() gives an outsize pair back.
 *
 * Whoever writes beyond the range of a command breaks its neighbours; the bytes of a request are
 * to be treated as read-only, because the log and the replicas get exactly this slice.
 */

import { release } from "./release.ts";

/** A batch never holds more commands than this. */
export const COMMANDS_MAX = 512;

/** No command is begun in a batch that holds this many arguments already. */
export const ARGUMENTS_MAX = 16384;

const ARGUMENTS_INITIAL = 4096;
const ARGUMENTS_KEPT = 65536;
const BYTES_KEPT = 1 << 20;
const NO_BYTES = new Uint8Array(0);
const NO_VIEW = new DataView(NO_BYTES.buffer);

/** A batch of parsed requests: flat argument offsets into one byte buffer. */
export class ArgVector {
  /** The buffer that all offsets of this batch refer to. */
  bytes: Uint8Array = NO_BYTES;
  /** A view of exactly the memory of `bytes`: offset 0 is `bytes[0]`. */
  view: DataView = NO_VIEW;
  /** The buffer is nobody else's any more: clear() frees it. */
  ownsBytes = false;
  /** Per argument: the offset of its first byte in `bytes`. Replaced when it has to grow. */
  starts: Int32Array = new Int32Array(ARGUMENTS_INITIAL);
  /** Per argument: the offset after its last byte. */
  ends: Int32Array = new Int32Array(ARGUMENTS_INITIAL);
  /** Arguments of all commands together: how much of `starts` and `ends` is in use. */
  argTotal = 0;
  /** How many whole commands the batch has; at most COMMANDS_MAX. */
  commandCount = 0;
  /** Per command: the index of its first argument in `starts` and `ends`. */
  readonly firstArg: Int32Array = new Int32Array(COMMANDS_MAX);
  /** Per command: how many arguments it has, its name included; never 0. */
  readonly argCount: Int32Array = new Int32Array(COMMANDS_MAX);
  /** Per command: the offset of its raw bytes, headers included. */
  readonly requestStart: Int32Array = new Int32Array(COMMANDS_MAX);
  /** Per command: the offset after its raw bytes. */
  readonly requestEnd: Int32Array = new Int32Array(COMMANDS_MAX);
  /**
   * Per command: 1 when its raw bytes are not RESP: it came as a line of text, or is but words somewhere
   * in `bytes`. encodeWords() makes RESP of it.
   */
  readonly inline: Uint8Array = new Uint8Array(COMMANDS_MAX);

  /** Forgets the batch. Call it before a read, and after the last command to let go of memory. */
  clear(): void {
    this.commandCount = 0;
    this.argTotal = 0;
    if (this.starts.length > ARGUMENTS_KEPT) {
      release(this.starts);
      release(this.ends);
      this.starts = new Int32Array(ARGUMENTS_INITIAL);
      this.ends = new Int32Array(ARGUMENTS_INITIAL);
    }
    if (this.ownsBytes || this.bytes.length > BYTES_KEPT) {
      if (this.ownsBytes) release(this.bytes);
      this.ownsBytes = false;
      this.bytes = NO_BYTES;
      this.view = NO_VIEW;
    }
  }

  /** Bytes of memory that the batch holds: its tables, and a buffer that is its own. */
  get heldBytes(): number {
    return this.starts.length * 8 + (this.ownsBytes ? this.bytes.length : 0);
  }

  /** Doubles the argument tables until they hold `count` arguments. For the reader. */
  growArguments(count: number): void {
    let capacity = this.starts.length;
    while (capacity < count) capacity *= 2;
    if (capacity === this.starts.length) return;
    const starts = new Int32Array(capacity);
    const ends = new Int32Array(capacity);
    starts.set(this.starts);
    ends.set(this.ends);
    release(this.starts);
    release(this.ends);
    this.starts = starts;
    this.ends = ends;
  }

  /** Appends an argument to the command that is being built. For the reader's slow path. */
  pushArgument(start: number, end: number): void {
    if (this.argTotal === this.starts.length) this.growArguments(this.argTotal + 1);
    this.starts[this.argTotal] = start;
    this.ends[this.argTotal] = end;
    this.argTotal++;
  }

  /** Closes the command whose arguments are all those from `firstArg` on. For the slow path. */
  pushCommand(firstArg: number, start: number, end: number, inline: number): void {
    const command = this.commandCount++;
    this.firstArg[command] = firstArg;
    this.argCount[command] = this.argTotal - firstArg;
    this.requestStart[command] = start;
    this.requestEnd[command] = end;
    this.inline[command] = inline;
  }
}
