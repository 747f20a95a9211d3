/** Lookup: from a request of a batch to its command. */
import type { CommandRow, CommandTable } from "@kv/commands";
import { type ArgVector, latin1 } from "@kv/resp";

/** The command that request `index` of a batch names; of a container the subcommand. Null: unknown. */
export function lookup(table: CommandTable, batch: ArgVector, index: number): CommandRow | null {
  const first = batch.firstArg[index] as number;
  const row = table.find(batch.bytes, batch.starts[first] as number, batch.ends[first] as number);
  if (row === undefined) return null;
  if (row.subcommands === null || (batch.argCount[index] as number) < 2) return row;
  let name = "";
  const end = batch.ends[first + 1] as number;
  for (let at = batch.starts[first + 1] as number; at < end && name.length < 64; at++)
    name += String.fromCharCode(batch.bytes[at] as number);
  return row.subcommands.get(name.toLowerCase()) ?? null;
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
