/** A growable list of refs: where scans and samples put what they found. Reused, never shrunk. */
import type { Ref } from "./arena.ts";

export class RefList {
  refs: Int32Array = new Int32Array(64);
  count = 0;

  clear(): void {
    this.count = 0;
  }

  push(ref: Ref): void {
    if (this.count === this.refs.length) {
      const larger = new Int32Array(this.count * 2);
      larger.set(this.refs);
      this.refs = larger;
    }
    this.refs[this.count++] = ref;
  }

  at(index: number): Ref {
    return this.refs[index] as Ref;
  }
}
