/** @kv/engine: a whole server without I/O. See README.md. */

export * from "./engine.ts";
export * from "./kernel/client.ts";
export * from "./kernel/due.ts";
export * from "./kernel/guards.ts";
export * from "./kernel/host.ts";
export * from "./kernel/propagate.ts";
export * from "./kernel/version.ts";
export { UnsupportedDirectiveError, unsupportedDirectives } from "./module/directives.ts";
export * from "./module/engine-call.ts";
export { engineDirectives } from "./module/implemented-directives.ts";
export { checkStatements } from "./module/statements.ts";
export * from "./module/system.ts";
export { AclStartError } from "./systems/acl/access.ts";
export * from "./systems/saving/stopping.ts";
