/**
 * Looks for known values where layout.ts says that they lie: a machine that is laid out otherwise is of
 * no use.
 */
import {
  arrayAddress,
  arraySize,
  codeAddress,
  codeSize,
  constantsAddress,
  constantsSize,
  functionCode,
  innerCount,
  isOfC,
  LuaType,
  metatableAddress,
  NODE_KEY,
  nodesAddress,
  nodesCount,
  STACK_BASE,
  STACK_TOP,
  STRING_BYTES,
  STRING_LENGTH,
  TYPE,
  upvalueCount,
  VALUE_BYTES,
} from "./layout.ts";
import type { LuaStack } from "./stack.ts";

/** The first instruction of the function that is looked at. */
const LOAD_CONSTANT = 1;

function functionFound(view: DataView, closure: number): (number | boolean)[] {
  const code = functionCode(view, closure);
  return [
    isOfC(view, closure),
    upvalueCount(view, closure),
    codeSize(view, code),
    view.getUint32(codeAddress(view, code), true),
    constantsSize(view, code),
    view.getFloat64(constantsAddress(view, code), true),
    innerCount(view, code),
  ];
}

/** Throws when the machine is laid out otherwise. */
export function checkLayout(stack: LuaStack): void {
  const { api, L } = stack;
  api.lua_pushnumber(L, 0.5);
  stack.pushTable(2, 1);
  for (const [i, value] of [1.5, 2.5].entries()) {
    stack.pushNumber(value);
    stack.setElement(-2, i + 1);
  }
  stack.pushText("layout");
  stack.setField(-2, "key");
  const table = stack.api.lua_topointer(stack.L, -1);
  stack.pushTable();
  const metatable = stack.api.lua_topointer(stack.L, -1);
  api.lua_setmetatable(L, -2);
  const { view } = stack;
  const count = api.lua_gettop(L);
  const base = view.getUint32(L + STACK_BASE, true);
  const array = arrayAddress(view, table);
  const node = nodesAddress(view, table);
  const string = view.getUint32(node, true);
  const key = view.getUint32(node + NODE_KEY, true);
  const found: (number | string | boolean)[] = [
    view.getUint32(L + STACK_TOP, true) - base - count * VALUE_BYTES,
    view.getFloat64(base + (count - 2) * VALUE_BYTES, true),
    view.getInt32(base + (count - 1) * VALUE_BYTES + TYPE, true),
    metatableAddress(view, table) - metatable,
    arraySize(view, table),
    view.getFloat64(array + VALUE_BYTES, true),
    view.getInt32(array + VALUE_BYTES + TYPE, true),
    nodesCount(view, table),
    view.getInt32(node + TYPE, true),
    view.getInt32(node + NODE_KEY + TYPE, true),
    stack.text(string + STRING_BYTES, view.getInt32(string + STRING_LENGTH, true) & 0xff),
    stack.text(key + STRING_BYTES, view.getInt32(key + STRING_LENGTH, true) & 0xff),
  ];
  const source = "local n = 0.5 return function() return n end";
  stack.pushText(source);
  stack.string(-1);
  api.luaL_loadbuffer(L, stack.start, source.length, stack.zeroEnded("layout"));
  found.push(...functionFound(stack.view, api.lua_topointer(L, -1)));
  stack.pop(4);
  const expected = [
    0,
    0.5,
    LuaType.TABLE,
    0,
    2,
    2.5,
    LuaType.NUMBER,
    1,
    LuaType.STRING,
    LuaType.STRING,
    "layout",
    "key",
    false,
    0,
    5,
    LOAD_CONSTANT,
    1,
    0.5,
    1,
  ];
  if (`${found}` !== `${expected}`) throw new Error(`the machine is laid out otherwise: ${found}`);
}
