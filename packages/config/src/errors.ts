/**
 * What goes wrong with a configuration, each with the message that its reader sees.
 */

/** The Redis release whose behaviour is followed; named in the heading of file errors. */
export const compatibleVersion = "7.2.4";

/** CONFIG SET refused. `message` is the error reply without its leading minus. */
export class ConfigSetError extends Error {
  /** `"ConfigSetError"`. */
  override readonly name = "ConfigSetError";
}

/** One thing that is wrong with a configuration. */
export interface ConfigProblem {
  /** What is wrong, in the words of Redis. */
  readonly reason: string;
  /** From 1, in the text that was being read; left out when no one line is to blame. */
  readonly lineNumber?: number | undefined;
  /** The line as it stands there, without the blanks around it. */
  readonly line?: string | undefined;
}

/** Lines that stop the start. `message` is what goes to stderr, and tells all of them. */
export class ConfigFileError extends Error {
  /** `"ConfigFileError"`. */
  override readonly name = "ConfigFileError";
  /** Of the first. */
  readonly reason: string;
  /** Where the first problem is, from 1; undefined when no one line is to blame. */
  readonly lineNumber: number | undefined;
  /** That line. */
  readonly line: string | undefined;

  constructor(first: ConfigProblem, ...further: readonly ConfigProblem[]) {
    const heading = `*** FATAL CONFIG FILE ERROR (Redis ${compatibleVersion}) ***`;
    super([heading, ...[first, ...further].flatMap(linesOf)].join("\n"));
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
  /** `"ConfigOpenError"`. */
  override readonly name = "ConfigOpenError";
  /** The path as it was given. */
  readonly path: string;

  constructor(path: string, reason: string) {
    super(`Fatal error, can't open config file '${path}': ${reason}`);
    this.path = path;
  }
}

/** Options given by an embedder are wrong. `message` has a line for each. */
export class ConfigOptionsError extends Error {
  /** `"ConfigOptionsError"`. */
  override readonly name = "ConfigOptionsError";
  /** One for each wrong option: its name, a colon, the reason. */
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join("\n"));
    this.problems = problems;
  }
}
