/** FileBytes: the bytes of a file one by one, in their order; many can be passed over at once. */
import type { SyncStorageReader } from "../storage.ts";

const CHUNK_BYTES = 2 ** 18;

/** What next() and peek() answer behind the last byte. */
export const NO_BYTE = -1;

/** Reads a file from its beginning. What the storage throws, this throws. */
export class FileBytes {
  private readonly file: SyncStorageReader;
  private readonly chunk: Uint8Array;
  private at = 0;
  private end = 0;
  private chunkOffset = 0;

  /** `file` was just opened. */
  constructor(file: SyncStorageReader) {
    this.file = file;
    this.chunk = new Uint8Array(Math.min(CHUNK_BYTES, file.sizeBytes));
  }

  /** Where in the file the next byte is. */
  get offset(): number {
    return this.chunkOffset + this.at;
  }

  /** The next byte, which stays the next one; or NO_BYTE. */
  peek(): number {
    return this.at < this.end || this.fill() ? this.chunk[this.at] : NO_BYTE;
  }

  /** The next byte, or NO_BYTE. */
  next(): number {
    return this.at < this.end || this.fill() ? this.chunk[this.at++] : NO_BYTE;
  }

  /** Passes over `count` bytes, or as many as there are. Returns how many. */
  skip(count: number): number {
    let left = count;
    while (left > 0 && (this.at < this.end || this.fill())) {
      const step = Math.min(left, this.end - this.at);
      this.at += step;
      left -= step;
    }
    return count - left;
  }

  /**
   * Hands what comes to `take`, which gets bytes[start, end) and returns the position behind the last
   * one that it wants; until it does not want all, or nothing is left.
   */
  give(take: (bytes: Uint8Array, start: number, end: number) => number): void {
    while (this.at < this.end || this.fill()) {
      this.at = take(this.chunk, this.at, this.end);
      if (this.at < this.end) return;
    }
  }

  private fill(): boolean {
    this.chunkOffset += this.end;
    this.at = 0;
    this.end = this.file.read(this.chunk);
    return this.end > 0;
  }
}
