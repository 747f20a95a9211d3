/**
 * RefSet: which refs have come already. For picking many different entries at random: four to eight
 * bytes for each, outside the JavaScript heap, where a Set ends at 2^24 members.
 *
 * An open-addressed table of 32-bit words, at most half full; 0 is an empty slot, since no ref is.
 */
import type { Ref } from "../memory/arena.ts";

/** A set of refs with room for a given number of them. */
export class RefSet {
  private readonly slots: Int32Array<ArrayBuffer>;
  private readonly shift: number;

  /** Room for `count` refs. */
  constructor(count: number) {
    const bits = Math.max(3, Math.ceil(Math.log2(count * 2)));
    this.slots = new Int32Array(2 ** bits);
    this.shift = 32 - bits;
  }

  /** False when it is there already. */
  add(ref: Ref): boolean {
    const { slots } = this;
    const mask = slots.length - 1;
    for (let slot = Math.imul(ref, 0x9e3779b1) >>> this.shift; ; slot = (slot + 1) & mask) {
      const other = slots[slot] as number;
      if (other === ref) return false;
      if (other !== 0) continue;
      slots[slot] = ref;
      return true;
    }
  }

  /** True when it is there. */
  has(ref: Ref): boolean {
    const { slots } = this;
    const mask = slots.length - 1;
    for (let slot = Math.imul(ref, 0x9e3779b1) >>> this.shift; ; slot = (slot + 1) & mask) {
      const other = slots[slot] as number;
      if (other === ref || other === 0) return other === ref;
    }
  }

  /** Gives the memory back, at once. */
  free(): void {
    this.slots.buffer.transfer(0);
  }
}
