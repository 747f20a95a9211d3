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
 * is endOffset. A block leaves when the backlog is as long without it, and no replica has to be sent
 * any of it. Bytes that were written stay as they are, so a connection may keep a block while more is
 * written behind them.
 */
import { NO_DATABASE, type PropagationSink, Target } from "@kv/engine";
import { encodeRequest, type RequestArgument } from "@kv/resp";

const BLOCK_BYTES = 64 * 1024;

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
  private readonly onAppended: () => void;
  private readonly blocks: Block[] = [];
  /** The memory of a block that is not needed any more. */
  private spare: Uint8Array | null = null;
  /** The database that is selected at the end; -1: the next command is to select its own. */
  private databaseIndex = -1;

  /** Begins at this offset. `onAppended` is told whenever there is more. */
  constructor(offset: number, onAppended: () => void) {
    this.endOffset = offset;
    this.onAppended = onAppended;
    this.addBlock();
  }

  /** Offset of the first byte that is still there. */
  get firstOffset(): number {
    return (this.blocks[0] as Block).start;
  }

  /** Bytes that are still there. */
  get length(): number {
    return this.endOffset - this.firstOffset;
  }

  /** Bytes of memory. */
  get heldBytes(): number {
    return (this.blocks.length + (this.spare === null ? 0 : 1)) * BLOCK_BYTES;
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
    const bytes = this.spare ?? new Uint8Array(BLOCK_BYTES);
    this.spare = null;
    const block = { bytes, start: this.endOffset, length: 0 };
    this.blocks.push(block);
    return block;
  }

  private write(bytes: Uint8Array, start: number, end: number): void {
    for (let from = start; from < end; ) {
      let block = this.blocks[this.blocks.length - 1] as Block;
      if (block.length === BLOCK_BYTES) block = this.addBlock();
      const count = Math.min(end - from, BLOCK_BYTES - block.length);
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
    // Every block but the last is full, so they are as far apart as they are long.
    const index = Math.floor((offset - this.firstOffset) / BLOCK_BYTES);
    return this.blocks[Math.min(index, this.blocks.length - 1)] as Block;
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
    this.spare = isUnread ? (dropped[0] as Block).bytes : null;
  }
}
