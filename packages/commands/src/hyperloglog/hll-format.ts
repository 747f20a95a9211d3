/**
 * The string that is a HyperLogLog, byte for byte as Redis has it: a header of 16 bytes, and 16384
 * registers of 6 bits in one of two forms.
 *
 *      byte 0    "HYLL"
 *           4    form: 0 dense, 1 sparse
 *           5    three bytes of zero
 *           8    cardinality as of the last count, 64 bits, lowest byte first; its highest bit set:
 *                void, because a register has changed since
 *          16    the registers
 *
 * Dense: 12288 bytes, the registers packed from the lowest bit of each byte upwards.
 *
 *      byte     0        1        2
 *               11000000 22221111 33333322     (register 0 in the lower six bits of byte 0)
 *
 * Sparse: runs of registers, one or two bytes each, 16384 registers together.
 *
 *      00llllll            ZERO    l + 1 registers are 0       (1 to 64)
 *      01llllll llllllll   XZERO   l + 1 registers are 0       (1 to 16384)
 *      1vvvvvll            VAL     l + 1 registers are v + 1   (1 to 4 registers, values 1 to 32)
 *
 * Example: 7f ff is a sketch of nothing, XZERO 16384.
 *
 * Any client may write any string, so none is trusted: a run is read only where it lies whole before
 * the end, a register is written only where there is one.
 */

export const HEADER_BYTES = 16;
export const REGISTERS = 16384;
export const DENSE_BYTES = HEADER_BYTES + (REGISTERS * 6) / 8;
/** Longest sparse string that can be one: each register in a run of its own, of two bytes. */
export const SPARSE_BYTES_MAX = HEADER_BYTES + 2 * REGISTERS;

export const Form = { DENSE: 0, SPARSE: 1 } as const;

const MAGIC = [72, 89, 76, 76];
const FORM_AT = 4;
const CARDINALITY_AT = 8;
const VOID_BIT = 128;

const ZERO_MAX = 64;
export const VALUE_MAX = 32;
export const VALUE_RUN_MAX = 4;

/** True when bytes[start, end) has the header of a HyperLogLog, and as many bytes as its form needs. */
export function isSketch(bytes: Uint8Array, start: number, end: number): boolean {
  const length = end - start;
  if (length < HEADER_BYTES) return false;
  for (let i = 0; i < MAGIC.length; i++) if (bytes[start + i] !== MAGIC[i]) return false;
  const form = bytes[start + FORM_AT];
  return form === Form.SPARSE || (form === Form.DENSE && length === DENSE_BYTES);
}

/** The form of a sketch. */
export function formOf(bytes: Uint8Array, start: number): number {
  return bytes[start + FORM_AT] as number;
}

export function setForm(bytes: Uint8Array, start: number, form: number): void {
  bytes[start + FORM_AT] = form;
}

/** Writes the sketch of nothing at bytes[start, ...); returns its length. */
export function writeEmptySketch(bytes: Uint8Array, start: number): number {
  bytes.fill(0, start, start + HEADER_BYTES);
  for (let i = 0; i < MAGIC.length; i++) bytes[start + i] = MAGIC[i] as number;
  setForm(bytes, start, Form.SPARSE);
  writeZeros(bytes, start + HEADER_BYTES, REGISTERS);
  return HEADER_BYTES + 2;
}

/** A register has changed: the cardinality in the header is void. */
export function voidCardinality(bytes: Uint8Array, start: number): void {
  const at = start + CARDINALITY_AT + 7;
  bytes[at] = (bytes[at] as number) | VOID_BIT;
}

/** True when the cardinality in the header holds. */
export function hasCardinality(bytes: Uint8Array, start: number): boolean {
  return ((bytes[start + CARDINALITY_AT + 7] as number) & VOID_BIT) === 0;
}

/** The cardinality in the header; rounded where a stranger wrote one beyond 2^53. */
export function readCardinality(bytes: Uint8Array, start: number): number {
  let count = 0;
  for (let i = 7; i >= 0; i--) count = count * 256 + (bytes[start + CARDINALITY_AT + i] as number);
  return count;
}

/** As readCardinality, exactly. */
export function readHugeCardinality(bytes: Uint8Array, start: number): bigint {
  let count = 0n;
  for (let i = 7; i >= 0; i--)
    count = count * 256n + BigInt(bytes[start + CARDINALITY_AT + i] as number);
  return count;
}

export function writeCardinality(bytes: Uint8Array, start: number, count: number): void {
  let rest = count;
  for (let i = 0; i < 8; i++) {
    bytes[start + CARDINALITY_AT + i] = rest % 256;
    rest = Math.floor(rest / 256);
  }
}

// Dense registers.

/** Register of a dense sketch whose registers begin at bytes[at]. */
export function denseRegister(bytes: Uint8Array, at: number, index: number): number {
  const bit = index * 6;
  const byte = at + (bit >>> 3);
  const shift = bit & 7;
  // The second byte only where the register reaches into it: the last one ends with the string.
  const upper = shift > 2 ? (bytes[byte + 1] as number) << (8 - shift) : 0;
  return (((bytes[byte] as number) >>> shift) | upper) & 63;
}

export function setDenseRegister(
  bytes: Uint8Array,
  at: number,
  index: number,
  value: number,
): void {
  const bit = index * 6;
  const byte = at + (bit >>> 3);
  const shift = bit & 7;
  bytes[byte] = ((bytes[byte] as number) & ~(63 << shift)) | (value << shift);
  if (shift <= 2) return;
  const behind = 8 - shift;
  bytes[byte + 1] = ((bytes[byte + 1] as number) & ~(63 >>> behind)) | (value >>> behind);
}

/** Adds the number of registers of each value to `counts`. */
export function countDense(bytes: Uint8Array, at: number, counts: Int32Array): void {
  const end = at + DENSE_BYTES - HEADER_BYTES;
  // Three bytes are four registers.
  for (let i = at; i < end; i += 3) {
    const a = bytes[i] as number;
    const b = bytes[i + 1] as number;
    const c = bytes[i + 2] as number;
    counts[a & 63]++;
    counts[((a >>> 6) | (b << 2)) & 63]++;
    counts[((b >>> 4) | (c << 4)) & 63]++;
    counts[c >>> 2]++;
  }
}

/** Raises registers, one byte each, to those of a dense sketch. */
export function mergeDense(bytes: Uint8Array, at: number, registers: Uint8Array): void {
  for (let i = at, to = 0; to < REGISTERS; i += 3, to += 4) {
    const a = bytes[i] as number;
    const b = bytes[i + 1] as number;
    const c = bytes[i + 2] as number;
    raise(registers, to, a & 63);
    raise(registers, to + 1, ((a >>> 6) | (b << 2)) & 63);
    raise(registers, to + 2, ((b >>> 4) | (c << 4)) & 63);
    raise(registers, to + 3, c >>> 2);
  }
}

function raise(registers: Uint8Array, index: number, value: number): void {
  if (value > (registers[index] as number)) registers[index] = value;
}

// Sparse runs.

/** The run that readRun() read: its bytes, its registers and their value. */
export const run = { bytes: 0, length: 0, value: 0 };

/** Reads the run at bytes[at]; false when there is none that ends at `end` or before. */
export function readRun(bytes: Uint8Array, at: number, end: number): boolean {
  if (at >= end) return false;
  const first = bytes[at] as number;
  if (first >= 128) {
    run.bytes = 1;
    run.length = (first & 3) + 1;
    run.value = ((first >>> 2) & 31) + 1;
  } else if (first < 64) {
    run.bytes = 1;
    run.length = first + 1;
    run.value = 0;
  } else {
    if (at + 1 >= end) return false;
    run.bytes = 2;
    run.length = (((first & 63) << 8) | (bytes[at + 1] as number)) + 1;
    run.value = 0;
  }
  return true;
}

/** Writes a run of zeros, which is short or long, at bytes[at]; returns its bytes. */
export function writeZeros(bytes: Uint8Array, at: number, length: number): number {
  if (length <= ZERO_MAX) {
    bytes[at] = length - 1;
    return 1;
  }
  bytes[at] = 64 | ((length - 1) >>> 8);
  bytes[at + 1] = (length - 1) & 255;
  return 2;
}

/** Writes a run of a value at bytes[at]; returns its bytes. */
export function writeValues(bytes: Uint8Array, at: number, value: number, length: number): number {
  bytes[at] = 128 | ((value - 1) << 2) | (length - 1);
  return 1;
}

/** Adds the number of registers of each value to `counts`. False: these are not all the registers. */
export function countSparse(
  bytes: Uint8Array,
  at: number,
  end: number,
  counts: Int32Array,
): boolean {
  let index = 0;
  while (index <= REGISTERS && readRun(bytes, at, end)) {
    counts[run.value] = (counts[run.value] as number) + run.length;
    index += run.length;
    at += run.bytes;
  }
  return index === REGISTERS && at === end;
}

/** Raises registers, one byte each, to those of a sparse sketch. False: these are not all of them. */
export function mergeSparse(
  bytes: Uint8Array,
  at: number,
  end: number,
  registers: Uint8Array,
): boolean {
  let index = 0;
  while (readRun(bytes, at, end)) {
    const behind = index + run.length;
    if (behind > REGISTERS) return false;
    if (run.value > 0) for (let i = index; i < behind; i++) raise(registers, i, run.value);
    index = behind;
    at += run.bytes;
  }
  return index === REGISTERS && at === end;
}
