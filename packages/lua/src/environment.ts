/**
 * What a chunk of code sees as its globals. One machine can have several: scripts have `redis`, `KEYS`
 * and `ARGV`, libraries of functions have another `redis` while they are loaded, and none sees the
 * globals of another. The libraries are the same for all.
 *
 * An environment is read-only. Names that it lacks are an error, not nil.
 */

import type { Core, Slot } from "./core.ts";
import { GLOBALS } from "./machine.ts";
import type { ReadOnlyTables } from "./read-only.ts";
import type { LuaStack } from "./stack.ts";
import { WordsGlobal } from "./words-global.ts";

/** Raises what a script gets that asks for a global that is not there. */
export function missingGlobal(stack: LuaStack): number {
  const name = stack.latin1(2);
  if (name === undefined) {
    return stack.fail("Second argument to luaProtectedTableError must be a string or number");
  }
  return stack.fail(`Script attempted to access nonexistent global variable '${name}'`);
}

/** A set of globals. */
export class LuaEnvironment {
  private readonly stack: LuaStack;
  private readonly contents: number;
  private readonly face: number;
  /** Names that were set, as strings of Lua that are kept: a host sets a few of them for each run. */
  private readonly names = new Map<string, number>();

  /**
   * Takes a copy of the table on top of the stack, and pops it.
   * @internal
   */
  constructor(core: Core, tables: ReadOnlyTables, missing: Slot) {
    const { stack, api } = core;
    this.stack = stack;
    const base = stack.top;
    stack.pushTable(0, 64);
    stack.pushNil();
    while (stack.next(base)) {
      stack.pushValue(-2);
      stack.insert(-2);
      stack.setRaw(base + 1);
    }
    const pushMetatable = () => {
      stack.pushTable(0, 1);
      core.pushFunction(missing);
      stack.setField(-2, "__index");
    };
    pushMetatable();
    api.lua_setmetatable(stack.L, -2);
    stack.pushValue(-1);
    this.contents = stack.keep();
    pushMetatable();
    tables.protect();
    tables.protect(stack.keep());
    stack.pushValue(-1);
    this.face = stack.keep();
    this.setGlobal("_G");
    stack.pop(1);
  }

  /** Pops a value from the stack, which becomes the global of that name. */
  setGlobal(name: string): void {
    this.stack.setKept(this.contents, this.nameOf(name));
  }

  /** A global of that name for a table of words, that is set for each run. */
  words(name: string): WordsGlobal {
    return new WordsGlobal(this.stack, this.contents, this.nameOf(name));
  }

  private nameOf(name: string): number {
    const { stack } = this;
    let ref = this.names.get(name);
    if (ref === undefined) {
      stack.pushText(name);
      ref = stack.keep();
      this.names.set(name, ref);
    }
    return ref;
  }

  /** Makes a kept value the global of that name. */
  define(name: string, ref: number): void {
    this.stack.pushKept(ref);
    this.setGlobal(name);
  }

  /**
   * The function on top of the stack has these globals from now on.
   * @internal
   */
  attach(): void {
    this.stack.pushKept(this.face);
    this.stack.api.lua_setfenv(this.stack.L, -2);
  }

  /** Whoever has these globals sees those of `other` in their place; without it, these again. */
  show(other: LuaEnvironment = this): void {
    const { stack } = this;
    stack.pushKept(this.face);
    stack.api.lua_getmetatable(stack.L, -1);
    stack.pushKept(other.contents);
    stack.setField(-2, "__index");
    stack.pop(2);
  }

  /**
   * Whether it belongs to the machine that has this stack.
   * @internal
   */
  isOf(stack: LuaStack): boolean {
    return this.stack === stack;
  }

  /**
   * So has what is compiled while a script runs.
   * @internal
   */
  enter(): void {
    this.stack.pushKept(this.face);
    this.stack.replace(GLOBALS);
  }
}
