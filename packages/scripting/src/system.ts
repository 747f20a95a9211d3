/** The system of scripts: EVAL and SCRIPT, and their rows of INFO. */
import { commandsOf } from "@kv/commands";
import type { InfoField, System } from "@kv/engine";
import type { WasmModule } from "@kv/lua";
import * as evalCommands from "./eval.ts";
import * as scriptCommands from "./script.ts";
import { Scripting, scriptingPort } from "./scripting.ts";

const field = (name: string, of: (scripting: Scripting) => number | string): InfoField => ({
  name,
  value: (ports) => of(ports.of(scriptingPort)),
});

/** Scripts for an engine: `module` is @kv/lua's machine, asked for when the first script comes. */
export function scriptingSystem(module: () => WasmModule): System {
  return {
    name: "scripting",
    ports: [scriptingPort],
    commands: commandsOf([evalCommands, scriptCommands]),
    directives: [
      {
        names: ["busy-reply-threshold"],
        apply: (config, ports) => {
          ports.of(scriptingPort).busy.setThreshold(config.number("busy-reply-threshold"));
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
          field("used_memory_scripts_eval", ({ cache }) => cache.bytes),
          field("number_of_cached_scripts", ({ cache }) => cache.count),
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
