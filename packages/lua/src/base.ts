/**
 * The functions of Lua itself that scripts have: an allow-list, as Redis has one. A name that is not
 * here does not exist for a script. Most are Lua's own; some have a guard before them, some are made
 * here because Redis has its own or because 32 bits are not enough.
 */

import type { Core, Slot } from "./core.ts";
import { formatIntegers } from "./format.ts";
import type { Guard } from "./glue.ts";
import { insertPosition, ints, positions } from "./integers.ts";
import { LuaType } from "./layout.ts";
import type { ReadOnlyTables } from "./read-only.ts";
import type { HostFunction } from "./stack.ts";

const BASE =
  "assert error getmetatable ipairs next rawequal rawget rawset select setmetatable tonumber tostring type unpack xpcall collectgarbage gcinfo load loadstring";
const STRING = "byte char dump find format gfind gmatch gsub len lower match rep reverse sub upper";
const TABLE = "concat foreach foreachi getn insert maxn remove setn sort";
const MATH =
  "abs acos asin atan atan2 ceil cos cosh deg exp floor fmod frexp ldexp log log10 max min mod modf pow rad sin sinh sqrt tan tanh";
const COROUTINE = "create resume running status wrap yield";

/** Which functions have a guard, and what it looks at. */
const GUARDS: Record<string, Omit<Guard, "slot">> = {
  getmetatable: { table: "metatableOfTable" },
  next: { table: "revealTable" },
  pairs: { table: "pairsOfTable" },
  rawget: { table: "revealTable" },
  rawset: { table: "refuseTable" },
  setmetatable: { table: "refuseTable" },
  select: { integers: { ask: "ints1", from: 1, to: 1 } },
  unpack: { more: { ask: "unpackRange", count: 2 } },
  tonumber: { more: { ask: "numberOfBase", count: 2 } },
  load: { more: { ask: "textFromFunction", count: 1 } },
  loadstring: { more: { ask: "textOnly", count: 1 } },
  collectgarbage: { more: { ask: "collector", count: 1 } },
  "string.byte": { integers: { ask: "positions23", from: 2, to: 3 } },
  "string.char": { naturals: { ask: "allInts", from: 1 } },
  "string.find": { integers: { ask: "positions3", from: 3, to: 3 } },
  "string.format": { naturals: { ask: "formatIntegers", from: 2 } },
  "string.gsub": { integers: { ask: "ints4", from: 4, to: 4 } },
  "string.match": { integers: { ask: "positions3", from: 3, to: 3 } },
  "string.rep": { integers: { ask: "ints2", from: 2, to: 2 } },
  "string.sub": { integers: { ask: "positions23", from: 2, to: 3 } },
  "table.concat": { integers: { ask: "ints34", from: 3, to: 4 } },
  "table.foreach": { table: "revealTable" },
  "table.insert": {
    table: "refuseTable",
    integers: { ask: "insertPosition", from: 2, to: 2 },
  },
  "table.remove": { integers: { ask: "ints2", from: 2, to: 2 } },
  "math.ldexp": { integers: { ask: "ints2", from: 2, to: 2 } },
};

/** What the collector of garbage is set to by a script, and has to be set back. */
export class CollectorSettings {
  changed = false;
  private readonly core: Core;

  constructor(core: Core) {
    this.core = core;
  }

  /** The guard of `collectgarbage`: a script cannot stop the collector for those that follow. */
  readonly guard: HostFunction = (stack) => {
    const what = stack.latin1(1);
    if (what === "setpause" || what === "setstepmul") this.changed = true;
    if (what !== "stop") return 0;
    stack.pushNumber(0);
    return 1;
  };

  reset(): void {
    const [setPause, setStepMultiplier] = [6, 7];
    this.core.api.lua_gc(this.core.L, setPause, 200);
    this.core.api.lua_gc(this.core.L, setStepMultiplier, 200);
    this.changed = false;
  }
}

const isSpace = (byte: number) => byte === 0x20 || (byte >= 9 && byte <= 13);

function digitOf(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const small = byte | 0x20;
  return small >= 0x61 && small <= 0x7a ? small - 0x61 + 10 : 99;
}

/** `tonumber(text, base)`: what C's `strtoul` reads on 64 bits, where all of the text is a number. */
function readUnsigned(bytes: Uint8Array, base: number): number | undefined {
  let at = 0;
  while (isSpace(bytes[at])) at++;
  const minus = bytes[at] === 0x2d;
  if (minus || bytes[at] === 0x2b) at++;
  const hex = base === 16 && bytes[at] === 0x30 && (bytes[at + 1] | 0x20) === 0x78;
  if (hex && digitOf(bytes[at + 2]) < 16) at += 2;
  const first = at;
  let value = 0n;
  for (; at < bytes.length && digitOf(bytes[at]) < base; at++) {
    // Beyond 64 bits only that matters, not by how much.
    if (value < 2n ** 64n) value = value * BigInt(base) + BigInt(digitOf(bytes[at]));
  }
  if (at === first) return undefined;
  while (isSpace(bytes[at])) at++;
  if (at < bytes.length && bytes[at] !== 0) return undefined;
  if (value >= 2n ** 64n) return Number(2n ** 64n - 1n);
  return Number(minus ? BigInt.asUintN(64, -value) : value);
}

const numberOfBase: HostFunction = (stack) => {
  const type = stack.type(2);
  if (type === LuaType.NIL) return 0;
  ints(2, 2)(stack);
  const base = Math.trunc(stack.checkNumber(2));
  if (base === 10) return 0;
  stack.checkString(1);
  const bytes = stack.bytes.slice(stack.start, stack.start + stack.length);
  if (base < 2 || base > 36) stack.badArgument(2, "base out of range");
  const value = readUnsigned(bytes, base);
  if (value === undefined) stack.pushNil();
  else stack.pushNumber(value);
  return 1;
};

const unpackInts = ints(2, 3);

/** The guard of `unpack`: as many results as its arithmetic in 32 bits would not notice. */
const unpackRange: HostFunction = (stack) => {
  unpackInts(stack);
  if (stack.type(1) !== LuaType.TABLE) return 0;
  const from = stack.isNothing(2) ? 1 : Math.trunc(stack.checkNumber(2));
  const to = stack.isNothing(3) ? stack.size(1) : Math.trunc(stack.checkNumber(3));
  return to - from + 1 >= 2 ** 31 ? stack.fail("too many results to unpack") : 0;
};

const SPACE = 0x20;
/** The first byte of compiled code. */
const ESCAPE = 0x1b;

/** The guard of `loadstring`: compiled code is read as text, which it is not. */
const textOnly: HostFunction = (stack) => {
  if (!stack.string(1) || stack.length === 0 || stack.bytes[stack.start] !== ESCAPE) return 0;
  const code = new Uint8Array(stack.length + 1);
  code[0] = SPACE;
  code.set(stack.bytes.subarray(stack.start, stack.start + stack.length), 1);
  stack.setTop(2);
  if (stack.type(2) === LuaType.NIL) {
    stack.pushValue(1);
    stack.replace(2);
  }
  stack.pushBytes(code);
  stack.replace(1);
  return 0;
};

/** The guard of `load`: what it reads begins with a space, for the same reason. */
function textFromFunction(core: Core): HostFunction {
  return (stack) => {
    if (stack.type(1) !== LuaType.FUNCTION) return 0;
    stack.pushValue(1);
    stack.pushBoolean(true);
    core.pushFunction(core.reader, 2);
    stack.replace(1);
    return 0;
  };
}

const ALL = 255;

const asked: Record<string, HostFunction> = {
  numberOfBase,
  textOnly,
  formatIntegers,
  insertPosition,
  positions3: positions(3, 3),
  positions23: positions(2, 3),
  ints1: ints(1, 1),
  ints2: ints(2, 2),
  ints4: ints(4, 4),
  unpackRange,
  ints34: ints(3, 4),
  allInts: ints(1, ALL),
};

/** Fills a table on top of the stack with functions of Lua's own, guarded where there is a guard. */
type Fill = (names: string, prefix: string) => void;

/** Slots of all guards by the name of what they guard; Lua's libraries are open in the globals. */
function guardSlots(core: Core, questions: Record<string, HostFunction>): Map<string, Slot> {
  const { stack } = core;
  const guards: Guard[] = [];
  const names = Object.keys(GUARDS);
  for (const name of names) {
    const [library, field] = name.includes(".") ? name.split(".") : ["", name];
    core.pushGlobals();
    if (library !== "") stack.getField(-1, library);
    guards.push({ ...GUARDS[name], slot: core.slotOf(field) });
    stack.setTop(0);
  }
  const first = core.addGuards(guards, questions);
  return new Map(names.map((name, i) => [name, first + i]));
}

/**
 * Opens Lua's libraries and leaves the table of what scripts have, their own globals aside, on the
 * stack. Lua's own tables, complete and unprotected, stay behind in the globals of the state, which
 * no script sees.
 */
export function pushBase(core: Core, tables: ReadOnlyTables, collector: CollectorSettings): void {
  const { stack } = core;
  for (const name of ["luaopen_base", "luaopen_table", "luaopen_string", "luaopen_math"] as const) {
    core.open(name);
  }
  const slots = guardSlots(core, {
    ...asked,
    ...tables.asked,
    collector: collector.guard,
    textFromFunction: textFromFunction(core),
  });
  const globals = 1;
  core.pushGlobals();
  const fill: Fill = (names, prefix) => {
    // Source on top, target below it.
    for (const name of names.split(" ")) {
      const slot = slots.get(prefix + name);
      if (slot === undefined) stack.getField(-1, name);
      else core.pushFunction(slot);
      stack.setField(-3, name);
    }
  };
  const base = 2;
  stack.pushTable(0, 64);
  stack.pushValue(globals);
  fill(BASE, "");
  stack.pop(1);
  stack.pushText("Lua 5.1");
  stack.setField(base, "_VERSION");
  core.pushFunction(core.pcall);
  stack.setField(base, "pcall");
  // What `pairs` hands out is Lua's own `next`, which is faster: only for a face it is the guarded one.
  stack.getField(base, "next");
  tables.next = stack.keep();
  stack.getField(globals, "next");
  core.pushFunction(slots.get("pairs")!, 1);
  stack.setField(base, "pairs");

  for (const [library, names] of [
    ["string", STRING],
    ["table", TABLE],
    ["math", MATH],
    ["coroutine", COROUTINE],
  ]) {
    stack.pushTable(0, 32);
    stack.getField(globals, library);
    fill(names, `${library}.`);
    stack.pop(1);
    stack.setField(base, library);
  }
  stack.remove(globals);
}
