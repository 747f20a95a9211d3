/**
 * CRC-64 as Redis uses it (the Jones polynomial), behind every RDB file and DUMP payload.
 *
 *      polynomial ad93d23594c935a9, bits reflected, starts at 0, no final xor
 *      crc64("123456789") = e9c6d914c4b8d9ca
 *
 * JavaScript has no fast 64-bit integer, so the sum is kept as two 32-bit halves. Eight bytes are
 * taken at a time: table k says what a byte followed by k zero bytes does to the sum, so the eight
 * look-ups do not wait for each other. The tables are 16 KiB.
 */

// The reflected polynomial, 95ac9329ac4bc9b5.
const POLYNOMIAL_HI = 0x95ac9329 | 0;
const POLYNOMIAL_LO = 0xac4bc9b5 | 0;
const STRIDE = 8;

type Table = Int32Array;
type Tables = [Table, Table, Table, Table, Table, Table, Table, Table];

/** For each k the low halves of what a byte with k zero bytes behind it does, and the high halves. */
const lowTables: Int32Array[] = [];
const highTables: Int32Array[] = [];
for (let k = 0; k < STRIDE; k++) {
  lowTables.push(new Int32Array(256));
  highTables.push(new Int32Array(256));
}
// Names of their own: the compiler then knows where each lies, and how long it is.
const [L0, L1, L2, L3, L4, L5, L6, L7] = lowTables as Tables;
const [H0, H1, H2, H3, H4, H5, H6, H7] = highTables as Tables;

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
  L0[byte] = lo;
  H0[byte] = hi;
}
for (let byte = 0; byte < 256; byte++) {
  let lo = L0[byte] as number;
  let hi = H0[byte] as number;
  for (let k = 1; k < STRIDE; k++) {
    const first = lo & 255;
    lo = ((lo >>> 8) | (hi << 24)) ^ (L0[first] as number);
    hi = (hi >>> 8) ^ (H0[first] as number);
    (lowTables[k] as Int32Array)[byte] = lo;
    (highTables[k] as Int32Array)[byte] = hi;
  }
}

function viewOver({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
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

  /** Takes bytes[start, end) into the sum. `view` covers the same memory; without it, one is made. */
  update(bytes: Uint8Array, start: number, end: number, view = viewOver(bytes)): void {
    let { lo, hi } = this;
    let at = start;
    for (const last = end - STRIDE; at <= last; at += STRIDE) {
      lo ^= view.getInt32(at, true);
      hi ^= view.getInt32(at + 4, true);
      // The first byte has seven more behind it.
      const a = lo & 255;
      const b = (lo >>> 8) & 255;
      const c = (lo >>> 16) & 255;
      const d = lo >>> 24;
      const e = hi & 255;
      const f = (hi >>> 8) & 255;
      const g = (hi >>> 16) & 255;
      const h = hi >>> 24;
      lo = L7[a]! ^ L6[b]! ^ L5[c]! ^ L4[d]! ^ L3[e]! ^ L2[f]! ^ L1[g]! ^ L0[h]!;
      hi = H7[a]! ^ H6[b]! ^ H5[c]! ^ H4[d]! ^ H3[e]! ^ H2[f]! ^ H1[g]! ^ H0[h]!;
    }
    for (; at < end; at++) {
      const entry = (lo ^ (bytes[at] as number)) & 255;
      lo = ((lo >>> 8) | (hi << 24)) ^ (L0[entry] as number);
      hi = (hi >>> 8) ^ (H0[entry] as number);
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
