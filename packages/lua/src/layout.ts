/**
 * How the machine lays out its values, for whoever reads many of them: through Lua's interface in C an
 * argument costs a call or two and an element of a table four or five, here a few loads. The machine is
 * pinned, and check-layout.ts finds values with known contents in the memory whenever one is started.
 *
 *   state        8 address behind the last value of its stack   12 of the first one of this call
 *   value  16   0 number, address or boolean   8 type
 *   table       7 log2 of the nodes   12 address of the array   16 of the nodes   28 size of the array
 *   node   32   0 value   16 key (as a value)
 *   string     12 length   16 the bytes
 *   function    6 whether it is one of C   7 number of upvalues   16 address of its code
 *   code        8 address of the constants (values)   12 of the instructions, 4 bytes each
 *              40 number of the constants   44 of the instructions   52 of the functions within it
 *
 * A table's elements come in the order of `next`: the array, then the nodes; what is nil is not there.
 * Addresses are good while Lua does not run and nothing is pushed.
 */

/** The types of Lua's values. */
export const LuaType = {
  NONE: -1,
  NIL: 0,
  BOOLEAN: 1,
  LIGHT_USERDATA: 2,
  NUMBER: 3,
  STRING: 4,
  TABLE: 5,
  FUNCTION: 6,
  USERDATA: 7,
  THREAD: 8,
} as const;

/** Where the addresses of a state's stack are: of the first value of the call that runs, */
export const STACK_BASE = 12;
/** and behind the last one. */
export const STACK_TOP = 8;
export const VALUE_BYTES = 16;
export const NODE_BYTES = 32;
/** Where the type of a value is, from its address, */
export const TYPE = 8;
/** the key of a node, from the node's, */
export const NODE_KEY = 16;
/** and the length and the bytes of a string, from the string's. */
export const STRING_LENGTH = 12;
export const STRING_BYTES = 16;

export const metatableAddress = (view: DataView, table: number) => view.getUint32(table + 8, true);
export const arrayAddress = (view: DataView, table: number) => view.getUint32(table + 12, true);
export const arraySize = (view: DataView, table: number) => view.getInt32(table + 28, true);
export const nodesAddress = (view: DataView, table: number) => view.getUint32(table + 16, true);
export const nodesCount = (view: DataView, table: number) => 1 << view.getUint8(table + 7);
/**
 * The size of the array of a table that has grown by so many elements, one by one. A script sees it by the
 * length (`#`) of a table in which it leaves holes.
 */
export const grownSize = (count: number) =>
  count === 0 ? 0 : count <= 2 ** 30 ? 1 << (32 - Math.clz32(count - 1)) : 2 ** 31;
/** Whether a table has, or has had, anything but elements of its array. */
export const hasFields = (view: DataView, table: number) =>
  nodesCount(view, table) > 1 ||
  view.getInt32(nodesAddress(view, table) + NODE_KEY + TYPE, true) !== LuaType.NIL;

export const isOfC = (view: DataView, closure: number) => view.getUint8(closure + 6) !== 0;
export const upvalueCount = (view: DataView, closure: number) => view.getUint8(closure + 7);
export const functionCode = (view: DataView, closure: number) => view.getUint32(closure + 16, true);
export const constantsAddress = (view: DataView, code: number) => view.getUint32(code + 8, true);
export const codeAddress = (view: DataView, code: number) => view.getUint32(code + 12, true);
export const constantsSize = (view: DataView, code: number) => view.getInt32(code + 40, true);
export const codeSize = (view: DataView, code: number) => view.getInt32(code + 44, true);
export const innerCount = (view: DataView, code: number) => view.getInt32(code + 52, true);
