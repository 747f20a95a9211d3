/** Placeholders against redis-server: every name it knows is known, and declared as it declares it. */
import type { CommandRow } from "@kv/commands";
import { latin1Bytes, ReplyParser } from "@kv/resp";
import {
  harness,
  hasRedisServer,
  isComparableRow,
  plain,
  redisVersion,
  requestText,
  ServerProcess,
} from "@kv/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

/** What COMMAND and COMMAND DOCS tell of a command, as far as placeholders tell it, too. */
interface Declared {
  arity: number;
  flags: readonly string[];
  categories: readonly string[];
  since: string;
  group: string;
}

const inScripts = (theirs: Declared): Declared => ({
  ...theirs,
  flags: theirs.flags.filter((flag) => flag !== "noscript"),
});
const withScore = (theirs: Declared): Declared => ({ ...theirs, arity: -3 });

/** What 7.2 changed since the 7.0 that is likely to be installed. */
const changes: Record<string, (theirs: Declared) => Declared> = {
  ...Object.fromEntries(
    "blmove blpop brpop brpoplpush bzpopmax bzpopmin".split(" ").map((name) => [name, inScripts]),
  ),
  zrank: withScore,
  zrevrank: withScore,
  wait: (theirs) => ({
    ...theirs,
    flags: ["blocking"],
    categories: ["blocking", ...theirs.categories],
  }),
};
const version = redisVersion() ?? "";

type Info = [name: string, arity: number, flags: Set<string>, ...rest: unknown[]];
type Doc = Map<string, unknown>;

describe.runIf(hasRedisServer())("as redis-server has them", () => {
  const kv = harness({ config: { requirepass: "secret" } });
  const ours = new Map(kv.engine.commands.all.map((row) => [row.fullName, row]));
  const theirs = new Map<string, Declared>();
  let redis: ServerProcess;

  const parsed = (raw: string): unknown => {
    const parser = new ReplyParser({ strings: "latin1" });
    parser.feed(latin1Bytes(raw));
    return plain(parser.next() ?? null);
  };

  const learn = (infos: Iterable<Info>, docs: Map<string, Doc>) => {
    for (const [name, arity, flags, , , , categories, , , subcommands] of infos) {
      const doc = docs.get(name) as Doc;
      theirs.set(name, {
        arity,
        flags: [...flags],
        categories: [...(categories as Set<string>)].map((each) => each.slice(1)),
        since: doc.get("since") as string,
        group: doc.get("group") as string,
      });
      learn(
        subcommands as Iterable<Info>,
        (doc.get("subcommands") ?? new Map()) as Map<string, Doc>,
      );
    }
  };

  beforeAll(async () => {
    redis = await ServerProcess.start({ config: { requirepass: "secret" } });
    const client = await redis.connect();
    await client.request("HELLO", 3, "AUTH", "default", "secret");
    learn(
      parsed(await client.request("COMMAND")) as Info[],
      parsed(await client.request("COMMAND", "DOCS")) as Map<string, Doc>,
    );
  });
  afterAll(() => redis?.stop());

  const sorted = (words: readonly string[]) => [...words].sort();

  test("no name is unknown", () => {
    expect(theirs.size).toBeGreaterThan(360);
    expect([...theirs.keys()].filter((name) => !ours.has(name))).toEqual([]);
  });

  test("each is declared in the same way, and only what is newer is not there", () => {
    const placeholders = [...ours.values()].filter((row) => row.isPlaceholder);
    const added = placeholders.filter(({ fullName }) => !theirs.has(fullName));
    expect(added.filter((row) => isComparableRow(row, version))).toEqual([]);
    for (const { fullName, arity, command } of placeholders) {
      const reference = theirs.get(fullName);
      if (reference === undefined) continue;
      const expected = changes[fullName]?.(reference) ?? reference;
      // No reply of 7.0 shows that a command may write at times.
      const flags = command.flags.filter((flag) => flag !== "may_replicate");
      expect({
        fullName,
        arity,
        flags: sorted(flags),
        categories: sorted(command.categories),
        since: command.since,
        group: command.group,
      }).toEqual({
        fullName,
        ...expected,
        flags: sorted(expected.flags),
        categories: sorted(expected.categories),
      });
    }
    for (const name of Object.keys(changes)) expect(theirs.has(name)).toBe(true);
  });

  test("before AUTH every name gets the same answer", async () => {
    const client = await redis.connect();
    const asked = ({ fullName, arity }: CommandRow) => {
      const name = fullName.split("|");
      // Here and there 7.2 takes fewer words.
      const count = Math.max(Math.abs(arity), Math.abs(theirs.get(fullName)?.arity ?? 0));
      return [...name, ...Array(Math.max(0, count - name.length)).fill("x")];
    };
    // Of a container that is not there, what is no subcommand is as unknown as the container.
    const rows = [...ours.values()].filter(
      ({ fullName, isAbsent, subcommands }) =>
        theirs.get(fullName)?.flags.includes("no_auth") === false &&
        !(isAbsent && subcommands !== null),
    );
    const words = [...rows.map(asked), ["NOSUCH", "x"], ["CLUSTER", "NOSUCH"], ["SENTINEL", "x"]];
    const differing: unknown[] = [];
    for (const each of words) {
      kv.self.sendBytes(requestText(each));
      const [left, right] = [await client.request(...each), kv.self.takeRaw()];
      if (left !== right) differing.push({ each, left, right });
    }
    expect(differing).toEqual([]);
  });
});
