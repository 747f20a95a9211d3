/** The file of Lua's machine is not where it should be: who bundles a program leaves it behind. */
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
