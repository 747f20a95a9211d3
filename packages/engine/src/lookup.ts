/** Lookup: from a request to its command, and what is answered where there is none. */
import { type CommandEntry, CommandError, type CommandTable } from "@kv/commands";
import { type ArgVector, latin1 } from "@kv/resp";

/** Longest part of a request that an error quotes, in all. */
const QUOTED_BYTES_MAX = 128;

/** The command that request `index` of a batch names; of a container the subcommand. Null: unknown. */
export function lookup(table: CommandTable, batch: ArgVector, index: number): CommandEntry | null {
  const first = batch.firstArg[index] as number;
  const entry = table.find(batch.bytes, batch.starts[first] as number, batch.ends[first] as number);
  if (entry === undefined) return null;
  if (entry.subcommands === null || (batch.argCount[index] as number) < 2) return entry;
  let name = "";
  const end = batch.ends[first + 1] as number;
  for (let at = batch.starts[first + 1] as number; at < end && name.length < 64; at++)
    name += String.fromCharCode(batch.bytes[at] as number);
  return entry.subcommands.get(name.toLowerCase()) ?? null;
}

/** A browser was tricked into sending a form here: nothing of it may be taken for commands. */
export function isHttp(batch: ArgVector, index: number): boolean {
  const first = batch.firstArg[index] as number;
  const start = batch.starts[first] as number;
  const end = batch.ends[first] as number;
  if (end - start > 5) return false;
  const word = latin1(batch.bytes, start, end).toLowerCase();
  return word === "post" || word === "host:";
}

/** The error for a name that is in no table, in Redis's words. */
export function unknownCommand(table: CommandTable, batch: ArgVector, index: number): CommandError {
  const first = batch.firstArg[index] as number;
  const count = batch.argCount[index] as number;
  const word = (at: number, most: number) => {
    const start = batch.starts[first + at] as number;
    const end = Math.min(batch.ends[first + at] as number, start + most);
    let text = "";
    // A zero byte ends the word, as it ends the strings of C.
    for (let i = start; i < end && batch.bytes[i] !== 0; i++)
      text += String.fromCharCode(batch.bytes[i] as number);
    return text;
  };
  const container = table.find(
    batch.bytes,
    batch.starts[first] as number,
    batch.ends[first] as number,
  );
  if (container !== undefined) {
    const sub = word(1, QUOTED_BYTES_MAX);
    return new CommandError(
      `ERR unknown subcommand '${sub}'. Try ${container.fullName.toUpperCase()} HELP.`,
    );
  }
  let shown = "";
  for (let at = 1; at < count && shown.length < QUOTED_BYTES_MAX; at++)
    shown += `'${word(at, QUOTED_BYTES_MAX - shown.length)}' `;
  return new CommandError(
    `ERR unknown command '${word(0, QUOTED_BYTES_MAX)}', with args beginning with: ${shown}`,
  );
}
