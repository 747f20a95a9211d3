import { latin1Bytes } from "@kv/resp";
import fc from "fast-check";
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
    const wait = command({ ...spec, name: "wait", run });
    for (const declared of [
      [wait, ...placeholderCommands],
      [...placeholderCommands, wait],
    ]) {
      const table = new CommandTable([...dataCommands, ...declared]);
      expect(table.byName.get("wait")?.command).toBe(wait);
      expect(table.listed.map(({ fullName }) => fullName)).toContain("wait");
      expect(table.byName.get("asking")?.isPlaceholder).toBe(true);
    }
    expect(() => new CommandTable([wait, wait])).toThrow("declared twice");
    expect(() => new CommandTable([...placeholderCommands, ...placeholderCommands])).toThrow(
      "declared twice",
    );
  });

  test("leaves a container that is there the placeholders of what it lacks", () => {
    const remove = command({ ...spec, name: "delete", run });
    const container = command({ ...spec, name: "function", subcommands: [remove] });
    const row = new CommandTable([container, ...placeholderCommands]).byName.get("function");
    const isPlaceholder = (name: string) => row?.subcommands?.get(name)?.isPlaceholder;
    expect(isPlaceholder("delete")).toBe(false);
    expect(isPlaceholder("dump")).toBe(true);
    expect(row?.listedSubcommands().map(({ fullName }) => fullName)).toEqual(["function|delete"]);
  });

  test("finds each name in any case and in any order, and what is none never", () => {
    const table = new CommandTable([...dataCommands, ...placeholderCommands]);
    const names = [...table.byName.keys()];
    const words = fc.oneof(
      fc.constantFrom(...names),
      fc.constantFrom(...names).map((name) => `${name}s`),
      // Other letters between the same ends, which so much else about a name is told by.
      fc.constantFrom(...names).map((name) => name.replace(/(?<=^.).(?=..)/, "_")),
    );
    const written = fc
      .tuple(words, fc.infiniteStream(fc.boolean()))
      .map(([word, upper]) =>
        [...word].map((letter) => (upper.next().value ? letter.toUpperCase() : letter)).join(""),
      );
    fc.assert(
      fc.property(fc.array(written, { minLength: 200, maxLength: 400 }), (each) => {
        for (const word of each) {
          const bytes = latin1Bytes(`"${word}"`);
          const found = table.find(bytes, 1, bytes.length - 1);
          expect(found).toBe(table.byName.get(word.toLowerCase()));
        }
      }),
      { numRuns: 50 },
    );
    expect(table.find(latin1Bytes("get"), 0, 3)?.fullName).toBe("get");
    expect(table.rename("get", "fetch")).toBe(true);
    expect(table.find(latin1Bytes("get"), 0, 3)).toBeUndefined();
    expect(table.find(latin1Bytes("fetch"), 0, 5)?.fullName).toBe("get");
  });

  test("grows with the number of names, so that each is found at once", () => {
    new CommandTable([...dataCommands, ...placeholderCommands]).check();
    const many = Array.from({ length: 2000 }, (_, index) =>
      command({ ...spec, name: `name${index}`, run }),
    );
    new CommandTable([...dataCommands, ...many, ...placeholderCommands]).check();
  });
});
