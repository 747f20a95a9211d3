import { describe, expect, test } from "vitest";
import { banner } from "./banner.ts";

describe("the banner", () => {
  test("has mode, port and process id, with a blank before it", () => {
    const text = banner({ mode: "cluster", port: 7000, processId: 42 });
    expect(text).toContain("Running in cluster mode\n");
    expect(text).toContain(" Port: 7000\n");
    expect(text).toContain(" PID: 42\n");
  });
});
