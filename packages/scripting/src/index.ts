/** @kv/scripting: scripts and functions as a module of @kv/engine. See README.md. */
export { scriptingSystem } from "./system.ts";
