/** Elements of the first list that has any: LMPOP, and BLPOP, BRPOP, BLMPOP, which wait for one. */
import { Type } from "@kv/core";
import type { Call } from "../call/call.ts";
import { CommandError, errors } from "../call/errors.ts";
import { timeoutAt } from "../call/timeout.ts";
import { arg } from "../declare/arg.ts";
import { command } from "../declare/command.ts";
import { keyCountAt, keyRange } from "../declare/key-spec.ts";
import { isHead, writeList } from "./list-at.ts";
import { popOne, popSeveral } from "./pop.ts";

const badKeyCount = new CommandError("ERR numkeys should be greater than 0");
const badCount = new CommandError("ERR count should be greater than 0");

/** BLPOP and BRPOP: one element, with the key that it was at. */
function popOrWait(call: Call, isTail: boolean): void {
  const { reply } = call;
  const last = call.argc - 1;
  const untilMs = timeoutAt(call, last);
  for (let index = 1; index < last; index++) {
    const list = writeList(call, index);
    if (list === null) continue;
    reply.array(2);
    reply.bulkFrom(call.bytes, call.view, call.start(index), call.end(index));
    popOne(call, index, list, isTail);
    if (call.propagates) call.propagateAs(isTail ? "RPOP" : "LPOP", call.argument(index));
    return;
  }
  if (call.mayWait) call.waitFor({ firstKey: 1, keyCount: last - 1, type: Type.LIST, untilMs });
  else reply.nullArray();
}

/** What LMPOP and BLMPOP say from the number of keys on. */
interface Several {
  firstKey: number;
  keyCount: number;
  isTail: boolean;
  wanted: number;
}

function severalAt(call: Call, index: number): Several {
  const keyCount = call.integer(index, badKeyCount);
  if (keyCount < 1) throw badKeyCount;
  const where = index + 1 + keyCount;
  if (where >= call.argc) throw errors.syntax;
  const isTail = !isHead(call, where);
  let wanted = -1;
  for (let i = where + 1; i < call.argc; i += 2) {
    if (wanted !== -1 || i + 1 === call.argc || !call.is(i, "COUNT")) throw errors.syntax;
    wanted = call.integer(i + 1, badCount);
    if (wanted < 1) throw badCount;
  }
  return { firstKey: index + 1, keyCount, isTail, wanted: wanted === -1 ? 1 : wanted };
}

/** True when one of the lists had elements: they have been returned. */
function poppedSeveral(call: Call, { firstKey, keyCount, isTail, wanted }: Several): boolean {
  for (let index = firstKey; index < firstKey + keyCount; index++) {
    const list = writeList(call, index);
    if (list === null) continue;
    call.reply.array(2);
    call.reply.bulkFrom(call.bytes, call.view, call.start(index), call.end(index));
    const count = popSeveral(call, index, list, isTail, wanted);
    if (call.propagates)
      call.propagateAs(isTail ? "RPOP" : "LPOP", call.argument(index), String(count));
    return true;
  }
  return false;
}

const blocking = {
  group: "list",
  since: "2.0.0",
  complexity: "O(N) where N is the number of keys.",
  arity: -3,
  flags: ["write", "blocking"],
  keys: [keyRange(1, -2, 1, "RW", "access", "delete")],
  args: [arg.many(arg.key("key")), arg.double("timeout")],
  history: [["6.0.0", "The timeout may have a fraction."]],
} as const;

export const blpop = command({
  ...blocking,
  name: "blpop",
  summary: "Removes and returns the first element of a list, and waits for one if there is none.",
  run: (call) => popOrWait(call, false),
});

export const brpop = command({
  ...blocking,
  name: "brpop",
  summary: "Removes and returns the last element of a list, and waits for one if there is none.",
  run: (call) => popOrWait(call, true),
});

const severalArgs = [
  arg.integer("numkeys"),
  arg.many(arg.key("key")),
  arg.oneOf("where", arg.token("left", "LEFT"), arg.token("right", "RIGHT")),
  arg.optional(arg.integer("count", { token: "COUNT" })),
];

export const lmpop = command({
  name: "lmpop",
  group: "list",
  since: "7.0.0",
  summary: "Removes and returns elements of the first list that has any.",
  complexity: "O(N+M) where N is the number of keys and M that of the elements.",
  arity: -4,
  flags: ["write", "movablekeys"],
  keys: [keyCountAt(1, "RW", "access", "delete")],
  args: severalArgs,

  run(call) {
    if (!poppedSeveral(call, severalAt(call, 1))) call.reply.nullArray();
  },
});

export const blmpop = command({
  name: "blmpop",
  group: "list",
  since: "7.0.0",
  summary: "As LMPOP, and waits for an element if there is none.",
  complexity: "O(N+M) where N is the number of keys and M that of the elements.",
  arity: -5,
  flags: ["write", "blocking", "movablekeys"],
  keys: [keyCountAt(2, "RW", "access", "delete")],
  args: [arg.double("timeout"), ...severalArgs],

  run(call) {
    // The timeout comes first, and is looked at last.
    const several = severalAt(call, 2);
    const untilMs = timeoutAt(call, 1);
    if (poppedSeveral(call, several)) return;
    const { firstKey, keyCount } = several;
    if (call.mayWait) call.waitFor({ firstKey, keyCount, type: Type.LIST, untilMs });
    else call.reply.nullArray();
  },
});
