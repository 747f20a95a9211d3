/** What a script can set in `cjson`, and the functions that set it. */

import { int } from "../integers.ts";
import { LuaType } from "../layout.ts";
import type { LuaStack } from "../stack.ts";

const INT_MAX = 2 ** 31 - 1;

/** What happens to numbers that JSON does not have. */
export const InvalidNumbers = { REFUSE: 0, WRITE: 1, NULL: 2 } as const;

export interface JsonSettings {
  sparseConvert: number;
  sparseRatio: number;
  sparseSafe: number;
  encodeMaxDepth: number;
  encodeInvalidNumbers: number;
  encodeKeepBuffer: number;
  numberPrecision: number;
  decodeInvalidNumbers: number;
  decodeMaxDepth: number;
}

export function defaultSettings(): JsonSettings {
  return {
    sparseConvert: 0,
    sparseRatio: 2,
    sparseSafe: 10,
    encodeMaxDepth: 1000,
    encodeInvalidNumbers: InvalidNumbers.REFUSE,
    encodeKeepBuffer: 1,
    numberPrecision: 14,
    decodeInvalidNumbers: 1,
    decodeMaxDepth: 1000,
  };
}

/** The names of all settings, in the order in which an instance of `cjson.new` keeps them. */
export const SETTING_NAMES = Object.keys(defaultSettings()) as (keyof JsonSettings)[];

/** Arguments that are not given are nil from here on. */
function takeArguments(stack: LuaStack, count: number): void {
  if (stack.top > count) stack.badArgument(count + 1, "found too many arguments");
  stack.setTop(count);
}

function setInteger(
  stack: LuaStack,
  argument: number,
  settings: JsonSettings,
  name: keyof JsonSettings,
  min: number,
  max: number,
): void {
  if (stack.type(argument) !== LuaType.NIL) {
    const value = int(stack.checkNumber(argument));
    if (value < min || value > max) {
      stack.badArgument(1, `expected integer between ${min} and ${max}`);
    }
    settings[name] = value;
  }
  stack.pushNumber(settings[name]);
}

/** A setting that is true or false, which have names too, as further choices have. */
function setChoice(
  stack: LuaStack,
  argument: number,
  settings: JsonSettings,
  name: keyof JsonSettings,
  choices: readonly string[] = ["off", "on"],
): void {
  const type = stack.type(argument);
  if (type === LuaType.BOOLEAN) settings[name] = stack.boolean(argument) ? 1 : 0;
  else if (type !== LuaType.NIL) {
    stack.checkString(argument);
    // A text of C: it ends at the first zero byte.
    const [given = ""] = stack.text(stack.start, stack.length).split("\0", 1);
    const choice = choices.indexOf(given);
    if (choice < 0) stack.badArgument(argument, `invalid option '${given}'`);
    settings[name] = choice;
  }
  const value = settings[name];
  if (value <= 1) stack.pushBoolean(value === 1);
  else stack.pushText(choices[value]);
}

const onOffNull = ["off", "on", "null"];

/** The functions that set, each given the settings that it is about. */
export const settingFunctions: Record<string, (stack: LuaStack, on: JsonSettings) => number> = {
  encode_sparse_array(stack, settings) {
    takeArguments(stack, 3);
    setChoice(stack, 1, settings, "sparseConvert");
    setInteger(stack, 2, settings, "sparseRatio", 0, INT_MAX);
    setInteger(stack, 3, settings, "sparseSafe", 0, INT_MAX);
    return 3;
  },
  encode_max_depth(stack, settings) {
    takeArguments(stack, 1);
    setInteger(stack, 1, settings, "encodeMaxDepth", 1, INT_MAX);
    return 1;
  },
  decode_max_depth(stack, settings) {
    takeArguments(stack, 1);
    setInteger(stack, 1, settings, "decodeMaxDepth", 1, INT_MAX);
    return 1;
  },
  encode_number_precision(stack, settings) {
    takeArguments(stack, 1);
    setInteger(stack, 1, settings, "numberPrecision", 1, 14);
    return 1;
  },
  encode_keep_buffer(stack, settings) {
    takeArguments(stack, 1);
    setChoice(stack, 1, settings, "encodeKeepBuffer");
    return 1;
  },
  encode_invalid_numbers(stack, settings) {
    takeArguments(stack, 1);
    setChoice(stack, 1, settings, "encodeInvalidNumbers", onOffNull);
    return 1;
  },
  decode_invalid_numbers(stack, settings) {
    takeArguments(stack, 1);
    setChoice(stack, 1, settings, "decodeInvalidNumbers");
    return 1;
  },
};
