/**
 * CRC-64 as Redis uses it (the Jones polynomial), behind every RDB file and DUMP payload.
 *
 *      polynomial ad93d23594c935a9, bits reflected, starts at 0, no final xor
 *      crc64("123456789") = e9c6d914c4b8d9ca
 *
 * JavaScript has no fast 64-bit integer, so the sum is kept as two 32-bit halves. What is longer than a few
 * words is summed in WebAssembly (see bulk.ts of @kv/core), where there is any.
 */
import { bulk } from "@kv/core";

// The reflected polynomial, 95ac9329ac4bc9b5.
const POLYNOMIAL_HI = 0x95ac9329 | 0;
const POLYNOMIAL_LO = 0xac4bc9b5 | 0;
/** From here on the way to WebAssembly and back is worth it. */
const BULK_BYTES_MIN = 128;

/** The halves of what each byte does to the sum. */
const LOW = new Int32Array(256);
const HIGH = new Int32Array(256);
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
  LOW[byte] = lo;
  HIGH[byte] = hi;
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
    const routines = end - start < BULK_BYTES_MIN ? null : bulk();
    if (routines === null) {
      this.updatePlainly(bytes, start, end);
      return;
    }
    routines.crc64(this.lo, this.hi, bytes, start, end);
    this.lo = routines.crcLo;
    this.hi = routines.crcHi;
  }

  /** @internal As update(), in JavaScript. */
  updatePlainly(bytes: Uint8Array, start: number, end: number): void {
    let { lo, hi } = this;
    for (let at = start; at < end; at++) {
      const entry = (lo ^ (bytes[at] as number)) & 255;
      lo = ((lo >>> 8) | (hi << 24)) ^ (LOW[entry] as number);
      hi = (hi >>> 8) ^ (HIGH[entry] as number);
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
