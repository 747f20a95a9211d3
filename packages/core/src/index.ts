/** @kv/core: data outside the JavaScript heap. See README.md. */
export * from "./assert.ts";
export * from "./glob.ts";
export * from "./int64.ts";
export * from "./keyspace/database.ts";
export * from "./keyspace/defragment.ts";
export type { FieldExpiries } from "./keyspace/field-expiries.ts";
export * from "./keyspace/keyspace.ts";
export * from "./keyspace/lazy-free.ts";
export * from "./keyspace/snapshot-cut.ts";
export * from "./memory/arena.ts";
export { type Bulk, bulk } from "./memory/bulk.ts";
export { Evacuation, type MovePlan } from "./memory/evacuation.ts";
export * as listpack from "./memory/listpack.ts";
export { ListpackValue } from "./memory/listpack.ts";
export { ListpackDraft } from "./memory/listpack-draft.ts";
export * as listpackWalk from "./memory/listpack-walk.ts";
export { TextMatcher } from "./memory/listpack-walk.ts";
export * as lzf from "./memory/lzf.ts";
export type { PageSpans } from "./memory/page-spans.ts";
export * from "./memory/ref-list.ts";
export { SegmentEvacuation } from "./memory/segment-evacuation.ts";
export type { Segments } from "./memory/segments.ts";
export * from "./plain-access.ts";
export { isError, isRangeError } from "./realm.ts";
export * from "./table/dict.ts";
export type { DictHeader } from "./table/dict-header.ts";
export type { DictTable } from "./table/dict-table.ts";
export * from "./table/entry.ts";
export type { ExpiryHeap } from "./table/expiry-heap.ts";
export * from "./table/hash.ts";
export * from "./table/membership.ts";
export * from "./table/ref-set.ts";
export {
  earliestFieldExpiry,
  FIELD_EXPIRY_LOADED_MAX_MS,
  FIELD_EXPIRY_MAX_MS,
  hasOrderedExpiries,
  isEmptyHash,
} from "./values/hash/field-expiry.ts";
export * from "./values/hash/hash-change.ts";
export type { HashExpiries } from "./values/hash/hash-expiries.ts";
export { showField } from "./values/hash/hash-field.ts";
export {
  type HashFields,
  type HashLimits,
  NO_EXPIRY,
  NO_FIELD,
} from "./values/hash/hash-fields.ts";
export type { HashConverter } from "./values/hash/hash-table.ts";
export * from "./values/hash/hash-value.ts";
export * from "./values/kind.ts";
export * from "./values/kind-table.ts";
export * from "./values/limits.ts";
export {
  eachNode,
  eachOfNode,
  nodeCountOf,
  type QuicklistFacts,
  quicklistFacts,
} from "./values/list/list-kinds.ts";
export type { ListLimits } from "./values/list/list-limits.ts";
export { type NodeImage, NodeView, nodeImage } from "./values/list/list-node.ts";
export * from "./values/list/list-value.ts";
export * as intset from "./values/set/intset.ts";
export { createSet, type SetLimits, setEncodingFor } from "./values/set/new-set.ts";
export * from "./values/set/set-change.ts";
export { showMember } from "./values/set/set-member.ts";
export * from "./values/set/set-value.ts";
export * from "./values/sorted-set/load-sorted-set.ts";
export type { ScorePath } from "./values/sorted-set/score-path.ts";
export { parseDecimal, parseScore } from "./values/sorted-set/score-text.ts";
export type { ScoreTree } from "./values/sorted-set/score-tree.ts";
export { compareBytes } from "./values/sorted-set/scored-member.ts";
export * from "./values/sorted-set/sorted-set-builder.ts";
export * from "./values/sorted-set/sorted-set-change.ts";
export { visitMember } from "./values/sorted-set/sorted-set-kinds.ts";
export * from "./values/sorted-set/sorted-set-value.ts";
export {
  entriesBehind,
  estimateRead,
  readsOnUnbroken,
} from "./values/stream/entries-read.ts";
export type { IdTree } from "./values/stream/id-tree.ts";
export { type NameList, showName } from "./values/stream/name-list.ts";
export * from "./values/stream/pending-change.ts";
export type { EntrySource } from "./values/stream/stream-block.ts";
export { FILE_ID_BYTES, StreamBlockOrder } from "./values/stream/stream-block-order.ts";
export { StreamFacts } from "./values/stream/stream-facts.ts";
export * from "./values/stream/stream-group.ts";
export type { StreamGroups } from "./values/stream/stream-groups.ts";
export * from "./values/stream/stream-id.ts";
export { StreamLoading } from "./values/stream/stream-loading.ts";
export { StreamRange } from "./values/stream/stream-range.ts";
export type { SharedBlocks, StreamSpace } from "./values/stream/stream-space.ts";
export * from "./values/stream/stream-value.ts";
export * from "./values/stream/stream-walk.ts";
export * from "./values/string/string-value.ts";
export * from "./values/string/string-view.ts";
export type { EntryFreer } from "./values/table-freeing.ts";
export * from "./values/value.ts";
