/** Generated: the commands of this folder. */
export * from "./bitcount.ts";
export * from "./bitfield.ts";
export * from "./bitop.ts";
export * from "./bitpos.ts";
export * from "./setbit.ts";
