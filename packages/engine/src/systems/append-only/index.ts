/** Generated: the commands of this folder. */
export * from "./bgrewriteaof.ts";
