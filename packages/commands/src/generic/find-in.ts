/** Looking a key up in a database other than the selected one (MOVE, COPY). */
import { type Database, NONE, type Ref } from "@kv/core";
import type { Call } from "../call.ts";

/** Entry of the key at an argument in `db`, live or NONE: an expired one is dealt with. */
export function findIn(call: Call, db: Database, index: number): Ref {
  const entry = db.findKey(call.bytes, call.view, call.start(index), call.end(index));
  return entry === NONE ? NONE : call.unexpired(db, entry);
}
