/** Generated: the commands of this folder. */
export * from "./xack.ts";
export * from "./xadd.ts";
export * from "./xautoclaim.ts";
export * from "./xclaim.ts";
export * from "./xdel.ts";
export * from "./xdelex.ts";
export * from "./xgroup.ts";
export * from "./xinfo.ts";
export * from "./xpending.ts";
export * from "./xrange.ts";
export * from "./xread.ts";
export * from "./xreadgroup.ts";
export * from "./xsetid.ts";
export * from "./xtrim.ts";
