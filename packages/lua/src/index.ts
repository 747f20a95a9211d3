/** Lua 5.1 as scripts of Redis see it. */

export type { LuaEnvironment } from "./environment.ts";
export { LuaType } from "./layout.ts";
export type { HostFunction, LuaStack, WordSource } from "./stack.ts";
export { LuaScript, LuaSyntaxError, LuaVm, type LuaVmOptions, Outcome } from "./vm.ts";
export type { WasmModule } from "./webassembly.ts";
export type { WordsGlobal } from "./words-global.ts";
