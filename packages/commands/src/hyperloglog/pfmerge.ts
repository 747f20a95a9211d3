/** PFMERGE: a HyperLogLog that has seen whatever several others have. */
import { NONE, Type } from "@kv/core";
import { Propagation } from "../call/call-context.ts";
import { Notify } from "../call/notify.ts";
import { arg } from "../declare/arg.ts";
import { command } from "../declare/command.ts";
import { foundAt, type KeyFlag, keyAt, keyRange } from "../declare/key-spec.ts";
import { Form, formOf, REGISTERS, voidCardinality } from "./hll-format.ts";
import { registersOf } from "./pfcount.ts";
import { Outcome } from "./sketch.ts";
import { corruptSketch, openSketch, readSketch, sketches, storeSketch } from "./sketch-at.ts";

export const pfmerge = command({
  name: "pfmerge",
  group: "hyperloglog",
  since: "2.8.9",
  summary: "Adds to a HyperLogLog what other HyperLogLogs have seen.",
  complexity: "O(N) for N HyperLogLogs, each with all its registers.",
  arity: -2,
  flags: ["write", "denyoom"],
  keys: [keyAt(1, "RW", "access", "insert"), keyRange(2, -1, 1, "RO", "access")],
  args: [arg.key("destkey"), arg.optional(arg.many(arg.key("sourcekey", { keySpecIndex: 1 })))],
  // By the specs alone a request without sources has no keys at all, and ACL would let it pass.
  getKeys(request) {
    const destination = foundAt(1, "RW", "access", "insert");
    if (request.argc === 2) return [destination];
    const flags: KeyFlag[] = ["RO", "access"];
    return [destination, { index: 2, count: request.argc - 2, step: 1, flags }];
  },

  run(call) {
    const registers = registersOf.of(call);
    const { values } = registers;
    registers.clear();
    let isDense = false;
    for (let i = 1; i < call.argc; i++) {
      if (readSketch(call, i) === NONE) continue;
      if (formOf(call.value.bytes, call.value.start) === Form.DENSE) isDense = true;
      registers.merge(call);
    }
    const entry = call.writeTyped(1, Type.STRING);
    const sketch = sketches.of(call);
    sketch.clear();
    if (entry !== NONE) {
      openSketch(call, entry);
      const { bytes, start, end } = call.value;
      if (!sketch.load(bytes, start, end)) throw corruptSketch;
    }
    if (isDense && !sketch.makeDense()) throw corruptSketch;
    const { hllSparseBytesMax } = call.settings;
    for (let index = 0; index < REGISTERS; index++) {
      const value = values[index] as number;
      if (value === 0) continue;
      if (sketch.raise(index, value, hllSparseBytesMax) === Outcome.CORRUPT) throw corruptSketch;
    }
    voidCardinality(sketch.bytes, 0);
    storeSketch(call, entry, sketch);
    call.changed(1, "pfadd", Notify.STRING);
    call.propagation = Propagation.DEFAULT;
    call.reply.ok();
  },
});
