/**
 * The declarations against COMMAND INFO and COMMAND DOCS of redis-server: whatever it says is
 * right, but for what later versions changed. Needs the redis-server binary; a machine without it
 * says so and passes.
 */
import { latin1Bytes, type Reply, ReplyParser } from "@kv/resp";
import { hasRedisServer, isComparable, redisVersion, ServerProcess } from "@kv/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { dataCommands } from "./data-commands.ts";
import { type Argument, arg } from "./declare/arg.ts";
import type { Command } from "./declare/command.ts";
import { SHOWN_FLAGS } from "./declare/flags.ts";
import type { KeySpec } from "./declare/key-spec.ts";

const installed = hasRedisServer();

/** The arguments of ZRANK and ZREVRANK. */
const rankArgs = [
  arg.key("key"),
  arg.string("member"),
  arg.optional(arg.token("withscore", "WITHSCORE")),
];

/** What Redis 7.2 declares otherwise than the 7.0 that is likely to be installed. */
const since72: Record<string, Partial<Described>> = {
  randomkey: {
    tips: ["request_policy:all_shards", "response_policy:special", "nondeterministic_output"],
  },
  scan: {
    tips: ["nondeterministic_output", "request_policy:special", "response_policy:special"],
  },
  msetnx: { tips: [] },
  zrank: { arity: -3, args: rankArgs.map(ourArgument) },
  zrevrank: { arity: -3, args: rankArgs.map(ourArgument) },
  setnx: { deprecatedSince: "2.6.12", docFlags: ["deprecated"] },
  setex: { deprecatedSince: "2.6.12", docFlags: ["deprecated"] },
  psetex: { deprecatedSince: "2.6.12", docFlags: ["deprecated"] },
  // Scripts may call them since 7.2: there they do not wait.
  blpop: { flags: ["blocking", "write"] },
  brpop: { flags: ["blocking", "write"] },
  blmove: { flags: ["blocking", "denyoom", "write"] },
  brpoplpush: { flags: ["blocking", "denyoom", "write"] },
  bzpopmin: { flags: ["blocking", "fast", "write"] },
  bzpopmax: { flags: ["blocking", "fast", "write"] },
};

/** Arguments that 7.2 renamed, so that no two of one command have the same name. */
const renamed: Record<string, string> = {
  "sort BY pattern": "by-pattern",
  "sort GET pattern": "get-pattern",
  "sort LIMIT offset_count": "limit",
  "sort_ro BY pattern": "by-pattern",
  "sort_ro GET pattern": "get-pattern",
  "sort_ro LIMIT offset_count": "limit",
  "flushall oneof async": "flush-type",
  "flushdb oneof async": "flush-type",
  "lcs MINMATCHLEN len": "min-match-len",
  "mset block key_value": "data",
  "msetnx block key_value": "data",
  "zadd block score_member": "data",
  "zrange LIMIT offset_count": "limit",
  "zrangestore LIMIT offset_count": "limit",
  "zrangebyscore LIMIT offset_count": "limit",
  "zrevrangebyscore LIMIT offset_count": "limit",
  "zrangebylex LIMIT offset_count": "limit",
  "zrevrangebylex LIMIT offset_count": "limit",
  "hset block field_value": "data",
  "hmset block field_value": "data",
  "xadd oneof id_or_auto": "id-selector",
  "xadd * auto_id": "auto-id",
  "xadd block field_value": "data",
  "xreadgroup GROUP group_consumer": "group-block",
  "xclaim LASTID id": "lastid",
  "xsetid ENTRIESADDED entries_added": "entries-added",
  "xsetid MAXDELETEDID max_deleted_entry_id": "max-deleted-id",
  "xgroup|create oneof id": "id-selector",
  "xgroup|create $ new_id": "new-id",
  "xgroup|create ENTRIESREAD entries_read": "entriesread",
  "xgroup|create string groupname": "group",
  "xgroup|createconsumer string groupname": "group",
  "xgroup|createconsumer string consumername": "consumer",
  "xgroup|delconsumer string groupname": "group",
  "xgroup|delconsumer string consumername": "consumer",
  "xgroup|destroy string groupname": "group",
  "xgroup|setid oneof id": "id-selector",
  "xgroup|setid $ new_id": "new-id",
  "xgroup|setid ENTRIESREAD entries_read": "entriesread",
  "xgroup|setid string groupname": "group",
  "xinfo|consumers string groupname": "group",
  "bitcount block index": "range",
  "bitcount oneof index_unit": "unit",
  "bitpos block index": "range",
  "bitpos block end_index": "end-unit-block",
  "bitpos oneof index_unit": "unit",
  "bitfield GET encoding_offset": "get-block",
  "bitfield OVERFLOW wrap_sat_fail": "overflow-block",
  "bitfield oneof write_operation": "write-operation",
  "bitfield SET encoding_offset_value": "set-block",
  "bitfield INCRBY encoding_offset_increment": "incrby-block",
  "bitfield_ro GET encoding_offset": "get-block",
  "geoadd block longitude_latitude_member": "data",
  "geosearch FROMLONLAT longitude_latitude": "fromlonlat",
  "geosearchstore FROMLONLAT longitude_latitude": "fromlonlat",
  "geosearch block count": "count-block",
  "geosearchstore block count": "count-block",
  "georadius block count": "count-block",
  "georadius_ro block count": "count-block",
  "georadiusbymember block count": "count-block",
  "georadiusbymember_ro block count": "count-block",
  "georadius STORE key": "storekey",
  "georadius STOREDIST key": "storedistkey",
  "georadiusbymember STORE key": "storekey",
  "georadiusbymember STOREDIST key": "storedistkey",
};

/** Arguments that 7.0 has as any string, where 7.2 lists the words that they may be. */
const listedSince72: Record<string, readonly string[]> = {
  "bitop operation": ["AND", "OR", "XOR", "NOT"],
};

/** Arguments that 7.0 always let be left out, and 7.2 says so. */
const optionalSince72 = new Set(["geohash member", "geopos member", "pfmerge sourcekey"]);

/** Commands whose last two arguments, keys to store in, 7.0 has side by side, and 7.2 as a choice. */
const storeIsChoiceSince72 = new Set(["georadius", "georadiusbymember"]);

/** A command as both sides describe it; texts are left out, they are our own. */
interface Described {
  name: string;
  arity: number;
  flags: string[];
  categories: string[];
  tips: string[];
  keys: unknown[];
  group: unknown;
  since: unknown;
  deprecatedSince: unknown;
  docFlags: unknown;
  history: unknown[];
  args: unknown[];
  subcommands: string[];
}

const version = redisVersion() ?? "";
since72["xinfo|stream"] = {
  args: [
    arg.key("key"),
    arg.optional(
      arg.block(
        "full-block",
        arg.token("full", "FULL"),
        arg.optional(arg.integer("count", { token: "COUNT" })),
      ),
    ),
  ].map(ourArgument),
};
/** What redis-server has as well: no command of our own, and none that is newer. */
const compared = dataCommands.filter((each) => isComparable(each, version));
const names = compared.map(({ name }) => name);
let server: ServerProcess | undefined;
let infos: Reply[] = [];
let docs = new Map<Reply, Reply>();

beforeAll(async () => {
  if (!installed) return;
  server = await ServerProcess.start();
  const client = await server.connect();
  await client.request("HELLO", 3);
  infos = parsed(await client.request("COMMAND", "INFO", ...names)) as Reply[];
  docs = parsed(await client.request("COMMAND", "DOCS", ...names)) as Map<Reply, Reply>;
});

afterAll(() => server?.stop());

function parsed(raw: string): Reply {
  const parser = new ReplyParser();
  parser.feed(latin1Bytes(raw));
  return parser.next() ?? null;
}

// Their side.

type Fields = Map<string, Reply>;

function theirs(info: Reply, doc: Fields): Described {
  const [name, arity, flags, , , , categories, tips, keys, subcommands] = info as Reply[];
  return {
    name: name as string,
    arity: arity as number,
    flags: [...(flags as Set<string>)].sort(),
    categories: [...(categories as Set<string>)].sort(),
    tips: [...(tips as Set<string>)],
    keys: [...(keys as Iterable<Reply>)].map((key) => theirKey(key as Fields)),
    group: doc.get("group"),
    since: doc.get("since"),
    deprecatedSince: doc.get("deprecated_since"),
    docFlags: doc.has("doc_flags") ? [...(doc.get("doc_flags") as Set<string>)] : [],
    history: [...((doc.get("history") ?? []) as Iterable<Reply[]>)].map(([since]) => since),
    args: withStoreChoice(
      name as string,
      ((doc.get("arguments") ?? []) as Fields[]).map((each) => theirArgument(each, name as string)),
    ),
    subcommands: [...(subcommands as Iterable<Reply>)].map((sub) => (sub as string[])[0]).sort(),
  };
}

function theirKey(key: Fields): unknown {
  const begin = key.get("begin_search") as Fields;
  const find = key.get("find_keys") as Fields;
  const plain = (search: Fields) => ({
    type: search.get("type"),
    ...Object.fromEntries(search.get("spec") as Fields),
  });
  return { flags: [...(key.get("flags") as Set<string>)], begin: plain(begin), find: plain(find) };
}

/** The arguments, the keys to store in as a choice where 7.2 has them as one. */
function withStoreChoice(command: string, args: Described["args"]): Described["args"] {
  const keys = args.slice(-2) as { name: string; flags: string[] }[];
  if (!storeIsChoiceSince72.has(command) || keys[0]?.name !== "storekey") return args;
  const choice = ourArgument(arg.optional(arg.oneOf("store"))) as object;
  return [...args.slice(0, -2), { ...choice, args: keys.map((key) => ({ ...key, flags: [] })) }];
}

function theirArgument(argument: Fields, command: string): unknown {
  const name = argument.get("name") as string;
  const mark = argument.get("token") ?? argument.get("type");
  const words = listedSince72[`${command} ${name}`];
  return {
    name: renamed[`${command} ${mark} ${name}`] ?? name,
    type: words === undefined ? argument.get("type") : "oneof",
    token: argument.get("token"),
    keySpecIndex: argument.get("key_spec_index"),
    since: argument.get("since"),
    deprecatedSince: argument.get("deprecated_since"),
    flags: [
      ...((argument.get("flags") ?? []) as Iterable<string>),
      ...(optionalSince72.has(`${command} ${name}`) ? ["optional"] : []),
    ].sort(),
    args:
      words?.map((word) => ourArgument(arg.token(word.toLowerCase(), word))) ??
      ((argument.get("arguments") ?? []) as Fields[]).map((each) => theirArgument(each, command)),
  };
}

// Our side, without what is newer than theirs.

function isOld(since: string): boolean {
  return isComparable({ since }, version);
}

function ours(command: Command, container?: Command): Described {
  const fullName = container === undefined ? command.name : `${container.name}|${command.name}`;
  const shown = new Set<string>(SHOWN_FLAGS);
  return {
    name: fullName,
    arity: command.arity,
    flags: command.flags.filter((flag) => shown.has(flag)).sort(),
    categories: command.categories.map((category) => `@${category}`).sort(),
    tips: [...(command.tips ?? [])],
    keys: command.keys.map(ourKey),
    group: command.group,
    since: command.since,
    deprecatedSince: command.deprecatedSince,
    docFlags: [...(command.docFlags ?? [])],
    history: (command.history ?? []).map(([since]) => since).filter(isOld),
    args: command.args.filter((each) => isComparable(each, version)).map(ourArgument),
    subcommands: (command.subcommands ?? []).map((sub) => `${command.name}|${sub.name}`).sort(),
  };
}

function ourKey({ flags, begin, find }: KeySpec): unknown {
  return {
    flags: [...flags],
    begin:
      begin.type === "keyword"
        ? { type: begin.type, keyword: begin.keyword, startfrom: begin.startFrom }
        : begin,
    find:
      find.type === "range"
        ? { type: find.type, lastkey: find.last, keystep: find.step, limit: find.limit }
        : find.type === "keynum"
          ? {
              type: find.type,
              keynumidx: find.keyNumIndex,
              firstkey: find.firstKey,
              keystep: find.step,
            }
          : find,
  };
}

function ourArgument(argument: Argument): unknown {
  const flags: string[] = [];
  if (argument.optional === true) flags.push("optional");
  if (argument.multiple === true) flags.push("multiple");
  if (argument.multipleToken === true) flags.push("multiple_token");
  return {
    name: argument.name,
    type: argument.type,
    token: argument.token,
    keySpecIndex: argument.keySpecIndex,
    since: argument.since,
    deprecatedSince: argument.deprecatedSince,
    flags: flags.sort(),
    args: (argument.args ?? []).filter((each) => isComparable(each, version)).map(ourArgument),
  };
}

describe.skipIf(!installed)("declared as redis-server declares it", () => {
  test.each(names.map((name, index) => ({ name, index })))("$name", ({ name, index }) => {
    const declared = compared[index] as Command;
    const info = infos[index] as Reply[];
    const doc = docs.get(name) as Fields;
    expect(ours(declared)).toEqual({ ...theirs(info, doc), ...since72[name] });

    const subInfos = new Map([...(info[9] as Iterable<string[]>)].map((sub) => [sub[0], sub]));
    const subDocs = (doc.get("subcommands") ?? new Map()) as Map<string, Fields>;
    for (const sub of declared.subcommands ?? []) {
      if (!isComparable(sub, version)) continue;
      const fullName = `${name}|${sub.name}`;
      const subDoc = subDocs.get(fullName) as Fields;
      const expected = theirs(subInfos.get(fullName) as Reply, subDoc);
      expect(ours(sub, declared)).toEqual({ ...expected, ...since72[fullName] });
    }
  });
});
