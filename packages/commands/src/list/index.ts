/** Generated: the commands of this folder. */
export * from "./linsert.ts";
export * from "./lmove.ts";
export * from "./lpos.ts";
export * from "./lrange.ts";
export * from "./lrem.ts";
export * from "./lset.ts";
export * from "./pop.ts";
export * from "./pop-of-several.ts";
export * from "./push.ts";
