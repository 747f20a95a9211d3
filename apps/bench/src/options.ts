/** The command line of `pnpm bench`. */
import { parseArgs } from "node:util";
import type { Sizes } from "./scenario.ts";

export interface Options {
  help: boolean;
  sizes: Sizes["name"];
  /** Names of scenarios. */
  only: readonly string[];
  rounds: number | undefined;
  ours: string | undefined;
  reference: string;
  /** Scheduling priority of servers and clients; undefined leaves it. */
  niceness: number | undefined;
  /** Whether RESULTS.md is written. */
  keep: boolean;
}

export function usage(names: readonly string[]): string {
  return `pnpm bench [options]
  --quick            smaller sizes, 3 rounds: minutes instead of half an hour or more
  --only NAMES       comma-separated: ${names.join(", ")}
  --rounds N         how often each pair is measured
  --ours PATH        another server under test: a script, or an executable like redis-server
  --reference PATH   what to compare with (redis-server)
  --nice N           niceness of servers and clients; below 0 (root) neighbours disturb less
  --no-results       leave RESULTS.md alone`;
}

export function parseOptions(args: readonly string[], names: readonly string[]): Options {
  const { values } = parseArgs({
    // pnpm hands over the "--" that separates its arguments from ours.
    args: args.filter((arg) => arg !== "--"),
    options: {
      help: { type: "boolean", short: "h", default: false },
      quick: { type: "boolean", default: false },
      only: { type: "string" },
      rounds: { type: "string" },
      ours: { type: "string" },
      nice: { type: "string" },
      reference: { type: "string", default: "redis-server" },
      "no-results": { type: "boolean", default: false },
    },
  });
  const only = values.only?.split(",") ?? names;
  const unknown = only.filter((name) => !names.includes(name));
  if (unknown.length > 0) {
    throw new Error(`no scenario ${unknown.join(", ")}; there are ${names.join(", ")}`);
  }
  const rounds = values.rounds === undefined ? undefined : Number(values.rounds);
  if (rounds !== undefined && !(Number.isInteger(rounds) && rounds > 0)) {
    throw new Error("--rounds takes a whole number above 0");
  }
  return {
    help: values.help,
    sizes: values.quick ? "quick" : "full",
    only,
    rounds,
    ours: values.ours,
    reference: values.reference,
    niceness: values.nice === undefined ? undefined : Number(values.nice),
    keep: !values["no-results"],
  };
}
