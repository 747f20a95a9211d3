/** Groups of consumers by argument. */
import {
  deliveredMs,
  deliveriesHi,
  deliveriesLo,
  type Ref,
  type StreamGroup,
  type StreamId,
  type StreamValue,
  showOwner,
  toBigInt,
} from "@kv/core";
import type { Call } from "../call/call.ts";
import { Propagation } from "../call/call-context.ts";
import { fail, quoted } from "../call/errors.ts";
import { Notify } from "../call/notify.ts";
import { windowsOf } from "./stream-at.ts";

/** The group at an argument, or null. */
export function groupAt(call: Call, stream: StreamValue, index: number): StreamGroup | null {
  return stream.groups.find(call.bytes, call.start(index), call.end(index));
}

/** `NOGROUP No such key 'k' or consumer group 'g'`. */
function noGroup(call: Call, key: number, group: number): never {
  fail(
    `NOGROUP No such key '${quoted(call.text(key))}' or consumer group '${quoted(call.text(group))}'`,
  );
}

/** The group at an argument. Throws when there is none in the stream, or no stream. */
export function existingGroup(
  call: Call,
  stream: StreamValue | null,
  key: number,
  index: number,
): StreamGroup {
  const group = stream === null ? null : groupAt(call, stream, index);
  if (group === null) noGroup(call, key, index);
  return group;
}

/** Takes the consumer at an argument at hand. False when there is none. */
export function consumerAt(call: Call, group: StreamGroup, index: number): boolean {
  return group.findConsumer(call.bytes, call.start(index), call.end(index));
}

/** As consumerAt(); a consumer that is not there is made. True when it was. */
export function consumerOrNew(call: Call, group: StreamGroup, index: number): boolean {
  if (consumerAt(call, group, index)) return false;
  group.createConsumer(call.bytes, call.start(index), call.end(index), call.nowMs);
  return true;
}

/** Says that the consumer at hand was made for a command on the key at an argument. */
export function tellOfConsumer(call: Call, key: number): void {
  call.dirty++;
  call.event(key, "xgroup-createconsumer", Notify.STREAM);
}

/** Propagates that the consumer was made. */
export function propagateConsumer(call: Call, key: number, group: number, consumer: number): void {
  if (!call.propagates) return;
  const words = [call.argument(key), call.argument(group), call.argument(consumer)];
  call.propagateAs("XGROUP", "CREATECONSUMER", ...words);
}

/** The consumer of XCLAIM or XAUTOCLAIM was made. Claims make it where they are run; without any, this says so. */
export function tellOfClaimer(call: Call, claimed: number): void {
  tellOfConsumer(call, 1);
  if (claimed === 0) propagateConsumer(call, 1, 2, 3);
}

/** Propagates up to where the group has read. */
export function propagateLastId(
  call: Call,
  group: StreamGroup,
  key: number,
  groupIndex: number,
): void {
  if (!call.propagates) return;
  call.propagateAs(
    "XGROUP",
    "SETID",
    call.argument(key),
    call.argument(groupIndex),
    group.readLastId(windowsOf(call).other).toString(),
    "ENTRIESREAD",
    toBigInt(group.readHi, group.readLo),
  );
}

/** Propagates a pending entry as it is: the claim that makes it so. */
export function propagateClaim(
  call: Call,
  group: StreamGroup,
  key: number,
  groupIndex: number,
  id: StreamId,
  entry: Ref,
): void {
  if (!call.propagates) return;
  const { arena } = call.keyspace;
  const { text, other } = windowsOf(call);
  showOwner(arena, entry, text);
  call.propagateAs(
    "XCLAIM",
    call.argument(key),
    call.argument(groupIndex),
    text.bytes.slice(text.start, text.end),
    0,
    id.toString(),
    "TIME",
    deliveredMs(arena, entry),
    "RETRYCOUNT",
    toBigInt(deliveriesHi(arena, entry), deliveriesLo(arena, entry)),
    "FORCE",
    "JUSTID",
    "LASTID",
    group.readLastId(other).toString(),
  );
}

/** Makes the command go out as what was propagated in its place, or not at all. */
export function propagateNoMore(call: Call): void {
  if (call.rewritten === null) call.propagation = Propagation.PREVENTED;
}
