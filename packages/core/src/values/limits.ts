/**
 * Limits: when a value of each type stops being the small form of itself. One object goes from the
 * directives through the commands and the loaders down to the values. It is replaced, never changed.
 */

import type { HashLimits } from "./hash/hash-fields.ts";
import type { ListLimits } from "./list/list-limits.ts";
import type { SetLimits } from "./set/new-set.ts";
import type { SortedSetLimits } from "./sorted-set/sorted-set-value.ts";
import type { StreamLimits } from "./stream/stream-value.ts";

/** The limits of each type that has any. */
export interface ValueLimits {
  /** When hashes become tables. */
  readonly hash: HashLimits;
  /** When blocks of streams are full. */
  readonly stream: StreamLimits;
  /** When lists become many nodes, and what those are like. */
  readonly list: ListLimits;
  /** When sets become listpacks, or tables. */
  readonly set: SetLimits;
  /** When sorted sets become tables. */
  readonly sortedSet: SortedSetLimits;
}

/** What Redis 7.2 has without a configuration. */
export const defaultLimits: ValueLimits = Object.freeze({
  hash: Object.freeze({ listpackEntriesMax: 512, listpackValueBytesMax: 64 }),
  stream: Object.freeze({ nodeBytesMax: 4096, nodeEntriesMax: 100 }),
  list: Object.freeze({ fill: -2, compressDepth: 0, plainBytesMin: 0 }),
  set: Object.freeze({
    intsetEntriesMax: 512,
    listpackEntriesMax: 128,
    listpackValueBytesMax: 64,
  }),
  sortedSet: Object.freeze({ listpackEntriesMax: 128, listpackValueBytesMax: 64 }),
});
