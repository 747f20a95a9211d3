/** @kv/core: data outside the JavaScript heap. See README.md. */
export * from "./arena.ts";
export * from "./assert.ts";
export * from "./database.ts";
export * from "./dict.ts";
export * from "./glob.ts";
export * from "./hash.ts";
export * from "./hash-value.ts";
export * from "./int64.ts";
export * from "./keyspace.ts";
export * from "./lazy-free.ts";
export * as listpack from "./listpack.ts";
export { ListpackValue } from "./listpack.ts";
export * from "./object.ts";
export * from "./plain-access.ts";
export * from "./ref-list.ts";
export * from "./snapshot-cut.ts";
export * from "./string-value.ts";
export * from "./value.ts";
