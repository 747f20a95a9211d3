/**
 * The ACL file: a line `user NAME RULE...` for each user, words one blank apart, without quotes and
 * comments.
 *
 * All of a file is taken or nothing: whoever reads it gets every problem that it has, in the words
 * in which redis-server tells them.
 */
import {
  applyRule,
  breaksWords,
  joinSelectors,
  NAME_BYTES_MAX,
  newUser,
  type RuleContext,
  ruleProblems,
} from "./rules.ts";
import type { User } from "./user.ts";

const nothingChanged =
  "WARNING: ACL errors detected, no change to the previously active ACL rules was performed";

/**
 * The users that a file describes, in its order. Or all that is wrong with the file, as one text in
 * the words of redis-server, each problem with `path` and its line (from 1). Throws nothing.
 */
export function parseAclFile(
  path: string,
  text: string,
  context: RuleContext,
): { users: User[] } | { problems: string } {
  const users = new Map<string, User>();
  let problems = "";
  for (const [index, raw] of text.split("\n").entries()) {
    const line = raw.replace(/^[ \t\r]+|[ \t\r]+$/g, "");
    if (line === "") continue;
    const where = `${path}:${index + 1}`;
    const [keyword, name, ...words] = line.split(" ");
    if (keyword !== "user" || name === undefined) {
      problems += `${where} should start with user keyword followed by the username. `;
    } else if (breaksWords(name)) {
      problems += `'${where}: username '${name}' contains invalid characters. `;
    } else if (name.length > NAME_BYTES_MAX) {
      problems += `${where}: ${ruleProblems.longName}. `;
    } else if (users.has(name)) {
      problems += `WARNING: Duplicate user '${name}' found on line ${index + 1}. `;
    } else {
      const user = newUser(name, context);
      users.set(name, user);
      problems += problemsOfRules(user, words, where, context);
    }
  }
  return problems === "" ? { users: [...users.values()] } : { problems: problems + nothingChanged };
}

function problemsOfRules(
  user: User,
  words: readonly string[],
  where: string,
  context: RuleContext,
): string {
  const { rules, unmatched } = joinSelectors(words);
  if (unmatched !== undefined) return `${where}: Unmatched parenthesis in selector definition.`;
  let problems = "";
  let isFirst = true;
  for (const given of rules) {
    const rule = given.replace(/^[\t\r]+|[\t\r]+$/g, "");
    const problem = applyRule(user, rule, context);
    // A name that is unknown gives no secret away; of the rest the first may cause the others.
    if (problem === ruleProblems.unknown) {
      problems += `${where}: Error in applying operation '${rule}': ${problem}. `;
    } else if (problem !== undefined && isFirst) {
      problems += `${where}: ${problem}. `;
      isFirst = false;
    }
  }
  return problems;
}

/**
 * The text of an ACL file with these users, a line each: what ACL SAVE writes and parseAclFile()
 * reads.
 */
export function printAclFile(users: Iterable<User>): string {
  let text = "";
  for (const user of users) text += `${user.line()}\n`;
  return text;
}
