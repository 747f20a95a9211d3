import { describe, expect, test } from "vitest";
import { dataCommands } from "../data-commands.ts";
import { command } from "./command.ts";
import { placeholderCommands } from "./placeholder-commands.ts";
import { CommandTable } from "./table.ts";

describe("the command table", () => {
  const spec = {
    group: "set",
    since: "7.2.0",
    summary: "Takes the place of a placeholder.",
    complexity: "O(1)",
    arity: -2,
    arityBecause: "it is an example",
    flags: [],
  } as const;
  const run = () => {};

  test("lets what is declared take the place of a placeholder, wherever it stands", () => {
    const spop = command({ ...spec, name: "spop", run });
    for (const declared of [
      [spop, ...placeholderCommands],
      [...placeholderCommands, spop],
    ]) {
      const table = new CommandTable([...dataCommands, ...declared]);
      expect(table.byName.get("spop")?.command).toBe(spop);
      expect(table.listed.map(({ fullName }) => fullName)).toContain("spop");
      expect(table.byName.get("sadd")?.isPlaceholder).toBe(true);
    }
    expect(() => new CommandTable([spop, spop])).toThrow("declared twice");
    expect(() => new CommandTable([...placeholderCommands, ...placeholderCommands])).toThrow(
      "declared twice",
    );
  });

  test("leaves a container that is there the placeholders of what it lacks", () => {
    const create = command({ ...spec, name: "create", run });
    const xgroup = command({ ...spec, name: "xgroup", subcommands: [create] });
    const row = new CommandTable([xgroup, ...placeholderCommands]).byName.get("xgroup");
    const isPlaceholder = (name: string) => row?.subcommands?.get(name)?.isPlaceholder;
    expect(isPlaceholder("create")).toBe(false);
    expect(isPlaceholder("destroy")).toBe(true);
    expect(row?.listedSubcommands().map(({ fullName }) => fullName)).toEqual(["xgroup|create"]);
  });

  test("grows with the number of names, so that each is found at once", () => {
    new CommandTable([...dataCommands, ...placeholderCommands]).check();
    const many = Array.from({ length: 2000 }, (_, index) =>
      command({ ...spec, name: `name${index}`, run }),
    );
    new CommandTable([...dataCommands, ...many, ...placeholderCommands]).check();
  });
});
