/** Commands about the server itself. */
export * from "./acl/acl.ts";
export * from "./commands/command.ts";
export * from "./config/config.ts";
export { debug } from "./debug/debug.ts";
export * from "./info/info.ts";
export * from "./memory/memory.ts";
export * from "./observe/latency.ts";
export * from "./observe/monitor.ts";
export * from "./observe/slowlog.ts";
export * from "./saving/save.ts";
export * from "./saving/shutdown.ts";
export * from "./server/lolwut.ts";
export * from "./server/module.ts";
export * from "./server/role.ts";
export * from "./server/time.ts";
