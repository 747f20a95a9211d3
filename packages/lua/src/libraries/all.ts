/** The libraries that scripts have, put together and closed. */

import type { Core } from "../core.ts";
import type { ReadOnlyTables } from "../read-only.ts";
import { pushBit } from "./bit.ts";
import { ByteBuffer } from "./byte-buffer.ts";
import { Json } from "./json.ts";
import { addMath, type Chance } from "./math.ts";
import { MESSAGE_PACK_VALUES, messagePackFunctions } from "./message-pack.ts";
import { structFunctions } from "./struct.ts";

const READ_ONLY = [
  "string",
  "table",
  "math",
  "coroutine",
  "os",
  "bit",
  "struct",
  "cmsgpack",
  "cjson",
];

/**
 * Completes the table of what scripts have, which is on the stack, and makes each library in it
 * read-only. Returns the one that keeps settings for the time of a script.
 */
export function addLibraries(
  core: Core,
  tables: ReadOnlyTables,
  chance: Chance,
  nowMs: () => number,
): Json {
  const { stack } = core;
  const base = stack.top;
  const out = new ByteBuffer(stack);
  stack.getField(base, "math");
  addMath(core, chance);
  stack.pop(1);
  stack.pushTable();
  core.setFunctions({
    clock: (stack) => {
      stack.pushNumber(nowMs() / 1000);
      return 1;
    },
  });
  stack.setField(base, "os");
  pushBit(core);
  stack.setField(base, "bit");
  stack.pushTable();
  core.setFunctions(structFunctions(out));
  stack.setField(base, "struct");
  stack.pushTable();
  core.setFunctions(messagePackFunctions(out, tables), MESSAGE_PACK_VALUES);
  stack.setField(base, "cmsgpack");
  const json = new Json(core, out, tables);
  json.push();
  stack.setField(base, "cjson");
  close(core, tables, base);
  return json;
}

/** Makes the libraries read-only, and with `string` what every string has for a metatable. */
function close(core: Core, tables: ReadOnlyTables, base: number): void {
  const { stack } = core;
  stack.pushText("");
  core.api.lua_getmetatable(stack.L, -1);
  stack.remove(-2);
  const metatable = stack.top;
  // Methods of strings are found in the contents: nobody gets hold of those by way of a method.
  stack.getField(base, "string");
  stack.setField(metatable, "__index");
  for (const name of READ_ONLY) {
    stack.getField(base, name);
    tables.protect();
    stack.setField(base, name);
  }
  // What `getmetatable("")` answers.
  stack.pushTable(0, 1);
  stack.getField(base, "string");
  stack.setField(-2, "__index");
  tables.protect();
  stack.setField(metatable, "__metatable");
  stack.pop(1);
}
