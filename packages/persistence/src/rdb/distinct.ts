/**
 * Distinct: whether a text comes twice among those of one collection, for files that are checked.
 *
 * The texts are kept in an arena, not as JavaScript objects, and no more of them than fit the bound:
 * what comes behind is not compared. The loader, which keeps them all anyway, does compare.
 */
import { Arena, createHash, freeEntry, HashValue, NONE } from "@kv/core";

const SEGMENT_BYTES = 2 ** 20;
const KEPT_BYTES_MAX = 64 * 2 ** 20;
/** Longer texts are not kept. */
const TEXT_BYTES_MAX = 65536;
const NO_BYTES = new Uint8Array(0);
/** Fields go into a table from the first on. */
const LIMITS = { listpackEntriesMax: 0, listpackValueBytesMax: 0 };

/** The texts of one collection so far, as far as they are kept. */
export class Distinct {
  private readonly keptBytesMax: number;
  private hash = new HashValue(new Arena({ segmentBytes: SEGMENT_BYTES }), 0);

  constructor(keptBytesMax = KEPT_BYTES_MAX) {
    this.keptBytesMax = keptBytesMax;
  }

  /** Where the texts are kept. What else is put there counts with them, and clear() may drop it. */
  get arena(): Arena {
    return this.hash.arena;
  }

  /** Begins another collection. */
  clear(): void {
    const { arena, entry } = this.hash;
    if (arena.segmentBytes > SEGMENT_BYTES) {
      this.hash = new HashValue(new Arena({ segmentBytes: SEGMENT_BYTES }), 0);
      return;
    }
    if (entry !== NONE) freeEntry(arena, entry);
    this.hash.entry = NONE;
  }

  /** True when a text of this length will be kept, so that it has to be read. */
  remembers(length: number): boolean {
    return length <= TEXT_BYTES_MAX && this.arena.pageBytes < this.keptBytesMax;
  }

  /** False when bytes[start, end) was there already. `view` covers the same memory. */
  add(bytes: Uint8Array, view: DataView, start: number, end: number): boolean {
    if (!this.remembers(end - start)) return true;
    const { hash } = this;
    if (hash.entry === NONE) hash.attach(createHash(hash.arena, 0, NO_BYTES, 0, 0));
    return hash.set(bytes, view, start, end, NO_BYTES, 0, 0, LIMITS);
  }
}
