/** Generated: the commands of this folder. */
export * from "./function.ts";
