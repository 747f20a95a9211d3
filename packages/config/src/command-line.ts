/**
 * The command line of the server: `[file | -] [--name value...]...`.
 *
 * Options become the text of a configuration file that is read after the real one, so that
 * everything a file can say can be said here, and errors name the line as they do for a file:
 *
 *     kv.conf --port 7000 --save "" --replicaof 127.0.0.1 6379
 *                    |
 *                    v
 *     port "7000"
 *     save ""
 *     replicaof "127.0.0.1" "6379"
 *
 * The rules that surprise:
 *   - one argument may hold name and value: "--maxmemory 700mb";
 *   - the first word after a name is its value even when it begins with two dashes, and what
 *     follows such a value begins a new option if it has dashes, too;
 *   - --save and --sentinel may stand without a value, also in the middle;
 *   - words before the first option are an option that lacks its dashes.
 */
import { quoteArg, splitArgs } from "./split-args.ts";

/** What the words of a command line ask for. */
export interface CommandLine {
  /** What to do. "refuse": the words make no sense. */
  readonly action: "run" | "version" | "help" | "check-system" | "test-memory" | "refuse";
  /** For "test-memory". */
  readonly megabytes: number;
  /** For "refuse": goes to stderr before the exit with 1. */
  readonly message: string;
  /** As given; resolve it before changing the working directory. */
  readonly configFile: string | undefined;
  /** A lone dash, first or last: the configuration goes on with what stdin says. */
  readonly readStdin: boolean;
  /** --sentinel stands somewhere. */
  readonly sentinel: boolean;
  /** The options as the text of a file. */
  readonly optionsText: string;
}

const plain: CommandLine = {
  action: "run",
  megabytes: 0,
  message: "",
  configFile: undefined,
  readStdin: false,
  sentinel: false,
  optionsText: "",
};

/** `args` without the program's name. */
export function parseCommandLine(args: readonly string[]): CommandLine {
  if (args.length === 0) return plain;
  const first = args[0];
  if (first === "-v" || first === "--version") return { ...plain, action: "version" };
  if (first === "-h" || first === "--help") return { ...plain, action: "help" };
  if (first === "--check-system") return { ...plain, action: "check-system" };
  if (first === "--test-memory") return testMemory(args);

  const sentinel = args.includes("--sentinel");
  const hasFile = !first.startsWith("-");
  const start = hasFile ? 1 : 0;
  let optionsText = "";
  let readStdin = false;
  let needsValue = false; // The last option has none yet, so the next argument is one.

  for (let at = start; at < args.length; at++) {
    const arg = args[at];
    if (arg === "-" && (at === 0 || at === args.length - 1)) {
      readStdin = true;
    } else if (!needsValue && arg.startsWith("--")) {
      if (optionsText !== "") optionsText += "\n";
      optionsText += `${arg.slice(2)} `;
      // Only a bare name waits for a value; a text with unbalanced quotes fails when it is read.
      if (splitArgs(arg)?.length !== 1) continue;
      const isLast = at === args.length - 1;
      const name = arg.toLowerCase();
      const standsAlone = isLast || args[at + 1].startsWith("--");
      if (standsAlone && name === "--save") optionsText += '""';
      else needsValue = !(standsAlone && name === "--sentinel");
    } else {
      optionsText += `${quoteArg(arg)} `;
      needsValue = false;
    }
  }
  const configFile = hasFile && first !== "" ? first : undefined; // An empty word names no file.
  return { ...plain, configFile, readStdin, sentinel, optionsText };
}

function testMemory(args: readonly string[]): CommandLine {
  const megabytes = Number(args[1]);
  if (args.length === 2 && Number.isInteger(megabytes) && megabytes > 0) {
    return { ...plain, action: "test-memory", megabytes };
  }
  const message =
    "Please specify the amount of memory to test in megabytes.\n" +
    "Example: ./redis-server --test-memory 4096\n";
  return { ...plain, action: "refuse", message };
}
