/**
 * The machine: one instance of PUC Lua 5.1.5, compiled to WebAssembly by others, with the few things
 * that it expects of the world outside. It may allocate, and that is all: there are no files, no
 * clock, no environment and no processes behind these imports, so a library that slipped into a
 * sandbox would still find nothing.
 *
 * What must not be JavaScript, because it stands on the stack while Lua runs, is assembled in glue.ts.
 */

import {
  type WasmFunction,
  type WasmMemory,
  type WasmModule,
  type WasmTable,
  wasm,
} from "./webassembly.ts";

/** The part of Lua's own interface in C that is used here. A state is an address. */
export interface LuaApi {
  memory: WasmMemory;
  __indirect_function_table: WasmTable;
  __wasm_call_ctors(): void;
  malloc(size: number): number;
  free(address: number): void;
  stackSave(): number;
  stackRestore(address: number): void;

  lua_newstate(allocator: number, tag: number): number;
  lua_newthread(L: number): number;
  lua_atpanic(L: number, handler: number): number;
  lua_checkstack(L: number, count: number): number;
  lua_gettop(L: number): number;
  lua_settop(L: number, index: number): void;
  lua_pushvalue(L: number, index: number): void;
  lua_remove(L: number, index: number): void;
  lua_insert(L: number, index: number): void;
  lua_replace(L: number, index: number): void;
  lua_xmove(from: number, to: number, count: number): void;
  lua_type(L: number, index: number): number;
  lua_isnumber(L: number, index: number): number;
  lua_rawequal(L: number, a: number, b: number): number;
  lua_tonumber(L: number, index: number): number;
  lua_toboolean(L: number, index: number): number;
  lua_tolstring(L: number, index: number, length: number): number;
  lua_objlen(L: number, index: number): number;
  lua_tocfunction(L: number, index: number): number;
  lua_topointer(L: number, index: number): number;
  lua_touserdata(L: number, index: number): number;
  lua_pushnil(L: number): void;
  lua_pushnumber(L: number, value: number): void;
  lua_pushlstring(L: number, address: number, length: number): void;
  lua_pushcclosure(L: number, slot: number, upvalues: number): void;
  lua_pushboolean(L: number, value: number): void;
  lua_pushlightuserdata(L: number, value: number): void;
  lua_rawget(L: number, index: number): void;
  lua_rawgeti(L: number, index: number, n: number): void;
  lua_rawset(L: number, index: number): void;
  lua_rawseti(L: number, index: number, n: number): void;
  lua_gettable(L: number, index: number): void;
  lua_createtable(L: number, arraySize: number, recordSize: number): void;
  lua_getmetatable(L: number, index: number): number;
  lua_setmetatable(L: number, index: number): number;
  lua_call(L: number, count: number, results: number): void;
  lua_setfenv(L: number, index: number): number;
  lua_next(L: number, index: number): number;
  lua_concat(L: number, count: number): void;
  lua_error(L: number): number;
  lua_gc(L: number, what: number, data: number): number;
  lua_getstack(L: number, level: number, record: number): number;
  lua_getinfo(L: number, what: number, record: number): number;
  lua_sethook(L: number, hook: number, mask: number, count: number): number;
  luaL_loadbuffer(L: number, source: number, size: number, name: number): number;
  luaL_ref(L: number, table: number): number;
  luaL_unref(L: number, table: number, ref: number): void;
  luaL_where(L: number, level: number): void;
  luaL_argerror(L: number, argument: number, message: number): number;
  luaL_checktype(L: number, argument: number, type: number): void;
  luaL_checkany(L: number, argument: number): void;
  luaL_checknumber(L: number, argument: number): number;
  luaL_checklstring(L: number, argument: number, length: number): number;
  luaopen_base(L: number): number;
  luaopen_table(L: number): number;
  luaopen_string(L: number): number;
  luaopen_math(L: number): number;
}

export const REGISTRY = -10_000;
export const GLOBALS = -10_002;

/** The world outside, which is empty: each import by name, and what it answers. */
function emptyWorld(): Record<string, WasmFunction> {
  const world: Record<string, WasmFunction> = Object.create(null);
  const noSuchCall = -52;
  for (const name of [
    ...["__syscall_openat", "__syscall_fcntl64", "__syscall_ioctl", "__syscall_dup3"],
    ...["__syscall_unlinkat", "__syscall_rmdir", "__syscall_renameat", "__syscall_readlinkat"],
  ]) {
    world[name] = () => noSuchCall;
  }
  for (const name of ["fd_write", "fd_read", "fd_close", "fd_seek"]) world[name] = () => 8;
  for (const name of [
    ...["strftime", "emscripten_date_now", "_emscripten_get_now_is_monotonic", "_tzset_js"],
    ...["_emscripten_system", "_mktime_js", "_localtime_js", "_gmtime_js"],
    ...["environ_sizes_get", "environ_get"],
  ]) {
    world[name] = () => 0;
  }
  return world;
}

export interface MachineOptions {
  module: WasmModule;
  /** Bytes that the memory of the instance may have. */
  memoryBytesMax: number;
  /** From the gate of the glue: calls a function of Lua's under protection. */
  invoke: WasmFunction;
  /** From the gate of the glue: leaves the innermost protected call. */
  throwLongjmp: WasmFunction;
  /** The memory has grown, and every view of it has become empty. */
  grown: () => void;
}

const PAGE_BYTES = 65_536;

export function startMachine(options: MachineOptions): LuaApi {
  let api: LuaApi | undefined;
  const world = emptyWorld();
  world.invoke_vii = options.invoke;
  world._emscripten_throw_longjmp = options.throwLongjmp;
  // Only a panic leaves by this way: an error that no protected call was there for.
  world.exit = () => {
    throw new Error("Lua has panicked");
  };
  world.emscripten_memcpy_js = (to: number, from: number, size: number) => {
    new Uint8Array(api!.memory.buffer).copyWithin(to, from, from + size);
  };
  world.emscripten_resize_heap = (wanted: number) => {
    const bytes = api!.memory.buffer.byteLength;
    const size = wanted >>> 0;
    if (size > options.memoryBytesMax) return 0;
    // In larger steps, so that a table that grows does not ask each time.
    const step = Math.min(Math.max(size, bytes * 1.25), options.memoryBytesMax);
    try {
      api!.memory.grow(Math.ceil((step - bytes) / PAGE_BYTES));
    } catch {
      return 0;
    }
    options.grown();
    return 1;
  };
  const { exports } = new wasm.Instance(options.module, {
    env: world,
    wasi_snapshot_preview1: world,
  });
  api = exports as unknown as LuaApi;
  api.__wasm_call_ctors();
  return api;
}
