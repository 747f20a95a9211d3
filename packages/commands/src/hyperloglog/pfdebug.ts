/** PFDEBUG: looking into a HyperLogLog, and making it dense. */
import { NONE, type Ref, Type } from "@kv/core";
import type { Call } from "../call/call.ts";
import { Propagation } from "../call/call-context.ts";
import { CommandError, fail, quoted } from "../call/errors.ts";
import { arg } from "../declare/arg.ts";
import { command } from "../declare/command.ts";
import { keyAt } from "../declare/key-spec.ts";
import {
  denseRegister,
  Form,
  formOf,
  HEADER_BYTES,
  REGISTERS,
  readRun,
  run,
} from "./hll-format.ts";
import { corruptSketch, openSketch, sketches, storeSketch } from "./sketch-at.ts";

const noSuchKey = new CommandError("ERR The specified key does not exist");
const notSparse = new CommandError("ERR HLL encoding is not sparse");

/** Makes the sketch that `call.value` shows dense; false when it is that already. */
function makeDense(call: Call, entry: Ref): boolean {
  const { bytes, start, end } = call.value;
  if (formOf(bytes, start) === Form.DENSE) return false;
  const sketch = sketches.of(call);
  if (!sketch.load(bytes, start, end) || !sketch.makeDense()) throw corruptSketch;
  storeSketch(call, entry, sketch, 2);
  // It goes on as any change does, but neither watchers nor listeners hear of it.
  call.dirty++;
  call.propagation = Propagation.DEFAULT;
  return true;
}

/** The runs of a sparse sketch: `Z:12711 v:2,1`, a value behind "v", and how many registers have it. */
function describeRuns(call: Call): string {
  const { bytes, start, end } = call.value;
  if (formOf(bytes, start) !== Form.SPARSE) throw notSparse;
  const runs: string[] = [];
  for (let at = start + HEADER_BYTES; readRun(bytes, at, end); at += run.bytes) {
    if (run.value > 0) runs.push(`v:${run.value},${run.length}`);
    else runs.push(`${run.bytes === 1 ? "z" : "Z"}:${run.length}`);
  }
  return runs.join(" ");
}

function replyRegisters(call: Call): void {
  const { bytes, start } = call.value;
  call.reply.array(REGISTERS);
  for (let index = 0; index < REGISTERS; index++)
    call.reply.integer(denseRegister(bytes, start + HEADER_BYTES, index));
}

export const pfdebug = command({
  name: "pfdebug",
  group: "hyperloglog",
  since: "2.8.9",
  summary: "Shows the insides of a HyperLogLog: GETREG, DECODE, ENCODING; TODENSE makes it dense.",
  complexity: "N/A",
  arity: 3,
  flags: ["write", "denyoom", "admin"],
  keys: [keyAt(2, "RW", "access")],
  args: [arg.string("subcommand"), arg.key("key")],
  docFlags: ["syscmd"],

  run(call) {
    const entry = call.writeTyped(2, Type.STRING);
    if (entry === NONE) throw noSuchKey;
    openSketch(call, entry);
    if (call.is(1, "GETREG")) {
      makeDense(call, entry);
      replyRegisters(call);
    } else if (call.is(1, "TODENSE")) {
      call.reply.integer(makeDense(call, entry) ? 1 : 0);
    } else if (call.is(1, "DECODE")) {
      call.reply.bulkLatin1(describeRuns(call));
    } else if (call.is(1, "ENCODING")) {
      const { bytes, start } = call.value;
      call.reply.simple(formOf(bytes, start) === Form.DENSE ? "dense" : "sparse");
    } else {
      fail(`ERR Unknown PFDEBUG subcommand '${quoted(call.text(1))}'`);
    }
  },
});
