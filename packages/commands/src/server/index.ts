/** Generated: the commands of this folder. */
export * from "./dbsize.ts";
export * from "./flush.ts";
export * from "./swapdb.ts";
