/** @kv/engine: a whole server without I/O. See README.md. */
export { AclStartError } from "./access.ts";
export * from "./client.ts";
export { directiveRows } from "./directive-rows.ts";
export * from "./due.ts";
export * from "./engine.ts";
export * from "./engine-call.ts";
export * from "./guards.ts";
export * from "./host.ts";
export { engineDirectives } from "./implemented-directives.ts";
export * from "./module.ts";
export * from "./propagate.ts";
export { UnsupportedDirectiveError, unsupportedDirectives } from "./settings.ts";
export * from "./shutdown.ts";
export { checkStatements } from "./statements.ts";
export * from "./version.ts";
