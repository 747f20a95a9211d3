/** The machine, from where the package manager put it. */

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { preparedMachine } from "./prepared-machine.ts";
import { type WasmModule, wasm } from "./webassembly.ts";

let kept: WasmModule | undefined;

/** The bytes of the machine: Lua 5.1.5, compiled to WebAssembly. */
export function luaBytes(): Uint8Array {
  return readFileSync(machinePath());
}

function machinePath(): string {
  // A loader that makes a CommonJS module of this one, as tsx does where somebody says require(), has no resolve().
  if (import.meta.resolve === undefined)
    return createRequire(import.meta.url).resolve("wasmoon-lua5.1/dist/liblua5.1.wasm");
  return fileURLToPath(import.meta.resolve("wasmoon-lua5.1/dist/liblua5.1.wasm"));
}

/** The machine, compiled once for the process; its long functions can be interrupted. */
export function luaModule(): WasmModule {
  kept ??= new wasm.Module(preparedMachine(luaBytes()));
  return kept;
}
