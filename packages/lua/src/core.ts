/**
 * The core: Lua's machine and the glue, tied together. It makes the state, puts functions of the host
 * within Lua's reach and runs what it is told to, once: how runs look to the outside is vm.ts.
 */

import {
  ASK_SLOT_AT,
  BUDGET_AT,
  COUNT_AT,
  doorModule,
  type Guard,
  gateModule,
  glueModule,
  guardModule,
  LIMIT_AT,
  RUNNING,
  STATUS_AT,
  USED_AT,
} from "./glue.ts";
import { GLOBALS, type LuaApi, startMachine } from "./machine.ts";
import { type HostFunction, isLuaError, LuaStack, type StackGlue } from "./stack.ts";
import {
  canSuspend,
  type WasmFunction,
  type WasmModule,
  type WasmTable,
  wasm,
} from "./webassembly.ts";

/** Instructions of a run until the hook asks for the first time. */
export const FIRST_HOOK_INSTRUCTIONS = 4_000;
const MASK_COUNT = 8;

/** What Lua's memory holds beside the values: its own data, the stack of C, scratch. */
const OVERHEAD_BYTES = 16 * 1024 * 1024;

/** The functions of the glue that Lua calls by their slots. */
const LUA_FUNCTIONS = ["hook", "ask", "panic", "allocate", "pcall", "reader"];

export interface CoreOptions {
  module: WasmModule;
  /** Bytes that all values together may take. */
  memoryBytesMax: number;
  /** Asked by the hook; answers one of `Due`. */
  due: (L: number) => number;
  /** The same, asked within a function of Lua's own that runs long. */
  dueWithin: (L: number) => number;
  /** Called when a run stops in its middle; the run goes on when the promise is fulfilled. */
  suspend: () => Promise<void>;
}

/** A function in WebAssembly's table that Lua can call. */
export type Slot = number;

/** Whose a function outside of the machine is: a library's, which changes nothing but the machine, or the host's. */
export const Whose = { MACHINE: 0, HOST: 1 } as const;
export type Whose = (typeof Whose)[keyof typeof Whose];

export class Core {
  readonly api: LuaApi;
  readonly stack: LuaStack;
  /** The state that runs are made in. */
  readonly L: number;
  /** Redis's own pcall. */
  readonly pcall: Slot;
  /** What stands before a function that `load` reads from: carries that function, and true. */
  readonly reader: Slot;
  /** What a function of the host threw, when it was no error of Lua's. */
  hostError: unknown;
  hostFailed = false;
  private readonly hook: Slot;
  private readonly longjmp: object;
  private readonly abort: object;
  private readonly run: WasmFunction;
  private readonly promisingRun: WasmFunction | undefined;

  constructor({ module, memoryBytesMax, due, dueWithin, suspend }: CoreOptions) {
    this.longjmp = new wasm.Tag({ parameters: [] });
    this.abort = new wasm.Tag({ parameters: [] });
    const tags = { longjmp: this.longjmp, abort: this.abort };
    const gate = new wasm.Instance(new wasm.Module(gateModule()), { js: tags });
    const api = startMachine({
      module,
      memoryBytesMax: memoryBytesMax + OVERHEAD_BYTES,
      invoke: gate.exports.invoke_vii as WasmFunction,
      throwLongjmp: gate.exports.throw_longjmp as WasmFunction,
      grown: () => this.stack.renew(),
    });
    this.api = api;
    this.stack = new LuaStack(api);
    const errName = api.malloc(8);
    this.stack.bytes.set([0x65, 0x72, 0x72, 0, 0x20], errName);
    const space = errName + 4;
    const table = api.__indirect_function_table;
    const first = table.grow(LUA_FUNCTIONS.length);
    const [hook, ask, panic, allocate, pcall, reader] = LUA_FUNCTIONS.map((_, i) => first + i);
    const { exports } = new wasm.Instance(
      new wasm.Module(glueModule({ errName, space, hookSlot: hook })),
      {
        lua: api as unknown as Record<string, unknown>,
        js: {
          ...tags,
          due,
          dueWithin,
          // Where nothing can be suspended, `due` never asks for it.
          suspend: wasm.Suspending === undefined ? () => {} : new wasm.Suspending(suspend),
        },
      },
    );
    (gate.exports.table as WasmTable).set(0, exports.invoke as WasmFunction);
    for (const [i, name] of LUA_FUNCTIONS.entries()) {
      table.set(first + i, exports[name] as WasmFunction);
    }
    this.hook = hook;
    this.pcall = pcall;
    this.reader = reader;
    this.run = exports.run as WasmFunction;
    this.stack.glue = exports as unknown as StackGlue;
    this.promisingRun = canSuspend ? wasm.promising!(this.run) : undefined;

    for (const at of [STATUS_AT, USED_AT, COUNT_AT, BUDGET_AT])
      this.stack.view.setInt32(at, 0, true);
    this.stack.view.setInt32(ASK_SLOT_AT, ask, true);
    this.setLimit(0);
    this.L = api.lua_newstate(allocate, 0);
    this.stack.L = this.L;
    api.lua_atpanic(this.L, panic);
    this.resetHook();
  }

  /** Bytes that Lua's values take now, dead ones that were not collected yet included. */
  get usedBytes(): number {
    return this.stack.view.getUint32(USED_AT, true);
  }

  /** What `usedBytes` may not pass; 0 means that only the memory's own end counts. */
  setLimit(bytes: number): void {
    this.stack.view.setUint32(LIMIT_AT, bytes === 0 ? 0xffff_ffff : bytes, true);
  }

  /** The hook of a thread asks every so many instructions from now on. */
  setHook(L: number, instructions: number): void {
    this.api.lua_sethook(L, this.hook, MASK_COUNT, instructions);
  }

  /** The hook asks as at the beginning of a run. */
  resetHook(): void {
    this.setHook(this.L, FIRST_HOOK_INSTRUCTIONS);
  }

  /** Functions outside of the machine, in slots that follow each other; returns the first. */
  addFunctions(functions: readonly HostFunction[], whose: Whose = Whose.MACHINE): Slot {
    const js: Record<string, WasmFunction> = {};
    for (const [i, work] of functions.entries()) js[`f${i}`] = this.door(work, whose);
    return this.addModule(doorModule(functions.length), numbered(functions.length), js);
  }

  /** Sets functions outside of the machine and constants in the table on top of the stack. */
  setFunctions(
    functions: Record<string, HostFunction>,
    values: Record<string, string | number> = {},
    whose: Whose = Whose.MACHINE,
  ): void {
    const { stack } = this;
    const first = this.addFunctions(Object.values(functions), whose);
    for (const [i, name] of Object.keys(functions).entries()) {
      this.pushFunction(first + i);
      stack.setField(-2, name);
    }
    for (const [name, value] of Object.entries(values)) {
      if (typeof value === "number") stack.pushNumber(value);
      else stack.pushText(value);
      stack.setField(-2, name);
    }
  }

  /** Guards before functions of Lua's own, in slots that follow each other; returns the first. */
  addGuards(guards: readonly Guard[], asked: Record<string, HostFunction>): Slot {
    const js: Record<string, WasmFunction> = {};
    for (const [name, work] of Object.entries(asked)) js[name] = this.door(work, Whose.HOST);
    return this.addModule(guardModule(guards), numbered(guards.length), js);
  }

  /** Pushes a function of a slot. */
  pushFunction(slot: Slot, upvalues = 0): void {
    this.api.lua_pushcclosure(this.stack.L, slot, upvalues);
  }

  /** Calls a function of a slot with what is on the stack, as `luaopen_...` are called. */
  open(name: "luaopen_base" | "luaopen_table" | "luaopen_string" | "luaopen_math"): void {
    this.api[name](this.L);
    this.stack.setTop(0);
  }

  /** The slot of a function of Lua's own that is a field of the table on top of the stack. */
  slotOf(name: string): Slot {
    this.stack.getField(-1, name);
    const slot = this.api.lua_tocfunction(this.stack.L, -1);
    this.stack.pop(1);
    return slot;
  }

  pushGlobals(): void {
    this.stack.pushValue(GLOBALS);
  }

  /**
   * Calls the function below `count` arguments under protection; errors go through the function at
   * stack index 1. What `lua_pcall` answered, or RUNNING when it has not: then the promise is there.
   */
  call(count: number, suspendable: boolean): { status: number; promise?: Promise<unknown> } {
    this.stack.view.setInt32(STATUS_AT, RUNNING, true);
    if (suspendable && this.promisingRun !== undefined) {
      const promise = this.promisingRun(this.L, count, -1, 1) as Promise<unknown>;
      const status = this.status;
      return status === RUNNING ? { status, promise } : finished[status];
    }
    try {
      this.run(this.L, count, -1, 1);
    } catch {
      return { status: RUNNING };
    }
    return finished[this.status];
  }

  /** What the last run ended with, or RUNNING. */
  get status(): number {
    return this.stack.view.getInt32(STATUS_AT, true);
  }

  /** Whether `error` is how the machine leaves when nothing protects against an error of Lua's. */
  isPanic(error: unknown): boolean {
    return isLuaError(error, this.abort);
  }

  /** Functions of a module of the glue, in slots that follow each other; returns the first. */
  addModule(bytes: Uint8Array, names: readonly string[], js: Record<string, WasmFunction>): Slot {
    const lua = this.api as unknown as Record<string, unknown>;
    const { exports } = new wasm.Instance(new wasm.Module(bytes), { lua, js });
    const table = this.api.__indirect_function_table;
    const first = table.grow(names.length);
    for (const [i, name] of names.entries()) table.set(first + i, exports[name] as WasmFunction);
    return first;
  }

  /**
   * A function as WebAssembly calls it. Errors of Lua's pass. Any other one is not the script's, so no
   * `pcall` of the script may catch it: the machine ends, and `run` throws it. A library's own that found
   * no more room on the runtime's stack has left nothing behind outside of the machine: that ends alone,
   * as where its functions in WebAssembly find none.
   */
  private door(work: HostFunction, whose: Whose): WasmFunction {
    const { stack } = this;
    return (L: number) => {
      stack.L = L;
      try {
        return work(stack);
      } catch (error) {
        if (isLuaError(error, this.longjmp) || isLuaError(error, this.abort)) throw error;
        const isAlone = whose === Whose.MACHINE && isStackOverflow(error);
        if (!this.hostFailed && !isAlone) {
          this.hostFailed = true;
          this.hostError = error;
        }
        throw new wasm.Exception(this.abort, []);
      }
    };
  }
}

/** JavaScript has no name for it but these words, which its engines share. */
function isStackOverflow(error: unknown): boolean {
  // Where it is thrown by a function of another realm, its class is that realm's.
  const { name, message } = (error ?? {}) as { name?: unknown; message?: unknown };
  return name === "RangeError" && `${message}`.startsWith("Maximum call stack");
}

/** f0, f1 ... */
const numbered = (count: number) => Array.from({ length: count }, (_, i) => `f${i}`);

/** One for each status, so that a run makes no object for it. */
const finished = Array.from({ length: 8 }, (_, status) => ({ status }));
