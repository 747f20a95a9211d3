/** The commands of all types of values. A new type is one line here: its file has the rest. */
export { hashCommands } from "./hash.ts";
export { listCommands } from "./list.ts";
export { setCommands } from "./set.ts";
export { sortedSetCommands } from "./sorted-set.ts";
export { streamCommands } from "./stream.ts";
export { stringCommands } from "./string.ts";
