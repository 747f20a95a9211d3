/**
 * MurmurHash64A, the hash that decides which register of a HyperLogLog an element falls into. It is
 * part of the format: another hash, or another seed, would read the strings of Redis wrongly.
 *
 * Eight bytes at a time, lowest first, are multiplied, folded and mixed into the state; what is left
 * at the end goes in as it is. 64-bit words are pairs of 32-bit ones here: there is no other integer
 * product that allocates nothing.
 */

/** The result of the last call: upper and lower 32 bits. */
export const hash = { hi: 0, lo: 0 };

const SEED = 0xadc83b19 | 0;
const M_HI = 0xc6a4a793 | 0;
const M_LO = 0x5bd1e995;
const M_LO_LOW = M_LO & 0xffff;
const M_LO_HIGH = M_LO >>> 16;

/** Upper 32 bits of the 64-bit product of an unsigned word and M_LO. */
function highOfProduct(lo: number): number {
  const low = lo & 0xffff;
  const high = lo >>> 16;
  // No partial sum reaches 2^32.
  const middle = high * M_LO_LOW + ((low * M_LO_LOW) >>> 16);
  const crossed = low * M_LO_HIGH + (middle & 0xffff);
  return (high * M_LO_HIGH + (middle >>> 16) + (crossed >>> 16)) | 0;
}

/** Upper 32 bits of the lower 64 of (hi, lo) times the multiplier; the lower ones are imul's. */
function timesM(hi: number, lo: number): number {
  return (highOfProduct(lo) + Math.imul(lo, M_HI) + Math.imul(hi, M_LO)) | 0;
}

/** Hashes bytes[start, end). The result is in `hash`. */
export function murmurHash64(bytes: Uint8Array, start: number, end: number): void {
  const length = end - start;
  // The length is below 2^32, and so is its part in the seed.
  let hi = timesM(0, length);
  let lo = Math.imul(length, M_LO) ^ SEED;
  let at = start;
  for (; at + 8 <= end; at += 8) {
    let wordLo = word(bytes, at);
    let wordHi = word(bytes, at + 4);
    wordHi = timesM(wordHi, wordLo);
    wordLo = Math.imul(wordLo, M_LO);
    // The word is folded by 47 bits: its upper half goes into the lower one.
    wordLo ^= wordHi >>> 15;
    wordHi = timesM(wordHi, wordLo);
    wordLo = Math.imul(wordLo, M_LO);
    hi ^= wordHi;
    lo ^= wordLo;
    hi = timesM(hi, lo);
    lo = Math.imul(lo, M_LO);
  }
  if (at < end) {
    for (let shift = 0; at < end; at++, shift += 8) {
      if (shift < 32) lo ^= (bytes[at] as number) << shift;
      else hi ^= (bytes[at] as number) << (shift - 32);
    }
    hi = timesM(hi, lo);
    lo = Math.imul(lo, M_LO);
  }
  lo ^= hi >>> 15;
  hi = timesM(hi, lo);
  lo = Math.imul(lo, M_LO);
  lo ^= hi >>> 15;
  hash.hi = hi;
  hash.lo = lo;
}

function word(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at] as number) |
    ((bytes[at + 1] as number) << 8) |
    ((bytes[at + 2] as number) << 16) |
    ((bytes[at + 3] as number) << 24)
  );
}
