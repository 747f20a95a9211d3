/** CONFIG: reads, changes and writes back the configuration while the server runs. */
import { arg, CommandError, errors, fail, helpCommand, matchesGlob } from "@kv/commands";
import { isAllowedBy } from "../../kernel/allowed-locally.ts";
import { EngineState } from "../../kernel/situation.ts";
import { rewriteFile } from "../../module/config-file.ts";
import { engineCommand } from "../../module/engine-call.ts";

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
    const found = engine.config.configGet(call.words(2), matchesGlob);
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
      protectedAllowed: isAllowedBy("enable-protected-configs", engine.config, call.client),
      loading: engine.situation.is(EngineState.LOADING | EngineState.ASYNC_LOADING),
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
    engine.resetStatistics();
    reply.ok();
  },
});

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

const subcommands = [get, set, resetstat, rewrite];

export const config = engineCommand({
  name: "config",
  group: "server",
  since: "2.0.0",
  summary: "Groups the commands for the configuration.",
  complexity: "As the subcommand.",
  arity: -2,
  flags: [],
  subcommands: [...subcommands, helpCommand("config", { group: "server", since: "5.0.0" })],
});
