/** All kinds of values, by type. A new type is one line here: its folder has the rest. */
export { hashKinds } from "./hash/hash-kinds.ts";
export { listKinds } from "./list/list-kinds.ts";
export { setKinds } from "./set/set-kinds.ts";
export { sortedSetKinds } from "./sorted-set/sorted-set-kinds.ts";
export { streamKinds } from "./stream/stream-kinds.ts";
export { stringKinds } from "./string/string-kinds.ts";
