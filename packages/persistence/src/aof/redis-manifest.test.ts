/**
 * Manifests under redis-check-aof and here: the same files in the same order, or the same words about
 * the same line. Needs the redis-check-aof binary; a machine without it says so and passes.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Chance } from "@kv/testing";
import { afterAll, expect, test } from "vitest";
import { ManifestError, parseManifest } from "./manifest.ts";

const hasOracle = spawnSync("redis-check-aof").status === 1;
if (!hasOracle) console.log("skipped: manifests under redis-check-aof (it is not installed)");

const folder = mkdtempSync(join(tmpdir(), "kv-manifest-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** What redis-check-aof says: the files in their order, or the last words and the line quoted. */
function verdictOfRedis(text: string): string[] {
  const path = join(folder, "m.manifest");
  writeFileSync(path, text, "latin1");
  const { stdout } = spawnSync("redis-check-aof", [path], { encoding: "latin1" });
  if (!stdout.startsWith("Start checking Multi Part AOF")) return ["not taken for a manifest"];
  const fault = [...stdout.matchAll(/\d\d\.\d{3} # (?:Reading the manifest file, )?([^\n]+)/g)];
  if (fault.length > 0) return fault.map((line) => line[1]);
  return [...stdout.matchAll(/(?:BASE|INCR) AOF ([^\n]*?) is empty/g)].map((line) => line[1]);
}

function verdictOfOurs(text: string): string[] {
  const manifest = parseManifest(text);
  if (!(manifest instanceof ManifestError)) {
    const files = [
      ...(manifest.base === undefined ? [] : [manifest.base]),
      ...manifest.incrementals,
    ];
    return files.map((file) => file.name);
  }
  const { lineNumber, line, message } = manifest;
  return line === undefined ? [message] : [`at line ${lineNumber}`, `>>> '${line}'`, message];
}

const whole = [
  "# made by hand\n",
  "file a.2.base.rdb seq 2 type b\n",
  "file a.1.incr.aof seq 1 type h\n",
  'file "a 2\\x41.incr.aof" seq 2 type i\n',
  "file 'b.aof' seq 3 type i\n",
  "file a.4.incr.aof seq 4 type i\n",
];
/** What may stand in the place of any piece of a line. */
const pieces = [
  ..."\n\r\t\0 \v#\"'\\/*$0b",
  ..."file seq type b h i x base 1 2 3 5 9 -1 0 +2 12abc a.2.base.rdb b.aof".split(" "),
  "b\n",
  "h\n",
  "i\n",
  "x\n",
  '"2\\x00"',
  '"\\n"',
  "0".repeat(990),
  `#${"0".repeat(1022)}`,
  `#${"0".repeat(1023)}`,
];

test.skipIf(!hasOracle)("redis-check-aof says the same of mutated manifests", () => {
  // These files are there, and empty.
  const names = new Set(["a.2.base.rdb", "a 2A.incr.aof", "b.aof", "a.4.incr.aof"]);
  for (const name of names) writeFileSync(join(folder, name), "");
  const seen: string[] = [];
  const seed = Number(process.env.KV_SEED ?? 7);
  const chance = new Chance(seed);
  for (let round = 0; round < Number(process.env.KV_ROUNDS ?? 30); round++) {
    // The first line is what a manifest is known by.
    const parts = whole.flatMap((line) => line.split(/(?<= )|(?=\n)/));
    for (let left = chance.below(3); left >= 0; left--) {
      const at = 2 + chance.below(parts.length - 2);
      if (chance.percent(10)) parts.splice(at, 1);
      else if (chance.percent(80)) parts[at] = chance.of(pieces) + (chance.percent(95) ? " " : "");
      else parts.splice(at, 0, chance.of(pieces));
    }
    const text = parts.join("");
    const theirs = verdictOfRedis(text);
    const ours = verdictOfOurs(text);
    // A file that is not there ends the check of Redis; the manifest was understood up to there.
    const manifest = parseManifest(text);
    const isMissing = !(manifest instanceof ManifestError) && ours.some((name) => !names.has(name));
    if (isMissing) continue;
    seen.push(theirs.at(-1) ?? "no files");
    // Redis's log cuts long lines off.
    const [left, right] = [ours, theirs].map((all) => all.map((line) => line.slice(0, 1000)));
    expect(left, `seed ${seed}, round ${round}: ${JSON.stringify(text)}`).toEqual(right);
  }
  expect(new Set(seen).size).toBeGreaterThan(3);
});
