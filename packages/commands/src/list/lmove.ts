/**
 * An element from one list to another: LMOVE, its older name RPOPLPUSH, and BLMOVE and BRPOPLPUSH,
 * which wait for one. Source and destination may be the same list, which is then rotated.
 */
import { type ListpackValue, type ListValue, listpackWalk, Type } from "@kv/core";
import type { Call } from "../call/call.ts";
import { Notify } from "../call/notify.ts";
import { timeoutAt } from "../call/timeout.ts";
import { arg } from "../declare/arg.ts";
import { command } from "../declare/command.ts";
import { keyAt } from "../declare/key-spec.ts";
import { alsoChanged } from "../generic/also-changed.ts";
import { sameArgument } from "../generic/same-argument.ts";
import {
  elementsRemoved,
  isHead,
  pushText,
  replyText,
  scratchText,
  targetList,
  writeList,
} from "./list-at.ts";

/** Gives `text` memory of its own, as the list in which it lies is about to change. */
function copyText(text: ListpackValue): void {
  if (text.isInteger) return;
  const bytes = text.bytes.slice(text.start, text.end);
  text.setString(bytes, new DataView(bytes.buffer), 0, bytes.length);
}

/** Bytes of a listpack that its element at one end takes. */
function endBytes({ node }: ListValue, isTail: boolean): number {
  const { bytes, start, end } = node;
  if (isTail) return end - 1 - listpackWalk.positionBefore(bytes, end - 1);
  const first = start + listpackWalk.LISTPACK_HEADER_BYTES;
  return listpackWalk.positionAfter(bytes, first) - first;
}

/** Moves the element `text`, the last or first one, to an end of the same list. */
function rotate(
  call: Call,
  list: ListValue,
  text: ListpackValue,
  from: boolean,
  to: boolean,
): void {
  const limits = call.settings.limits.list;
  const wasQuicklist = list.isQuicklist;
  let pushed = 0;
  let freed = 0;
  if (!wasQuicklist) {
    list.open(0);
    freed = endBytes(list, from);
  }
  copyText(text);
  try {
    // As if the element had gone before it comes back.
    list.grow(limits, 0, text.end - text.start - freed);
    list.push(to, text.bytes, text.start, text.end, limits);
    pushed = 1;
    if (from !== to) list.removeEnd(from);
    else list.removeRange(to ? list.length - 2 : 1, 1);
  } catch (full) {
    list.undoPushes(to, pushed, wasQuicklist);
    throw full;
  }
  list.settle();
}

/** False when there is nothing to move. `from` and `to` are true for the tail. */
function moved(call: Call, from: boolean, to: boolean): boolean {
  const source = writeList(call, 1);
  if (source === null) return false;
  const isSame = sameArgument(call, 1, 2);
  const target = isSame ? source : targetList(call, 2);
  const text = scratchText(call);
  source.readEnd(from, text);
  let shown = source;
  if (isSame) {
    rotate(call, source, text, from, to);
  } else {
    const wasQuicklist = target?.isQuicklist ?? false;
    shown = pushText(call, 2, target, to, text);
    try {
      source.removeEnd(from);
    } catch (full) {
      if (target === null) call.database.remove(shown.entry, false);
      else shown.undoPushes(to, 1, wasQuicklist);
      throw full;
    }
  }
  // The element's place has changed, so it is shown from where it is now.
  shown.readEnd(to, text);
  replyText(call, text);
  alsoChanged(call, call.database, 2, to ? "rpush" : "lpush", Notify.LIST);
  elementsRemoved(call, 1, source, from ? "rpop" : "lpop", 1);
  return true;
}

/** Moves, or waits until there is something to be moved. `name` is the command that does not wait. */
function moveOrWait(call: Call, from: boolean, to: boolean, timeout: number, name: string): void {
  const untilMs = timeoutAt(call, timeout);
  if (moved(call, from, to)) {
    if (!call.propagates) return;
    if (name === "RPOPLPUSH") call.propagateAs(name, call.argument(1), call.argument(2));
    else
      call.propagateAs(
        name,
        call.argument(1),
        call.argument(2),
        call.argument(3),
        call.argument(4),
      );
    return;
  }
  if (call.mayWait) call.waitFor({ firstKey: 1, keyCount: 1, type: Type.LIST, untilMs });
  else call.reply.null();
}

const keys = [keyAt(1, "RW", "access", "delete"), keyAt(2, "RW", "insert")];
const twoKeys = [arg.key("source"), arg.key("destination", { keySpecIndex: 1 })];
const side = (name: string) =>
  arg.oneOf(name, arg.token("left", "LEFT"), arg.token("right", "RIGHT"));
const common = { group: "list", complexity: "O(1)", keys } as const;

export const lmove = command({
  ...common,
  name: "lmove",
  since: "6.2.0",
  summary: "Moves an element from an end of one list to an end of another, and returns it.",
  arity: 5,
  flags: ["write", "denyoom"],
  args: [...twoKeys, side("wherefrom"), side("whereto")],

  run(call) {
    const from = !isHead(call, 3);
    if (!moved(call, from, !isHead(call, 4))) call.reply.null();
  },
});

export const rpoplpush = command({
  ...common,
  name: "rpoplpush",
  since: "1.2.0",
  summary: "Moves the last element of a list to the head of another, and returns it.",
  arity: 3,
  flags: ["write", "denyoom"],
  args: twoKeys,
  docFlags: ["deprecated"],
  deprecatedSince: "6.2.0",
  replacedBy: "`LMOVE` with the `RIGHT` and `LEFT` arguments",

  run(call) {
    if (!moved(call, true, false)) call.reply.null();
  },
});

export const blmove = command({
  ...common,
  name: "blmove",
  since: "6.2.0",
  summary: "As LMOVE, and waits for an element if there is none.",
  arity: 6,
  flags: ["write", "denyoom", "blocking"],
  args: [...twoKeys, side("wherefrom"), side("whereto"), arg.double("timeout")],

  run(call) {
    const from = !isHead(call, 3);
    moveOrWait(call, from, !isHead(call, 4), 5, "LMOVE");
  },
});

export const brpoplpush = command({
  ...common,
  name: "brpoplpush",
  since: "2.2.0",
  summary: "As RPOPLPUSH, and waits for an element if there is none.",
  arity: 4,
  flags: ["write", "denyoom", "blocking"],
  args: [...twoKeys, arg.double("timeout")],
  history: [["6.0.0", "The timeout may have a fraction."]],
  docFlags: ["deprecated"],
  deprecatedSince: "6.2.0",
  replacedBy: "`BLMOVE` with the `RIGHT` and `LEFT` arguments",

  run(call) {
    moveOrWait(call, true, false, 3, "RPOPLPUSH");
  },
});
