/** Generated: the commands of this folder. */
export * from "./multi.ts";
export * from "./watch.ts";
