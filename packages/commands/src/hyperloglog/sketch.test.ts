import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  countSparse,
  denseRegister,
  Form,
  formOf,
  HEADER_BYTES,
  isSketch,
  mergeDense,
  mergeSparse,
  REGISTERS,
  readRun,
  run,
  setDenseRegister,
} from "./hll-format.ts";
import { Outcome, Sketch } from "./sketch.ts";

/** `ZERO 5` as z:5, `VAL 3x2` as v:3,2. */
function runsOf({ bytes, length }: Sketch): string {
  const runs: string[] = [];
  for (let at = HEADER_BYTES; readRun(bytes, at, length); at += run.bytes)
    runs.push(run.value > 0 ? `v:${run.value},${run.length}` : `z:${run.length}`);
  return runs.join(" ");
}

function registersOf({ bytes, length }: Sketch): Uint8Array {
  const registers = new Uint8Array(REGISTERS);
  if (formOf(bytes, 0) === Form.DENSE) mergeDense(bytes, HEADER_BYTES, registers);
  else expect(mergeSparse(bytes, HEADER_BYTES, length, registers)).toBe(true);
  return registers;
}

describe("a sparse sketch", () => {
  test("splits a run of zeros and joins values that stand together", () => {
    const sketch = new Sketch();
    sketch.clear();
    expect(runsOf(sketch)).toBe("z:16384");
    expect(sketch.raise(5, 3, 3000)).toBe(Outcome.CHANGED);
    expect(runsOf(sketch)).toBe("z:5 v:3,1 z:16378");
    sketch.raise(6, 3, 3000);
    expect(runsOf(sketch)).toBe("z:5 v:3,2 z:16377");
    expect(sketch.raise(6, 2, 3000)).toBe(Outcome.UNCHANGED);
    sketch.raise(5, 9, 3000);
    expect(runsOf(sketch)).toBe("z:5 v:9,1 v:3,1 z:16377");
    sketch.raise(0, 1, 3000);
    sketch.raise(16383, 32, 3000);
    expect(runsOf(sketch)).toBe("v:1,1 z:4 v:9,1 v:3,1 z:16376 v:32,1");
  });

  test("becomes dense when it gets too long, or a value too high", () => {
    const sketch = new Sketch();
    sketch.clear();
    sketch.raise(5, 3, 21);
    expect(formOf(sketch.bytes, 0)).toBe(Form.SPARSE);
    expect(sketch.raise(500, 3, 21)).toBe(Outcome.CHANGED);
    expect(formOf(sketch.bytes, 0)).toBe(Form.DENSE);
    expect(registersOf(sketch)[500]).toBe(3);
    sketch.clear();
    sketch.raise(9, 33, 3000);
    expect(formOf(sketch.bytes, 0)).toBe(Form.DENSE);
    expect(denseRegister(sketch.bytes, HEADER_BYTES, 9)).toBe(33);
  });

  test("and a dense one keep what an array of registers keeps", () => {
    const change = fc.tuple(fc.nat(40), fc.integer({ min: 1, max: 34 }));
    // Few registers, far apart and side by side, so that runs are split and joined again.
    const at = (place: number) => (place < 30 ? place : 16383 - (place - 30) * 900);
    fc.assert(
      fc.property(fc.array(change, { maxLength: 120 }), fc.nat(120), (changes, limit) => {
        const sketch = new Sketch();
        sketch.clear();
        const model = new Uint8Array(REGISTERS);
        for (const [place, value] of changes) {
          const index = at(place);
          const changed = value > (model[index] as number);
          if (changed) model[index] = value;
          const outcome = sketch.raise(index, value, limit);
          expect(outcome).toBe(changed ? Outcome.CHANGED : Outcome.UNCHANGED);
          if (formOf(sketch.bytes, 0) === Form.SPARSE)
            expect(sketch.length).toBeLessThanOrEqual(Math.max(limit, 18));
        }
        expect(registersOf(sketch)).toEqual(model);
        expect(isSketch(sketch.bytes, 0, sketch.length)).toBe(true);
      }),
      { numRuns: 200 },
    );
  });

  test("of any bytes at all is taken or refused, and nothing beside it is touched", () => {
    const runs = fc.array(
      fc.oneof(fc.nat(255), fc.constant(0x7f), fc.integer({ min: 128, max: 255 })),
      { maxLength: 40 },
    );
    fc.assert(
      fc.property(
        runs,
        fc.nat(REGISTERS - 1),
        fc.integer({ min: 1, max: 51 }),
        (bytes, index, value) => {
          const text = new Uint8Array(HEADER_BYTES + bytes.length);
          text.set([72, 89, 76, 76, 1]);
          text.set(bytes, HEADER_BYTES);
          const sketch = new Sketch();
          expect(sketch.load(text, 0, text.length)).toBe(true);
          const outcome = sketch.raise(index, value, 3000);
          const counts = new Int32Array(64);
          const whole = countSparse(text, HEADER_BYTES, text.length, counts);
          if (whole) expect(outcome).not.toBe(Outcome.CORRUPT);
          if (outcome === Outcome.CORRUPT)
            expect(sketch.bytes.subarray(0, text.length)).toEqual(text);
          expect(sketch.length).toBeLessThanOrEqual(sketch.bytes.length);
          expect(sketch.makeDense() || !whole).toBe(true);
        },
      ),
      { numRuns: 2000 },
    );
  });
});

test("dense registers lie side by side and reach no further than the last byte", () => {
  const bytes = new Uint8Array(HEADER_BYTES + 12288);
  const write = fc.tuple(fc.constantFrom(0, 1, 2, 3, 4, 7, 16380, 16382, 16383), fc.nat(63));
  fc.assert(
    fc.property(fc.array(write, { maxLength: 20 }), (writes) => {
      bytes.fill(0);
      const model = new Map<number, number>();
      for (const [index, value] of writes) {
        setDenseRegister(bytes, HEADER_BYTES, index, value);
        model.set(index, value);
        for (const [at, expected] of model)
          expect(denseRegister(bytes, HEADER_BYTES, at)).toBe(expected);
      }
    }),
  );
});
