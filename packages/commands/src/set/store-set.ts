/** What SINTERSTORE, SUNIONSTORE and SDIFFSTORE do with their result, and why that is safe. */
import { freeEntry, NONE, type SetValue, setIdleBits } from "@kv/core";
import type { Call } from "../call/call.ts";
import { Notify } from "../call/notify.ts";
import { putSet } from "./set-at.ts";

/**
 * Makes a set that was made aside the value of the key at argument 1, whatever that holds now (it may
 * be one of the sets that the result was made of), and replies with its size. An empty one removes
 * the key. When there is no room for it nothing has changed, and the set is still the caller's.
 */
export function storeSet(call: Call, set: SetValue, event: string): void {
  const { length } = set;
  if (length === 0) {
    freeEntry(call.keyspace.arena, set.entry);
    storeNothing(call);
    return;
  }
  const old = call.find(1);
  setIdleBits(call.keyspace.arena, set.entry, call.idleOf(old));
  putSet(call, 1, set, old);
  call.changed(1, event, Notify.SET);
  call.reply.integer(length);
}

/** Storing nothing is removing what was there, even if its time has passed. */
export function storeNothing(call: Call): void {
  const old = call.findStored(1);
  if (old !== NONE) {
    call.database.remove(old, call.settings.lazyServerDel);
    call.changed(1, "del", Notify.GENERIC);
  }
  call.reply.integer(0);
}
