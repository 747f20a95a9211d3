/** Pages of a dict: how large and how deep they become, and where an entry settles in one. */
import { NONE, type Ref } from "../memory/arena.ts";

/** A page has at least 2 to this power slots. */
export const BITS_MIN = 2;
/** A page has at most 2 to this power slots, as a rule. */
export const BITS_MAX = 12;

/** Pages are split to this depth, and up to so many levels below what the dict's size explains. */
export const DEPTH_MAX = 18;
export const DEPTH_SLACK = 6;

/** How deep the pages of so many entries are. */
export function explainedDepth(count: number): number {
  return 32 - Math.clz32(count >>> (BITS_MAX - 1));
}

/** Bits of the slots of a page for so many entries: it is up to two thirds full then. */
export function pageBits(count: number): number {
  let bits = BITS_MIN;
  while (bits < BITS_MAX && count * 3 > 2 << bits) bits++;
  return bits;
}

/** Puts an entry in the first free slot from its home on. Returns how far from it that was. */
export function place(
  words: Int32Array,
  base: number,
  depth: number,
  bits: number,
  hash: number,
  entry: Ref,
): number {
  const mask = (1 << bits) - 1;
  const home = (hash << depth) >>> (32 - bits);
  let slot = home;
  while (words[base + (slot << 1) + 1] !== NONE) slot = (slot + 1) & mask;
  words[base + (slot << 1)] = hash;
  words[base + (slot << 1) + 1] = entry;
  return (slot - home) & mask;
}
