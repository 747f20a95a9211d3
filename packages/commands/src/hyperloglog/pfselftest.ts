/**
 * PFSELFTEST: a HyperLogLog is put to the test in memory of its own: registers keep what is written
 * to them and to nothing else, and the estimates of both forms agree and are as near the truth as
 * 16384 registers allow. Unlike Redis's, which counts to ten millions, it does not stop the server
 * for more than a moment.
 */
import type { Call } from "../call/call.ts";
import { fail } from "../call/errors.ts";
import { Kept } from "../call/kept.ts";
import { command } from "../declare/command.ts";
import { estimate } from "./cardinality.ts";
import {
  countDense,
  countSparse,
  DENSE_BYTES,
  denseRegister,
  Form,
  formOf,
  HEADER_BYTES,
  REGISTERS,
  setDenseRegister,
} from "./hll-format.ts";
import { Sketch } from "./sketch.ts";
import { place, placeOf } from "./sketch-at.ts";

const ROUNDS = 2;
const ELEMENTS = 20_000;
/** Estimates are off by 1.04 / sqrt(registers) on average; four times as much is a fault. */
const ERROR_MAX = (4 * 1.04) / Math.sqrt(REGISTERS);

class SelfTest {
  private readonly expected = new Uint8Array(REGISTERS);
  private readonly registers = new Uint8Array(DENSE_BYTES);
  private readonly counts = new Int32Array(64);
  private readonly element = new Uint8Array(8);
  private readonly sparse = new Sketch();
  private readonly dense = new Sketch();

  /** Random values in all registers, and each of them still there when all are written. */
  checkRegisters(random32: () => number): void {
    const { expected, registers } = this;
    for (let round = 0; round < ROUNDS; round++) {
      for (let index = 0; index < REGISTERS; index++) {
        const value = random32() & 63;
        expected[index] = value;
        setDenseRegister(registers, HEADER_BYTES, index, value);
      }
      for (let index = 0; index < REGISTERS; index++) {
        const value = denseRegister(registers, HEADER_BYTES, index);
        if (value !== expected[index])
          fail(`ERR TESTFAILED Register ${index} should be ${expected[index]} but is ${value}`);
      }
    }
  }

  /** Counts ever more elements in both forms. */
  checkEstimates(random32: () => number): void {
    const { sparse, dense, element } = this;
    sparse.clear();
    dense.clear();
    dense.makeDense();
    const salt = random32() & 255;
    let checkAt = 1;
    for (let count = 1; count <= ELEMENTS; count++) {
      for (let i = 0; i < 4; i++) element[i] = count >>> (8 * i);
      element[4] = salt;
      placeOf(element, 0, element.length);
      dense.raise(place.register, place.value, 0);
      // Both forms for the first hundreds of elements, then dense alone.
      sparse.raise(place.register, place.value, 1000);
      if (count < checkAt) continue;
      checkAt = Math.ceil(checkAt * 1.5);
      this.checkEstimate(count);
    }
  }

  private checkEstimate(count: number): void {
    const inDense = this.estimateOf(this.dense);
    const inSparse = this.estimateOf(this.sparse);
    if (inDense !== inSparse)
      fail(`ERR TESTFAILED ${count} elements are ${inDense} if dense and ${inSparse} if sparse`);
    // A handful is counted exactly but for one or two that share a register.
    if (Math.abs(inDense - count) > Math.max(3, ERROR_MAX * count))
      fail(`ERR TESTFAILED Too large an error: ${count} elements are counted as ${inDense}`);
  }

  private estimateOf({ bytes, length }: Sketch): number {
    this.counts.fill(0);
    if (formOf(bytes, 0) === Form.DENSE) countDense(bytes, HEADER_BYTES, this.counts);
    else if (!countSparse(bytes, HEADER_BYTES, length, this.counts))
      fail("ERR TESTFAILED A sparse sketch has lost registers");
    return estimate(this.counts);
  }
}

const tests = new Kept(() => new SelfTest());

export const pfselftest = command({
  name: "pfselftest",
  group: "hyperloglog",
  since: "2.8.9",
  summary: "Tests that HyperLogLogs count rightly; touches no key.",
  complexity: "N/A",
  arity: 1,
  flags: ["admin"],
  docFlags: ["syscmd"],

  run(call: Call) {
    const { random32 } = call.keyspace;
    const test = tests.of(call);
    test.checkRegisters(random32);
    test.checkEstimates(random32);
    call.reply.ok();
  },
});
