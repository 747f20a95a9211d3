/**
 * The first line of a library: `#!lua name=mylib`. The line is read as one of a configuration file is,
 * with quotes; the engine's name and the word `name` are read in any case.
 */
import { CommandError } from "@kv/commands";
import { splitArgs } from "@kv/config";
import { latin1 } from "@kv/resp";
import { badName, isName } from "./library.ts";

const LF = 10;
const SPACE = 32;
/** What is looked at of a first line: a name can be no longer either. */
const HEADER_BYTES_MAX = 64 * 1024;

const missing = new CommandError("ERR Missing library metadata");
const invalid = new CommandError("ERR Invalid library metadata");
const manyNames = new CommandError(
  "ERR Invalid metadata value, name argument was given multiple times",
);
const noName = new CommandError("ERR Library name was not given");

/** What the first line says, and the code with spaces in its place. */
export interface LibraryHeader {
  readonly name: string;
  readonly source: Uint8Array;
}

/** Reads the first line of a library. Throws a CommandError for one that cannot be taken. */
export function readHeader(code: Uint8Array): LibraryHeader {
  if (code[0] !== 35 || code[1] !== 33) throw missing;
  const end = code.indexOf(LF);
  if (end === -1 || end > HEADER_BYTES_MAX) throw invalid;
  const words = splitArgs(latin1(code, 0, end));
  if (words === undefined) throw invalid;
  const engine = (words[0] ?? "").slice(2);
  let name: string | undefined;
  for (const word of words.slice(1)) {
    if (!/^name=/i.test(word)) throw new CommandError(`ERR Invalid metadata value given: ${word}`);
    if (name !== undefined) throw manyNames;
    name = word.slice("name=".length);
  }
  if (name === undefined) throw noName;
  if (!isName(name)) throw new CommandError(badName);
  if (engine.toLowerCase() !== "lua") throw new CommandError(`ERR Engine '${engine}' not found`);
  const source = code.slice();
  source.fill(SPACE, 0, end);
  return { name, source };
}
