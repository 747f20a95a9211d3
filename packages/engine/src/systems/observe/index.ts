/** Generated: the commands of this folder. */
export * from "./latency.ts";
export * from "./monitor.ts";
export * from "./slowlog.ts";
