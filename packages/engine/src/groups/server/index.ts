/** Generated: the commands of this folder. */
export * from "./acl.ts";
export * from "./command.ts";
export * from "./config.ts";
export * from "./debug/index.ts";
export * from "./info.ts";
export * from "./latency.ts";
export * from "./lolwut.ts";
export * from "./memory.ts";
export * from "./module.ts";
export * from "./monitor.ts";
export * from "./role.ts";
export * from "./save.ts";
export * from "./shutdown.ts";
export * from "./slowlog.ts";
export * from "./time.ts";
