/** Generated: the commands of this folder. */
export * from "./acl.ts";
