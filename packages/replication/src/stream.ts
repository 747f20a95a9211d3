/**
 * Stream: all changes to the data set as commands, in blocks that are kept once for everybody: replicas
 * that have not been sent them yet, and those that come back and want to go on where they stood.
 *
 *      offset     firstOffset                          a replica's offset        endOffset
 *                 |                                    |                         |
 *      blocks     [ 64 KiB ....... ][ 64 KiB ....... ][ 64 KiB ....... ][ 12 KiB | free ]
 *                 \______________________ the backlog ____________________________/
 *
 * An offset counts all bytes before it, since the history began: what Redis calls master_repl_offset
 * is endOffset. Blocks are small where the backlog is to be short. A block leaves when the backlog is as
 * long without it, and no replica has to be sent any of it. Bytes that were written stay as they are, so
 * a connection may keep a block while more is written behind them.
 */
import { NO_DATABASE, type PropagationSink, Target } from "@kv/engine";
import { encodeRequest, type RequestArgument } from "@kv/resp";

const BLOCK_BYTES_MAX = 64 * 1024;
const BLOCK_BYTES_MIN = 1024;
/** So many blocks make a backlog, which is as much longer than wanted as one of them. */
const BLOCK_COUNT = 16;

interface Block {
  readonly bytes: Uint8Array;
  /** Offset of its first byte. */
  readonly start: number;
  length: number;
}

export class Stream implements PropagationSink {
  readonly targets = Target.REPLICAS;
  /** It says what another server's stream says, and nothing of what the engine does itself. */
  isPassedOn = false;
  endOffset = 0;
  /** Bytes of memory. */
  heldBytes = 0;
  private blockBytes = BLOCK_BYTES_MAX;
  private readonly onAppended: () => void;
  private readonly blocks: Block[] = [];
  /** The memory of a block that is not needed any more. */
  private spare: Uint8Array | null = null;
  /** The database that is selected at the end; -1: the next command is to select its own. */
  private databaseIndex = -1;

  /** Begins at this offset, for a backlog of so many bytes. `onAppended` is told whenever there is more. */
  constructor(offset: number, backlogBytes: number, onAppended: () => void) {
    this.endOffset = offset;
    this.fitTo(backlogBytes);
    this.onAppended = onAppended;
    this.addBlock();
  }

  /** Offset of the first byte that is still there. */
  get firstOffset(): number {
    return (this.blocks[0] as Block).start;
  }

  /** The database that is selected at the end. */
  get selectedDatabase(): number {
    // Whatever is said next selects its own.
    return Math.max(0, this.databaseIndex);
  }

  /** Bytes that are still there. */
  get length(): number {
    return this.endOffset - this.firstOffset;
  }

  /** The backlog is to have so many bytes from now on. */
  fitTo(backlogBytes: number): void {
    const bytes = Math.floor(backlogBytes / BLOCK_COUNT);
    this.blockBytes = Math.min(BLOCK_BYTES_MAX, Math.max(BLOCK_BYTES_MIN, bytes));
  }

  /** Commands that changed the data set. */
  append(databaseIndex: number, bytes: Uint8Array, start: number, end: number): void {
    if (databaseIndex !== this.databaseIndex && databaseIndex !== NO_DATABASE) {
      this.databaseIndex = databaseIndex;
      const select = encodeRequest(["SELECT", `${databaseIndex}`]);
      this.write(select, 0, select.length);
    }
    this.write(bytes, start, end);
    this.onAppended();
  }

  /** What another server's stream says, as it says it. */
  passOn(bytes: Uint8Array, start: number, end: number): void {
    this.write(bytes, start, end);
    this.onAppended();
  }

  /** A command that is about the stream itself, and no database. */
  appendControl(...words: RequestArgument[]): void {
    const bytes = encodeRequest(words);
    this.write(bytes, 0, bytes.length);
    this.onAppended();
  }

  /** A replica that begins at the end has no database selected. */
  forgetDatabase(): void {
    this.databaseIndex = -1;
  }

  private addBlock(): Block {
    const { spare, blockBytes } = this;
    this.dropSpare();
    const bytes = spare?.length === blockBytes ? spare : new Uint8Array(blockBytes);
    this.heldBytes += bytes.length;
    const block = { bytes, start: this.endOffset, length: 0 };
    this.blocks.push(block);
    return block;
  }

  private write(bytes: Uint8Array, start: number, end: number): void {
    for (let from = start; from < end; ) {
      let block = this.blocks[this.blocks.length - 1] as Block;
      if (block.length === block.bytes.length) block = this.addBlock();
      const count = Math.min(end - from, block.bytes.length - block.length);
      block.bytes.set(bytes.subarray(from, from + count), block.length);
      block.length += count;
      this.endOffset += count;
      from += count;
    }
  }

  /**
   * Hands the bytes from `offset` to the end of its block to `take`, if there are any. Returns how many
   * those were.
   */
  read(offset: number, take: (bytes: Uint8Array, start: number, end: number) => void): number {
    const block = this.blockAt(offset);
    const from = offset - block.start;
    if (from < block.length) take(block.bytes, from, block.length);
    return block.length - from;
  }

  private blockAt(offset: number): Block {
    const { blocks } = this;
    let low = 0;
    let high = blocks.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if ((blocks[middle] as Block).start <= offset) low = middle;
      else high = middle - 1;
    }
    return blocks[low] as Block;
  }

  /**
   * Drops what is neither among the last `keptBytes` nor wanted by who stands at `offset`. `isUnread`: no
   * connection can have kept any of it, so its memory may be used again.
   */
  trim(keptBytes: number, offset: number, isUnread: boolean): void {
    let count = 0;
    while (count < this.blocks.length - 1) {
      const { start } = this.blocks[count + 1] as Block;
      if (start > offset || this.endOffset - start < keptBytes) break;
      count++;
    }
    if (count === 0) return;
    const dropped = this.blocks.splice(0, count);
    for (const { bytes } of dropped) this.heldBytes -= bytes.length;
    this.dropSpare();
    if (!isUnread) return;
    this.spare = (dropped[0] as Block).bytes;
    this.heldBytes += this.spare.length;
  }

  private dropSpare(): void {
    if (this.spare !== null) this.heldBytes -= this.spare.length;
    this.spare = null;
  }
}
