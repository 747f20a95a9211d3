import type { Argument } from "@kv/commands";
import { type Harness, harness } from "@kv/testing";
import { describe, expect, test } from "vitest";

const inResp3 = () => harness({ resp: 3 });

/** The raw reply, each line followed by a space. */
function raw(kv: Harness, ...words: string[]): string {
  kv.self.takeRaw();
  kv.send(...words);
  return kv.self.takeRaw().replaceAll("\r\n", " ");
}

describe("COMMAND", () => {
  test("INFO is an array of ten, with sets and maps in RESP3", () => {
    expect(raw(inResp3(), "COMMAND", "INFO", "get")).toBe(
      "*1 *10 $3 get :2 ~2 +readonly +fast :1 :1 :1 ~3 +@read +@string +@fast ~0 ~1 %3 " +
        "$5 flags ~2 +RO +access $12 begin_search %2 $4 type $5 index $4 spec %1 $5 index :1 " +
        "$9 find_keys %2 $4 type $5 range $4 spec %3 $7 lastkey :0 $7 keystep :1 $5 limit :0 ~0 ",
    );
  });

  test("INFO holds the subcommands of a container in an array, as Redis does", () => {
    const [all] = raw(inResp3(), "COMMAND", "INFO", "memory").match(/~0 ~0 .+?memory\|/) ?? [];
    expect(all).toMatch(/^~0 ~0 [*]\d+ [*]10 /);
  });

  test("INFO answers null for what is unknown, and finds subcommands by their full name", () => {
    const kv = harness();
    const reply = kv.send("COMMAND", "INFO", "nope", "CONFIG|GET", "config|nope", "get|x") as (
      | unknown[]
      | null
    )[];
    expect(reply.map((each) => each?.[0] ?? null)).toEqual([null, "config|get", null, null]);
    expect(raw(kv, "COMMAND", "INFO", "nope")).toBe("*1 $-1 ");
  });

  test("without a subcommand describes all, as many as COUNT tells", () => {
    const kv = harness();
    const count = kv.send("COMMAND", "COUNT");
    expect((kv.send("COMMAND") as []).length).toBe(count);
    expect((kv.send("COMMAND", "INFO") as []).length).toBe(count);
    expect((kv.send("COMMAND", "DOCS") as []).length).toBe((count as number) * 2);
  });

  test("every command has a summary of its own and a complexity", () => {
    const kv = inResp3();
    const docs = kv.send("COMMAND", "DOCS") as Map<string, Map<string, unknown>>;
    for (const [name, doc] of docs) {
      expect(doc.get("summary"), name).toMatch(/^[A-Z].*\.$/s);
      expect(doc.get("complexity"), name).toBeTruthy();
      for (const [sub, own] of (doc.get("subcommands") ?? new Map()) as typeof docs)
        expect(own.get("summary"), sub).toMatch(/^[A-Z].*\.$/s);
    }
  });

  test("names of arguments tell them apart, and what holds others holds two at least", () => {
    const check = (command: string, args: readonly Argument[]) => {
      const names = args.map(({ name }) => name);
      expect(new Set(names).size, `${command}: ${names}`).toBe(names.length);
      for (const { name, type, args: parts = [] } of args) {
        expect(name, command).not.toContain("_");
        if (type !== "block" && type !== "oneof") continue;
        expect(parts.length, `${command} ${name}`).toBeGreaterThanOrEqual(2);
        check(command, parts);
      }
    };
    for (const { fullName, command } of harness().engine.commands.listed)
      check(fullName, command.args);
  });

  test("DOCS advises against QUIT", () => {
    const docs = inResp3().send("COMMAND", "DOCS", "quit") as Map<string, Map<string, unknown>>;
    expect(docs.get("quit")?.get("deprecated_since")).toBe("7.2.0");
    expect(docs.get("quit")?.get("doc_flags")).toEqual(new Set(["deprecated"]));
  });

  test("DOCS tells which key spec a pattern is found by", () => {
    const docs = inResp3().send("COMMAND", "DOCS", "sort") as Map<string, Map<string, unknown>>;
    const args = docs.get("sort")?.get("arguments") ?? [];
    const [, by] = args as Map<string, unknown>[];
    expect(by?.get("type")).toBe("pattern");
    expect(by?.get("key_spec_index")).toBe(1);
  });

  test("DOCS leaves out what is unknown, and shows how arguments are displayed", () => {
    const docs = inResp3().send("COMMAND", "DOCS", "nope", "memory|usage") as Map<string, unknown>;
    expect([...docs.keys()]).toEqual(["memory|usage"]);
    const args = (docs.get("memory|usage") as Map<string, unknown[]>).get("arguments");
    expect(args).toEqual([
      new Map<string, unknown>([
        ["name", "key"],
        ["type", "key"],
        ["display_text", "key"],
        ["key_spec_index", 0],
      ]),
      new Map<string, unknown>([
        ["name", "count"],
        ["type", "integer"],
        ["display_text", "count"],
        ["token", "SAMPLES"],
        ["flags", new Set(["optional"])],
      ]),
    ]);
  });

  test("LIST names subcommands as well, and filters", () => {
    const kv = harness();
    const all = kv.send("COMMAND", "LIST") as string[];
    expect(all).toEqual(expect.arrayContaining(["get", "config", "config|get"]));
    expect(new Set(all).size).toBe(all.length);
    const transactions = kv.send("COMMAND", "LIST", "FILTERBY", "ACLCAT", "Transaction");
    expect((transactions as string[]).toSorted()).toEqual([
      "discard",
      "exec",
      "multi",
      "unwatch",
      "watch",
    ]);
    expect(kv.send("COMMAND", "LIST", "FILTERBY", "PATTERN", "SLOWLOG|*E*")).toEqual([
      "slowlog|get",
      "slowlog|len",
      "slowlog|reset",
      "slowlog|help",
    ]);
  });

  test("GETKEYS refuses a request without keys, but not of a command that needs none", () => {
    const kv = harness();
    const invalid = kv.error("ERR Invalid arguments specified for command");
    const keys = (request: string) =>
      kv.send("COMMAND", "GETKEYS", ...(request.split(" ") as [string]));
    for (const request of ["LMPOP 0 a LEFT", "SINTERCARD x a", "XREAD COUNT 2 a b"])
      expect(keys(request), request).toEqual(invalid);
    for (const request of ["EVAL text 0 a", "EVAL text x a", "EVAL text 2 a"])
      expect(keys(request), request).toEqual([]);
    expect(keys("XREAD STREAMS a b c")).toEqual(["a"]);
    expect(keys("XREAD STREAMS a b 0 0")).toEqual(["a", "b"]);
  });

  test("GETKEYS finds the keys of a request of one word, too: there are none", () => {
    const kv = harness();
    expect(kv.send("COMMAND", "GETKEYS", "PING")).toEqual(
      kv.error("ERR The command has no key arguments"),
    );
    expect(kv.send("COMMAND", "GETKEYS", "MSET", "a", 1, "b", 2)).toEqual(["a", "b"]);
  });

  test("HELP lists each subcommand and what it is for", () => {
    const help = harness().send("COMMAND", "HELP") as string[];
    expect(help[0]).toBe("COMMAND <subcommand> [<arg> [value] [opt] ...]. Subcommands are:");
    expect(help).toContain("GETKEYS <command> [<arg> [<arg> ...]]");
    expect(help.at(-2)).toBe("HELP");
    for (let line = 2; line < help.length; line += 2) expect(help[line]).toMatch(/^ {4}[A-Z].*\.$/);
  });
});

test.each(["ACL", "COMMAND", "CONFIG", "DEBUG", "LATENCY", "MEMORY", "MODULE", "SLOWLOG"])(
  "%s HELP ends with itself",
  (container) => {
    const help = harness().send(container, "HELP") as string[];
    expect(help[0]).toMatch(new RegExp(`^${container} <subcommand>`));
    expect(help.at(-2)).toBe("HELP");
    expect(help.length % 2).toBe(1);
  },
);
