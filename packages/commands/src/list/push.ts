/** LPUSH, RPUSH, and LPUSHX, RPUSHX, which only add to a list that is there. */
import type { Call } from "../call/call.ts";
import { Notify } from "../call/notify.ts";
import { arg } from "../declare/arg.ts";
import { command } from "../declare/command.ts";
import { keyAt } from "../declare/key-spec.ts";
import { pushArguments, writeList } from "./list-at.ts";

function push(call: Call, isTail: boolean, mustExist: boolean): void {
  const list = writeList(call, 1);
  if (list === null && mustExist) {
    call.reply.integer(0);
    return;
  }
  const { length } = pushArguments(call, list, isTail, 2);
  call.changed(1, isTail ? "rpush" : "lpush", Notify.LIST);
  call.dirty += call.argc - 3;
  call.reply.integer(length);
}

const common = {
  group: "list",
  complexity: "O(N) where N is the number of elements to add.",
  arity: -3,
  flags: ["write", "denyoom", "fast"],
  keys: [keyAt(1, "RW", "insert")],
  args: [arg.key("key"), arg.many(arg.string("element"))],
} as const;

export const lpush = command({
  ...common,
  name: "lpush",
  since: "1.0.0",
  summary:
    "Adds elements to the head of a list, one after the other, and makes the list if need be.",
  history: [["2.4.0", "Takes several elements."]],
  run: (call) => push(call, false, false),
});

export const rpush = command({
  ...common,
  name: "rpush",
  since: "1.0.0",
  summary:
    "Adds elements to the tail of a list, one after the other, and makes the list if need be.",
  history: [["2.4.0", "Takes several elements."]],
  run: (call) => push(call, true, false),
});

export const lpushx = command({
  ...common,
  name: "lpushx",
  since: "2.2.0",
  summary: "Adds elements to the head of a list that is there already.",
  history: [["4.0.0", "Takes several elements."]],
  run: (call) => push(call, false, true),
});

export const rpushx = command({
  ...common,
  name: "rpushx",
  since: "2.2.0",
  summary: "Adds elements to the tail of a list that is there already.",
  history: [["4.0.0", "Takes several elements."]],
  run: (call) => push(call, true, true),
});
