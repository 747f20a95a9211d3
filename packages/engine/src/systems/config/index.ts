/** Generated: the commands of this folder. */
export * from "./config.ts";
