/** Generated: the commands of this folder. */
export * from "./xadd.ts";
export * from "./xdel.ts";
export * from "./xrange.ts";
export * from "./xtrim.ts";
