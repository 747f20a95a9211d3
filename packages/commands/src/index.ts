/** @kv/commands: the command table and every command that works on data. See README.md. */

export * from "./call/call.ts";
export * from "./call/call-context.ts";
export * from "./call/errors.ts";
export * from "./call/glob-text.ts";
export * from "./call/help.ts";
export * from "./call/kept.ts";
export * from "./call/moment.ts";
export * from "./call/notify.ts";
export * from "./call/timeout.ts";
export * from "./call/wait.ts";
export * from "./data-commands.ts";
export * from "./declare/acl-category.ts";
export * from "./declare/arg.ts";
export * from "./declare/command.ts";
export * from "./declare/flags.ts";
export * from "./declare/key-spec.ts";
export * from "./declare/placeholder-commands.ts";
export * from "./declare/table.ts";
