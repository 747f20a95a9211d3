export * from "./acl.ts";
