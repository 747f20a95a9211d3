/** What RENAME and COPY share: a key takes the value of another one, whatever it held before. */
import { type Database, NONE, type Ref } from "@kv/core";
import type { Call } from "../call.ts";

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
  if (old !== NONE) database.detach(old);
  let entry: Ref;
  try {
    const hash = database.hash(bytes, view, start, end);
    entry = database.addLike(source, value, bytes, start, end, hash);
  } catch (full) {
    if (old !== NONE) database.adopt(old);
    throw full;
  }
  if (old !== NONE) database.dispose(old, call.settings.lazyServerDel);
  return entry;
}
