/**
 * The engine's own commands against COMMAND INFO and COMMAND DOCS of redis-server, over the wire of
 * both: so the shape of the replies is compared, too. Texts are our own and left out.
 */

import { CommandTable } from "@kv/commands";
import { ReplyParser } from "@kv/resp";
import {
  Harness,
  hasRedisServer,
  isComparable,
  isComparableRow,
  plain,
  redisVersion,
  ServerProcess,
} from "@kv/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

type Fields = Map<string, unknown>;
/** A reply of COMMAND INFO about one command. */
type Info = unknown[];

/** Commands that 7.0, which is likely to be installed, declares otherwise. */
const newer: Record<string, string> = {
  "command|getkeys": "7.2 takes a request of one word",
  "command|getkeysandflags": "7.2 takes a request of one word",
  "config|get": "7.2 dropped the block around the parameter",
  "config|set": "7.2 renamed the block",
  wait: "7.2 lets scripts call it",
  shutdown: "7.2 renamed the choice between saving and not",
  "acl|log": "7.2 added a line to the history",
  "acl|cat": "7.2 renamed the category",
  "client|kill": "7.2 dropped the block around the ID, and its successors have more filters",
  "client|list": "7.2 dropped the block around the ID, and its successors have more filters",
  "client|reply": "7.2 renamed the choice of the mode",
  "client|unblock": "7.2 renamed the choice of the answer",
  "function|flush": "7.2 renamed the choice of the mode",
  hello: "7.2 renamed the block of AUTH",
  migrate: "7.2 renamed arguments, and one of two ways to authenticate is not optional",
  "module|loadex": "7.2 dropped the block around the argument",
  psubscribe: "7.2 dropped the block around the pattern",
  quit: "7.2 advises against it",
  "script|flush": "7.2 renamed the choice of the mode",
};

const version = redisVersion() ?? "";
/** The engine's own systems, and scripts with functions. */
const own = new Harness({}).engine.systems.flatMap(({ commands }) => commands ?? []);
const names = [
  ...new Set(own.filter((each) => isComparable(each, version)).map(({ name }) => name)),
];
/** What redis-server has as well: its version, and no extension of ours. */
const isAsked = new Set(
  new CommandTable(own).all
    .filter((row) => isComparableRow(row, version))
    .map(({ fullName }) => fullName),
);

function parse(raw: string): unknown[] {
  const parser = new ReplyParser({ strings: "latin1" });
  parser.feed(Uint8Array.from(raw, (character) => character.charCodeAt(0)));
  const replies: unknown[] = [];
  for (let next = parser.next(); next !== undefined; next = parser.next())
    replies.push(plain(next));
  return replies;
}

/** A description without texts, and with what has no order in one. */
function comparable(value: unknown): unknown {
  if (value instanceof Set) return [...value].map(comparable).sort(byText);
  if (Array.isArray(value)) return value.map(comparable);
  if (!(value instanceof Map)) return value;
  const kept: Record<string, unknown> = {};
  for (const [name, part] of value as Fields) {
    if (/^(summary|complexity|display_text|notes)$/.test(name)) continue;
    kept[name] =
      name === "history"
        ? [...(part as Iterable<unknown[]>)].map(([since]) => since)
        : comparable(part);
  }
  return kept;
}

const byText = (a: unknown, b: unknown) => JSON.stringify(a).localeCompare(JSON.stringify(b));

/** Subcommands of an answer of COMMAND INFO, and the commands themselves, by name. */
function flattened(infos: unknown[]): Map<string, unknown[]> {
  const all = new Map<string, unknown[]>();
  for (const info of infos as unknown[][]) {
    if (info === null) continue;
    all.set(info[0] as string, info.slice(0, 9));
    for (const sub of info[9] as Iterable<unknown[]>) all.set(sub[0] as string, sub.slice(0, 9));
  }
  return all;
}

/** As flattened(), for COMMAND DOCS. */
function flattenedDocs(docs: Fields): Map<string, Fields> {
  const all = new Map<string, Fields>();
  for (const [name, doc] of docs as Map<string, Fields>) {
    const own = new Map(doc);
    own.delete("subcommands");
    all.set(name, own);
    const subs = doc.get("subcommands");
    if (subs !== undefined)
      for (const [sub, each] of subs as Map<string, Fields>) all.set(sub, each);
  }
  return all;
}

describe.runIf(hasRedisServer())("as redis-server describes them", () => {
  let redis: ServerProcess;
  const theirs = { infos: [] as unknown[], docs: new Map() as Fields };
  const ours = { infos: [] as unknown[], docs: new Map() as Fields };

  beforeAll(async () => {
    redis = await ServerProcess.start();
    const client = await redis.connect();
    await client.request("HELLO", 3);
    [theirs.infos] = parse(await client.request("COMMAND", "INFO", ...names)) as [unknown[]];
    [theirs.docs] = parse(await client.request("COMMAND", "DOCS", ...names)) as [Fields];
    const kv = new Harness({ resp: 3 });
    ours.infos = kv.send("COMMAND", "INFO", ...names) as unknown[];
    ours.docs = kv.send("COMMAND", "DOCS", ...names) as Fields;
  });
  afterAll(() => redis?.stop());

  const described = (infos: unknown[], docs: Fields) => {
    const documented = flattenedDocs(docs);
    return new Map(
      [...flattened(infos)].map(([name, info]) => [
        name,
        { info: comparable(info), docs: comparable(documented.get(name)) },
      ]),
    );
  };

  test("but for what is newer", () => {
    const reference = described(theirs.infos, theirs.docs);
    const own = described(ours.infos, ours.docs);
    for (const [name, each] of own)
      if (!(name in newer) && isAsked.has(name)) expect(each, name).toEqual(reference.get(name));
    const absent = [...reference.keys()].filter((name) => !own.has(name));
    expect(absent).toEqual([]);
  });

  test("and that is different indeed", () => {
    const reference = described(theirs.infos, theirs.docs);
    const own = described(ours.infos, ours.docs);
    for (const name of Object.keys(newer))
      expect(own.get(name), name).not.toEqual(reference.get(name));
  });

  test("first key, last key and step of every command, and whether there are more", async () => {
    const kv = new Harness({});
    const all = [...kv.engine.commands.byName.values()]
      .filter(({ isPlaceholder }) => !isPlaceholder)
      .map(({ fullName }) => fullName);
    const client = await redis.connect();
    const [reference] = parse(await client.request("COMMAND", "INFO", ...all)) as [Info[]];
    const own = kv.send("COMMAND", "INFO", ...all) as Info[];
    const positions = (info: Info) => [
      info[0],
      info[3],
      info[4],
      info[5],
      (info[2] as string[]).includes("movablekeys"),
    ];
    for (const [index, info] of reference.entries())
      if (info !== null) expect(positions(own[index] as Info)).toEqual(positions(info));
  });
});
