/** A growable list of refs: where scans and samples put what they found. Reused, and short again. */
import type { Ref } from "./arena.ts";

/** A list that was longer than this gives its memory back, at once, when it is cleared. */
const KEPT_COUNT_MAX = 65536;

/** A growable list of refs, for use again and again. */
export class RefList {
  /** The refs: the first `count` of them are meant. */
  refs: Int32Array<ArrayBuffer>;
  /** Number of refs in the list. */
  count = 0;

  /** `capacity` is the room it begins with. Up to 16 refs the memory costs next to nothing. */
  constructor(capacity = 64) {
    this.refs = new Int32Array(capacity);
  }

  /** Empties the list. */
  clear(): void {
    this.count = 0;
    if (this.refs.length <= KEPT_COUNT_MAX) return;
    this.refs.buffer.transfer(0);
    this.refs = new Int32Array(64);
  }

  /** Appends a ref. */
  push(ref: Ref): void {
    if (this.count === this.refs.length) {
      const larger = new Int32Array(this.count * 2);
      larger.set(this.refs);
      if (this.count > KEPT_COUNT_MAX) this.refs.buffer.transfer(0);
      this.refs = larger;
    }
    this.refs[this.count++] = ref;
  }

  /** The ref at an index below `count`. */
  at(index: number): Ref {
    return this.refs[index] as Ref;
  }
}
