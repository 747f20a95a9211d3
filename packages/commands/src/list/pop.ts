/** LPOP and RPOP: one element, or an array of several. */
import type { ListValue } from "@kv/core";
import type { Call } from "../call/call.ts";
import { arityError, errors } from "../call/errors.ts";
import { arg } from "../declare/arg.ts";
import { command } from "../declare/command.ts";
import { keyAt } from "../declare/key-spec.ts";
import { elementsRemoved, replyText, scratchText, writeList } from "./list-at.ts";
import { replyRange } from "./reply-range.ts";

/** Replies with the element at one end of the list at an argument, and removes it. */
export function popOne(call: Call, index: number, list: ListValue, isTail: boolean): void {
  const text = scratchText(call);
  list.readEnd(isTail, text);
  replyText(call, text);
  list.removeEnd(isTail);
  elementsRemoved(call, index, list, isTail ? "rpop" : "lpop", 1);
}

/** As popOne(), for several elements, as an array. Returns how many there were. */
export function popSeveral(
  call: Call,
  index: number,
  list: ListValue,
  isTail: boolean,
  wanted: number,
): number {
  const { length } = list;
  const count = Math.min(wanted, length);
  const first = isTail ? length - count : 0;
  replyRange(call, list, isTail ? length - 1 : 0, count, !isTail);
  list.removeRange(first, count);
  elementsRemoved(call, index, list, isTail ? "rpop" : "lpop", count);
  return count;
}

function pop(call: Call, isTail: boolean, arity: Error): void {
  const { argc, reply } = call;
  if (argc > 3) throw arity;
  let count = -1;
  if (argc === 3) {
    count = call.integer(2, errors.mustBePositive);
    if (count < 0) throw errors.mustBePositive;
  }
  const list = writeList(call, 1);
  if (list === null) {
    if (count === -1) reply.null();
    else reply.nullArray();
  } else if (count === -1) popOne(call, 1, list, isTail);
  else if (count === 0) reply.emptyArray();
  else popSeveral(call, 1, list, isTail, count);
}

const common = {
  group: "list",
  since: "1.0.0",
  complexity: "O(N) where N is the number of elements that are returned.",
  arity: -2,
  flags: ["write", "fast"],
  keys: [keyAt(1, "RW", "access", "delete")],
  args: [arg.key("key"), arg.optional(arg.integer("count", { since: "6.2.0" }))],
  history: [["6.2.0", "Takes a number of elements."]],
} as const;

const lpopArity = arityError("lpop");

export const lpop = command({
  ...common,
  name: "lpop",
  summary: "Removes and returns elements from the head of a list.",
  run: (call) => pop(call, false, lpopArity),
});

const rpopArity = arityError("rpop");

export const rpop = command({
  ...common,
  name: "rpop",
  summary: "Removes and returns elements from the tail of a list.",
  run: (call) => pop(call, true, rpopArity),
});
