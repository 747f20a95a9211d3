/**
 * What goes wrong with a configuration, each with the message that its reader sees.
 */

/** The Redis release whose behaviour is followed; named in the heading of file errors. */
export const compatibleVersion = "7.2.4";

/** CONFIG SET refused. `message` is the error reply without its leading minus. */
export class ConfigSetError extends Error {
  override readonly name = "ConfigSetError";
}

/** A line that stops the start. `message` is what goes to stderr. */
export class ConfigFileError extends Error {
  override readonly name = "ConfigFileError";
  readonly reason: string;
  /** From 1, in the text that was being read; undefined when no one line is to blame. */
  readonly lineNumber: number | undefined;
  readonly line: string | undefined;

  constructor(reason: string, lineNumber?: number, line?: string) {
    const heading = `*** FATAL CONFIG FILE ERROR (Redis ${compatibleVersion}) ***`;
    const where =
      lineNumber === undefined
        ? []
        : [`Reading the configuration file, at line ${lineNumber}`, `>>> '${line}'`];
    super([heading, ...where, reason].join("\n"));
    this.reason = reason;
    this.lineNumber = lineNumber;
    this.line = line;
  }
}

/** A configuration file cannot be read. `message` is the log line. */
export class ConfigOpenError extends Error {
  override readonly name = "ConfigOpenError";
  readonly path: string;

  constructor(path: string, reason: string) {
    super(`Fatal error, can't open config file '${path}': ${reason}`);
    this.path = path;
  }
}

/** Options given by an embedder are wrong. `message` has a line for each. */
export class ConfigOptionsError extends Error {
  override readonly name = "ConfigOptionsError";
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join("\n"));
    this.problems = problems;
  }
}
