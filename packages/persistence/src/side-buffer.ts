/** SideBuffer: bytes that wait for their place in a file. */
import type { ChunkOutput } from "./chunk-output.ts";

const FIRST_BLOCK_BYTES = 256;
const BLOCK_BYTES_MAX = 65536;

export class SideBuffer {
  /** All but the last one are full. */
  private blocks: Uint8Array[] = [];
  private used = 0;

  /** Appends a copy of bytes[start, end). */
  append(bytes: Uint8Array, start: number, end: number): void {
    let block = this.blocks[this.blocks.length - 1];
    while (start < end) {
      if (block === undefined || this.used === block.length) {
        const size = block === undefined ? FIRST_BLOCK_BYTES : block.length * 4;
        block = new Uint8Array(Math.min(size, BLOCK_BYTES_MAX));
        this.blocks.push(block);
        this.used = 0;
      }
      const part = Math.min(end - start, block.length - this.used);
      block.set(bytes.subarray(start, start + part), this.used);
      this.used += part;
      start += part;
    }
  }

  /** Writes everything to `output` and forgets it. */
  drainTo(output: ChunkOutput): void {
    const last = this.blocks.length - 1;
    for (let i = 0; i <= last; i++) {
      output.bytes(this.blocks[i], 0, i === last ? this.used : this.blocks[i].length);
    }
    this.blocks = [];
    this.used = 0;
  }
}
