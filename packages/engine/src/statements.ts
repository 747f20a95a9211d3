/**
 * Statements: the lines of a configuration file that set no directive but change the engine:
 * `rename-command` and `user`.
 *
 * checkStatements() is for whoever reads the file, so that an error names its line;
 * applyStatements() is for the engine, once it stands.
 */
import { CommandTable, dataCommands, placeholderCommands } from "@kv/commands";
import type { ConfigStore } from "@kv/config";
import { User } from "./acl.ts";
import type { Engine } from "./engine.ts";
import { groups } from "./groups/index.ts";
import { adopt, applyRule, type UserDraft, userRules } from "./groups/server/acl-rules.ts";

const unknownCommand = "No such command in rename-command";
const takenName = "Target command name already exists";
const otherUsers = "ACL users other than 'default' are not supported by this server yet";

/** Has each such line checked while the configuration is read. Before ConfigStore.load(). */
export function checkStatements(config: ConfigStore): void {
  let table: CommandTable | undefined;
  config.statements.onLine("rename-command", ([from = "", to = ""]) => {
    table ??= new CommandTable([...dataCommands, ...groups, ...placeholderCommands]);
    return rename(table, from, to);
  });
  config.statements.onLine("user", ([name = "", ...rules]) => {
    if (name !== "default") return otherUsers;
    return declareUser(new User(name), rules, () => "0".repeat(64));
  });
}

function rename(table: CommandTable, from: string, to: string): string | undefined {
  if (!table.byName.has(from.toLowerCase())) return unknownCommand;
  return table.rename(from, to) ? undefined : takenName;
}

/** A line says all about its user: nothing is left of `requirepass`, nor of who is let in unasked. */
function declareUser(
  user: User,
  rules: readonly string[],
  digestOf: (password: string) => string,
): string | undefined {
  const draft: UserDraft = { enabled: false, anyPassword: false, passwords: new Set() };
  for (const rule of rules) {
    const reason = applyRule(draft, rule, digestOf);
    if (reason !== undefined) return reason;
  }
  adopt(user, draft);
  return undefined;
}

/**
 * Does what the lines say. They were checked, so there is nothing left to refuse. From then on the
 * users are what they are made, and that is what CONFIG REWRITE is to write: a server that starts
 * from the old line would ask for the password of then, or for none.
 */
export function applyStatements(engine: Engine): void {
  const { statements } = engine.config;
  for (const [from = "", to = ""] of statements.lines("rename-command"))
    rename(engine.commands, from, to);
  for (const [, ...rules] of statements.lines("user")) {
    declareUser(engine.users.defaultUser, rules, (password) =>
      engine.host.sha256Hex(Uint8Array.from(password, (character) => character.charCodeAt(0))),
    );
  }
  statements.onRewrite("user", () => [...engine.users.byName.values()].map(userRules));
}
