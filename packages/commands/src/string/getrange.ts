/** GETRANGE, its older name SUBSTR, and STRLEN. */
import { NONE, stringLength, Type } from "@kv/core";
import type { Call } from "../call/call.ts";
import { arg } from "../declare/arg.ts";
import { command } from "../declare/command.ts";
import { keyAt } from "../declare/key-spec.ts";
import { readString } from "./string-at.ts";

/** Replies with the bytes from the first position through the last; negative ones count from the end. */
function replyRange(call: Call): void {
  let first = call.integer(2);
  let last = call.integer(3);
  const entry = call.readTyped(1, Type.STRING);
  if (entry === NONE || (first < 0 && last < 0 && first > last)) {
    call.reply.bulk(call.bytes, 0, 0);
    return;
  }
  readString(call, entry);
  const { bytes, start, end } = call.value;
  const length = end - start;
  if (first < 0) first = Math.max(0, first + length);
  if (last < 0) last = Math.max(0, last + length);
  if (last >= length) last = length - 1;
  if (first > last) call.reply.bulk(bytes, 0, 0);
  else call.reply.bulk(bytes, start + first, start + last + 1);
}

export const getrange = command({
  name: "getrange",
  group: "string",
  since: "2.4.0",
  summary: "Returns part of a string, given by its first and last position.",
  complexity: "O(N) where N is the number of bytes returned.",
  arity: 4,
  flags: ["readonly", "timed_in_runs"],
  keys: [keyAt(1, "RO", "access")],
  args: [arg.key("key"), arg.integer("start"), arg.integer("end")],
  run: replyRange,
});

export const substr = command({
  name: "substr",
  group: "string",
  since: "1.0.0",
  summary: "The older name of GETRANGE.",
  complexity: "O(N) where N is the number of bytes returned.",
  arity: 4,
  flags: ["readonly", "timed_in_runs"],
  keys: [keyAt(1, "RO", "access")],
  args: [arg.key("key"), arg.integer("start"), arg.integer("end")],
  docFlags: ["deprecated"],
  deprecatedSince: "2.0.0",
  replacedBy: "`GETRANGE`",
  run: replyRange,
});

export const strlen = command({
  name: "strlen",
  group: "string",
  since: "2.2.0",
  summary: "Returns how many bytes a string has; 0 for a missing key.",
  complexity: "O(1)",
  arity: 2,
  flags: ["readonly", "fast"],
  keys: [keyAt(1, "RO")],
  args: [arg.key("key")],

  run(call) {
    const entry = call.readTyped(1, Type.STRING);
    call.reply.integer(entry === NONE ? 0 : stringLength(call.keyspace.arena, entry));
  },
});
