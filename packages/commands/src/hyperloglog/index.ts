/** Generated: the commands of this folder. */
export * from "./pfadd.ts";
export * from "./pfcount.ts";
export * from "./pfdebug.ts";
export * from "./pfmerge.ts";
export * from "./pfselftest.ts";
