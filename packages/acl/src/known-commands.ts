/**
 * Known commands: the commands as ACL rules name them, by the names they were declared with. What
 * `rename-command` calls them does not change what a rule means.
 */
import { ACL_CATEGORIES, type CommandRow, type CommandTable } from "@kv/commands";
import { RequestKeys } from "./request.ts";

/** The commands that rules can name, and the categories that they are in. */
export class KnownCommands {
  /** One more than the greatest id: what bitmaps of commands are made for. */
  readonly count: number;
  /** Finds the keys of requests: one after the other, for all users of these commands. */
  readonly keys = new RequestKeys();
  private readonly all: readonly CommandRow[];
  private readonly byFullName = new Map<string, CommandRow>();

  constructor({ all }: CommandTable) {
    this.all = all;
    this.count = all.length;
    for (const row of all) this.byFullName.set(row.fullName, row);
  }

  /** The command or subcommand of a name as in `get` or `config|set`, in any case. */
  find(name: string): CommandRow | undefined {
    return this.byFullName.get(name.toLowerCase());
  }

  /** The commands and subcommands of a category; undefined when there is no such category. */
  inCategory(name: string): readonly CommandRow[] | undefined {
    const category = ACL_CATEGORIES.find((each) => each === name.toLowerCase());
    if (category === undefined) return undefined;
    return this.all.filter(({ command }) => command.categories.includes(category));
  }
}
