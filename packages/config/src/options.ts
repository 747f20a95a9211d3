/**
 * Options as an embedder writes them: an object with typed values, or texts as in a file.
 *
 *     parseOptions({ maxmemory: "100mb", appendonly: true, bind: ["127.0.0.1"] })
 */
import type { AnyDirective, Directive } from "./directive.ts";
import { directives, type TableRow } from "./directives/index.ts";
import { ConfigOptionsError } from "./errors.ts";
import { checkValue, decodeWords, Refusal } from "./kind.ts";
import { isLineOfFiles } from "./statements.ts";

/**
 * What an embedder may give for a directive, besides a text: its value, or what its kind takes for
 * one.
 */
export type InputOf<Of> = Of extends Directive<string, infer _Value, infer Input> ? Input : never;

/** Every directive by name. A text is read like the words of a file; undefined is as good as left out. */
export type ConfigOptions = {
  readonly [Name in TableRow["name"]]?:
    | InputOf<Extract<TableRow, { readonly name: Name }>>
    | string
    | undefined;
} & { readonly [moduleDirective: `${string}.${string}`]: unknown };

/** The name of a directive of redis.conf, aliases not included. */
export type DirectiveName = TableRow["name"];

/**
 * The words that each option stands for, by directive. Throws ConfigOptionsError, one line for
 * each option that is unknown or wrong.
 */
export function parseOptions(
  options: ConfigOptions,
  find: (name: string) => AnyDirective | undefined = findRow,
): Map<string, readonly string[]> {
  const words = new Map<string, readonly string[]>();
  const problems: string[] = [];
  for (const [name, given] of Object.entries(options)) {
    if (given === undefined) continue;
    const directive = find(name);
    const parsed = directive === undefined ? unknown(name) : wordsOf(directive, given);
    if (parsed instanceof Refusal) problems.push(`${name}: ${parsed.reason}`);
    else if (directive !== undefined) words.set(directive.name, parsed);
  }
  if (problems.length > 0) throw new ConfigOptionsError(problems);
  return words;
}

function unknown(name: string): Refusal {
  return new Refusal(isLineOfFiles(name) ? "a line of files, and no option" : "no such option");
}

function wordsOf({ kind }: AnyDirective, given: unknown): readonly string[] | Refusal {
  if (typeof given === "string") {
    const words = kind.multiArg ? wordsIn(given) : [given];
    const decoded = decodeWords(kind, words);
    return decoded instanceof Refusal ? decoded : words;
  }
  const checked = checkValue(kind, given);
  return checked instanceof Refusal ? checked : kind.words(checked);
}

/** As in a file, however many blanks are around them. Of none of them one is made, which is empty. */
function wordsIn(text: string): string[] {
  // No other blanks: a text may be one of bytes, of which some look like them.
  const words = text.split(/[ \t\r\n]+/).filter((word) => word !== "");
  return words.length === 0 ? [""] : words;
}

function findRow(name: string): AnyDirective | undefined {
  return directives.find((row) => row.name === name);
}
