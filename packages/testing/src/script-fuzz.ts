/**
 * Sequences of requests that run made scripts (call-scripts.ts), for the comparison of fuzz.ts: EVAL,
 * EVALSHA, their read-only forms, functions, with and without flags, alone and within transactions, among
 * requests that change the data beneath them. Behind each script stands the digest of the data set.
 */
import { createHash } from "node:crypto";
import { CallScriptMaker, type MadeScript, PRELUDE } from "./call-scripts.ts";
import { Chance } from "./chance.ts";
import { RequestMaker } from "./fuzz.ts";

type Words = (string | number)[];

const flagLists = [
  "",
  "no-writes",
  "allow-oom",
  "allow-stale",
  "no-cluster",
  "allow-oom,no-writes",
];

/** The requests that run a script. */
function runsOf({ source, keys, args }: MadeScript, chance: Chance): Words[] {
  let count: string | number = keys.length;
  if (chance.percent(2)) count = chance.of([0, 1, -1, 5000, "x", "", "01"]);
  const rest = [count, ...keys, ...args];
  const isReadOnly = chance.percent(10);
  const kind = chance.below(10);
  if (kind < 3) return functionRuns(source, rest, isReadOnly, chance);
  const flags = chance.percent(15) ? chance.of(flagLists) : null;
  const text = flags === null ? source : `#!lua${flags && ` flags=${flags}`}\n${source}`;
  if (kind < 7) return [[isReadOnly ? "EVAL_RO" : "EVAL", text, ...rest]];
  let sha = createHash("sha1").update(text, "latin1").digest("hex");
  if (chance.percent(10)) sha = sha.toUpperCase();
  const run: Words = [isReadOnly ? "EVALSHA_RO" : "EVALSHA", sha, ...rest];
  return chance.percent(90) ? [["SCRIPT", "LOAD", text], run] : [run];
}

function functionRuns(source: string, rest: Words, isReadOnly: boolean, chance: Chance): Words[] {
  const flags = chance
    .of(flagLists)
    .split(",")
    .filter(Boolean)
    .map((flag) => `'${flag}'`);
  const callback = `function(KEYS, ARGV) ${source}\nend`;
  const registered = `redis.register_function{function_name = 'f', callback = ${callback}, flags = {${flags.join(", ")}}}`;
  return [
    ["FUNCTION", "LOAD", "REPLACE", `#!lua name=lib\n${registered}`],
    [isReadOnly ? "FCALL_RO" : "FCALL", "f", ...rest],
  ];
}

/** The requests of one run, in units that belong together: `count` scripts, and what lies between. */
export function scriptSequence(seed: number, count: number): Words[][] {
  const chance = new Chance(seed);
  const requests = new RequestMaker(chance);
  const scripts = new CallScriptMaker(chance, requests);
  const units: Words[][] = [
    requests.setup(),
    [
      ["SCRIPT", "FLUSH"],
      ["FUNCTION", "FLUSH"],
    ],
  ];
  for (let done = 0; done < count; done++) {
    if (chance.percent(40)) units.push(requests.make());
    const runs = runsOf(scripts.make(), chance);
    const isQueued = chance.percent(5);
    const whole: Words[] = isQueued ? [["MULTI"], ...runs, ["EXEC"]] : runs;
    units.push([...whole, ["DEBUG", "DIGEST"]]);
  }
  units.push(...RequestMaker.inspections().map((words) => [words]));
  return units;
}

/** A word of a report without what all scripts begin with. */
export function withoutPrelude(word: string): string {
  return word.replace(PRELUDE, "…");
}
