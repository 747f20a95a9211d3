/** Lua 5.1 as scripts of Redis see it. */

export type { LuaEnvironment } from "./environment.ts";
export { LuaType } from "./layout.ts";
export { LuaScript, LuaSyntaxError } from "./script.ts";
export type { HostFunction, LuaStack, WordSource } from "./stack.ts";
export { LuaVm, type LuaVmOptions, Outcome } from "./vm.ts";
export type { WasmModule } from "./webassembly.ts";
export type { WordsGlobal } from "./words-global.ts";
export { WordsTables } from "./words-tables.ts";
