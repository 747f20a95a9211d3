/**
 * CRC-64 as Redis uses it (the Jones polynomial), behind every RDB file and DUMP payload.
 *
 *      polynomial ad93d23594c935a9, bits reflected, starts at 0, no final xor
 *      crc64("123456789") = e9c6d914c4b8d9ca
 *
 * JavaScript has no fast 64-bit integer, so the sum is kept as two 32-bit halves. Eight bytes are
 * taken at a time: table k says what a byte followed by k zero bytes does to the sum, so the eight
 * look-ups do not wait for each other. The tables are 16 KiB, halves side by side.
 */

// The reflected polynomial, 95ac9329ac4bc9b5.
const POLYNOMIAL_HI = 0x95ac9329 | 0;
const POLYNOMIAL_LO = 0xac4bc9b5 | 0;
const STRIDE = 8;

/** tables[(k * 256 + byte) * 2] is the low half, the word behind it the high half. */
const tables = new Int32Array(STRIDE * 256 * 2);
for (let byte = 0; byte < 256; byte++) {
  let lo = byte;
  let hi = 0;
  for (let bit = 0; bit < 8; bit++) {
    const odd = lo & 1;
    lo = (lo >>> 1) | (hi << 31);
    hi >>>= 1;
    if (odd !== 0) {
      lo ^= POLYNOMIAL_LO;
      hi ^= POLYNOMIAL_HI;
    }
  }
  tables[byte * 2] = lo;
  tables[byte * 2 + 1] = hi;
}
for (let k = 1; k < STRIDE; k++) {
  for (let byte = 0; byte < 256; byte++) {
    const before = ((k - 1) * 256 + byte) * 2;
    const lo = tables[before];
    const hi = tables[before + 1];
    const first = (lo & 255) * 2;
    tables[(k * 256 + byte) * 2] = ((lo >>> 8) | (hi << 24)) ^ tables[first];
    tables[(k * 256 + byte) * 2 + 1] = (hi >>> 8) ^ tables[first + 1];
  }
}

/** A running sum. */
export class Crc64 {
  /** The halves of the sum so far, as signed 32-bit words. */
  lo = 0;
  /** Upper 32 bits of the sum. */
  hi = 0;

  /** Begins another sum. */
  reset(): void {
    this.lo = 0;
    this.hi = 0;
  }

  /** Takes bytes[start, end) into the sum. */
  update(bytes: Uint8Array, start: number, end: number): void {
    const t = tables;
    let { lo, hi } = this;
    let at = start;
    for (const last = end - 7; at < last; at += 8) {
      lo ^= bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
      hi ^= bytes[at + 4] | (bytes[at + 5] << 8) | (bytes[at + 6] << 16) | (bytes[at + 7] << 24);
      // Entry `b` of table k stands at k * 512 + b * 2; the first byte is followed by seven more.
      const a = 3584 + ((lo & 255) << 1);
      const b = 3072 + ((lo >>> 7) & 510);
      const c = 2560 + ((lo >>> 15) & 510);
      const d = 2048 + ((lo >>> 23) & 510);
      const e = 1536 + ((hi & 255) << 1);
      const f = 1024 + ((hi >>> 7) & 510);
      const g = 512 + ((hi >>> 15) & 510);
      const h = (hi >>> 23) & 510;
      lo = t[a] ^ t[b] ^ t[c] ^ t[d] ^ t[e] ^ t[f] ^ t[g] ^ t[h];
      hi = t[a + 1] ^ t[b + 1] ^ t[c + 1] ^ t[d + 1] ^ t[e + 1] ^ t[f + 1] ^ t[g + 1] ^ t[h + 1];
    }
    for (; at < end; at++) {
      const entry = ((lo ^ bytes[at]) & 255) << 1;
      lo = ((lo >>> 8) | (hi << 24)) ^ t[entry];
      hi = (hi >>> 8) ^ t[entry + 1];
    }
    this.lo = lo;
    this.hi = hi;
  }

  /** The sum as Redis prints it with %llx: no leading zeros. */
  toString(): string {
    return formatCrc(this.hi, this.lo);
  }
}

/** A sum, given in halves, as Redis prints it with %llx. */
export function formatCrc(hi: number, lo: number): string {
  return ((BigInt(hi >>> 0) << 32n) | BigInt(lo >>> 0)).toString(16);
}
