/** SENTINEL SET, CONFIG, DEBUG and FLUSHCONFIG: how primaries are watched, and what holds for all. */
import { arg, fail, matchesGlob } from "@kv/commands";
import type { EngineCall } from "@kv/engine";
import type { Primary } from "../instance.ts";
import { periodNames, periodWord } from "../periods.ts";
import type { Sentinel } from "../sentinel.ts";
import { numberIn, primaryAt, primaryName, saveAndReply, subcommand } from "./sentinel-call.ts";

/** An option of SENTINEL SET. */
interface Option {
  /** Words behind its name. */
  readonly count: 1 | 2;
  /** Undefined: taken. A text: why not. A word that is no value for it: that one. */
  take(
    sentinel: Sentinel,
    primary: Primary,
    words: readonly string[],
  ): string | { readonly wrong: string } | undefined;
}

/** An option whose value is a number that is at least `min`. */
function numeric(min: number, set: (primary: Primary, value: number) => void): Option {
  return {
    count: 1,
    take: (_, primary, [word = ""]) => {
      const value = numberIn(word, min);
      if (value === undefined) return { wrong: word };
      set(primary, value);
      return undefined;
    },
  };
}

function text(set: (primary: Primary, value: string) => void): Option {
  return {
    count: 1,
    take: (_, primary, [word = ""]) => {
      set(primary, word);
      return undefined;
    },
  };
}

const scriptsDenied =
  "Reconfiguration of scripts path is denied for security reasons. Check the deny-scripts-reconfig configuration directive in your Sentinel configuration";

function script(what: string, set: (primary: Primary, path: string) => void): Option {
  return {
    count: 1,
    take: ({ settings, scripts }, primary, [path = ""]) => {
      if (settings.deniesScripts) return scriptsDenied;
      if (path !== "" && !scripts.isExecutable(path))
        return `${what} script seems non existing or non executable`;
      set(primary, path);
      return undefined;
    },
  };
}

/** Whoever is logged in otherwise is to log in anew. */
function dropConnections(primary: Primary): void {
  primary.link.drop("both");
  for (const { link } of primary.replicas.values()) link.drop("both");
}

const options = new Map<string, Option>([
  ["down-after-milliseconds", numeric(1, (primary, value) => primary.setDownAfter(value))],
  [
    "failover-timeout",
    numeric(1, (primary, value) => {
      primary.failoverTimeoutMs = value;
    }),
  ],
  [
    "parallel-syncs",
    numeric(1, (primary, value) => {
      primary.parallelSyncs = value;
    }),
  ],
  [
    "notification-script",
    script("Notification", (primary, path) => {
      primary.notificationScript = path;
    }),
  ],
  [
    "client-reconfig-script",
    script("Client reconfiguration", (primary, path) => {
      primary.reconfigurationScript = path;
    }),
  ],
  [
    "auth-pass",
    text((primary, value) => {
      primary.authPass = value;
      dropConnections(primary);
    }),
  ],
  [
    "auth-user",
    text((primary, value) => {
      primary.authUser = value;
      dropConnections(primary);
    }),
  ],
  [
    "quorum",
    numeric(1, (primary, value) => {
      primary.quorum = value;
    }),
  ],
  [
    "master-reboot-down-after-period",
    numeric(0, (primary, value) => {
      primary.rebootDownAfterMs = value;
    }),
  ],
  [
    "rename-command",
    {
      count: 2,
      take: (_, { renamedCommands }, [from = "", to = ""]) => {
        if (from === "" || to === "") return { wrong: "" };
        // The same name again: it has its own.
        if (from.toLowerCase() === to.toLowerCase()) renamedCommands.delete(from.toUpperCase());
        else renamedCommands.set(from.toUpperCase(), to);
        return undefined;
      },
    },
  ],
]);

export const set = subcommand({
  name: "set",
  since: "2.8.4",
  summary: "Changes how a primary is watched.",
  arity: -5,
  args: [
    primaryName,
    arg.many(arg.block("option_value", arg.string("option"), arg.string("value"))),
  ],
  run: (call, sentinel) => {
    const primary = primaryAt(call, sentinel, 2);
    let hasChanged = false;
    try {
      for (let index = 3; index < call.argc; hasChanged = true)
        index = setOption(call, sentinel, primary, index);
    } catch (error) {
      // What came before the option that is wrong is in force.
      if (hasChanged) sentinel.saveState();
      throw error;
    }
    saveAndReply(call, sentinel);
  },
});

/** Returns where the next option stands. */
function setOption(call: EngineCall, sentinel: Sentinel, primary: Primary, index: number): number {
  const name = call.word(index);
  const option = options.get(name.toLowerCase());
  const next = index + 1 + (option?.count ?? 0);
  if (option === undefined || next > call.argc)
    return fail(`ERR Unknown option or number of arguments for SENTINEL SET '${name}'`);
  const words = Array.from({ length: option.count }, (_, at) => call.text(index + 1 + at));
  const problem = option.take(sentinel, primary, words);
  if (typeof problem === "string") return fail(`ERR ${problem}`);
  if (problem !== undefined)
    return fail(`ERR Invalid argument '${problem.wrong}' for SENTINEL SET '${name}'`);
  const shown = name.toLowerCase() === "auth-pass" ? ["******"] : words;
  sentinel.news.about("warning", "+set", primary, [name, ...shown].join(" "));
  return next;
}

export const flushconfig = subcommand({
  name: "flushconfig",
  since: "2.8.4",
  summary: "Writes the state into the configuration file.",
  run: saveAndReply,
});

/** A parameter of SENTINEL CONFIG. */
interface Parameter {
  readonly name: string;
  get(sentinel: Sentinel): string;
  /** False: the word is no value for it. */
  set(sentinel: Sentinel, word: string): boolean;
}

type YesNoSetting = "resolvesHostnames" | "announcesHostnames";
type TextSetting = "announceIp" | "user" | "pass";

function yesNo(name: string, key: YesNoSetting): Parameter {
  return {
    name,
    get: ({ settings }) => (settings[key] ? "yes" : "no"),
    set: ({ settings }, word) => {
      if (!/^(yes|no)$/i.test(word)) return false;
      settings[key] = word.toLowerCase() === "yes";
      return true;
    },
  };
}

function words(name: string, key: TextSetting, after?: (sentinel: Sentinel) => void): Parameter {
  return {
    name,
    get: ({ settings }) => settings[key],
    set: (sentinel, word) => {
      sentinel.settings[key] = word;
      after?.(sentinel);
      return true;
    },
  };
}

const parameters: readonly Parameter[] = [
  yesNo("resolve-hostnames", "resolvesHostnames"),
  yesNo("announce-hostnames", "announcesHostnames"),
  words("announce-ip", "announceIp"),
  {
    name: "announce-port",
    get: ({ settings }) => `${settings.announcePort}`,
    set: ({ settings }, word) => {
      const port = numberIn(word, 0, 65_535);
      if (port === undefined) return false;
      settings.announcePort = port;
      return true;
    },
  },
  words("sentinel-user", "user", (sentinel) => sentinel.reconnectPeers()),
  words("sentinel-pass", "pass", (sentinel) => sentinel.reconnectPeers()),
  {
    name: "loglevel",
    get: ({ config }) => config.print("loglevel"),
    set: ({ config, changedDirectives }, word) => {
      if (config.configSet([["loglevel", word]]) !== undefined) return false;
      changedDirectives.add("loglevel");
      return true;
    },
  },
];

export const config = subcommand({
  name: "config",
  since: "6.2.0",
  summary: "Tells or changes what holds for all primaries.",
  complexity: "O(N) with N parameters.",
  arity: -4,
  arityBecause: "both forms have at least one word.",
  args: [
    arg.oneOf(
      "action",
      arg.block(
        "set",
        arg.token("set", "SET"),
        arg.many(arg.block("pair", arg.string("parameter"), arg.string("value"))),
      ),
      arg.block("get", arg.token("get", "GET"), arg.many(arg.string("parameter"))),
    ),
  ],
  history: [["7.2.0", "Takes several parameters."]],
  run: (call, sentinel) => {
    if (call.is(2, "GET")) return getParameters(call, sentinel);
    if (call.is(2, "SET") && call.argc > 4) return setParameters(call, sentinel);
    fail(
      "ERR Only SENTINEL CONFIG GET <param> [<param> <param> ...] / SET <param> <value> [<param> <value> ...] are supported.",
    );
  },
});

function getParameters(call: EngineCall, sentinel: Sentinel): void {
  const patterns = [...call.words(3)].map((pattern) => pattern.toLowerCase());
  const found = parameters.filter(({ name }) =>
    patterns.some((pattern) => matchesGlob(pattern, name)),
  );
  call.reply.map(found.length);
  for (const parameter of found) {
    call.reply.bulkLatin1(parameter.name);
    call.reply.bulkLatin1(parameter.get(sentinel));
  }
}

/** All names are looked at before one is set. */
function setParameters(call: EngineCall, sentinel: Sentinel): void {
  const pairs = new Map<Parameter, { name: string; value: string }>();
  for (let index = 3; index < call.argc; index += 2) {
    const name = call.word(index);
    const parameter = parameters.find((each) => each.name === name.toLowerCase());
    if (parameter === undefined) fail(`ERR Invalid argument '${name}' to SENTINEL CONFIG SET`);
    if (pairs.has(parameter)) fail(`ERR Duplicate argument '${name}' to SENTINEL CONFIG SET`);
    if (index + 1 === call.argc) fail(`ERR Missing argument '${name}' value`);
    pairs.set(parameter, { name, value: call.text(index + 1) });
  }
  for (const [parameter, { name, value }] of pairs)
    if (!parameter.set(sentinel, value))
      fail(`ERR Invalid value '${value}' to SENTINEL CONFIG SET '${name}'`);
  saveAndReply(call, sentinel);
}

export const debug = subcommand({
  name: "debug",
  since: "7.0.0",
  summary: "Tells or changes how often and how long things happen, for tests.",
  arity: -2,
  args: [
    arg.optional(
      arg.many(arg.block("parameter_value", arg.string("parameter"), arg.string("value"))),
    ),
  ],
  run: (call, { periods }) => {
    if (call.argc === 2) {
      call.reply.map(periodNames.length);
      for (const name of periodNames) {
        call.reply.bulkLatin1(periodWord(name));
        call.reply.bulkLatin1(`${periods[name]}`);
      }
      return;
    }
    for (let index = 2; index < call.argc; index += 2) {
      const word = call.word(index);
      const name = periodNames.find((each) => periodWord(each) === word.toUpperCase());
      if (name === undefined || index + 1 === call.argc)
        return fail(`ERR Unknown option or number of arguments for SENTINEL DEBUG '${word}'`);
      const value = numberIn(call.word(index + 1), 1);
      if (value === undefined)
        return fail(`ERR Invalid argument '${call.word(index + 1)}' for SENTINEL DEBUG '${word}'`);
      periods[name] = value;
    }
    call.reply.ok();
  },
});
