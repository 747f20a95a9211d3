/**
 * Redaction: the words of a request that MONITOR and the slow log may not show. Passwords become
 * "(redacted)": those of AUTH and HELLO AUTH, users and their rules, and the values of sensitive
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
    default:
      return noneIs;
  }
}

function isLogin(call: Call, index: number): boolean {
  return index >= 1 && call.is(index, "AUTH");
}

function isSensitive(name: string, config: ConfigStore): boolean {
  return config.directive(name)?.sensitive === true;
}
