/** Generated: the commands of this folder. */
export * from "./dump.ts";
export * from "./restore.ts";
export * from "./save.ts";
