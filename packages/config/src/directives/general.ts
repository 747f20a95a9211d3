/** Directives: the process, its log, its periodic tasks and its end. */
import { directive } from "../directive.ts";
import { boolean, flags, integer, oneOf, text } from "../kinds.ts";
import { oomScores } from "../special-kinds.ts";
import { type Integer, intMax } from "../value-grammar.ts";

const hzMin = 1;
const hzMax = 500;

/** Variables of the process title; those that may be empty cannot be all that it says. */
const titleVariables = new Map([
  ["title", ""],
  ["server-mode", ""],
  ["listen-addr", "address"],
  ["port", "port"],
  ["tls-port", "port"],
  ["unixsocket", "path"],
  ["config-file", "path"],
]);

/** `{{` stands for a brace, `{name}` for a variable. */
function refuseTitle(template: string): string | undefined {
  const shown = template.replace(/\{\{|\{([^}]*)(\}|$)/g, (found, name?: string) => {
    if (found === "{{") return "brace";
    return titleVariables.get(found.endsWith("}") ? (name ?? "") : "") ?? "{";
  });
  return shown.trim() === "" || shown.includes("{")
    ? "template format is invalid or contains unknown variables"
    : undefined;
}

const noThreads = "Commands and sockets share one thread.";
const noAffinity =
  "The runtime gives no way to bind its threads to processors; taskset(1) binds the process.";

function cpuList<const Name extends string>(name: Name, summary: string) {
  return directive({
    name,
    kind: text(),
    default: "",
    emptyIsUnset: true,
    immutable: true,
    noEffectBecause: noAffinity,
    summary,
  });
}

const shutdownWays = flags("default", ["save", "nosave", "now", "force"], (ways) =>
  ways.includes("save") && ways.includes("nosave")
    ? "shutdown options SAVE and NOSAVE can't be used simultaneously"
    : undefined,
);

export const general = [
  directive({
    name: "daemonize",
    kind: boolean,
    default: false,
    immutable: true,
    summary: "Run in the background.",
  }),
  directive({
    name: "supervised",
    kind: oneOf(["upstart", "systemd", "auto", "no"]),
    default: "no",
    immutable: true,
    summary: "Tell a supervisor when the server is ready.",
  }),
  directive({
    name: "pidfile",
    kind: text(),
    default: "",
    emptyIsUnset: true,
    immutable: true,
    summary: "File that holds the process id while the server runs.",
  }),
  directive({
    name: "loglevel",
    kind: oneOf(["debug", "verbose", "notice", "warning", "nothing"]),
    default: "notice",
    summary: "Least weight of what is logged.",
  }),
  directive({
    name: "logfile",
    kind: text(),
    default: "",
    immutable: true,
    summary: "Log file; empty logs to standard output.",
  }),
  directive({
    name: "syslog-enabled",
    kind: boolean,
    default: false,
    immutable: true,
    differs:
      "Needs Node 26.1 or later, and never waits: what the system logger does not take at once is in the log alone.",
    summary: "Log to the system logger as well.",
  }),
  directive({
    name: "syslog-ident",
    kind: text(),
    default: "redis",
    immutable: true,
    summary: "Name under which the system logger files the lines.",
  }),
  directive({
    name: "syslog-facility",
    kind: oneOf([
      "user",
      "local0",
      "local1",
      "local2",
      "local3",
      "local4",
      "local5",
      "local6",
      "local7",
    ]),
    default: "local0",
    immutable: true,
    summary: "Facility of the system logger.",
  }),
  directive({
    name: "crash-log-enabled",
    kind: boolean,
    default: true,
    summary: "Write a report to the log when the server crashes.",
  }),
  directive({
    name: "crash-memcheck-enabled",
    kind: boolean,
    default: true,
    noEffectBecause:
      "The memory is the runtime's, which cannot be stopped for a test of it; `--test-memory` tests memory beforehand.",
    summary: "Test the memory as part of a crash report.",
  }),
  directive({
    name: "databases",
    kind: integer(1, intMax),
    default: 16,
    immutable: true,
    summary: "Number of databases that SELECT can choose from.",
  }),
  directive({
    name: "always-show-logo",
    kind: boolean,
    default: false,
    immutable: true,
    summary: "Show the start-up logo even when the log is no terminal.",
  }),
  directive({
    name: "set-proc-title",
    kind: boolean,
    default: true,
    immutable: true,
    summary: "Show address and mode in the process title.",
  }),
  directive({
    name: "proc-title-template",
    kind: text({ refuse: refuseTitle }),
    default: "{title} {listen-addr} {server-mode}",
    differs: "A title that is longer than the command line was is cut off there.",
    summary: "Form of the process title.",
  }),
  directive({
    name: "locale-collate",
    since: "7.2.0",
    kind: text(),
    default: "",
    noEffectBecause:
      "SORT ALPHA compares bytes, as Redis does in the locale C, so that its order is the same on every machine.",
    summary: "Locale by which SORT ALPHA compares; empty takes the environment's.",
  }),
  directive({
    name: "ignore-warnings",
    kind: text(),
    default: "",
    noEffectBecause:
      "The one warning that can be left out, ARM64-COW-BUG, is about fork(), which this server does without.",
    summary: "Names of start-up warnings to leave out.",
  }),
  directive({
    name: "disable-thp",
    kind: boolean,
    default: true,
    immutable: true,
    noEffectBecause:
      "What makes huge pages dangerous in Redis, copies behind fork(), is not here: on Linux the memory of user data asks for them where they cost little. /sys/kernel/mm/transparent_hugepage/enabled sets them for the machine.",
    summary: "Turn off transparent huge pages for this process.",
  }),
  directive({
    name: "jemalloc-bg-thread",
    kind: boolean,
    default: true,
    noEffectBecause: "Memory does not come from jemalloc.",
    summary: "Let the allocator purge pages in a thread of its own.",
  }),
  cpuList("server_cpulist", "Processors for the main thread."),
  cpuList("bio_cpulist", "Processors for background threads."),
  cpuList("aof_rewrite_cpulist", "Processors for rewriting the append-only file."),
  cpuList("bgsave_cpulist", "Processors for saving in the background."),
  directive({
    name: "io-threads",
    kind: integer(1, 128),
    default: 1,
    immutable: true,
    noEffectBecause: noThreads,
    summary: "Threads that write to clients.",
  }),
  directive({
    name: "io-threads-do-reads",
    kind: boolean,
    default: false,
    immutable: true,
    noEffectBecause: noThreads,
    summary: "Let those threads read and parse as well.",
  }),
  directive({
    name: "hz",
    kind: integer(0, intMax),
    default: 10,
    clamp: (hz: Integer) => (hz < hzMin ? hzMin : hz > hzMax ? hzMax : hz),
    summary: "Runs of the periodic tasks in a second, from 1 to 500.",
  }),
  directive({
    name: "dynamic-hz",
    kind: boolean,
    default: true,
    summary: "Run the periodic tasks more often when many clients are connected.",
  }),
  directive({
    name: "activerehashing",
    kind: boolean,
    default: true,
    noEffectBecause:
      "Tables grow and shrink a page at a time within the writes that need it, so there is never one left to rehash.",
    summary: "Spend a millisecond in a hundred on rehashing idle tables.",
  }),
  directive({
    name: "shutdown-timeout",
    kind: integer(0, intMax),
    default: 10,
    summary: "Seconds that a shutdown waits for replicas to catch up.",
  }),
  directive({
    name: "shutdown-on-sigint",
    kind: shutdownWays,
    default: [],
    summary: "How SIGINT ends the server.",
  }),
  directive({
    name: "shutdown-on-sigterm",
    kind: shutdownWays,
    default: [],
    summary: "How SIGTERM ends the server.",
  }),
  directive({
    name: "oom-score-adj",
    kind: oneOf(["no", "yes", "relative", "absolute"], new Map([["relative", "yes"]])),
    default: "no",
    summary: "Set the scores by which the system picks what to kill when memory is out.",
  }),
  directive({
    name: "oom-score-adj-values",
    kind: oomScores,
    default: [0, 200, 800],
    summary: "Those scores for a primary, a replica and a background job.",
  }),
] as const;
