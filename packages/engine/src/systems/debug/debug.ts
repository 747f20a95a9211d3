/**
 * DEBUG: for tests of this server and of clients. What a subcommand does, how many words it takes
 * and what HELP says of it stand in one row.
 *
 * Some rows answer OK and do nothing: they steer parts of Redis that this server does not have, and
 * test suites send them to every server.
 */

import { replyHelp, subcommandError } from "@kv/commands";
import { globMatch, InvariantError } from "@kv/core";
import { latin1Bytes } from "@kv/resp";
import { OUTPUT_PEAK_PERIOD_MS } from "../../kernel/debug-switches.ts";
import { Target } from "../../kernel/propagate.ts";
import { rewriteFile } from "../../module/config-file.ts";
import { type EngineCall, engineCommand } from "../../module/engine-call.ts";
import { activeExpiryPort } from "../../module/ports.ts";
import {
  digest,
  digestValue,
  htstats,
  htstatsKey,
  listpack,
  loadAof,
  object,
  populate,
  reload,
  sdslen,
  setFlushSleep,
} from "./data.ts";
import { packedThreshold, quicklist } from "./lists.ts";
import { clientEviction, leak, restart, structSize } from "./process.ts";
import { replyOfKind } from "./protocol.ts";

interface Subcommand {
  usage: string;
  help: string;
  /** Words including DEBUG and the subcommand: fewest, and most. */
  words: readonly [least: number, most: number];
  run: (call: EngineCall) => void;
}

const accept = ({ reply }: EngineCall): void => reply.ok();

/** A number as C's atoi reads it: what is none counts as zero. */
const leadingInteger = (text: string): number => Number.parseInt(text, 10) || 0;

const subcommands: ReadonlyMap<string, Subcommand> = new Map<string, Subcommand>([
  [
    "aof-flush-sleep",
    {
      usage: "<microsec>",
      help: "Each write to the append-only file takes so much longer.",
      words: [3, 3],
      run: setFlushSleep,
    },
  ],
  [
    "assert",
    {
      usage: "",
      help: "Ends the server as if a fact it relies on did not hold.",
      words: [2, 2],
      run: () => crash("=== ASSERTION FAILED === DEBUG ASSERT was sent"),
    },
  ],
  [
    "change-repl-id",
    {
      usage: "",
      help: "Gives the history of this data set a new name.",
      words: [2, 2],
      run: changeReplicationId,
    },
  ],
  [
    "client-eviction",
    {
      usage: "",
      help: "How many clients cost how much, when maxmemory-clients says how much they may.",
      words: [2, 2],
      run: clientEviction,
    },
  ],
  [
    "config-rewrite-force-all",
    {
      usage: "",
      help: "As CONFIG REWRITE, with a line for every directive.",
      words: [2, 2],
      run: rewriteAll,
    },
  ],
  [
    "crash-and-recover",
    {
      usage: "[<milliseconds>]",
      help: "Refused: whoever started the process starts it anew.",
      words: [2, 2 ** 31],
      run: restart,
    },
  ],
  [
    "dict-resizing",
    {
      usage: "<0|1>",
      help: "Accepted; tables grow and shrink in small parts, which nothing has to stop.",
      words: [3, 3],
      run: accept,
    },
  ],
  [
    "digest",
    {
      usage: "",
      help: "A digest of all data: equal data, equal digest.",
      words: [2, 2],
      run: digest,
    },
  ],
  [
    "digest-value",
    {
      usage: "<key> [<key> ...]",
      help: "A digest of each key's value.",
      words: [2, 2 ** 31],
      run: digestValue,
    },
  ],
  [
    "drop-cluster-packet-filter",
    {
      usage: "<packet-type>",
      help: "Accepted; there is no cluster bus.",
      words: [3, 3],
      run: accept,
    },
  ],
  [
    "error",
    {
      usage: "<string>",
      help: "Answers with this error.",
      words: [3, 3],
      run: (call) => call.reply.error(call.text(2)),
    },
  ],
  [
    "htstats",
    {
      usage: "<dbid> [FULL]",
      help: "How full the tables of a database are: always in full.",
      words: [3, 4],
      run: htstats,
    },
  ],
  [
    "htstats-key",
    {
      usage: "<key> [FULL]",
      help: "How full the table of a value is: always in full.",
      words: [3, 4],
      run: htstatsKey,
    },
  ],
  [
    "leak",
    {
      usage: "<string>",
      help: "Takes as much memory as the string has, and forgets it.",
      words: [3, 3],
      run: leak,
    },
  ],
  [
    "listpack",
    { usage: "<key>", help: "Logs how a listpack is laid out.", words: [3, 3], run: listpack },
  ],
  [
    "loadaof",
    {
      usage: "",
      help: "Empties the data set, and loads it from the append-only file.",
      words: [2, 2],
      run: loadAof,
    },
  ],
  ["log", { usage: "<message>", help: "Writes the message to the log.", words: [3, 3], run: log }],
  ["object", { usage: "<key>", help: "How a value is kept.", words: [3, 3], run: object }],
  [
    "oom",
    {
      usage: "",
      help: "Ends the server as if memory had run out.",
      words: [2, 2],
      run: () => crash("Out of memory: DEBUG OOM was sent"),
    },
  ],
  [
    "panic",
    {
      usage: "",
      help: "Ends the server as if it had found itself in an impossible state.",
      words: [2, 2],
      run: () => crash("Guru Meditation: DEBUG PANIC was sent"),
    },
  ],
  [
    "pause-cron",
    {
      usage: "<0|1>",
      help: "Stops the periodic work, or lets it go on.",
      words: [3, 3],
      run: pauseCron,
    },
  ],
  [
    "populate",
    {
      usage: "<count> [<prefix>] [<size>]",
      help: "Creates keys named prefix:0, prefix:1 and so on; nothing is propagated.",
      words: [3, 5],
      run: populate,
    },
  ],
  [
    "protocol",
    {
      usage: "<type>",
      help: "Answers with a reply of this type.",
      words: [3, 3],
      run: (call) => replyOfKind(call.reply, call.word(2)),
    },
  ],
  [
    "quicklist",
    {
      usage: "<key> [<0|1>]",
      help: "Logs how the nodes of a list are laid out.",
      words: [3, 4],
      run: quicklist,
    },
  ],
  [
    "quicklist-packed-threshold",
    {
      usage: "<size>",
      help: "Elements of lists from this size on are nodes of their own; 0: those that no node has room for.",
      words: [3, 3],
      run: packedThreshold,
    },
  ],
  [
    "reload",
    {
      usage: "[NOSAVE] [NOFLUSH] [MERGE]",
      help: "Saves, empties and loads the data set.",
      words: [2, 5],
      run: reload,
    },
  ],
  [
    "replicate",
    {
      usage: "<word> [<word> ...]",
      help: "Sends the replicas a command that is not run here: they are not equal then.",
      words: [3, 2 ** 31],
      run: replicate,
    },
  ],
  [
    "replybuffer",
    {
      usage: "<PEAK-RESET-TIME|RESIZING> <value>",
      help: "How long the longest reply is remembered; RESIZING is accepted, as all share one reply buffer.",
      words: [4, 4],
      run: replyBuffer,
    },
  ],
  [
    "restart",
    {
      usage: "[<milliseconds>]",
      help: "Refused: whoever started the process starts it anew.",
      words: [2, 2 ** 31],
      run: restart,
    },
  ],
  [
    "sdslen",
    {
      usage: "<key>",
      help: "The length of a key and of its string, and the memory of both.",
      words: [3, 3],
      run: sdslen,
    },
  ],
  [
    "segfault",
    {
      usage: "",
      help: "Ends the server as a bad memory access would.",
      words: [2, 2],
      run: () => crash("crashed by signal: 11, as DEBUG SEGFAULT asked for"),
    },
  ],
  [
    "set-active-expire",
    {
      usage: "<0|1>",
      help: "Whether expired keys are removed before somebody looks at them.",
      words: [3, 3],
      run: setActiveExpire,
    },
  ],
  [
    "set-disable-deny-scripts",
    {
      usage: "<0|1>",
      help: "Whether scripts may run commands that are not for them.",
      words: [3, 3],
      run: setDisableDenyScripts,
    },
  ],
  [
    "set-skip-checksum-validation",
    {
      usage: "<0|1>",
      help: "Whether RESTORE takes payloads with a wrong checksum.",
      words: [3, 3],
      run: setSkipChecksums,
    },
  ],
  [
    "sleep",
    {
      usage: "<seconds>",
      help: "Holds the whole server for so long; fractions are fine.",
      words: [3, 3],
      run: sleep,
    },
  ],
  [
    "stringmatch-len",
    {
      usage: "<pattern> <string>",
      help: "1 when the pattern matches the string, else 0.",
      words: [4, 4],
      run: matchOnce,
    },
  ],
  [
    "stringmatch-test",
    {
      usage: "",
      help: "Tries the pattern matcher on random bytes.",
      words: [2, 2],
      run: matchRandomly,
    },
  ],
  [
    "structsize",
    {
      usage: "",
      help: "The sizes of what a key is made of.",
      words: [2, 2],
      run: structSize,
    },
  ],
]);

function crash(reason: string): never {
  throw new InvariantError(reason);
}

function replicate(call: EngineCall): void {
  const { engine, argc, reply } = call;
  const words: string[] = [];
  for (let index = 2; index < argc; index++) words.push(call.text(index));
  engine.propagator.words(call.database.index, words, Target.REPLICAS);
  reply.ok();
}

function changeReplicationId({ engine, reply }: EngineCall): void {
  engine.identity.changeReplicationId(engine.host);
  reply.ok();
}

function rewriteAll({ engine, reply }: EngineCall): void {
  const { configFile } = engine.host.facts;
  const problem =
    configFile === ""
      ? "The server is running without a config file"
      : rewriteFile(engine, configFile, true);
  if (problem === undefined) reply.ok();
  else reply.error(`ERR CONFIG-REWRITE-FORCE-ALL failed: ${problem}`);
}

function log(call: EngineCall): void {
  call.engine.host.log("warning", `DEBUG LOG: ${call.word(2)}`);
  call.reply.ok();
}

function pauseCron(call: EngineCall): void {
  call.engine.cronJobs.isPaused = leadingInteger(call.word(2)) !== 0;
  call.reply.ok();
}

function setActiveExpire(call: EngineCall): void {
  call.engine.of(activeExpiryPort).isActive = leadingInteger(call.word(2)) !== 0;
  call.reply.ok();
}

function setSkipChecksums(call: EngineCall): void {
  call.engine.debug.skipsChecksums = leadingInteger(call.word(2)) !== 0;
  call.reply.ok();
}

function setDisableDenyScripts(call: EngineCall): void {
  call.engine.debug.allowsAllInScripts = leadingInteger(call.word(2)) !== 0;
  call.reply.ok();
}

function replyBuffer(call: EngineCall): void {
  if (call.is(2, "PEAK-RESET-TIME")) {
    const { debug } = call.engine;
    if (call.is(3, "NEVER")) debug.outputPeakPeriodMs = -1;
    else if (call.is(3, "RESET")) debug.outputPeakPeriodMs = OUTPUT_PEAK_PERIOD_MS;
    else debug.outputPeakPeriodMs = call.integer(3);
  } else if (!call.is(2, "RESIZING")) {
    throw subcommandError(call);
  }
  call.reply.ok();
}

function sleep(call: EngineCall): void {
  const { engine, reply } = call;
  const seconds = Number.parseFloat(call.word(2)) || 0;
  if (seconds > 0) engine.host.sleepMs(seconds * 1000);
  reply.ok();
}

function matchOnce(call: EngineCall): void {
  const { bytes } = call;
  const [start, end] = [call.start(2), call.end(2)];
  const matches = globMatch(bytes, start, end, bytes, call.start(3), call.end(3), false);
  call.reply.integer(matches ? 1 : 0);
}

/** The pattern matcher must end, and stay inside its arguments, whatever the pattern. */
function matchRandomly({ engine, reply }: EngineCall): void {
  const letters = latin1Bytes("a*?[]^-\\b");
  const word = () =>
    Uint8Array.from(
      { length: (engine.host.random32() >>> 0) % 24 },
      () => letters[(engine.host.random32() >>> 0) % letters.length] as number,
    );
  for (let round = 0; round < 10_000; round++) {
    const pattern = word();
    const text = word();
    globMatch(pattern, 0, pattern.length, text, 0, text.length, round % 2 === 0);
  }
  reply.simple("Apparently Redis did not crash: test passed");
}

export const debug = engineCommand({
  name: "debug",
  group: "server",
  since: "1.0.0",
  summary: "Groups the commands for tests.",
  complexity: "As the subcommand.",
  differs:
    "DEBUG HELP says what each subcommand does here, and which are accepted without effect. While RELOAD and LOADAOF load, nobody is answered, not even LOADING.",
  arity: -2,
  arityBecause: "Its subcommands are no commands of their own, and COMMAND DOCS lists none.",
  flags: ["admin", "noscript", "loading", "stale", "protected"],
  docFlags: ["syscmd"],

  run(call) {
    if (call.argc === 2 && call.is(1, "HELP")) {
      const topics = [...subcommands].map(([name, { usage, help }]) => ({
        usage: `${name.toUpperCase()} ${usage}`.trimEnd(),
        summary: help,
      }));
      replyHelp(call, "debug", topics);
      return;
    }
    const subcommand = subcommands.get(call.word(1).toLowerCase());
    if (subcommand === undefined) throw subcommandError(call);
    const [least, most] = subcommand.words;
    if (call.argc < least || call.argc > most) throw subcommandError(call);
    subcommand.run(call);
  },
});
