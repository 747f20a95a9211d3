/** A growable list of refs: where scans and samples put what they found. Reused, and short again. */
import type { Ref } from "./arena.ts";

/** A list that was longer than this gives its memory back, at once, when it is cleared. */
const KEPT_COUNT_MAX = 65536;

export class RefList {
  refs: Int32Array<ArrayBuffer> = new Int32Array(64);
  count = 0;

  clear(): void {
    this.count = 0;
    if (this.refs.length <= KEPT_COUNT_MAX) return;
    this.refs.buffer.transfer(0);
    this.refs = new Int32Array(64);
  }

  push(ref: Ref): void {
    if (this.count === this.refs.length) {
      const larger = new Int32Array(this.count * 2);
      larger.set(this.refs);
      if (this.count > KEPT_COUNT_MAX) this.refs.buffer.transfer(0);
      this.refs = larger;
    }
    this.refs[this.count++] = ref;
  }

  at(index: number): Ref {
    return this.refs[index] as Ref;
  }
}
