import { describe, expect, test } from "vitest";
import { errorReport, signalReport } from "./crash-report.ts";

const facts = { configFile: "/etc/kv.conf" };

describe("crash reports", () => {
  test("say which signal it was", () => {
    expect(signalReport("SIGABRT", facts)).toContain("crashed by signal: 6, SIGABRT");
  });

  test("say what was thrown and where", () => {
    const text = errorReport(new Error("no such slot"), facts);
    expect(text).toContain("Error: no such slot");
    expect(text).toContain("crash-report.test.ts");
    expect(text).toContain("/etc/kv.conf");
    expect(text).not.toContain("crashed by signal");
  });

  test("call a broken promise of the code by its name", () => {
    const error = new Error("only a full slot can be removed");
    error.name = "InvariantError";
    expect(errorReport(error, facts)).toContain(
      "=== ASSERTION FAILED ===\n==> only a full slot can be removed",
    );
  });

  test("stand even when the details fail, or what was thrown is no error", () => {
    const details = () => {
      throw new Error("worse");
    };
    expect(errorReport("text", { ...facts, details })).toContain("(no details: Error: worse)");
  });
});
