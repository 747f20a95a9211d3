import * as net from "node:net";
import { describe, expect, test } from "vitest";
import { isKnownRuntime, takeHandle, takeoverSelfTest } from "./handle-takeover.ts";

describe("taking over a handle", () => {
  test("works on the runtime that this repository pins", async () => {
    expect(isKnownRuntime()).toBe(true);
    expect(await takeoverSelfTest()).toBe(true);
  });

  test("other runtimes have to show it", () => {
    const versions = { ...process.versions };
    expect(isKnownRuntime({ ...versions, node: "27.0.0" })).toBe(false);
    expect(isKnownRuntime({ ...versions, bun: "1.4.5" })).toBe(false);
  });

  test("a socket without a handle stays as it is", () => {
    expect(takeHandle(new net.Socket(), new Uint8Array(8), () => true)).toBe(null);
  });
});
