/**
 * A command is two files and nothing else: what lists commands is written by
 * scripts/generate-indexes.mjs, and these tests hold it to that.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Command, isCommand } from "@kv/commands";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { harness } from "./harness.ts";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const generator = join(root, "scripts/generate-indexes.mjs");

function generate(...words: string[]): string[] {
  const { stdout } = spawnSync(process.execPath, [generator, ...words], { encoding: "utf8" });
  return stdout.split("\n").filter((line) => line !== "");
}

test("the generated indexes are up to date, in the files and in what was committed", () => {
  expect(generate("--check")).toEqual([]);
  const generated = new Set(generate());
  expect(generated).toContain("packages/commands/src/string/index.ts");
  // Running the tests has mended the files; where nothing else is new, a commit lacks them.
  const status = spawnSync("git", ["status", "--porcelain"], { cwd: root, encoding: "utf8" });
  const changed = (status.stdout ?? "").split("\n").filter((line) => line !== "");
  const names = changed.map((line) => line.slice(3));
  if (names.every((name) => generated.has(name))) expect(names).toEqual([]);
});

test("no command is missed, however its file declares it", async () => {
  const known = new Set(harness().engine.commands.all.map(({ command }) => command));
  /** Or a container that is there already took its subcommands. */
  const isThere = (command: Command): boolean => {
    const { subcommands = [] } = command;
    if (known.has(command)) return true;
    return subcommands.length > 0 && subcommands.every((each) => known.has(each));
  };
  const missed: string[] = [];
  for (const index of generate().filter((name) => name.endsWith("/index.ts"))) {
    const folder = join(root, dirname(index));
    for (const name of readdirSync(folder)) {
      if (!/^[^.]+\.ts$/.test(name)) continue;
      const exported: object = await import(join(folder, name));
      for (const value of Object.values(exported))
        if (isCommand(value) && !isThere(value)) missed.push(`${index}: ${value.name}`);
    }
  }
  expect(missed).toEqual([]);
});

/** A command that only has to be there. */
function source(name: string, group: string): string {
  return `/** A toy. */
import { command } from "../declare/command.ts";
export const toy = command({
  name: "${name}",
  group: "${group}",
  since: "7.2.0",
  summary: "Plays.",
  complexity: "O(1)",
  arity: 1,
  flags: ["fast"],
  run(call) {
    call.reply.ok();
  },
});
`;
}

const testSource = `throw new Error("a test is no part of the table");`;

describe("in a copy of the package", () => {
  let copy: string;
  const sources = () => join(copy, "packages/commands/src");

  beforeAll(() => {
    copy = mkdtempSync(join(tmpdir(), "kv-indexes-"));
    cpSync(join(root, "packages/commands/src"), sources(), { recursive: true });
    symlinkSync(
      join(root, "packages/commands/node_modules"),
      join(copy, "packages/commands/node_modules"),
      "junction",
    );
  });
  afterAll(() => rmSync(copy, { recursive: true, force: true }));

  /** The names in the table that Node itself builds from the copy, types stripped. */
  function tableNames(): string[] {
    const script = `
      import { CommandTable, dataCommands } from "./packages/commands/src/index.ts";
      console.log(JSON.stringify([...new CommandTable(dataCommands).byName.keys()]));
    `;
    const words = ["--conditions=@kv/source", "--input-type=module", "--eval", script];
    return JSON.parse(execFileSync(process.execPath, words, { cwd: copy, encoding: "utf8" }));
  }

  test("a file with a command, and one with its test, are a command", () => {
    expect(generate("--check", copy)).toEqual([]);
    expect(tableNames()).not.toContain("toy");
    writeFileSync(join(sources(), "string/toy.ts"), source("toy", "string"));
    writeFileSync(join(sources(), "string/toy.test.ts"), testSource);
    expect(generate("--check", copy)).toEqual(["packages/commands/src/string/index.ts"]);
    generate(copy);
    expect(tableNames()).toContain("toy");
    expect(generate("--check", copy)).toEqual([]);
  });

  test("so are they in a folder of a group that had none", () => {
    cpSync(join(sources(), "string/toy.test.ts"), join(sources(), "toy-set/toy.test.ts"));
    expect(generate("--check", copy)).toEqual([]);
    writeFileSync(join(sources(), "toy-set/toy.ts"), source("stoy", "set"));
    generate(copy);
    expect(tableNames()).toContain("stoy");
  });

  test("and they are none any more when the files are gone", () => {
    rmSync(join(sources(), "string/toy.ts"));
    rmSync(join(sources(), "toy-set"), { recursive: true });
    generate(copy);
    expect(tableNames()).toEqual(expect.not.arrayContaining(["toy", "stoy"]));
  });
});
