/** Generated: the commands of this folder. */
export * from "./zadd.ts";
export * from "./zcount.ts";
export * from "./zmpop.ts";
export * from "./zpop.ts";
export * from "./zrandmember.ts";
export * from "./zrange.ts";
export * from "./zrangebyscore.ts";
export * from "./zrem.ts";
export * from "./zremrange.ts";
export * from "./zscan.ts";
export * from "./zscore.ts";
export * from "./zunion.ts";
