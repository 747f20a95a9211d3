/** Generated: the commands of this folder. */
export * from "./hdel.ts";
export * from "./hexpire.ts";
export * from "./hget.ts";
export * from "./hgetall.ts";
export * from "./hgetex.ts";
export * from "./hincrby.ts";
export * from "./hrandfield.ts";
export * from "./hscan.ts";
export * from "./hset.ts";
export * from "./hsetex.ts";
export * from "./httl.ts";
