/** @kv/core: data outside the JavaScript heap. See README.md. */

export * from "./assert.ts";
export * from "./glob.ts";
export * from "./int64.ts";
export * from "./keyspace/database.ts";
export * from "./keyspace/defragment.ts";
export * from "./keyspace/keyspace.ts";
export * from "./keyspace/lazy-free.ts";
export * from "./keyspace/snapshot-cut.ts";
export * from "./memory/arena.ts";
export * as listpack from "./memory/listpack.ts";
export { ListpackValue } from "./memory/listpack.ts";
export * from "./memory/ref-list.ts";
export * from "./plain-access.ts";
export * from "./table/dict.ts";
export * from "./table/entry.ts";
export * from "./table/hash.ts";
export * from "./table/membership.ts";
export * from "./table/ref-set.ts";
export * from "./values/hash/hash-change.ts";
export * from "./values/hash/hash-value.ts";
export * from "./values/string/string-value.ts";
export * from "./values/value.ts";
