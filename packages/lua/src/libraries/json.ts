/**
 * `cjson`. Its settings are those of the script: they are as at the start again for the next one.
 * `cjson.new` makes an instance with settings of its own, which live as long as the script keeps it.
 */

import type { Core, Slot } from "../core.ts";
import { GLOBALS } from "../machine.ts";
import type { ReadOnlyTables } from "../read-only.ts";
import type { HostFunction, LuaStack } from "../stack.ts";
import type { ByteBuffer } from "./byte-buffer.ts";
import { JsonDecoder } from "./json-decode.ts";
import { JsonEncoder } from "./json-encode.ts";
import {
  defaultSettings,
  type JsonSettings,
  SETTING_NAMES,
  settingFunctions,
} from "./json-settings.ts";

type JsonFunction = (stack: LuaStack, settings: JsonSettings) => number;

/** The first value that a function carries along. */
const INSTANCE = GLOBALS - 1;

export class Json {
  private settings = defaultSettings();
  private changed = false;
  private readonly core: Core;
  private readonly names: string[];
  private readonly own: Slot;
  private readonly instances: Slot;

  constructor(core: Core, out: ByteBuffer, tables: ReadOnlyTables) {
    this.core = core;
    const encoder = new JsonEncoder(core.stack, out, tables);
    const decoder = new JsonDecoder(core.stack, out);
    const functions: Record<string, JsonFunction> = {
      encode: (_, settings) => encoder.encode(settings),
      decode: (_, settings) => decoder.decode(settings),
      ...settingFunctions,
    };
    this.names = Object.keys(functions);
    const works = Object.values(functions);
    const instance: HostFunction = (stack) => this.pushInstance(stack);
    this.own = core.addFunctions([...works.map((work) => this.withOwn(work)), instance]);
    this.instances = core.addFunctions([
      ...works.map(
        (work): HostFunction =>
          (stack) =>
            withInstance(stack, work),
      ),
      instance,
    ]);
  }

  /** Pushes the library. */
  push(): void {
    this.pushTable(this.own, false);
  }

  /** The settings are those of the start. */
  reset(): void {
    if (!this.changed) return;
    this.changed = false;
    this.settings = defaultSettings();
  }

  private withOwn(work: JsonFunction): HostFunction {
    const isSetting = Object.values(settingFunctions).includes(work);
    return (stack) => {
      if (isSetting) this.changed = true;
      return work(stack, this.settings);
    };
  }

  /** Pushes a table with the functions from `first` on, which carry along what is on top. */
  private pushTable(first: Slot, isInstance: boolean): void {
    const { core } = this;
    const { stack } = core;
    stack.pushTable(0, 16);
    for (const [i, name] of [...this.names, "new"].entries()) {
      if (isInstance) stack.pushValue(-2);
      core.pushFunction(first + i, isInstance ? 1 : 0);
      stack.setField(-2, name);
    }
    core.api.lua_pushlightuserdata(stack.L, 0);
    stack.setField(-2, "null");
    stack.pushText("cjson");
    stack.setField(-2, "_NAME");
    stack.pushText("2.1.0");
    stack.setField(-2, "_VERSION");
  }

  private pushInstance(stack: LuaStack): number {
    writeSettings(stack, defaultSettings());
    this.pushTable(this.instances, true);
    return 1;
  }
}

function writeSettings(stack: LuaStack, settings: JsonSettings): void {
  stack.pushTable(SETTING_NAMES.length);
  for (const [i, name] of SETTING_NAMES.entries()) {
    stack.pushNumber(settings[name]);
    stack.setElement(-2, i + 1);
  }
}

/** Settings of an instance are numbers in a table that only its functions know. */
function withInstance(stack: LuaStack, work: JsonFunction): number {
  const settings = defaultSettings();
  for (const [i, name] of SETTING_NAMES.entries()) {
    stack.getElement(INSTANCE, i + 1);
    settings[name] = stack.number(-1);
    stack.pop(1);
  }
  const count = work(stack, settings);
  for (const [i, name] of SETTING_NAMES.entries()) {
    stack.pushNumber(settings[name]);
    stack.setElement(INSTANCE, i + 1);
  }
  return count;
}
