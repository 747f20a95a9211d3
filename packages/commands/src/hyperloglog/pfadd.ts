/** PFADD: elements are noted in a HyperLogLog. */
import { NONE, Type } from "@kv/core";
import type { Call } from "../call/call.ts";
import { Propagation } from "../call/call-context.ts";
import { Notify } from "../call/notify.ts";
import { arg } from "../declare/arg.ts";
import { command } from "../declare/command.ts";
import { keyAt } from "../declare/key-spec.ts";
import {
  denseRegister,
  Form,
  formOf,
  HEADER_BYTES,
  setDenseRegister,
  voidCardinality,
} from "./hll-format.ts";
import { Outcome, type Sketch } from "./sketch.ts";
import { corruptSketch, openSketch, place, placeOf, sketches, storeSketch } from "./sketch-at.ts";

/** Adds the elements to the dense sketch that `call.value` shows; how many changed it. */
function addToDense(call: Call): number {
  const { bytes, start } = call.value;
  const registers = start + HEADER_BYTES;
  let changes = 0;
  for (let i = 2; i < call.argc; i++) {
    placeOf(call.bytes, call.start(i), call.end(i));
    if (denseRegister(bytes, registers, place.register) >= place.value) continue;
    setDenseRegister(bytes, registers, place.register, place.value);
    changes++;
  }
  if (changes > 0) voidCardinality(bytes, start);
  return changes;
}

/** Adds the elements to a sketch in its own buffer; how many changed it. */
function addToSketch(call: Call, sketch: Sketch): number {
  const { hllSparseBytesMax } = call.settings;
  let changes = 0;
  for (let i = 2; i < call.argc; i++) {
    placeOf(call.bytes, call.start(i), call.end(i));
    const outcome = sketch.raise(place.register, place.value, hllSparseBytesMax);
    if (outcome === Outcome.CORRUPT) throw corruptSketch;
    if (outcome === Outcome.CHANGED) changes++;
  }
  return changes;
}

function addAll(call: Call): number {
  const entry = call.writeTyped(1, Type.STRING);
  const sketch = sketches.of(call);
  if (entry === NONE) {
    sketch.clear();
    // The key that is born counts as a change.
    const changes = 1 + addToSketch(call, sketch);
    voidCardinality(sketch.bytes, 0);
    storeSketch(call, NONE, sketch);
    return changes;
  }
  openSketch(call, entry);
  if (formOf(call.value.bytes, call.value.start) === Form.DENSE) return addToDense(call);
  if (!sketch.load(call.value.bytes, call.value.start, call.value.end)) throw corruptSketch;
  const changes = addToSketch(call, sketch);
  if (changes === 0) return 0;
  voidCardinality(sketch.bytes, 0);
  storeSketch(call, entry, sketch);
  return changes;
}

export const pfadd = command({
  name: "pfadd",
  group: "hyperloglog",
  since: "2.8.9",
  summary: "Adds elements to a HyperLogLog; returns whether its estimate may have changed.",
  complexity: "O(1) for each element.",
  arity: -2,
  flags: ["write", "denyoom", "fast"],
  keys: [keyAt(1, "RW", "insert")],
  args: [arg.key("key"), arg.optional(arg.many(arg.string("element")))],

  run(call) {
    const changes = addAll(call);
    if (changes > 0) {
      call.changed(1, "pfadd", Notify.STRING);
      call.propagation = Propagation.DEFAULT;
      call.dirty += changes - 1;
    }
    call.reply.integer(changes > 0 ? 1 : 0);
  },
});
