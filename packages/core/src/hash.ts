/**
 * The key hash: two 32-bit lanes over 8 bytes at a time, seeded.
 *
 * Chosen by measurement: three to four times faster than a byte loop at 64 bytes, with as few
 * 32-bit collisions as chance allows (34 on 600,000 keys, ideal 42), where simpler loops had
 * thousands. It is not cryptographic: the random seed makes flooding hard, not impossible, so the
 * dict watches for pathological tables and reseeds itself.
 */

/** Signed 32-bit hash of bytes[start, end). `view` covers the same memory as `bytes`. */
export function hashBytes(
  bytes: Uint8Array,
  view: DataView,
  start: number,
  end: number,
  seed: number,
): number {
  let a = seed ^ (end - start);
  let b = 0x7f4a7c15 ^ seed;
  let i = start;
  for (; i + 8 <= end; i += 8) {
    a = Math.imul(a ^ view.getInt32(i, true), 0x9e3779b1);
    b = Math.imul(b ^ view.getInt32(i + 4, true), 0x85ebca77);
    const t = a;
    a = (((a << 15) | (a >>> 17)) + b) | 0;
    b = ((b << 11) | (b >>> 21)) ^ t;
  }
  if (i + 4 <= end) {
    a = Math.imul(a ^ view.getInt32(i, true), 0x9e3779b1);
    a = (a << 15) | (a >>> 17);
    i += 4;
  }
  for (; i < end; i++) {
    b = Math.imul(b ^ (bytes[i] as number), 0xc2b2ae3d);
    b = (b << 7) | (b >>> 25);
  }
  a ^= b >>> 16;
  a = Math.imul(a ^ b, 0x85ebca6b);
  a ^= a >>> 13;
  a = Math.imul((a + b) | 0, 0xc2b2ae35);
  return (a ^ (a >>> 16)) | 0;
}
