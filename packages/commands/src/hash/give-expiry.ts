/** Giving fields of a hash that is there an expiry, or taking it or them away: all of them or none. */
import type { HashValue } from "@kv/core";
import type { Call } from "../call/call.ts";
import { hashChange } from "./hash-at.ts";

/**
 * Calls `each` with the arguments from `first` on. It may use setExpiry() of the hash for the fields that
 * are `wanted`, which is asked before. When there is no room for that, the hash is what it was; when none
 * is wanted, it is not touched.
 */
export function giveExpiries(
  call: Call,
  hash: HashValue,
  first: number,
  wanted: (argument: number) => boolean,
  each: (argument: number) => void,
): void {
  const { argc, bytes, view, database } = call;
  let left = 0;
  for (let i = first; i < argc; i++) if (wanted(i)) left++;
  if (left === 0) {
    for (let i = first; i < argc; i++) each(i);
    return;
  }
  const change = hashChange(call);
  change.begin(hash);
  try {
    database.fieldExpiries.prepare();
    for (let i = first; i < argc; i++)
      if (wanted(i)) hash.prepareExpiry(bytes, view, call.start(i), call.end(i), left);
    // What was a plain listpack until now has not been told the time.
    hash.nowMs = call.expiryNowMs;
    for (let i = first; i < argc; i++) each(i);
    change.commit();
    hash.endPreparation();
  } catch (full) {
    change.rollBack();
    hash.endPreparation();
    database.fieldExpiries.tidy();
    throw full;
  }
  database.fieldExpiries.changed(hash.entry);
}

/** Fields of the hash were removed: the key goes with the last of them. True: it is gone. */
export function endRemoval(call: Call, hash: HashValue): boolean {
  const isEmpty = hash.length === 0;
  call.database.fieldExpiries.changed(hash.entry);
  if (isEmpty) call.database.remove(hash.entry, false);
  return isEmpty;
}

/** Fields go that were given a time that has passed: that goes on as one HDEL for each, as Redis has it. */
export function propagatePassed(call: Call, fields: readonly Uint8Array[]): void {
  if (!call.propagates) return;
  for (const field of fields) call.propagateAs("HDEL", call.argument(1), field);
}
