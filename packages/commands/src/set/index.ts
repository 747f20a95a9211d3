/** Generated: the commands of this folder. */
export * from "./sadd.ts";
export * from "./sdiff.ts";
export * from "./sinter.ts";
export * from "./sismember.ts";
export * from "./smove.ts";
export * from "./spop.ts";
export * from "./srandmember.ts";
export * from "./srem.ts";
export * from "./sscan.ts";
export * from "./sunion.ts";
