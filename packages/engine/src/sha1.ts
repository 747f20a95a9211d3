/**
 * SHA-1 of a few bytes, for the digests of data sets that DEBUG DIGEST prints. It is no protection
 * against anybody; it is here because Redis's digests are made of it.
 */

export const SHA1_BYTES = 20;

const words = new Uint32Array(80);
const state = new Uint32Array(5);

function rotated(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}

/** Mixes one block of 64 bytes into the state. */
function block(bytes: Uint8Array, at: number): void {
  for (let i = 0; i < 16; i++) {
    const from = at + i * 4;
    words[i] =
      ((bytes[from] as number) << 24) |
      ((bytes[from + 1] as number) << 16) |
      ((bytes[from + 2] as number) << 8) |
      (bytes[from + 3] as number);
  }
  for (let i = 16; i < 80; i++) {
    const mixed =
      (words[i - 3] as number) ^
      (words[i - 8] as number) ^
      (words[i - 14] as number) ^
      (words[i - 16] as number);
    words[i] = rotated(mixed, 1);
  }
  let [a, b, c, d, e] = state as unknown as [number, number, number, number, number];
  for (let i = 0; i < 80; i++) {
    let mixed: number;
    if (i < 20) mixed = ((b & c) | (~b & d)) + 0x5a827999;
    else if (i < 40) mixed = (b ^ c ^ d) + 0x6ed9eba1;
    else if (i < 60) mixed = ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc;
    else mixed = (b ^ c ^ d) + 0xca62c1d6;
    const next = (rotated(a, 5) + mixed + e + (words[i] as number)) | 0;
    e = d;
    d = c;
    c = rotated(b, 30);
    b = a;
    a = next;
  }
  state[0] = (state[0] as number) + a;
  state[1] = (state[1] as number) + b;
  state[2] = (state[2] as number) + c;
  state[3] = (state[3] as number) + d;
  state[4] = (state[4] as number) + e;
}

/** Writes the SHA-1 of bytes[start, end) to the first 20 bytes of `out`, which may be `bytes`. */
export function sha1(bytes: Uint8Array, start: number, end: number, out: Uint8Array): void {
  state.set([0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0]);
  let at = start;
  for (; at + 64 <= end; at += 64) block(bytes, at);
  // The rest, a one bit, zeros, and the length in bits: one block or two.
  const rest = end - at;
  const tail = new Uint8Array(rest < 56 ? 64 : 128);
  for (let i = 0; i < rest; i++) tail[i] = bytes[at + i] as number;
  tail[rest] = 0x80;
  const view = new DataView(tail.buffer);
  const length = end - start;
  view.setUint32(tail.length - 8, Math.floor(length / 0x20000000));
  view.setUint32(tail.length - 4, length << 3);
  for (let i = 0; i < tail.length; i += 64) block(tail, i);
  for (let i = 0; i < SHA1_BYTES; i++)
    out[i] = ((state[i >> 2] as number) >>> (24 - (i & 3) * 8)) & 255;
}
