/** @kv/commands: the command table and every command that works on data. See README.md. */
export * from "./acl-category.ts";
export * from "./arg.ts";
export * from "./call.ts";
export * from "./call-context.ts";
export * from "./command.ts";
export * from "./data-commands.ts";
export * from "./errors.ts";
export * from "./flags.ts";
export * from "./help.ts";
export * from "./key-spec.ts";
export * from "./moment.ts";
export * from "./notify.ts";
export * from "./placeholder-commands.ts";
export * from "./table.ts";
