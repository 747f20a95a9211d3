import { describe, expect, test } from "vitest";
import { parseOptions, usage } from "./options.ts";

const names = ["memory", "restart"];

describe("the command line", () => {
  test("everything, in full, unless told otherwise", () => {
    expect(parseOptions([], names)).toMatchObject({ sizes: "full", only: names, keep: true });
    expect(parseOptions(["--nice=-5"], names).niceness).toBe(-5);
    expect(
      parseOptions(["--", "--quick", "--only", "restart", "--rounds", "5"], names),
    ).toMatchObject({ sizes: "quick", only: ["restart"], rounds: 5 });
  });

  test("a typing error starts no hour of measuring", () => {
    expect(() => parseOptions(["--only", "memroy"], names)).toThrow("there are memory, restart");
    expect(() => parseOptions(["--rounds", "0"], names)).toThrow("whole number");
    expect(() => parseOptions(["--fast"], names)).toThrow();
  });

  test("the usage names the scenarios", () => {
    expect(usage(names)).toContain("memory, restart");
  });
});
