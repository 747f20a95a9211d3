/**
 * RecordLog: records of bytes, of which the latest are kept. Neither adding nor forgetting one costs
 * more when there are many, and no record is a JavaScript object.
 *
 *      oldest block                       newest block
 *      [ .... | record | record ]  <->  [ record | record | ....... ]
 *        start ^                                       end ^
 *
 *      record = size u32 | payload | size u32               size: that of the payload
 *
 * The size in front is for forgetting the oldest ones, the one behind for reading the newest first.
 * A block whose records are all forgotten goes as a whole. However many records are asked for, the
 * blocks take no more than `bytesMax`, and at least one block stays.
 */

interface Block {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** The oldest record that is still wanted, and the end of the newest one. */
  start: number;
  end: number;
  count: number;
  older: Block | null;
  newer: Block | null;
}

const FIRST_BLOCK_BYTES = 4096;
const BLOCK_BYTES_MAX = 65536;
const SIZE_BYTES = 4;

export class RecordLog {
  /** Records kept. */
  count = 0;
  /** Memory that they take, unused ends of blocks included. */
  keptBytes = 0;
  /** Where the record that begin() opened is to be written. */
  bytes: Uint8Array = new Uint8Array(0);
  view = new DataView(this.bytes.buffer);
  private readonly bytesMax: number;
  private newest: Block | null = null;
  private oldest: Block | null = null;

  constructor(bytesMax: number) {
    this.bytesMax = bytesMax;
  }

  /** Opens a record of up to `sizeMax` bytes: the position in `bytes` where it begins. */
  begin(sizeMax: number): number {
    const needed = sizeMax + 2 * SIZE_BYTES;
    let block = this.newest;
    if (block === null || block.end + needed > block.bytes.length) block = this.addBlock(needed);
    this.bytes = block.bytes;
    this.view = block.view;
    return block.end + SIZE_BYTES;
  }

  /** The record that begin() opened ends at `end`, and is the newest one now. */
  commit(end: number): void {
    const block = this.newest as Block;
    const size = end - block.end - SIZE_BYTES;
    block.view.setUint32(block.end, size, true);
    block.view.setUint32(end, size, true);
    block.end = end + SIZE_BYTES;
    block.count++;
    this.count++;
  }

  /** Forgets the oldest records until no more than `countMax` are left. */
  trim(countMax: number): void {
    while (this.count > countMax) {
      const block = this.oldest as Block;
      const excess = this.count - countMax;
      if (block.count <= excess) {
        this.dropOldest();
        continue;
      }
      for (let left = excess; left > 0; left--) {
        block.start += block.view.getUint32(block.start, true) + 2 * SIZE_BYTES;
      }
      block.count -= excess;
      this.count -= excess;
    }
  }

  clear(): void {
    this.newest = null;
    this.oldest = null;
    this.count = 0;
    this.keptBytes = 0;
    this.bytes = new Uint8Array(0);
    this.view = new DataView(this.bytes.buffer);
  }

  /** Shows the payloads of the newest `countMax` records, the newest first. */
  each(countMax: number, visit: (bytes: Uint8Array, view: DataView, start: number) => void): void {
    let left = countMax;
    for (let block = this.newest; block !== null; block = block.older) {
      for (let end = block.end; end > block.start; left--) {
        if (left <= 0) return;
        const start = end - SIZE_BYTES - block.view.getUint32(end - SIZE_BYTES, true);
        visit(block.bytes, block.view, start);
        end = start - SIZE_BYTES;
      }
    }
  }

  private addBlock(needed: number): Block {
    const before = this.newest;
    const wanted = before === null ? FIRST_BLOCK_BYTES : before.bytes.length * 2;
    const bytes = new Uint8Array(Math.max(needed, Math.min(wanted, BLOCK_BYTES_MAX)));
    const view = new DataView(bytes.buffer);
    const block: Block = { bytes, view, start: 0, end: 0, count: 0, older: before, newer: null };
    if (before === null) this.oldest = block;
    else before.newer = block;
    this.newest = block;
    this.keptBytes += bytes.length;
    while (this.keptBytes > this.bytesMax && this.oldest !== block) this.dropOldest();
    return block;
  }

  private dropOldest(): void {
    const block = this.oldest as Block;
    this.count -= block.count;
    this.keptBytes -= block.bytes.length;
    this.oldest = block.newer;
    if (this.oldest === null) this.clear();
    else this.oldest.older = null;
  }
}
