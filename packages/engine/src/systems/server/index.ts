/** Generated: the commands of this folder. */
export * from "./lolwut.ts";
export * from "./module.ts";
export * from "./time.ts";
