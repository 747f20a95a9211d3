/**
 * The `user` lines of a configuration file. Each is tried while the file is read, so that an error
 * names its line. From then on the users are what they are made, and that is what CONFIG REWRITE
 * writes: a server that starts from the old line would ask for the password of then, or for none.
 */
import {
  applyRule,
  breaksWords,
  joinSelectors,
  KnownCommands,
  NAME_BYTES_MAX,
  newUser,
  type RuleContext,
  ruleProblems,
} from "@kv/acl";
import { type ConfigStore, splitArgs } from "@kv/config";
import type { StatementRow } from "../../module/system.ts";
import { accessPort } from "./access.ts";

export const userStatement: StatementRow = {
  keyword: "user",
  check: ([name = "", ...words], config, commands) =>
    checkUser(name, words, contextOf(config, new KnownCommands(commands))),
  apply: (lines, ports) => {
    ports
      .of(accessPort)
      .sources.start(lines.map(([name = "", ...words]) => [name, ...joinSelectors(words).rules]));
  },
  rewritten: (ports) => ports.of(accessPort).sources.userLines(),
};

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
  if (breaksWords(name)) return "Spaces not allowed in ACL usernames";
  if (name.length > NAME_BYTES_MAX) return ruleProblems.longName;
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
