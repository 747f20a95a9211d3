/** Taking members from an end of a sorted set: what ZPOPMIN, ZMPOP, BZPOPMIN and their like share. */
import type { SortedSetValue } from "@kv/core";
import type { Call } from "../call/call.ts";
import { Notify } from "../call/notify.ts";
import { replyText } from "./sorted-set-at.ts";

/** How the members that are taken are replied with. */
export interface PopForm {
  /** The key comes first. */
  readonly withKey: boolean;
  /** Each member has a list of its own with its score. */
  readonly nested: boolean;
}

/** Takes up to `count` members of the key at an argument from one end, and replies with them. */
export function pop(
  call: Call,
  key: number,
  set: SortedSetValue,
  fromEnd: boolean,
  count: number,
  form: PopForm,
): void {
  const { length } = set;
  const taken = Math.min(count, length);
  const first = fromEnd ? length - taken : 0;
  replyHeader(call, key, taken, form);
  set.seek(fromEnd ? length - 1 : 0);
  for (let left = taken; left > 0; left--) {
    if (fromEnd) set.previous();
    else set.next();
    if (form.nested) call.reply.array(2);
    replyText(call, set.member);
    call.reply.double(set.score);
  }
  set.deleteRange(first, taken);
  const isEmpty = taken === length;
  if (isEmpty) call.database.remove(set.entry, false);
  call.event(key, fromEnd ? "zpopmax" : "zpopmin", Notify.ZSET);
  if (isEmpty) call.event(key, "del", Notify.GENERIC);
  call.modified(key);
  call.dirty += taken - 1;
}

function replyHeader(call: Call, key: number, count: number, { withKey, nested }: PopForm): void {
  const { reply } = call;
  if (!withKey) {
    reply.array(nested ? count : count * 2);
    return;
  }
  reply.array(nested ? 2 : count * 2 + 1);
  reply.bulkFrom(call.bytes, call.view, call.start(key), call.end(key));
  if (nested) reply.array(count);
}

/** What went goes on as a command that does not wait and names one key. */
export function propagatePop(call: Call, key: number, fromEnd: boolean, count: number): void {
  if (!call.propagates) return;
  const name = fromEnd ? "ZPOPMAX" : "ZPOPMIN";
  if (count === -1) call.propagateAs(name, call.argument(key));
  else call.propagateAs(name, call.argument(key), count);
}
