/** @kv/server as a library: servers inside other programs. The program itself is main.ts. */
export { createServer, type EmbeddedOptions, type EmbeddedServer } from "./create-server.ts";
