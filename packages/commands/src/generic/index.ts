/** Generated: the commands of this folder. */
export * from "./copy.ts";
export * from "./del.ts";
export * from "./exists.ts";
export * from "./expire.ts";
export * from "./keys.ts";
export * from "./move.ts";
export * from "./object.ts";
export * from "./persist.ts";
export * from "./randomkey.ts";
export * from "./rename.ts";
export * from "./scan.ts";
export * from "./sort.ts";
export * from "./ttl.ts";
export * from "./type.ts";
