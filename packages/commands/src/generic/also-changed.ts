/** A further key of one change: RENAME, MOVE and COPY touch two keys but count as one change. */
import type { Database } from "@kv/core";
import type { Call } from "../call/call.ts";
import { Interest } from "../call/call-context.ts";
import { Notify } from "../call/notify.ts";

/** Tells watchers and listeners that the key at an argument changed in `database`, without counting it. */
export function alsoChanged(
  call: Call,
  database: Database,
  index: number,
  event: string,
  notifyClass: number,
): void {
  if (call.interest === 0) return;
  const { bytes, view, effects } = call;
  effects.keyChanged(database, bytes, view, call.start(index), call.end(index), event, notifyClass);
}

/** The same without an event. */
export function alsoModified(call: Call, database: Database, index: number): void {
  if ((call.interest & Interest.WATCH) === 0) return;
  const { bytes, view, effects } = call;
  effects.keyModified(database, bytes, view, call.start(index), call.end(index));
}

/** Publishes that the key at an argument was born in `database`: the "new" event of class "n". */
export function born(call: Call, database: Database, index: number): void {
  if ((call.interest & Interest.NOTIFY) === 0) return;
  const { bytes, view, effects } = call;
  effects.keyEvent(database, bytes, view, call.start(index), call.end(index), "new", Notify.NEW);
}
