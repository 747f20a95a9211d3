/**
 * Which commands, keys and channels rules allow, as redis-server's ACL DRYRUN judges them: every
 * command of ours, with each category added to nothing and taken from everything.
 */
import { ACL_CATEGORIES, type CommandRow } from "@kv/commands";
import {
  Harness,
  hasRedisServer,
  isComparableRow,
  redisVersion,
  ServerProcess,
  type WireClient,
} from "@kv/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const version = redisVersion() ?? "";
/** What 7.0 refuses for the number of its words, or puts into other categories. */
const newer = new Set(["wait", "command|getkeys", "command|getkeysandflags"]);
/** Without sources Redis finds no key in it, not even the one that it writes, and lets it through. */
const unguarded = new Set(["pfmerge"]);

/** A request with as few words as the command takes: its names, then "1". */
function requestOf({ fullName, arity }: CommandRow): string[] {
  const names = fullName.split("|");
  return [...names, ...Array(Math.max(0, Math.abs(arity) - names.length)).fill("1")];
}

/** Allowed, or what was refused: the texts are others in 7.0. */
function verdict(reply: string): string {
  if (reply === "OK" || reply.startsWith("+OK")) return "allowed";
  return /to (run the|access the) '[^']*' (command|key|channel)/.exec(reply)?.[2] ?? reply;
}

/** A container alone is no request, and of a placeholder the keys are not known. */
function isAsked({ command, subcommands, isPlaceholder }: CommandRow, rules: readonly string[]) {
  if (subcommands !== null) return command.name === "command";
  return !isPlaceholder || rules.every((rule) => !/resetkeys|~|resetchannels/.test(rule));
}

const ruleSets: readonly (readonly string[])[] = [
  ...ACL_CATEGORIES.flatMap((category) => [
    ["-@all", `+@${category}`, "+acl"],
    ["+@all", `-@${category}`, "+acl"],
  ]),
  ["-@all", "+acl", "+config|get", "+client", "-client|id", "+get"],
  ["+@all", "-config", "+config|get"],
  ["+@all", "resetkeys", "%R~1"],
  ["resetkeys", "%W~1"],
  ["resetkeys", "~2"],
  ["resetkeys", "%R~1", "%W~1"],
  ["resetkeys", "%R~1", "%W~2"],
  ["allkeys", "resetchannels", "&1"],
  ["resetchannels", "&2"],
  ["-@all", "+acl", "(~2 +@all)", "(~1 +get)", "(&1 +@all)", "(allkeys +@hash)"],
];

describe.runIf(hasRedisServer())("against redis-server", () => {
  let redis: ServerProcess;
  let client: WireClient;
  beforeAll(async () => {
    redis = await ServerProcess.start();
    client = await redis.connect();
  });
  afterAll(() => redis?.stop());

  test.each(ruleSets.map((rules) => [rules.join(" "), rules] as const))("%s", async (_, rules) => {
    const kv = new Harness({});
    const theirs = async (...words: string[]) => client.request("ACL", ...words);
    const ours = (...words: string[]) => String(kv.send("ACL", ...words));
    const whole = ["reset", "on", "nopass", "~*", "&*", "+@all"];
    expect(await theirs("SETUSER", "default", ...whole, ...rules)).toBe("+OK\r\n");
    expect(ours("SETUSER", "default", ...whole, ...rules)).toBe("OK");
    const found: Record<string, string> = {};
    const expected: Record<string, string> = {};
    for (const row of kv.engine.commands.all) {
      if (newer.has(row.fullName) || unguarded.has(row.fullName)) continue;
      if (!isComparableRow(row, version)) continue;
      if (!isAsked(row, rules)) continue;
      const request = requestOf(row);
      found[row.fullName] = verdict(ours("DRYRUN", "default", ...request));
      expected[row.fullName] = verdict(await theirs("DRYRUN", "default", ...request));
    }
    expect(found).toEqual(expected);
  });
});
