/** The system of scripts and functions: EVAL, SCRIPT, FCALL, FUNCTION, and their rows of INFO. */
import { commandsOf } from "@kv/commands";
import { humanBytes, type InfoField, type System } from "@kv/engine";
import type { WasmModule } from "@kv/lua";
import * as evalCommands from "./eval.ts";
import * as fcallCommands from "./functions/fcall.ts";
import * as functionCommands from "./functions/function.ts";
import * as scriptCommands from "./script.ts";
import { Scripting, scriptingPort } from "./scripting.ts";

const field = (name: string, of: (scripting: Scripting) => number | string): InfoField => ({
  name,
  value: (ports) => of(ports.of(scriptingPort)),
});

/** A size, and the same for people. */
function both(name: string, of: (scripting: Scripting) => number): InfoField[] {
  return [field(name, of), field(`${name}_human`, (scripting) => humanBytes(of(scripting)))];
}

/** Scripts for an engine: `module` is @kv/lua's machine, asked for when the first script comes. */
export function scriptingSystem(module: () => WasmModule): System {
  return {
    name: "scripting",
    ports: [scriptingPort],
    commands: commandsOf([evalCommands, scriptCommands, fcallCommands, functionCommands]),
    directives: [
      {
        names: ["busy-reply-threshold"],
        apply: (config, ports) => {
          ports.of(scriptingPort).runner.busy.setThreshold(config.number("busy-reply-threshold"));
          return undefined;
        },
      },
    ],
    info: [
      {
        name: "memory",
        title: "Memory",
        isDefault: true,
        fields: [
          field("used_memory_lua", ({ machineBytes }) => machineBytes),
          field("used_memory_vm_eval", ({ machineBytes }) => machineBytes),
          field("used_memory_lua_human", ({ machineBytes }) => humanBytes(machineBytes)),
          field("used_memory_scripts_eval", ({ scriptBytes }) => scriptBytes),
          field("number_of_cached_scripts", ({ cache }) => cache.count),
          field("number_of_functions", ({ functions }) => functions.set.functionCount),
          field("number_of_libraries", ({ functions }) => functions.set.libraries.size),
          field("used_memory_vm_functions", ({ functions }) => functions.machineBytes),
          ...both(
            "used_memory_vm_total",
            (each) => each.machineBytes + each.functions.machineBytes,
          ),
          field("used_memory_functions", ({ functionBytes }) => functionBytes),
          ...both("used_memory_scripts", (each) => each.scriptBytes + each.functionBytes),
        ],
      },
      {
        name: "stats",
        title: "Stats",
        isDefault: true,
        fields: [field("evicted_scripts", ({ cache }) => cache.evictedCount)],
      },
    ],
    start: (ports) => new Scripting(ports, module),
  };
}
