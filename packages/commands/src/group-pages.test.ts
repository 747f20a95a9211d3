/** Each group has a page of its own, of one screen, and its dialogue goes as it stands there. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { harness } from "@kv/testing";
import { describe, expect, test } from "vitest";

/** What fits a screen without scrolling. */
const LINES_MAX = 50;

const pageOf = (group: string) => new URL(`./${group}/README.md`, import.meta.url);

/** The words of a line after "> ", as redis-cli takes it: quotes hold spaces together. */
function wordsOf(line: string): string[] {
  return [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare ?? "");
}

const groups = readdirSync(new URL(".", import.meta.url), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map((entry) => entry.name)
  // What groups are made of, not groups.
  .filter((name) => name !== "call" && name !== "declare");

describe.each(groups)("the page of %s", (group) => {
  const page = existsSync(pageOf(group)) ? readFileSync(pageOf(group), "utf8") : "";

  test("is one screen", () => {
    const { length } = page.split("\n");
    expect(length).toBeGreaterThan(10);
    expect(length).toBeLessThanOrEqual(LINES_MAX);
  });

  test("shows what happens", () => {
    const dialogue = /```redis\n([\s\S]*?)```/.exec(page)?.[1] ?? "";
    const lines = dialogue.trimEnd().split("\n");
    expect(lines.length).toBeGreaterThan(5);
    const kv = harness();
    const said = lines.filter((line) => line.startsWith("> "));
    const happened = said.flatMap((line) => [
      line,
      JSON.stringify(kv.send(...wordsOf(line.slice(2)))),
    ]);
    expect(happened).toEqual(lines);
    kv.check();
  });

  test("names files that are there", () => {
    for (const [, file] of page.matchAll(/`([a-z0-9-]+\.ts)`/g))
      expect(existsSync(new URL(`./${group}/${file}`, import.meta.url)), file).toBe(true);
  });
});
