/**
 * The first line of a script: `#!lua name=mylib flags=no-writes,allow-stale`. A script of EVAL may have
 * one, and a library of functions must.
 */
import { CommandError } from "@kv/commands";
import { flagNames, ScriptFlag } from "./run-context.ts";

const HASH = 35;
const BANG = 33;
const LF = 10;
const SPACE = 32;

/** What the first line says. */
export interface Shebang {
  /** Bits of ScriptFlag. */
  readonly flags: number;
  /** The source with a line of spaces in place of the shebang, so that lines keep their numbers. */
  readonly source: Uint8Array;
}

/** Reads the shebang of a script of EVAL. Throws a CommandError for one that cannot be taken. */
export function readShebang(source: Uint8Array): Shebang {
  if (source[0] !== HASH || source[1] !== BANG) return { flags: ScriptFlag.COMPATIBLE, source };
  const end = source.indexOf(LF);
  if (end === -1) throw new CommandError("ERR Invalid script shebang");
  const [engine = "", ...options] = latin1(source.subarray(0, end)).trim().split(/ +/);
  if (engine !== "#!lua")
    throw new CommandError(`ERR Unexpected engine in script shebang: ${engine}`);
  let flags = 0;
  for (const option of options) {
    if (!option.startsWith("flags="))
      throw new CommandError(`ERR Unknown lua shebang option: ${option}`);
    const names = option.slice("flags=".length);
    for (const name of names === "" ? [] : names.split(",")) {
      const known = flagNames.find(([each]) => each === name);
      if (known === undefined)
        throw new CommandError(`ERR Unexpected flag in script shebang: ${name}`);
      flags |= known[1];
    }
  }
  const blanked = source.slice();
  blanked.fill(SPACE, 0, end);
  return { flags, source: blanked };
}

function latin1(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}
