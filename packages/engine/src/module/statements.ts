/**
 * Statements: the lines of a configuration file that set no directive but change the engine:
 * `rename-command` and `user`.
 *
 * checkStatements() is for whoever reads the file, so that an error names its line;
 * applyStatements() is for the engine, once it stands.
 */

import {
  applyRule,
  joinSelectors,
  KnownCommands,
  newUser,
  type RuleContext,
  ruleProblems,
} from "@kv/acl";
import { CommandTable, dataCommands, placeholderCommands } from "@kv/commands";
import { type ConfigStore, splitArgs } from "@kv/config";
import type { Engine } from "../engine.ts";
import { groups } from "../systems/index.ts";

const unknownCommand = "No such command in rename-command";
const takenName = "Target command name already exists";
const otherUsers = "ACL users other than 'default' are not supported by this server yet";

/** Has each such line checked while the configuration is read. Before ConfigStore.load(). */
export function checkStatements(config: ConfigStore): void {
  let table: CommandTable | undefined;
  const known = () => {
    table ??= new CommandTable([...dataCommands, ...groups, ...placeholderCommands]);
    return table;
  };
  config.statements.onLine("rename-command", ([from = "", to = ""]) => rename(known(), from, to));
  config.statements.onLine("user", ([name = "", ...words]) =>
    checkUser(name, words, contextOf(config, new KnownCommands(known()))),
  );
}

function rename(table: CommandTable, from: string, to: string): string | undefined {
  if (!table.byName.has(from.toLowerCase())) return unknownCommand;
  return table.rename(from, to) ? undefined : takenName;
}

/** Passwords are hashed when the users are made; here each stands for itself. */
function contextOf(config: ConfigStore, known: KnownCommands): RuleContext {
  return {
    known,
    digestOf: (password) => password,
    wordsOf: splitArgs,
    allowsAllChannels: config.text("acl-pubsub-default") === "allchannels",
  };
}

/** A line says all about its user: nothing is left of `requirepass`, nor of who is let in unasked. */
function checkUser(
  name: string,
  words: readonly string[],
  context: RuleContext,
): string | undefined {
  if (name !== "default") return otherUsers;
  const { rules, unmatched } = joinSelectors(words);
  if (unmatched !== undefined)
    return `Unmatched parenthesis in acl selector starting at '${unmatched}'.`;
  const user = newUser(name, context);
  for (const rule of rules) {
    const problem = applyRule(user, rule, context);
    // Whether a digest is that of a password is seen when the user is made.
    if (problem === ruleProblems.noPassword && rules.some((each) => /^[#!]/.test(each))) continue;
    if (problem !== undefined) return `Error in user declaration '${name}': ${problem}`;
  }
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
  engine.access.start(
    statements.lines("user").map(([name = "", ...words]) => [name, ...joinSelectors(words).rules]),
  );
  statements.onRewrite("user", () => engine.access.userLines());
}
