/**
 * The error for a name that is not in the command table, or stands there for what is to come, in
 * Redis's words. Clients find out by its beginning what a server can do.
 */
import { CommandError, type CommandTable } from "@kv/commands";
import type { ArgVector } from "@kv/resp";

/** Characters of the request that the error repeats: of a name, and of all arguments together. */
const SHOWN_MAX = 128;

/** Argument `index`, at most so much of it. A zero byte ends it, as it ends the strings of C. */
function wordAt({ bytes, starts, ends }: ArgVector, index: number, most: number): string {
  const start = starts[index] as number;
  const end = Math.min(ends[index] as number, start + most);
  let text = "";
  for (let at = start; at < end && bytes[at] !== 0; at++)
    text += String.fromCharCode(bytes[at] as number);
  return text;
}

/** For request `index` of a batch. */
export function unknownCommand(
  commands: CommandTable,
  batch: ArgVector,
  index: number,
): CommandError {
  const first = batch.firstArg[index] as number;
  const count = batch.argCount[index] as number;
  const found = commands.find(
    batch.bytes,
    batch.starts[first] as number,
    batch.ends[first] as number,
  );
  if (found !== undefined && !found.isAbsent) {
    const word = wordAt(batch, first + 1, SHOWN_MAX);
    return new CommandError(
      `ERR unknown subcommand '${word}'. Try ${found.fullName.toUpperCase()} HELP.`,
    );
  }
  let shown = "";
  for (let at = 1; at < count && shown.length < SHOWN_MAX; at++)
    shown += `'${wordAt(batch, first + at, SHOWN_MAX - shown.length)}' `;
  const name = wordAt(batch, first, SHOWN_MAX);
  return new CommandError(`ERR unknown command '${name}', with args beginning with: ${shown}`);
}
