/** CONFIG: reads, changes and writes back the configuration while the server runs. */
import { arg, CommandError, errors, fail } from "@kv/commands";
import { quoteArg } from "@kv/config";
import type { Engine } from "../../engine.ts";
import { engineCommand } from "../../engine-call.ts";
import { EngineState } from "../../guards.ts";
import { helpFor } from "../subcommand-help.ts";
import { isAllowedBy } from "./local-client.ts";

const noFile = new CommandError("ERR The server is running without a config file");

/** More than there are directives. */
const DIRECTIVES_MAX = 1000;

const facts = { group: "server", flags: ["admin", "noscript", "loading", "stale"] } as const;

const get = engineCommand({
  ...facts,
  name: "get",
  since: "2.0.0",
  summary: "Reads the directives whose names match.",
  complexity: "O(N) with N directives.",
  arity: -3,
  args: [arg.many(arg.string("parameter"))],
  history: [["7.0.0", "Takes several patterns."]],
  run(call) {
    const { engine, reply } = call;
    const found = engine.config.configGet(call.words(2));
    reply.map(found.length);
    for (const [name, value] of found) {
      reply.bulkLatin1(name);
      reply.bulkLatin1(value);
    }
  },
});

const set = engineCommand({
  ...facts,
  name: "set",
  since: "2.0.0",
  summary: "Changes directives: all that are given, or none.",
  complexity: "O(N) with N directives given.",
  arity: -4,
  args: [arg.many(arg.block("data", arg.string("parameter"), arg.string("value")))],
  tips: ["request_policy:all_nodes", "response_policy:all_succeeded"],
  history: [["7.0.0", "Takes several directives."]],
  run(call) {
    const { engine, reply, argc } = call;
    if (argc % 2 !== 0) throw errors.syntax;
    const pairs: [string, string][] = [];
    // Of more pairs than there are directives one is refused, so the rest need not be looked at.
    for (let index = 2; index < argc && pairs.length <= DIRECTIVES_MAX; index += 2)
      pairs.push([call.word(index), call.text(index + 1)]);
    const refused = engine.config.configSet(pairs, {
      protectedAllowed: isAllowedBy("enable-protected-configs", call),
      loading: (engine.unusual & EngineState.LOADING) !== 0,
      restoring: (name) =>
        engine.host.log(
          "warning",
          `Failed applying new configuration. Possibly related to new ${name} setting. Restoring previous settings.`,
        ),
    });
    if (refused !== undefined) fail(refused.message);
    for (const text of engine.config.ineffective(pairs.map(([name]) => name)))
      engine.host.log("warning", text);
    reply.ok();
  },
});

const resetstat = engineCommand({
  ...facts,
  name: "resetstat",
  since: "2.0.0",
  summary: "Sets the counters that INFO reports back to zero.",
  complexity: "O(1)",
  arity: 2,
  run({ engine, reply }) {
    resetStatistics(engine);
    reply.ok();
  },
});

function resetStatistics({ stats, commands, call, keyspace, saving, cronJobs }: Engine): void {
  stats.reset();
  for (const entry of commands.all) entry.resetCounters();
  call.keyspaceHits = 0;
  call.keyspaceMisses = 0;
  keyspace.lazyFree.freedObjects = 0;
  saving.saveCount = 0;
  cronJobs.defragmentation.resetStatistics();
  cronJobs.rates.reset();
}

const rewrite = engineCommand({
  ...facts,
  name: "rewrite",
  since: "2.8.0",
  summary: "Writes the configuration in force into the file.",
  complexity: "O(1)",
  arity: 2,
  run({ engine, reply }) {
    const { configFile } = engine.host.facts;
    if (configFile === "") throw noFile;
    const problem = rewriteFile(engine, configFile, false);
    if (problem !== undefined) {
      engine.host.log("warning", `CONFIG REWRITE failed: ${problem}`);
      fail(`ERR Rewriting config file: ${problem}`);
    }
    engine.host.log("notice", "CONFIG REWRITE executed with success.");
    reply.ok();
  },
});

/**
 * Writes the configuration over the file. With `whole`, every directive gets a line. Undefined, or
 * what the host had against it.
 */
export function rewriteFile(engine: Engine, path: string, whole: boolean): string | undefined {
  const { host, config } = engine;
  try {
    let text = readOrEmpty(engine, path);
    if (whole) {
      // A directive that stands in the file keeps its line, at its default or not.
      const lines = config.configGet(["*"]).map(([name, value]) => `${name} ${quoteArg(value)}`);
      text = `${text}\n${lines.join("\n")}\n`;
    }
    host.writeText(path, config.rewrite(text));
    return undefined;
  } catch (error) {
    if (error instanceof Error) return error.message;
    throw error;
  }
}

/** A file that has gone meanwhile is written anew. */
function readOrEmpty({ host }: Engine, path: string): string {
  try {
    return host.readText(path);
  } catch (error) {
    if (error instanceof Error && /ENOENT|[Nn]o such file/.test(`${error.message}`)) return "";
    throw error;
  }
}

const subcommands = [get, set, resetstat, rewrite];

export const config = engineCommand({
  name: "config",
  group: "server",
  since: "2.0.0",
  summary: "Groups the commands for the configuration.",
  complexity: "As the subcommand.",
  arity: -2,
  flags: [],
  subcommands: [
    ...subcommands,
    helpFor("config", subcommands, { group: "server", since: "5.0.0" }),
  ],
});
