/** Generated: the commands of this folder. */
export * from "./delex.ts";
export * from "./get.ts";
export * from "./getex.ts";
export * from "./getrange.ts";
export * from "./incr.ts";
export * from "./incrbyfloat.ts";
export * from "./lcs.ts";
export * from "./mset.ts";
export * from "./msetex.ts";
export * from "./set.ts";
export * from "./setrange.ts";
