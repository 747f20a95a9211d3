/** Generated: the commands of this folder. */
export * from "./debug.ts";
