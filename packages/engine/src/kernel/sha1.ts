/**
 * SHA-1 of a few bytes, for the digests of data sets that DEBUG DIGEST prints. It is no protection
 * against anybody; it is here because Redis's digests are made of it.
 */

export const SHA1_BYTES = 20;

const BLOCK_BYTES = 64;
/** Rounds of each of the four kinds. */
const KIND_ROUNDS = 20;

const words = new Int32Array(4 * KIND_ROUNDS);
const state = new Int32Array(5);
/** What is left of the bytes, padded: one block or two. */
const tail = new Uint8Array(2 * BLOCK_BYTES);

/** Mixes one block of 64 bytes into the state. */
function block(bytes: Uint8Array, at: number): void {
  for (let i = 0, from = at; i < 16; i++, from += 4) {
    words[i] =
      ((bytes[from] as number) << 24) |
      ((bytes[from + 1] as number) << 16) |
      ((bytes[from + 2] as number) << 8) |
      (bytes[from + 3] as number);
  }
  for (let i = 16; i < words.length; i++) {
    const mixed =
      (words[i - 3] as number) ^
      (words[i - 8] as number) ^
      (words[i - 14] as number) ^
      (words[i - 16] as number);
    words[i] = (mixed << 1) | (mixed >>> 31);
  }
  let a = state[0] as number;
  let b = state[1] as number;
  let c = state[2] as number;
  let d = state[3] as number;
  let e = state[4] as number;
  for (let i = 0; i < words.length; i++) {
    let mixed: number;
    if (i < KIND_ROUNDS) mixed = (((b & c) | (~b & d)) + 0x5a827999) | 0;
    else if (i < 2 * KIND_ROUNDS) mixed = ((b ^ c ^ d) + 0x6ed9eba1) | 0;
    else if (i < 3 * KIND_ROUNDS) mixed = (((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc) | 0;
    else mixed = ((b ^ c ^ d) + 0xca62c1d6) | 0;
    const next = (((a << 5) | (a >>> 27)) + mixed + e + (words[i] as number)) | 0;
    e = d;
    d = c;
    c = (b << 30) | (b >>> 2);
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
  state[0] = 0x67452301;
  state[1] = 0xefcdab89;
  state[2] = 0x98badcfe;
  state[3] = 0x10325476;
  state[4] = 0xc3d2e1f0;
  let at = start;
  for (; at + BLOCK_BYTES <= end; at += BLOCK_BYTES) block(bytes, at);
  // The rest, a one bit, zeros, and the length in bits as 64 of them.
  let filled = 0;
  while (at < end) tail[filled++] = bytes[at++] as number;
  tail[filled++] = 0x80;
  const tailBytes = filled <= BLOCK_BYTES - 8 ? BLOCK_BYTES : 2 * BLOCK_BYTES;
  tail.fill(0, filled, tailBytes);
  let length = (end - start) * 8;
  for (let i = tailBytes - 1; length > 0; i--) {
    tail[i] = length % 256;
    length = Math.floor(length / 256);
  }
  for (let i = 0; i < tailBytes; i += BLOCK_BYTES) block(tail, i);
  for (let i = 0; i < SHA1_BYTES; i++)
    out[i] = ((state[i >> 2] as number) >>> (24 - (i & 3) * 8)) & 255;
}
