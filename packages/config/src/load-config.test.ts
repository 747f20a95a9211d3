import { runInNewContext } from "node:vm";
import { describe, expect, test } from "vitest";
import { parseCommandLine } from "./command-line.ts";
import { ConfigStore } from "./config-store.ts";
import { ConfigFileError, ConfigOpenError } from "./errors.ts";
import { loadConfig } from "./load-config.ts";

const files = new Map([
  ["kv.conf", "port 7\nsave 900 1\nsave 300 10\ninclude more/*.conf\n"],
  ["more/a.conf", "timeout 1\ntimeout 2\n"],
  ["more/b.conf", "tcp-keepalive 9"],
  ["circle.conf", "include circle.conf\n"],
  ["lost.conf", "include nosuch.conf\n"],
]);

function readFile(path: string): string {
  const text = files.get(path);
  if (text === undefined) throw Object.assign(new Error("open"), { code: "ENOENT" });
  return text;
}

function glob(pattern: string): string[] {
  return [...files.keys()].filter((path) => path.startsWith(pattern.slice(0, -"*.conf".length)));
}

function start(args: string[], stdinText?: string): ConfigStore {
  const store = new ConfigStore();
  loadConfig(store, { readFile, glob, stdinText, commandLine: parseCommandLine(args) });
  return store;
}

/** What goes to stderr. */
function failure(text: string, args: string[] = []): string {
  try {
    start(args, text);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigFileError);
    return (error as ConfigFileError).message;
  }
  throw new Error("the start did not fail");
}

describe("loadConfig", () => {
  test("reads the file, what it includes, standard input, and then the command line", () => {
    const store = start(["kv.conf", "--port", "8", "-"], "port 9\nloglevel debug");
    expect(store.print("save")).toBe("900 1 300 10");
    expect(store.number("timeout")).toBe(2);
    expect(store.number("tcp-keepalive")).toBe(9);
    expect(store.text("loglevel")).toBe("debug");
    expect(store.number("port")).toBe(8);
  });

  test.each([
    { args: [], save: "3600 1 300 100 60 10000" },
    { args: ["kv.conf", "--save", "60 5"], save: "900 1 300 10 60 5" },
    { args: ["--save", "60 5 30 '100'"], save: "60 5 30 100" },
    { args: ["kv.conf", "--save", " "], save: "" },
    { args: ["kv.conf", "--save", "60", "5"], save: "900 1 300 10 60 5" },
    { args: ["kv.conf", "--save", ""], save: "" },
    { args: ["kv.conf", "--save"], save: "" },
    { args: ["--save", "--port", "7"], save: "" },
    { args: ["--save", "60", "5"], save: "60 5" },
  ])("save with $args", ({ args, save }) => {
    expect(start(args).print("save")).toBe(save);
  });

  test("all arguments of a directive that takes several may stand in one pair of quotes", () => {
    const store = start(
      ["-", "--shutdown-on-sigterm", "nosave force", "--oom-score-adj-values", "1 2 3"],
      "bind \"127.0.0.1 -::1\"\nclient-output-buffer-limit 'normal 1 2 3'",
    );
    expect(store.print("shutdown-on-sigterm")).toBe("nosave force");
    expect(store.print("oom-score-adj-values")).toBe("1 2 3");
    expect(store.value("bind")).toEqual(["127.0.0.1", "-::1"]);
    expect(store.print("client-output-buffer-limit")).toMatch(/^normal 1 2 3 /);
    expect(failure('bind "\'127.0.0.1"')).toContain("Unbalanced quotes in configuration line");
  });

  test("a shutdown cannot both save and not save", () => {
    const reason = "shutdown options SAVE and NOSAVE can't be used simultaneously";
    expect(failure("shutdown-on-sigint save nosave").split("\n").at(-1)).toBe(reason);
    const store = new ConfigStore();
    expect(store.configSet([["shutdown-on-sigterm", "nosave now save"]])?.message).toContain(
      reason,
    );
    expect(store.configSet([["shutdown-on-sigterm", "nosave now"]])).toBeUndefined();
  });

  test("why a file cannot be read is told, also by who is of another realm", () => {
    const readFile = () => {
      throw runInNewContext("Object.assign(new Error('open'), { code: 'EACCES' })");
    };
    const commandLine = parseCommandLine(["kv.conf"]);
    const load = () => loadConfig(new ConfigStore(), { commandLine, readFile });
    expect(load).toThrow("Permission denied");
  });

  test.each(["save", "save ''", 'save ""'])("%s means none", (line) => {
    expect(start(["-"], line).print("save")).toBe("");
  });

  test("another load begins anew", () => {
    const store = new ConfigStore();
    store.load("save 1 1\nuser a on");
    store.load("save 2 2\nuser a on");
    expect(store.print("save")).toBe("2 2");
  });

  test("old names and words that lost their meaning are known", () => {
    const store = start(
      ["-"],
      "slave-read-only no\nhash-max-ziplist-value 1kb\nlua-replicate-commands yes",
    );
    expect(store.boolean("replica-read-only")).toBe(false);
    expect(store.number("hash-max-listpack-value")).toBe(1024);
  });

  test("users, renamed commands and sentinel lines are handed on", () => {
    const store = new ConfigStore();
    store.statements.onLine("rename-command", ([name]) =>
      name === "GET" ? undefined : "No such command in rename-command",
    );
    const text = "user alice on >x ~*\nrename-command GET ''\nsentinel myid x";
    store.load(text, { sentinel: true });
    expect(store.statements.lines("user")).toEqual([["alice", "on", ">x", "~*"]]);
    expect(store.statements.lines("rename-command")).toEqual([["GET", ""]]);
    expect(store.statements.lines("sentinel")).toEqual([["myid", "x"]]);
    expect(() => store.load("rename-command foo bar")).toThrow("No such command");
  });
});

describe("a start that fails", () => {
  test("names the line and the reason", () => {
    expect(failure("# comment\n\n  bogus 5  \nport 7", ["-"])).toBe(
      "*** FATAL CONFIG FILE ERROR (Redis 7.2.4) ***\n" +
        "Reading the configuration file, at line 3\n" +
        ">>> 'bogus 5'\n" +
        "Bad directive or wrong number of arguments",
    );
  });

  test.each([
    ["port 'x", "Unbalanced quotes in configuration line"],
    ["port", "wrong number of arguments"],
    ["port 1 2", "wrong number of arguments"],
    ["port --bla", "argument couldn't be parsed into an integer"],
    ["user", "Bad directive or wrong number of arguments"],
    ["include", "Bad directive or wrong number of arguments"],
    ["loadmodule /x.so", "loadmodule: this server cannot load native modules"],
    ["mod.option", "Module config specified without value"],
    ["sentinel monitor x", "sentinel directive while not in sentinel mode"],
    ["replicaof 127.0.0.1 abc", "Invalid master port"],
    ["unixsocketperm 9", "argument couldn't be parsed as an octal number"],
    ["unixsocketperm 1000", "argument must be between 0 and 777 inclusive"],
    ["__proto__ 1", "Bad directive or wrong number of arguments"],
    ["include circle.conf", "Files include each other"],
    [
      "user a on\nuser a off",
      "Error in user declaration 'a': Duplicate user found. A user can only be defined once in config files",
    ],
  ])("%s", (text, reason) => {
    expect(failure(text, ["-"]).split("\n").at(-1)).toBe(reason);
  });

  test("tells all lines that are wrong", () => {
    expect(failure("bogus 5\nport 7\nport x", ["-", "--maxmemory", "1", "2"])).toBe(
      "*** FATAL CONFIG FILE ERROR (Redis 7.2.4) ***\n" +
        "Reading the configuration file, at line 1\n" +
        ">>> 'bogus 5'\n" +
        "Bad directive or wrong number of arguments\n" +
        "Reading the configuration file, at line 3\n" +
        ">>> 'port x'\n" +
        "argument couldn't be parsed into an integer\n" +
        "Reading the configuration file, at line 4\n" +
        `>>> 'maxmemory "1" "2"'\n` +
        "wrong number of arguments",
    );
  });

  test("quotes options of the command line as lines of a file", () => {
    expect(failure("", ["--port", "--bla"])).toContain(`>>> 'port "--bla"'`);
    expect(failure("", ["--replicaof", "127.0.0.1", "abc"])).toContain(
      `>>> 'replicaof "127.0.0.1" "abc"'`,
    );
  });

  test("blames no line for a contradiction between two", () => {
    expect(failure("cluster-enabled yes\nreplicaof a 1", ["-"])).toBe(
      "*** FATAL CONFIG FILE ERROR (Redis 7.2.4) ***\n" +
        "replicaof directive not allowed in cluster mode",
    );
  });

  test("says which file cannot be opened", () => {
    for (const path of ["nosuch.conf", "lost.conf"]) {
      expect(() => start([path])).toThrow(ConfigOpenError);
      expect(() => start([path])).toThrow(
        "Fatal error, can't open config file 'nosuch.conf': No such file or directory",
      );
    }
  });
});

test("a file that is no configuration is told of in some lines, however many are wrong", () => {
  const text = "no directive\n".repeat(300_000);
  const commandLine = parseCommandLine(["dump.rdb"]);
  let error: unknown;
  try {
    loadConfig(new ConfigStore(), { commandLine, readFile: () => text });
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toBeInstanceOf(ConfigFileError);
  const lines = (error as ConfigFileError).message.split("\n");
  expect(lines.slice(-4)).toEqual([
    "Reading the configuration file, at line 20",
    ">>> 'no directive'",
    "Bad directive or wrong number of arguments",
    "... and 299980 more. Is this a configuration file?",
  ]);
});
