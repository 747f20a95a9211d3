/** APPEND and SETRANGE: changing strings in place. */
import { growString, NONE, stringLength, Type } from "@kv/core";
import type { Call } from "../call/call.ts";
import { errors } from "../call/errors.ts";
import { Notify } from "../call/notify.ts";
import { arg } from "../declare/arg.ts";
import { command } from "../declare/command.ts";
import { keyAt } from "../declare/key-spec.ts";
import { putArgument, putZeros } from "./string-at.ts";

/** Up to here copying byte by byte beats making the view that a call of set() needs. */
const SHORT_COPY = 32;

/** Writes the bytes of an argument at `at` of the memory that `call.value` shows. */
function writeArgument(call: Call, index: number, at: number): void {
  const start = call.start(index);
  const length = call.end(index) - start;
  const { bytes } = call;
  const writable = call.value.bytes;
  if (length > SHORT_COPY) writable.set(call.argument(index), at);
  else for (let i = 0; i < length; i++) writable[at + i] = bytes[start + i];
}

export const append = command({
  name: "append",
  group: "string",
  since: "2.0.0",
  summary: "Adds bytes to the end of a string; a missing key counts as empty.",
  complexity: "O(1) on average, plus the bytes appended: strings grow with room to spare.",
  arity: 3,
  flags: ["write", "denyoom", "fast"],
  keys: [keyAt(1, "RW", "insert")],
  args: [arg.key("key"), arg.string("value")],

  run(call) {
    const entry = call.writeTyped(1, Type.STRING);
    let after = call.length(2);
    if (entry === NONE) {
      putArgument(call, 1, NONE, 2, false);
    } else {
      const before = stringLength(call.keyspace.arena, entry);
      after += before;
      if (after > call.stringBytesMax) throw errors.stringTooLong;
      growString(call.database, entry, after, call.value);
      writeArgument(call, 2, call.value.start + before);
    }
    call.changed(1, "append", Notify.STRING);
    call.reply.integer(after);
  },
});

export const setrange = command({
  name: "setrange",
  group: "string",
  since: "2.2.0",
  summary: "Overwrites part of a string; a gap before the offset becomes zero bytes.",
  complexity: "O(1), plus the bytes copied.",
  arity: 4,
  flags: ["write", "denyoom"],
  keys: [keyAt(1, "RW", "update")],
  args: [arg.key("key"), arg.integer("offset"), arg.string("value")],

  run(call) {
    const offset = call.integer(2);
    if (offset < 0) throw errors.offsetOutOfRange;
    // The type is checked before the length: writing nothing to a list is still an error.
    const entry = call.writeTyped(1, Type.STRING);
    const before = entry === NONE ? 0 : stringLength(call.keyspace.arena, entry);
    const patch = call.length(3);
    if (patch === 0) {
      // Nothing to write, and no key is made.
      call.reply.integer(before);
      return;
    }
    if (offset + patch > call.stringBytesMax) throw errors.stringTooLong;

    const { value } = call;
    if (entry === NONE) putZeros(call, offset + patch, value);
    else growString(call.database, entry, offset + patch, value);
    writeArgument(call, 3, value.start + offset);
    call.changed(1, "setrange", Notify.STRING);
    call.reply.integer(value.end - value.start);
  },
});
