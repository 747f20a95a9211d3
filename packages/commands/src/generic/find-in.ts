/** Looking a key up in a database other than the selected one (MOVE, COPY). */
import { type Database, NONE, type Ref } from "@kv/core";
import type { Call } from "../call/call.ts";

/** As Call.lookupWrite(), in `database`; what stands in the way there is left alone, but was used. */
export function findIn(call: Call, database: Database, index: number): Ref {
  const entry = database.findKey(call.bytes, call.view, call.start(index), call.end(index));
  if (entry === NONE || call.unexpired(database, entry, true) === NONE) return NONE;
  call.touch(entry);
  return entry;
}
