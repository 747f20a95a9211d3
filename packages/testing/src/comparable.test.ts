import { CommandTable, command, dataCommands } from "@kv/commands";
import { describe, expect, test } from "vitest";
import { isComparable, isComparableRow, redisVersion, setsAsTheirs } from "./comparable.ts";
import { fuzzedOf } from "./fuzz.ts";
import { harness } from "./harness.ts";

const facts = {
  group: "string",
  summary: "Plays.",
  complexity: "O(1)",
  arity: 1,
  flags: ["fast"],
} as const;
const run = () => {};
const extension = "Shows how a command of our own is declared.";

describe("what can be compared with a redis-server", () => {
  test.each([
    { declared: {}, version: "7.0.15", expected: true },
    { declared: { since: "7.0.0" }, version: "7.0.15", expected: true },
    { declared: { since: "7.2.0" }, version: "7.0.15", expected: false },
    { declared: { since: "7.2.0" }, version: "7.2.4", expected: true },
    { declared: { since: "7.10.0" }, version: "7.9.9", expected: false },
    { declared: { since: "1.0.0", extension }, version: "7.2.4", expected: false },
  ])("$declared with $version: $expected", ({ declared, version, expected }) => {
    expect(isComparable(declared, version)).toBe(expected);
  });

  test("sets may be listpacks beside a server that has them", () => {
    expect(setsAsTheirs("7.0.15")).toEqual({ "set-max-listpack-entries": 0 });
    expect(setsAsTheirs("7.2.0")).toEqual({});
  });

  test("a subcommand of an extension is one", () => {
    const sub = command({ ...facts, name: "sub", arity: 2, since: "1.0.0", run });
    const toys = command({ ...facts, name: "toys", since: "1.0.0", extension, subcommands: [sub] });
    const rows = new CommandTable([toys]).all;
    expect(rows.map((row) => [row.fullName, isComparableRow(row, "7.2.4")])).toEqual([
      ["toys", false],
      ["toys|sub", false],
    ]);
  });

  test("the fuzzer makes no request of what the other server cannot have", () => {
    const toy = command({ ...facts, name: "toy", since: "1.0.0", extension, run });
    const newer = command({ ...facts, name: "newer", since: "7.2.0", run });
    const rows = new CommandTable([...dataCommands, toy, newer]).all;
    const names = new Set(rows.map(({ fullName }) => fullName));
    const fuzzed = (version: string) => fuzzedOf(rows, names, version).map((row) => row.fullName);
    expect(fuzzed("7.0.15")).toContain("getex");
    expect(fuzzed("7.0.15")).toEqual(expect.not.arrayContaining(["toy"]));
    expect(fuzzed("7.0.15")).toEqual(expect.not.arrayContaining(["newer"]));
    expect(fuzzed("7.2.4")).toContain("newer");
    expect(fuzzed("7.2.4")).toEqual(expect.not.arrayContaining(["toy"]));
  });

  test("an extension is a command like any other to its clients", () => {
    const toy = command({
      ...facts,
      name: "toy",
      since: "1.0.0",
      extension,
      run: (call) => call.reply.ok(),
    });
    const kv = harness({ modules: [{ name: "toys", commands: [toy] }] });
    expect(kv.send("TOY")).toBe("OK");
    expect(kv.send("COMMAND", "COUNT")).toBe(
      kv.engine.commands.listed.filter(({ container }) => container === null).length,
    );
  });

  test("what it is for is a sentence", () => {
    const bad = { ...facts, name: "toy", since: "1.0.0", extension: "because", run };
    expect(() => command(bad)).toThrow("one sentence");
  });

  test("the version of redis-server is three numbers", () => {
    expect(redisVersion() ?? "7.2.4").toMatch(/^\d+\.\d+\.\d+$/);
  });
});
