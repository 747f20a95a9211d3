/** The file of Lua's machine is not where it should be: who bundles a program leaves it behind. */
import { runInNewContext } from "node:vm";
import { luaBytes } from "@kv/lua/node";
import { harness } from "@kv/testing";
import { expect, test } from "vitest";
import { scriptingSystem } from "./system.ts";

const missing = () => {
  const text = "Cannot find package 'wasmoon-lua5.1'\nRequire stack:\n- /app.js";
  throw Object.assign(new Error(text), { code: "ERR_MODULE_NOT_FOUND" });
};

test("scripts and libraries are refused, with the reason; all else works", () => {
  const kv = harness({ hasScripts: false, modules: [scriptingSystem(missing)] });
  const refusal = kv.error(
    "ERR Scripts cannot run here, their machine is missing: Cannot find package 'wasmoon-lua5.1' Require stack: - /app.js",
  );
  for (let again = 0; again < 2; again++) {
    expect(kv.send("EVAL", "return 1", 0)).toEqual(refusal);
    expect(kv.send("SCRIPT", "LOAD", "return 1")).toEqual(refusal);
    expect(
      kv.send("FUNCTION", "LOAD", "#!lua name=l\nredis.register_function('f', print)"),
    ).toEqual(refusal);
  }
  expect(kv.send("SET", "k", "v")).toBe("OK");
});

test.each([
  ["has no way to ask for files", () => new TypeError("resolve is not a function")],
  ["is of another realm", () => runInNewContext("new TypeError('resolve is not a function')")],
])("the reason is told, too, where it is one that %s", (_name, error) => {
  const modules = [
    scriptingSystem(() => {
      throw error();
    }),
  ];
  const kv = harness({ hasScripts: false, modules });
  expect(kv.send("EVAL", "return 1", 0)).toEqual(
    kv.error("ERR Scripts cannot run here, their machine is missing: resolve is not a function"),
  );
});

test("and where the platform compiles no WebAssembly", () => {
  const { WebAssembly } = globalThis as unknown as { WebAssembly: { Module: unknown } };
  const { Module } = WebAssembly;
  const kv = harness({ hasScripts: false, modules: [scriptingSystem(luaBytes)] });
  WebAssembly.Module = function Refusing() {
    throw new Error("code generation is disallowed");
  };
  try {
    expect(kv.send("EVAL", "return 1", 0)).toEqual(
      kv.error(
        "ERR Scripts cannot run here, their machine is missing: code generation is disallowed",
      ),
    );
  } finally {
    WebAssembly.Module = Module;
  }
  expect(kv.send("EVAL", "return 1", 0)).toBe(1);
});
