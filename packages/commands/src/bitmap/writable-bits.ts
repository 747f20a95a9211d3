/**
 * Opening a string to change bits of it: long enough, and raw.
 *
 * Redis makes a string raw as soon as a command is about to write bits of it, whether or not a bit
 * changes in the end, and makes it longer for a BITFIELD that then has nothing to write; it tells
 * nobody, so that its replicas, its append-only file and its clients' caches lack the bytes, or the
 * key. Here a string that is longer has changed, if without an event; one that has another encoding
 * has not.
 */
import { Encoding, encodingOf, growString, NONE, type Ref, stringLength } from "@kv/core";
import type { Call } from "../call/call.ts";
import { Propagation } from "../call/call-context.ts";
import { Notify } from "../call/notify.ts";
import { putZeros } from "../string/string-at.ts";

/** What openBits() made of the string, be its bits the same. */
const opened = { isLonger: false, isOtherwiseEncoded: false };

/**
 * Lets `call.value` show the string at argument 1, whose entry is `entry`, at least so long. True
 * when it was not so long before.
 */
export function openBits(call: Call, entry: Ref, bytes: number): boolean {
  const { arena } = call.keyspace;
  if (entry === NONE) {
    putZeros(call, bytes, call.value);
    opened.isLonger = true;
    return true;
  }
  opened.isLonger = bytes > stringLength(arena, entry);
  opened.isOtherwiseEncoded = encodingOf(arena, entry) !== Encoding.RAW;
  growString(call.database, entry, bytes, call.value);
  return opened.isLonger;
}

/** Says what became of the string that openBits() opened last. */
export function closeBits(call: Call, hasChanged: boolean): void {
  if (hasChanged) {
    call.changed(1, "setbit", Notify.STRING);
  } else if (opened.isLonger) {
    call.changed(1, "", 0);
  } else if (opened.isOtherwiseEncoded) {
    call.propagation = Propagation.PREVENTED;
  }
}
