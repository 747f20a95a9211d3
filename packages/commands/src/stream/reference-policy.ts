/**
 * What becomes of the references to an entry that goes: of its place among what is pending in groups.
 *
 *      KEEPREF   what is pending stays so, as with XDEL;
 *      DELREF    what is deleted is pending nowhere any more;
 *      ACKED     an entry goes only when every group has read it and it is pending nowhere.
 */
import { NONE, type StreamId, type StreamValue } from "@kv/core";
import type { Call } from "../call/call.ts";
import { type Argument, arg } from "../declare/arg.ts";
import { windowsOf } from "./stream-at.ts";

/** The three policies, and what stands for one that the request does not name. */
export const Policy = { NONE: -1, KEEP: 0, REMOVE: 1, ACKNOWLEDGED: 2 } as const;

/** The argument that names a policy. */
export const policyArgument: Argument = {
  ...arg.optional(
    arg.oneOf(
      "condition",
      arg.token("keepref", "KEEPREF"),
      arg.token("delref", "DELREF"),
      arg.token("acked", "ACKED"),
    ),
  ),
  since: "8.2.0",
};

/** The policy that an argument names; Policy.NONE when it names none. */
export function policyAt(call: Call, at: number): number {
  if (call.is(at, "KEEPREF")) return Policy.KEEP;
  if (call.is(at, "DELREF")) return Policy.REMOVE;
  return call.is(at, "ACKED") ? Policy.ACKNOWLEDGED : Policy.NONE;
}

/** True when a group has yet to read the entry, or to acknowledge it. */
export function isNeeded(call: Call, stream: StreamValue, id: StreamId): boolean {
  const { other } = windowsOf(call);
  for (let i = 0; i < stream.groups.count; i++) {
    const group = stream.groups.at(i);
    if (group.findPending(id) !== NONE || group.readLastId(other).compare(id) < 0) return true;
  }
  return false;
}

/** Makes the entry pending in no group. Returns in how many it was. */
export function removeEverywhere(stream: StreamValue, id: StreamId): number {
  let removed = 0;
  for (let i = 0; i < stream.groups.count; i++)
    if (stream.groups.at(i).removePending(id)) removed++;
  return removed;
}
