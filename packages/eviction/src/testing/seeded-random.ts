/** Random 32-bit numbers that are the same for the same seed, on every machine. */

/** A source of random 32-bit numbers that repeats from its seed. */
export function seededRandom32(seed: number): () => number {
  // splitmix32: a counter, scrambled. Good enough for sampling, and any seed will do.
  let state = seed | 0;
  return () => {
    state = (state + 0x9e3779b9) | 0;
    let mixed = state ^ (state >>> 16);
    mixed = Math.imul(mixed, 0x21f0aaad);
    mixed ^= mixed >>> 15;
    mixed = Math.imul(mixed, 0x735a2d97);
    return (mixed ^ (mixed >>> 15)) >>> 0;
  };
}
