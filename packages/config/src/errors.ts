/**
 * What goes wrong with a configuration, each with the message that its reader sees.
 */

/** The Redis release whose behaviour is followed; named in the heading of file errors. */
export const compatibleVersion = "7.2.4";

/** CONFIG SET refused. `message` is the error reply without its leading minus. */
export class ConfigSetError extends Error {
  /** The name of the class, whatever a bundler makes of that. */
  override readonly name = "ConfigSetError";
}

/** One thing that is wrong with a configuration. */
export interface ConfigProblem {
  /** In Redis's words where Redis has any. */
  readonly reason: string;
  /** From 1, in the text that was being read; left out when no one line is to blame. */
  readonly lineNumber?: number | undefined;
  /** The whole line. */
  readonly line?: string | undefined;
}

/** So many lines are told of: in a file that is no configuration at all every line is wrong. */
const PROBLEMS_TOLD_MAX = 20;

/** Lines that stop the start. `message` is what goes to stderr, and tells all of them, or the first. */
export class ConfigFileError extends Error {
  /** The name of the class, whatever a bundler makes of that. */
  override readonly name = "ConfigFileError";
  /** What is wrong, of the first problem. */
  readonly reason: string;
  /** Number of its line, from 1; undefined when no one line is to blame. */
  readonly lineNumber: number | undefined;
  /** The text of that line. */
  readonly line: string | undefined;

  constructor(first: ConfigProblem, further: readonly ConfigProblem[] = []) {
    const heading = `*** FATAL CONFIG FILE ERROR (Redis ${compatibleVersion}) ***`;
    const told = [first, ...further.slice(0, PROBLEMS_TOLD_MAX - 1)];
    const leftOut = 1 + further.length - told.length;
    const end = leftOut > 0 ? [`... and ${leftOut} more. Is this a configuration file?`] : [];
    super([heading, ...told.flatMap(linesOf), ...end].join("\n"));
    this.reason = first.reason;
    this.lineNumber = first.lineNumber;
    this.line = first.line;
  }
}

function linesOf({ reason, lineNumber, line }: ConfigProblem): string[] {
  if (lineNumber === undefined) return [reason];
  return [`Reading the configuration file, at line ${lineNumber}`, `>>> '${line}'`, reason];
}

/** A configuration file cannot be read. `message` is the log line. */
export class ConfigOpenError extends Error {
  /** The name of the class, whatever a bundler makes of that. */
  override readonly name = "ConfigOpenError";
  /** The file, as the command line or the `include` named it. */
  readonly path: string;

  constructor(path: string, reason: string) {
    super(`Fatal error, can't open config file '${path}': ${reason}`);
    this.path = path;
  }
}

/** Options given by an embedder are wrong. `message` has a line for each. */
export class ConfigOptionsError extends Error {
  /** The name of the class, whatever a bundler makes of that. */
  override readonly name = "ConfigOptionsError";
  /** One for each option that is wrong: `name: reason`. */
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join("\n"));
    this.problems = problems;
  }
}
