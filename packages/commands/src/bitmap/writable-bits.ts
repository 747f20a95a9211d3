/**
 * Opening a string to change bits of it: long enough, and raw.
 *
 * Redis makes a string raw as soon as a command is about to write bits of it, whether or not a bit
 * changes in the end, and makes it longer for a BITFIELD that then has nothing to write; it tells nobody.
 * So what leaves all bits as they were may still give a key another length or encoding: that counts
 * as no change, and all that is said of it is that nobody shall hear of it.
 */
import { Encoding, encodingOf, growString, NONE, type Ref, stringLength } from "@kv/core";
import type { Call } from "../call/call.ts";
import { Propagation } from "../call/call-context.ts";
import { Notify } from "../call/notify.ts";
import { putZeros } from "../string/string-at.ts";

/** Whether openBits() made the string another one, be its bits the same. */
const opened = { isOther: false };

/**
 * Lets `call.value` show the string at argument 1, whose entry is `entry`, at least so long. True
 * when it was not so long before.
 */
export function openBits(call: Call, entry: Ref, bytes: number): boolean {
  const { arena } = call.keyspace;
  if (entry === NONE) {
    putZeros(call, bytes, call.value);
    opened.isOther = true;
    return true;
  }
  const isLonger = bytes > stringLength(arena, entry);
  opened.isOther = isLonger || encodingOf(arena, entry) !== Encoding.RAW;
  growString(call.database, entry, bytes, call.value);
  return isLonger;
}

/** Says what became of the string that openBits() opened last. */
export function closeBits(call: Call, hasChanged: boolean): void {
  if (hasChanged) {
    call.changed(1, "setbit", Notify.STRING);
  } else if (opened.isOther) {
    call.propagation = Propagation.PREVENTED;
  }
}
