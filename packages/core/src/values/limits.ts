/**
 * Limits: when a value of each type stops being the small form of itself. One object goes from the
 * directives through the commands and the loaders down to the values. It is replaced, never changed.
 */
import type { HashLimits } from "./hash/hash-value.ts";
import type { StreamLimits } from "./stream/stream-value.ts";

/** The limits of each type that has any. */
export interface ValueLimits {
  /** When hashes become tables. */
  readonly hash: HashLimits;
  /** When blocks of streams are full. */
  readonly stream: StreamLimits;
}

/** What Redis 7.2 has without a configuration. */
export const defaultLimits: ValueLimits = Object.freeze({
  hash: Object.freeze({ listpackEntriesMax: 512, listpackValueBytesMax: 64 }),
  stream: Object.freeze({ nodeBytesMax: 4096, nodeEntriesMax: 100 }),
});
