/** @kv/scripting: EVAL and SCRIPT as a module of @kv/engine. See README.md. */
export { scriptingSystem } from "./system.ts";
