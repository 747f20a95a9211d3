/**
 * Placeholders: commands that Redis 7.2 has and this server has not yet. They are in the table, so
 * that their names are known where Redis knows them: to rename-command, to ACL rules, and to
 * whoever asks before AUTH, while loading or inside MULTI. COMMAND does not list them, no statistics
 * show them (but for those that refuse, see below), and what passes the guards is answered as an
 * unknown command is: that is how clients find out what a server can do.
 *
 * A placeholder is a row of text, since there is nothing else to tell of it:
 *
 *     xgroup         -2  5.0.0
 *     xgroup|create  -5  5.0.0  write denyoom
 *     asking          1  3.0.0  fast @connection
 *     │               │  │      └ flags, then ACL categories that group and flags do not imply
 *     name        arity  since
 *
 * A command that is declared, here or by a module, takes the place of the placeholder of its name
 * (table.ts); of a container, each subcommand for itself. Nobody has to remove the row.
 */

import type { CommandError } from "../call/errors.ts";
import { ACL_CATEGORIES, type AclCategory, type Group } from "./acl-category.ts";
import { type Command, command } from "./command.ts";
import { type CommandFlag, FLAG_BITS } from "./flags.ts";

const ROW = /^([a-z0-9_-]+(?:\|[a-z0-9_-]+)?) +(-?\d+) +(\d+\.\d+\.\d+)((?: +@?[a-z_]+)*)$/;

const isFlag = (word: string): word is CommandFlag => word in FLAG_BITS;
const isCategory = (word: string): word is AclCategory =>
  ACL_CATEGORIES.some((each) => each === word);

/** One row, without the subcommands whose rows follow. */
interface Row {
  name: string;
  arity: number;
  since: string;
  flags: CommandFlag[];
  categories: AclCategory[];
}

function parsed(line: string): Row {
  const [, name = "", arity = "", since = "", rest = ""] = ROW.exec(line) ?? [];
  if (name === "") throw new Error(`no row of a placeholder: ${line}`);
  const row: Row = { name, arity: Number(arity), since, flags: [], categories: [] };
  for (const word of rest.split(" ").filter((each) => each !== "")) {
    const category = word.slice(1);
    if (isFlag(word)) row.flags.push(word);
    else if (word.startsWith("@") && isCategory(category)) row.categories.push(category);
    else throw new Error(`placeholder ${name}: ${word} is neither flag nor category`);
  }
  return row;
}

/**
 * The placeholders of a group. With `refusal`, Redis has the commands but does not let them do
 * anything in the state this server is always in: then they run, that is the answer, and they count as calls that failed.
 */
export function placeholders(group: Group, rows: string, refusal?: CommandError): Command[] {
  const lines = rows.trim().split("\n");
  const all = lines.map((line) => parsed(line.trim()));
  const declare = (row: Row, name: string, subcommands: Command[]): Command =>
    command({
      ...row,
      name,
      group,
      subcommands,
      isPlaceholder: true,
      summary: "Not there yet.",
      complexity: "O(1)",
      arityBecause: "the arguments of what is not there are not declared",
      ...(refusal === undefined
        ? {}
        : {
            run: () => {
              throw refusal;
            },
          }),
    });
  return all
    .filter(({ name }) => !name.includes("|"))
    .map((row) => {
      const prefix = `${row.name}|`;
      const subcommands = all
        .filter(({ name }) => name.startsWith(prefix))
        .map((sub) => declare(sub, sub.name.slice(prefix.length), []));
      return declare(row, row.name, subcommands);
    });
}
