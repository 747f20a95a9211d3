/**
 * Statements: the lines of a configuration file that set no directive but change the engine:
 * `rename-command`, and those that systems bring (`user`).
 *
 * checkStatements() is for whoever reads the file, so that an error names its line;
 * applyStatements() is for the engine, once it stands.
 */
import { CommandTable } from "@kv/commands";
import type { ConfigStore } from "@kv/config";
import { commandList } from "./command-list.ts";
import type { Ports } from "./ports.ts";
import type { StatementRow, System } from "./system.ts";

const unknownCommand = "No such command in rename-command";
const takenName = "Target command name already exists";

/** Has each such line checked while the configuration is read. Before ConfigStore.load(). */
export function checkStatements(config: ConfigStore, systems: readonly System[]): void {
  let table: CommandTable | undefined;
  const known = () => {
    table ??= new CommandTable(commandList(systems));
    return table;
  };
  config.statements.onLine("rename-command", ([from = "", to = ""]) => rename(known(), from, to));
  for (const { keyword, check } of rowsOf(systems))
    config.statements.onLine(keyword, (words) => check(words, config, known()));
}

const rowsOf = (systems: readonly System[]): StatementRow[] =>
  systems.flatMap(({ statements }) => statements ?? []);

function rename(table: CommandTable, from: string, to: string): string | undefined {
  if (!table.byName.has(from.toLowerCase())) return unknownCommand;
  return table.rename(from, to) ? undefined : takenName;
}

/** Does what the lines say. They were checked, so there is nothing left to refuse. */
export function applyStatements(
  { statements }: ConfigStore,
  ports: Ports,
  systems: readonly System[],
): void {
  for (const [from = "", to = ""] of statements.lines("rename-command"))
    rename(ports.commands, from, to);
  for (const { keyword, apply, rewritten } of rowsOf(systems)) {
    apply(statements.lines(keyword), ports);
    statements.onRewrite(keyword, () => rewritten(ports));
  }
}
