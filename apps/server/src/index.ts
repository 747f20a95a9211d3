/** @kv/server as a library: servers inside other programs. The program itself is main.ts. */
export type { ConfigOptions } from "@kv/config";
export type { LogLevel, System } from "@kv/engine";
export { createServer, type EmbeddedOptions, type EmbeddedServer } from "./create-server.ts";
export type { InProcessStream } from "./network/in-process-stream.ts";
export { ServerError } from "./server-error.ts";
