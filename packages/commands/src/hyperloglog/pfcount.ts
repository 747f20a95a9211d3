/** PFCOUNT: how many different elements one or several HyperLogLogs have probably seen. */
import { NONE, Type } from "@kv/core";
import type { Call } from "../call/call.ts";
import { Propagation } from "../call/call-context.ts";
import { Kept } from "../call/kept.ts";
import { arg } from "../declare/arg.ts";
import { command } from "../declare/command.ts";
import { keyRange } from "../declare/key-spec.ts";
import { estimate } from "./cardinality.ts";
import {
  countDense,
  countSparse,
  Form,
  formOf,
  HEADER_BYTES,
  hasCardinality,
  mergeDense,
  mergeSparse,
  REGISTERS,
  readCardinality,
  readHugeCardinality,
  writeCardinality,
} from "./hll-format.ts";
import { corruptSketch, openSketch, readSketch } from "./sketch-at.ts";

/** Registers in a byte each, and how many there are of each value. */
class Registers {
  readonly values = new Uint8Array(REGISTERS);
  readonly counts = new Int32Array(64);

  clear(): void {
    this.values.fill(0);
  }

  /** Raises the registers to those of the sketch that `call.value` shows. */
  merge(call: Call): void {
    const { bytes, start, end } = call.value;
    const at = start + HEADER_BYTES;
    if (formOf(bytes, start) === Form.DENSE) mergeDense(bytes, at, this.values);
    else if (!mergeSparse(bytes, at, end, this.values)) throw corruptSketch;
  }

  /** The estimate for these registers. */
  count(): number {
    const { counts, values } = this;
    counts.fill(0);
    for (let i = 0; i < REGISTERS; i++) {
      const value = values[i] as number;
      counts[value] = (counts[value] as number) + 1;
    }
    return estimate(counts);
  }

  /** The estimate for the sketch that `call.value` shows. */
  countSketch(call: Call): number {
    const { bytes, start, end } = call.value;
    const { counts } = this;
    const at = start + HEADER_BYTES;
    counts.fill(0);
    if (formOf(bytes, start) === Form.DENSE) countDense(bytes, at, counts);
    else if (!countSparse(bytes, at, end, counts)) throw corruptSketch;
    return estimate(counts);
  }
}

/** The registers of whatever is merged. */
export const registersOf = new Kept(() => new Registers());

/** Replies with an estimate as a signed 64-bit integer. */
function replyCount(call: Call, count: number): void {
  if (Number.isSafeInteger(count)) call.reply.integer(count);
  else call.reply.integerBig(BigInt.asIntN(64, BigInt(count)));
}

/** Replies with the estimate for the sketch at argument 1; it is noted in it, also by replicas. */
function replyOne(call: Call): void {
  const entry = call.readTyped(1, Type.STRING);
  if (entry === NONE) {
    call.reply.integer(0);
    return;
  }
  openSketch(call, entry);
  const { value } = call;
  if (hasCardinality(value.bytes, value.start)) {
    const count = readCardinality(value.bytes, value.start);
    // What a stranger wrote there may be any number.
    if (Number.isSafeInteger(count)) call.reply.integer(count);
    else call.reply.integerBig(readHugeCardinality(value.bytes, value.start));
    return;
  }
  const count = registersOf.of(call).countSketch(call);
  writeCardinality(value.bytes, value.start, count);
  // A change without an event.
  call.changed(1, "", 0);
  call.propagation = Propagation.DEFAULT;
  replyCount(call, count);
}

function countAll(call: Call): number {
  const registers = registersOf.of(call);
  registers.clear();
  for (let i = 1; i < call.argc; i++) if (readSketch(call, i) !== NONE) registers.merge(call);
  return registers.count();
}

export const pfcount = command({
  name: "pfcount",
  group: "hyperloglog",
  since: "2.8.9",
  summary: "Returns how many different elements one or several HyperLogLogs have probably seen.",
  complexity: "O(1) for one key, most often with the count of the time before; O(N) for N keys.",
  arity: -2,
  flags: ["readonly", "may_replicate"],
  keys: [
    {
      ...keyRange(1, -1, 1, "RW", "access"),
      notes: "Written, because the count is noted in the value, and replicas hear of it.",
    },
  ],
  args: [arg.many(arg.key("key"))],

  run(call) {
    if (call.argc === 2) replyOne(call);
    else replyCount(call, countAll(call));
  },
});
