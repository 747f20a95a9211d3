/** Generated: the commands of this folder. */
export * from "./info.ts";
