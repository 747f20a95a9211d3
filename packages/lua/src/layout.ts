/**
 * How the machine lays out its values, for a library that reads large tables: through Lua's interface
 * in C each element costs four or five calls, here a few loads. The machine is pinned, and
 * `checkLayout` finds a table with known contents in the memory whenever one is started.
 *
 *   value  16   0 number, address or boolean   8 type
 *   table       7 log2 of the nodes   12 address of the array   16 of the nodes   28 size of the array
 *   node   32   0 value   16 key (as a value)
 *   string     12 length   16 the bytes
 *
 * A table's elements come in the order of `next`: the array, then the nodes; what is nil is not there.
 * Addresses are good while Lua does not run and nothing is pushed.
 */

import { type LuaStack, LuaType } from "./stack.ts";

export const VALUE_BYTES = 16;
export const NODE_BYTES = 32;
/** Where the type of a value is, from its address, */
export const TYPE = 8;
/** the key of a node, from the node's, */
export const NODE_KEY = 16;
/** and the length and the bytes of a string, from the string's. */
export const STRING_LENGTH = 12;
export const STRING_BYTES = 16;

export const arrayAddress = (view: DataView, table: number) => view.getUint32(table + 12, true);
export const arraySize = (view: DataView, table: number) => view.getInt32(table + 28, true);
export const nodesAddress = (view: DataView, table: number) => view.getUint32(table + 16, true);
export const nodesCount = (view: DataView, table: number) => 1 << view.getUint8(table + 7);

/** Throws when the machine is laid out otherwise. */
export function checkLayout(stack: LuaStack): void {
  stack.pushTable(2, 1);
  for (const [i, value] of [1.5, 2.5].entries()) {
    stack.pushNumber(value);
    stack.setElement(-2, i + 1);
  }
  stack.pushText("layout");
  stack.setField(-2, "key");
  const table = stack.api.lua_topointer(stack.L, -1);
  const { view } = stack;
  const array = arrayAddress(view, table);
  const node = nodesAddress(view, table);
  const string = view.getUint32(node, true);
  const key = view.getUint32(node + NODE_KEY, true);
  const found = [
    arraySize(view, table),
    view.getFloat64(array + VALUE_BYTES, true),
    view.getInt32(array + VALUE_BYTES + TYPE, true),
    nodesCount(view, table),
    view.getInt32(node + TYPE, true),
    view.getInt32(node + NODE_KEY + TYPE, true),
    stack.text(string + STRING_BYTES, view.getInt32(string + STRING_LENGTH, true) & 0xff),
    stack.text(key + STRING_BYTES, view.getInt32(key + STRING_LENGTH, true) & 0xff),
  ];
  stack.pop(1);
  const expected = [2, 2.5, LuaType.NUMBER, 1, LuaType.STRING, LuaType.STRING, "layout", "key"];
  if (`${found}` !== `${expected}`) throw new Error(`the machine is laid out otherwise: ${found}`);
}
