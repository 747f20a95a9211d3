/** Generated: the commands of this folder. */
export * from "./sadd.ts";
export * from "./sismember.ts";
export * from "./srem.ts";
