import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { fillRandomly } from "./random-bytes.ts";

/** How many of 1,000 words are different ones: all but a few of those that are random. */
function differentWords(file?: string): number {
  const words = new Uint32Array(1000);
  fillRandomly(words, file);
  return new Set(words).size;
}

test("fills all of an array, each time with others", () => {
  expect(differentWords()).toBeGreaterThan(990);
  const words = new Uint32Array(4);
  fillRandomly(words);
  const first = [...words];
  fillRandomly(words);
  expect([...words]).not.toEqual(first);
});

test("does so without the system's file, and where that gives too little", () => {
  const folder = mkdtempSync(join(tmpdir(), "kv-random-"));
  const short = join(folder, "short");
  writeFileSync(short, "x");
  for (const file of [join(folder, "none"), folder, short]) {
    expect(differentWords(file)).toBeGreaterThan(990);
  }
  rmSync(folder, { recursive: true });
});
