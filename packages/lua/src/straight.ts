/**
 * Functions that cannot run long: without a loop and without a function of their own, each instruction
 * runs once. Such a function need not be made ready for a suspension, which costs about as much as a
 * short script itself. Most scripts of one or two calls are of this kind.
 *
 * What was compiled is looked at, not the source. An instruction has its kind in the lowest six bits and,
 * where it jumps, how far in the highest eighteen:
 *
 *      01 80 00 00   kind 1: loads a constant          1e 00 80 00   kind 30: returns
 *      16 c0 ff 7f   kind 22: jumps, by 0x1ffff - 131071 = 0; less is backwards, so a loop
 *
 * Functions of Lua's own that may run long, code made at run time, and tables of functions where these could
 * be found, count as a loop: so do the names that they have, and a field whose name is only known later.
 */

import {
  codeAddress,
  codeSize,
  constantsAddress,
  constantsSize,
  functionCode,
  innerCount,
  isOfC,
  LuaType,
  STRING_BYTES,
  STRING_LENGTH,
  TYPE,
  upvalueCount,
  VALUE_BYTES,
} from "./layout.ts";
import type { LuaStack } from "./stack.ts";

const KIND_BITS = 0x3f;
const JUMP = 22;
const FOR_LOOP = 31;
const FOR_IN_LOOP = 33;
const SET_LIST = 34;
const JUMP_SHIFT = 14;
const NO_JUMP = 131_071;
/**
 * The last operand: of a field its name, of a list which elements it is continued with; 0 says that this number
 * stands in the place of the next instruction.
 */
const OPERAND_BITS = 0x1ff;
const GET_FIELD = 6;
const SELF = 11;
/** Of an operand: it is a constant. */
const IS_CONSTANT = 0x100;
const NAMES = [
  ...["_G", "load", "loadstring", "next", "pairs", "rawget", "foreach"],
  ...["find", "match", "gmatch", "gfind", "gsub", "sort"],
];

function hasLoop(view: DataView, code: number): boolean {
  const end = codeAddress(view, code) + 4 * codeSize(view, code);
  for (let at = codeAddress(view, code); at < end; at += 4) {
    const instruction = view.getUint32(at, true);
    const kind = instruction & KIND_BITS;
    if (kind === FOR_LOOP || kind === FOR_IN_LOOP) return true;
    if (kind === JUMP && instruction >>> JUMP_SHIFT < NO_JUMP) return true;
    const operand = (instruction >>> JUMP_SHIFT) & OPERAND_BITS;
    if ((kind === GET_FIELD || kind === SELF) && (operand & IS_CONSTANT) === 0) return true;
    if (kind === SET_LIST && operand === 0) at += 4;
  }
  return false;
}

function hasName({ view, bytes }: LuaStack, code: number): boolean {
  const end = constantsAddress(view, code) + VALUE_BYTES * constantsSize(view, code);
  for (let at = constantsAddress(view, code); at < end; at += VALUE_BYTES) {
    if (view.getInt32(at + TYPE, true) !== LuaType.STRING) continue;
    const string = view.getUint32(at, true);
    const length = view.getInt32(string + STRING_LENGTH, true);
    for (const name of NAMES) {
      if (name.length !== length) continue;
      let i = 0;
      while (i < length && bytes[string + STRING_BYTES + i] === name.charCodeAt(i)) i++;
      if (i === length) return true;
    }
  }
  return false;
}

/**
 * Whether the function at `index` has no loop and no function of its own, nor gets at one by what it has
 * of its surroundings. `isAlone`: nothing there holds a function of Lua.
 */
export function isStraight(stack: LuaStack, index: number, isAlone = false): boolean {
  const { view } = stack;
  const closure = stack.api.lua_topointer(stack.L, index);
  if (isOfC(view, closure) || (!isAlone && upvalueCount(view, closure) > 0)) return false;
  const code = functionCode(view, closure);
  return innerCount(view, code) === 0 && !hasLoop(view, code) && !hasName(stack, code);
}

/** Whether the function at `index` is one of Lua that has no variables of its surroundings. */
export function hasNoVariables({ view, api, L }: LuaStack, index: number): boolean {
  const closure = api.lua_topointer(L, index);
  return !isOfC(view, closure) && upvalueCount(view, closure) === 0;
}
