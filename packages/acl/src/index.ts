/** @kv/acl: users and rules, and what they allow a request. See README.md. */
export * from "./acl-file.ts";
export * from "./command-rules.ts";
export * from "./known-commands.ts";
export * from "./patterns.ts";
export { type AclRequest, RequestKeys } from "./request.ts";
export * from "./rules.ts";
export * from "./selector.ts";
export { User } from "./user.ts";
export * from "./users.ts";
