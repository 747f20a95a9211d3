/**
 * Redaction: the words of a request that MONITOR and the slow log may not show. Passwords become
 * "(redacted)": those of AUTH, HELLO AUTH and MIGRATE, users and their rules, and the values of sensitive
 * directives. A request may have a hundred million words and one of half a gigabyte, so secrets are
 * not listed: each word is asked about when its turn comes, and only the names of directives are
 * ever made into text.
 */
import type { Call } from "@kv/commands";
import type { ConfigStore } from "@kv/config";

export const REDACTED = "(redacted)";

/** Whether the word with this number is to be hidden. */
export type IsSecret = (index: number) => boolean;

const noneIs: IsSecret = () => false;

/** Tells which words of the present request are to be hidden. */
export function secretsOf(call: Call, config: ConfigStore): IsSecret {
  switch (call.row.fullName) {
    case "auth":
      return (index) => index >= 1;
    case "hello":
      // User and password.
      return (index) => isLogin(call, index - 1) || isLogin(call, index - 2);
    case "config|set":
      return (index) => index >= 3 && index % 2 === 1 && isSensitive(call.word(index - 1), config);
    case "acl|setuser":
    case "acl|deluser":
    case "acl|getuser":
      // Not even the names of users are everybody's business.
      return (index) => index >= 2;
    case "migrate":
      return secretsOfOptions(call, 6);
    default:
      return noneIs;
  }
}

/**
 * Behind AUTH a password, behind AUTH2 a user and one; behind KEYS are keys, whatever they are called.
 * A password may be any word, so the options are gone through from the first one, as far as is asked.
 */
function secretsOfOptions(call: Call, first: number): IsSecret {
  let option = first;
  return (index) => {
    if (index < option) option = first;
    while (index >= option) {
      const end = option + lengthOfOption(call, option);
      if (index < end) return index > option && !call.is(option, "KEYS");
      option = end;
    }
    return false;
  };
}

function lengthOfOption(call: Call, index: number): number {
  if (call.is(index, "AUTH")) return 2;
  if (call.is(index, "AUTH2")) return 3;
  return call.is(index, "KEYS") ? call.argc - index : 1;
}

function isLogin(call: Call, index: number): boolean {
  return index >= 1 && call.is(index, "AUTH");
}

function isSensitive(name: string, config: ConfigStore): boolean {
  return config.directive(name)?.sensitive === true;
}
