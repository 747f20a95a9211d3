/** A stream as tests of groups want one: some of it has been read, and nothing acknowledged. */
import { type Harness, harness } from "./harness.ts";

/**
 * A server with the stream "k" of three entries, 1-1, 2-2 and 3-3, each with the field f and its ID for a
 * value. Consumer c of group g has read the first two. The key "text" holds a string. What led to this
 * is in neither `events` nor `propagated`.
 */
export function halfReadStream(): Harness {
  const kv = harness();
  for (const id of ["1-1", "2-2", "3-3"]) kv.send("XADD", "k", id, "f", id);
  kv.send("XGROUP", "CREATE", "k", "g", 0);
  kv.send("XREADGROUP", "GROUP", "g", "c", "COUNT", 2, "STREAMS", "k", ">");
  kv.send("SET", "text", "v");
  kv.propagated.length = 0;
  kv.events.length = 0;
  return kv;
}
