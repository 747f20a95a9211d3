import { describe, expect, test } from "vitest";
import { parseCommandLine } from "./command-line.ts";

describe("parseCommandLine", () => {
  test.each([
    { why: "nothing", args: [], text: "" },
    { why: "a name and a value", args: ["--port", "7"], text: 'port "7" ' },
    { why: "one argument", args: ["--maxmemory 7mb"], text: "maxmemory 7mb " },
    {
      why: "one argument with quotes, then another option",
      args: ["--proc-title-template '{title} x'", "--port", "7"],
      text: "proc-title-template '{title} x' \nport \"7\" ",
    },
    {
      why: "several values",
      args: ["--replicaof", "127.0.0.1", "7"],
      text: 'replicaof "127.0.0.1" "7" ',
    },
    { why: "several words in one", args: ["--a", "nosave force"], text: 'a "nosave force" ' },
    { why: "save last", args: ["--save"], text: 'save ""' },
    { why: "save, then an option", args: ["--save", "--port", "7"], text: 'save ""\nport "7" ' },
    { why: "save with an empty value", args: ["--save", ""], text: 'save "" ' },
    { why: "a value with dashes", args: ["--port", "--bla"], text: 'port "--bla" ' },
    {
      why: "a value with dashes is the only one",
      args: ["--a", "--b", "--c", "--d"],
      text: 'a "--b" \nc "--d" ',
    },
    { why: "no value at all", args: ["--port"], text: "port " },
    { why: "an empty file name", args: ["", "--port", "7"], text: 'port "7" ' },
    { why: "sentinel", args: ["--sentinel", "--port", "7"], text: 'sentinel \nport "7" ' },
  ])("makes lines of options: $why", ({ args, text }) => {
    expect(parseCommandLine(args).optionsText.trimEnd()).toBe(text.trimEnd());
  });

  test("the first word without dashes is the file, the words after it an option", () => {
    const { configFile, optionsText } = parseCommandLine(["kv.conf", "loglevel", "verbose"]);
    expect(configFile).toBe("kv.conf");
    expect(optionsText).toBe('"loglevel" "verbose" ');
  });

  test.each([[["-"]], [["kv.conf", "-"]], [["-", "--port", "7"]], [["--port", "7", "-"]]])(
    "%j reads standard input",
    (args) => {
      expect(parseCommandLine(args).readStdin).toBe(true);
    },
  );

  test("a lone dash in the middle is a value", () => {
    const { readStdin, optionsText } = parseCommandLine(["--a", "-", "--b", "1"]);
    expect(readStdin).toBe(false);
    expect(optionsText).toBe('a "-" \nb "1" ');
  });

  test.each([
    { args: ["-v"], action: "version" },
    { args: ["--version"], action: "version" },
    { args: ["-h"], action: "help" },
    { args: ["--help"], action: "help" },
    { args: ["--check-system"], action: "check-system" },
    { args: ["--test-memory", "10"], action: "test-memory" },
    { args: ["--test-memory"], action: "refuse" },
    { args: ["--test-memory", "x"], action: "refuse" },
    { args: ["kv.conf", "--version"], action: "run" },
  ])("$args means $action", ({ args, action }) => {
    expect(parseCommandLine(args).action).toBe(action);
  });
});
