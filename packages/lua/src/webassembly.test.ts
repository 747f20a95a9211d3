import { expect, test, vi } from "vitest";

test("where there is no WebAssembly, whoever wants to use it is told, and nobody else", async () => {
  vi.stubGlobal("WebAssembly", undefined);
  vi.resetModules();
  const { wasm, canSuspend } = await import("./webassembly.ts");
  vi.unstubAllGlobals();
  expect(canSuspend).toBe(false);
  expect(() => new wasm.Module(new Uint8Array())).toThrow("This runtime has no WebAssembly");
});
