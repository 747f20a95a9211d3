/**
 * The grammar of redis.conf: lines, comments, and the files behind `include`.
 *
 *     # a comment: the first character that is no blank is #
 *     name word "quoted word" ...
 *
 * Nothing is read here: the caller hands in the functions that read a file and expand wildcards.
 */
import { ConfigOpenError } from "./errors.ts";
import { splitArgs } from "./split-args.ts";

/** A line of a configuration file that says something. */
export interface ConfLine {
  /** From 1. */
  readonly number: number;
  /** Without the blanks around it. */
  readonly text: string;
  /** Name and arguments, or undefined when the quotes do not balance. */
  readonly words: readonly string[] | undefined;
}

/** How the grammar reaches files. Both throw an Error whose message or code says what is wrong. */
export interface ConfFiles {
  /** The bytes of a file, a character each (latin1). */
  readFile(path: string): string;
  /** Paths that a pattern with * ? [ stands for, sorted; none is no error. */
  glob?(pattern: string): readonly string[];
}

/** Files may include files that include files; this many deep is a circle. */
export const includeDepthMax = 64;

/** The line without blanks at its ends, as Redis's parser trims it. */
export function trimLine(line: string): string {
  return line.replace(/^[ \t\r\n]+|[ \t\r\n]+$/g, "");
}

/** The lines that say something: no comments, no empty ones. */
export function confLines(text: string): ConfLine[] {
  const lines: ConfLine[] = [];
  for (const [index, raw] of text.split("\n").entries()) {
    const line = trimLine(raw);
    if (line === "" || line.startsWith("#")) continue;
    const words = splitArgs(line);
    if (words?.length === 0) continue;
    lines.push({ number: index + 1, text: line, words });
  }
  return lines;
}

/** The text of one file, or of all files that a pattern matches, one after the other. */
export function readConf(path: string, files: ConfFiles): string {
  const isWild = /[*?[]/.test(path) && files.glob !== undefined;
  const paths = isWild && files.glob !== undefined ? files.glob(path) : [path];
  return paths.map((each) => readOne(each, files)).join("");
}

function readOne(path: string, files: ConfFiles): string {
  try {
    return files.readFile(path);
  } catch (error) {
    throw new ConfigOpenError(path, reasonOf(error));
  }
}

const reasons = new Map([
  ["ENOENT", "No such file or directory"],
  ["EACCES", "Permission denied"],
  ["EISDIR", "Is a directory"],
  ["ENOTDIR", "Not a directory"],
  ["EMFILE", "Too many open files"],
]);

function reasonOf(error: unknown): string {
  // Not by its class: whoever reads the file may be of another realm, as node:fs is in Jest.
  const { code, message } = (error ?? {}) as { code?: unknown; message?: unknown };
  const known = typeof code === "string" ? reasons.get(code) : undefined;
  return known ?? (typeof message === "string" ? message : String(error));
}
