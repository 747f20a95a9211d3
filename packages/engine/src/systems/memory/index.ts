/** Generated: the commands of this folder. */
export * from "./memory.ts";
