/**
 * XXH3 with 64 bits, without a seed: the digest of a string for DIGEST, IFDEQ and IFDNE.
 *
 *      up to 16 bytes     the bytes, overlapping, mixed once by a recipe for each length
 *      up to 240 bytes    pieces of 16, each folded by a product of 128 bits
 *      beyond             stripes of 64 bytes are added into eight lanes of 64 bits; after 16 stripes
 *                         (1024 bytes) the lanes are scrambled, and in the end folded together
 *
 * Every step is keyed by a secret of 192 bytes, which is the same for everybody. Short strings are
 * hashed with bigints, as there are few steps; the lanes, where a long string spends its time, are
 * pairs of 32-bit words. Numbers are little-endian throughout.
 */

const PRIME32_1 = 0x9e3779b1n;
const PRIME32_2 = 0x85ebca77n;
const PRIME32_3 = 0xc2b2ae3dn;
const PRIME64_1 = 0x9e3779b185ebca87n;
const PRIME64_2 = 0xc2b2ae3d27d4eb4fn;
const PRIME64_3 = 0x165667b19e3779f9n;
const PRIME64_4 = 0x85ebca77c2b2ae63n;
const PRIME64_5 = 0x27d4eb2f165667c5n;
const MIX_1 = 0x165667919e3779f9n;
const MIX_2 = 0x9fb21c651e98df25n;
const MASK_64 = 2n ** 64n - 1n;

const SECRET_HEX = [
  "b8fe6c3923a44bbe7c01812cf721ad1cded46de9839097db7240a4a4b7b3671f",
  "cb79e64eccc0e578825ad07dccff7221b8084674f743248ee03590e6813a264c",
  "3c2852bb91c300cb88d0658b1b532ea371644897a20df94e3819ef46a9deacd8",
  "a8fa763fe39c343ff9dcbbc7c70b4f1d8a51e04bcdb45931c89f7ec9d9787364",
  "eac5ac8334d3ebc3c581a0fffa1363eb170ddd51b7f0da49d316552629d4689e",
  "2b16be587d47a1fc8ff8b8d17ad031ce45cb3a8f95160428afd7fbcabb4b407e",
].join("");
const secret = new DataView(
  Uint8Array.from({ length: 192 }, (_, at) =>
    Number.parseInt(SECRET_HEX.slice(2 * at, 2 * at + 2), 16),
  ).buffer,
);

const STRIPE_BYTES = 64;
const BLOCK_BYTES = 1024;
/** Where the part of the secret begins that scrambles lanes. */
const SCRAMBLE_AT = 128;
/** The last stripe has a part of its own, and so has the folding of the lanes. */
const LAST_STRIPE_AT = 121;
const FOLD_AT = 11;
/** The last piece of 16 of a middle-sized string. */
const LAST_PIECE_AT = 119;

const LANES = [
  PRIME32_3,
  PRIME64_1,
  PRIME64_2,
  PRIME64_3,
  PRIME64_4,
  PRIME32_2,
  PRIME64_5,
  PRIME32_1,
];

/** The digest of the bytes from `start` to `end` of a view. */
export function xxh3(view: DataView, start: number, end: number): bigint {
  const length = end - start;
  if (length <= 16) return hashShort(view, start, length);
  if (length <= 128) return hashPairs(view, start, length);
  if (length <= 240) return hashMiddle(view, start, length);
  return hashLong(view, start, length);
}

/** The digest as DIGEST writes it: 16 hexadecimal digits. */
export function hexOf(digest: bigint): string {
  return digest.toString(16).padStart(16, "0");
}

function word(view: DataView, at: number): bigint {
  return view.getBigUint64(at, true);
}

/** Two words of the secret that key one step. */
function flip(at: number): bigint {
  return word(secret, at) ^ word(secret, at + 8);
}

/** Both halves of the product of two words, one upon the other. */
function fold(a: bigint, b: bigint): bigint {
  const product = a * b;
  return (product & MASK_64) ^ (product >> 64n);
}

function avalanche(state: bigint): bigint {
  state ^= state >> 37n;
  state = (state * MIX_1) & MASK_64;
  return state ^ (state >> 32n);
}

/** The last steps of the older XXH64, which the shortest strings end with. */
function olderAvalanche(state: bigint): bigint {
  state ^= state >> 33n;
  state = (state * PRIME64_2) & MASK_64;
  state ^= state >> 29n;
  state = (state * PRIME64_3) & MASK_64;
  return state ^ (state >> 32n);
}

function rotated(state: bigint, bits: bigint): bigint {
  return ((state << bits) | (state >> (64n - bits))) & MASK_64;
}

function swapped(state: bigint): bigint {
  let result = 0n;
  for (let i = 0n; i < 64n; i += 8n) result = (result << 8n) | ((state >> i) & 255n);
  return result;
}

function hashShort(view: DataView, start: number, length: number): bigint {
  if (length > 8) {
    const low = word(view, start) ^ flip(24);
    const high = word(view, start + length - 8) ^ flip(40);
    return avalanche((BigInt(length) + swapped(low) + high + fold(low, high)) & MASK_64);
  }
  if (length > 3) {
    const first = BigInt(view.getUint32(start, true));
    const last = BigInt(view.getUint32(start + length - 4, true));
    let state = (last + (first << 32n)) ^ flip(8);
    state ^= rotated(state, 49n) ^ rotated(state, 24n);
    state = (state * MIX_2) & MASK_64;
    state ^= (state >> 35n) + BigInt(length);
    state = (state * MIX_2) & MASK_64;
    return state ^ (state >> 28n);
  }
  if (length === 0) return olderAvalanche(flip(56));
  const first = view.getUint8(start);
  const middle = view.getUint8(start + (length >> 1));
  const last = view.getUint8(start + length - 1);
  const combined = ((first << 16) | (middle << 24) | last | (length << 8)) >>> 0;
  const key = (secret.getUint32(0, true) ^ secret.getUint32(4, true)) >>> 0;
  return olderAvalanche(BigInt(combined) ^ BigInt(key));
}

/** A piece of 16 bytes, keyed by the secret from a place on. */
function piece(view: DataView, at: number, secretAt: number): bigint {
  return fold(
    word(view, at) ^ word(secret, secretAt),
    word(view, at + 8) ^ word(secret, secretAt + 8),
  );
}

/** Pieces from both ends towards the middle. */
function hashPairs(view: DataView, start: number, length: number): bigint {
  let state = BigInt(length) * PRIME64_1;
  const end = start + length;
  for (let i = (length - 1) >> 5; i >= 0; i--) {
    state += piece(view, start + 16 * i, 32 * i);
    state += piece(view, end - 16 * (i + 1), 32 * i + 16);
  }
  return avalanche(state & MASK_64);
}

function hashMiddle(view: DataView, start: number, length: number): bigint {
  let state = BigInt(length) * PRIME64_1;
  for (let i = 0; i < 8; i++) state += piece(view, start + 16 * i, 16 * i);
  state = avalanche(state & MASK_64);
  for (let i = 8; i < length >> 4; i++) state += piece(view, start + 16 * i, 16 * (i - 8) + 3);
  state += piece(view, start + length - 16, LAST_PIECE_AT);
  return avalanche(state & MASK_64);
}

function hashLong(view: DataView, start: number, length: number): bigint {
  // Lane i is the words 2i (lower) and 2i + 1.
  const lanes = new Int32Array(16);
  for (let i = 0; i < 8; i++) {
    const lane = LANES[i] as bigint;
    lanes[2 * i] = Number(BigInt.asIntN(32, lane));
    lanes[2 * i + 1] = Number(BigInt.asIntN(32, lane >> 32n));
  }
  const end = start + length;
  let at = start;
  for (; at + BLOCK_BYTES < end; at += BLOCK_BYTES) {
    for (let i = 0; i < 16; i++) addStripe(lanes, view, at + STRIPE_BYTES * i, 8 * i);
    scramble(lanes);
  }
  for (let i = 0; at + STRIPE_BYTES < end; at += STRIPE_BYTES, i++)
    addStripe(lanes, view, at, 8 * i);
  addStripe(lanes, view, end - STRIPE_BYTES, LAST_STRIPE_AT);
  let state = BigInt(length) * PRIME64_1;
  for (let i = 0; i < 8; i += 2) {
    const key = FOLD_AT + 8 * i;
    state += fold(lane(lanes, i) ^ word(secret, key), lane(lanes, i + 1) ^ word(secret, key + 8));
  }
  return avalanche(state & MASK_64);
}

function lane(lanes: Int32Array, index: number): bigint {
  const high = BigInt((lanes[2 * index + 1] as number) >>> 0);
  return (high << 32n) | BigInt((lanes[2 * index] as number) >>> 0);
}

/** Adds a stripe: each word to its neighbour's lane, and the product of its keyed halves to its own. */
function addStripe(lanes: Int32Array, view: DataView, at: number, secretAt: number): void {
  for (let i = 0; i < 16; i += 2) {
    const low = view.getInt32(at + 4 * i, true);
    const high = view.getInt32(at + 4 * i + 4, true);
    const keyedLow = low ^ secret.getInt32(secretAt + 4 * i, true);
    const keyedHigh = high ^ secret.getInt32(secretAt + 4 * i + 4, true);
    addTo(lanes, i ^ 2, low, high);
    addTo(lanes, i, Math.imul(keyedLow, keyedHigh), highOfProduct(keyedLow, keyedHigh));
  }
}

/** Adds (high, low) to the lane whose words are at an index. */
function addTo(lanes: Int32Array, index: number, low: number, high: number): void {
  const sum = ((lanes[index] as number) >>> 0) + (low >>> 0);
  lanes[index] = sum | 0;
  const carry = sum > 0xffffffff ? 1 : 0;
  lanes[index + 1] = (lanes[index + 1] as number) + high + carry;
}

/** Upper 32 bits of the product of two unsigned words. */
function highOfProduct(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  const crossed = aLow * bHigh + (middle & 0xffff);
  return (aHigh * bHigh + (middle >>> 16) + (crossed >>> 16)) | 0;
}

/** Folds, keys and multiplies every lane. */
function scramble(lanes: Int32Array): void {
  const prime = Number(PRIME32_1) | 0;
  for (let i = 0; i < 16; i += 2) {
    const high = lanes[i + 1] as number;
    const low = (lanes[i] as number) ^ (high >>> 15) ^ secret.getInt32(SCRAMBLE_AT + 4 * i, true);
    const keyedHigh = high ^ secret.getInt32(SCRAMBLE_AT + 4 * i + 4, true);
    lanes[i] = Math.imul(low, prime);
    lanes[i + 1] = (Math.imul(keyedHigh, prime) + highOfProduct(low, prime)) | 0;
  }
}
