/**
 * Every export of every published package has a docstring, and so has every member. The reports of
 * `pnpm api` mark what has none; that they are what the sources say is checked where they are compared.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

const root = fileURLToPath(new URL("../../../", import.meta.url));

interface Tally {
  exports: number;
  members: number;
  undocumented: string[];
}

/** Counts what a report declares between its fences, and names what has no docstring. */
function tally(report: string): Tally {
  const found: Tally = { exports: 0, members: 0, undocumented: [] };
  let owner = "";
  let isBare = false;
  for (const line of report.split("\n")) {
    if (/^ *\/\//.test(line)) {
      isBare ||= line.includes("(undocumented)");
      continue;
    }
    const isExport = /^(export |(class|interface|type|function|const|enum) )/.test(line);
    const isMember = /^ {4}[^\s/)}|&]/.test(line);
    if (!isExport && !isMember) continue;
    const words = line
      .trim()
      .replace(/[({;:<=].*$/, "")
      .trim();
    const name = words.split(" ").at(-1) || words;
    if (isExport)
      owner = /(?:class|interface|type|function|const|enum) (\w+)/.exec(line)?.[1] ?? "";
    found[isExport ? "exports" : "members"]++;
    if (isBare) found.undocumented.push(isExport ? owner : `${owner}.${name}`);
    isBare = false;
  }
  return found;
}

const doors = ["packages", "apps"].flatMap((area) =>
  readdirSync(root + area)
    .map((name) => `${area}/${name}/api`)
    .filter((folder) => existsSync(root + folder))
    .flatMap((folder) => readdirSync(root + folder).map((file) => `${folder}/${file}`)),
);

describe("docstrings", () => {
  test("the reports are found", () => {
    expect(doors).toContain("packages/core/api/index.api.md");
    expect(doors).toContain("packages/persistence/api/node.api.md");
  });

  test("what has none is found", () => {
    const report = [
      "// @public (undocumented)",
      "export class Bare {",
      "    constructor(size: number);",
      "    // (undocumented)",
      "    readonly size: number;",
      "    // @internal (undocumented)",
      "    static of(size: number): Bare;",
      "    told(): void;",
      "}",
      "",
      "// @public",
      "export const told: number;",
    ].join("\n");
    expect(tally(report)).toEqual({
      exports: 2,
      members: 4,
      undocumented: ["Bare", "Bare.size", "Bare.of"],
    });
  });

  test.each(doors)("%s", (door) => {
    const { exports, members, undocumented } = tally(readFileSync(root + door, "utf8"));
    const bare = undocumented.length;
    const count = `${bare} of ${exports} exports and ${members} members have no docstring`;
    expect(undocumented, count).toEqual([]);
  });
});
