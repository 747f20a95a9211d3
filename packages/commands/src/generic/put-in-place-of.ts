/** What RENAME and COPY share: a key takes the value of another one, whatever it held before. */
import type { Database, Ref } from "@kv/core";
import type { Call } from "../call/call.ts";

/**
 * Gives the key at argument 2 an entry like `source`, with the block `value` where the source's
 * value is outside. `old` is what `database` holds under that key, or NONE; it is lost only when
 * there was room for its successor.
 */
export function putInPlaceOf(
  call: Call,
  old: Ref,
  database: Database,
  source: Ref,
  value: Ref,
): Ref {
  const { bytes, view } = call;
  const start = call.start(2);
  const end = call.end(2);
  const entry = database.createLike(source, value, bytes, start, end);
  try {
    const hash = database.hash(bytes, view, start, end);
    database.put(entry, old, hash, call.settings.lazyServerDel);
  } catch (full) {
    // The entry alone: the value is still the caller's.
    database.arena.free(entry);
    throw full;
  }
  return entry;
}
