/**
 * Sketch: a HyperLogLog being changed, in a buffer of its own.
 *
 * A sparse sketch is rewritten here, run by run, and put back when all has gone well: so a command
 * that comes upon a run that is none, or for which there is no room, has changed nothing. The bytes
 * that come of it are those of Redis, which follow from how it splits and joins runs:
 *
 *      to set register 5 of   XZERO 16384     gives   ZERO 5, VAL 3x1, XZERO 16378
 *      and then register 6                            ZERO 5, VAL 3x2, XZERO 16377
 *
 * The run that has the register is replaced by up to three; then, from the run before it on, runs of
 * the same value that stand side by side are joined while they fit one, over at most five steps. A
 * value above 32, or a string that would get longer than hll-sparse-max-bytes, makes it dense.
 *
 * Not here: dense sketches that are changed where they lie (pfadd.ts).
 */
import {
  DENSE_BYTES,
  denseRegister,
  Form,
  formOf,
  HEADER_BYTES,
  REGISTERS,
  readRun,
  run,
  SPARSE_BYTES_MAX,
  setDenseRegister,
  setForm,
  VALUE_MAX,
  VALUE_RUN_MAX,
  voidCardinality,
  writeEmptySketch,
  writeValues,
  writeZeros,
} from "./hll-format.ts";

/** What came of setting a register. */
export const Outcome = {
  /** It was that high already. */
  UNCHANGED: 0,
  CHANGED: 1,
  /** The sketch is not whole. */
  CORRUPT: 2,
} as const;

/** How many runs are looked at for joining. */
const JOIN_STEPS = 5;

/** A HyperLogLog being changed: see the head of this file. */
export class Sketch {
  /** The sketch is bytes[0, length). */
  readonly bytes = new Uint8Array(SPARSE_BYTES_MAX);
  length = 0;
  /** Where a sparse sketch is unfolded. */
  private readonly dense = new Uint8Array(DENSE_BYTES);
  /** The runs that take the place of one. */
  private readonly runs = new Uint8Array(5);

  /** Takes the sketch source[start, end). False when it is longer than any that is whole. */
  load(source: Uint8Array, start: number, end: number): boolean {
    if (end - start > SPARSE_BYTES_MAX) return false;
    this.length = end - start;
    this.bytes.set(source.subarray(start, end));
    return true;
  }

  /** Becomes the sketch of nothing. */
  clear(): void {
    this.length = writeEmptySketch(this.bytes, 0);
  }

  /** Raises a register to `value`, which is at least 1. */
  raise(index: number, value: number, sparseBytesMax: number): number {
    if (formOf(this.bytes, 0) === Form.DENSE) return this.raiseDense(index, value);
    if (value > VALUE_MAX) return this.promote(index, value);
    return this.raiseSparse(index, value, sparseBytesMax);
  }

  private raiseDense(index: number, value: number): number {
    if (denseRegister(this.bytes, HEADER_BYTES, index) >= value) return Outcome.UNCHANGED;
    setDenseRegister(this.bytes, HEADER_BYTES, index, value);
    return Outcome.CHANGED;
  }

  private promote(index: number, value: number): number {
    return this.makeDense() ? this.raiseDense(index, value) : Outcome.CORRUPT;
  }

  private raiseSparse(index: number, value: number, sparseBytesMax: number): number {
    const { bytes, length } = this;
    // The run with the register: its place, its first register, and the run before it.
    let at = HEADER_BYTES;
    let first = 0;
    let before = HEADER_BYTES;
    for (;;) {
      if (!readRun(bytes, at, length)) return Outcome.CORRUPT;
      if (index < first + run.length) break;
      before = at;
      at += run.bytes;
      first += run.length;
    }
    if (run.value >= value) return Outcome.UNCHANGED;
    if (run.length === 1 && run.bytes === 1) {
      writeValues(bytes, at, value, 1);
    } else {
      const oldBytes = run.bytes;
      const newBytes = this.split(index - first, value);
      const longer = newBytes - oldBytes;
      if (longer > 0 && length + longer > sparseBytesMax) return this.promote(index, value);
      if (length + longer > SPARSE_BYTES_MAX) return Outcome.CORRUPT;
      if (longer !== 0) bytes.copyWithin(at + newBytes, at + oldBytes, length);
      for (let i = 0; i < newBytes; i++) bytes[at + i] = this.runs[i] as number;
      this.length += longer;
    }
    this.join(before);
    voidCardinality(bytes, 0);
    return Outcome.CHANGED;
  }

  /** Puts into `runs` what `run` becomes when the register `offset` in it is raised; its bytes. */
  private split(offset: number, value: number): number {
    const { runs } = this;
    const { value: old, length } = run;
    let at = 0;
    if (offset > 0) at += writeRun(runs, at, old, offset);
    at += writeValues(runs, at, value, 1);
    const left = length - 1 - offset;
    if (left > 0) at += writeRun(runs, at, old, left);
    return at;
  }

  /** Joins runs of one value, from the run at `at` on. */
  private join(at: number): void {
    const { bytes } = this;
    for (let step = 0; step < JOIN_STEPS && readRun(bytes, at, this.length); step++) {
      const { value, length, bytes: runBytes } = run;
      if (value > 0 && readRun(bytes, at + 1, this.length) && run.value === value) {
        const together = length + run.length;
        if (together <= VALUE_RUN_MAX) {
          writeValues(bytes, at + 1, value, together);
          bytes.copyWithin(at, at + 1, this.length);
          this.length--;
          continue;
        }
      }
      at += runBytes;
    }
  }

  /** Makes a sparse sketch dense. False, and nothing has changed, when it is not whole. */
  makeDense(): boolean {
    const { bytes, dense, length } = this;
    if (formOf(bytes, 0) === Form.DENSE) return true;
    dense.fill(0, HEADER_BYTES);
    let index = 0;
    let at = HEADER_BYTES;
    while (readRun(bytes, at, length)) {
      const behind = index + run.length;
      if (behind > REGISTERS) return false;
      if (run.value > 0)
        for (let i = index; i < behind; i++) setDenseRegister(dense, HEADER_BYTES, i, run.value);
      index = behind;
      at += run.bytes;
    }
    if (index !== REGISTERS || at !== length) return false;
    for (let i = 0; i < HEADER_BYTES; i++) dense[i] = bytes[i] as number;
    setForm(dense, 0, Form.DENSE);
    bytes.set(dense);
    this.length = DENSE_BYTES;
    return true;
  }
}

function writeRun(bytes: Uint8Array, at: number, value: number, length: number): number {
  return value === 0 ? writeZeros(bytes, at, length) : writeValues(bytes, at, value, length);
}
