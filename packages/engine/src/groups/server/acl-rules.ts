/**
 * The rules of a user as ACL LIST prints and ACL SETUSER takes them. The default user alone can be
 * changed, in its passwords and in being on or off: everybody may do everything, or is not let in.
 */
import type { User } from "../../acl.ts";

/** The user as a line of an ACL file. */
export function userLine(user: User): string {
  return `user ${userRules(user)}`;
}

/** The name and all rules, as they follow the word "user" in an ACL or configuration file. */
export function userRules(user: User): string {
  return [user.name, ...userFlags(user), ...digests(user), "~* &* +@all"].join(" ");
}

export function userFlags(user: User): string[] {
  const flags = [user.enabled ? "on" : "off"];
  if (user.anyPassword) flags.push("nopass");
  return flags;
}

function digests({ passwords }: User): string[] {
  return [...passwords].map((digest) => `#${digest}`);
}

/** What a user is to become: rules are tried on this first, so that all hold or none. */
export interface UserDraft {
  enabled: boolean;
  anyPassword: boolean;
  passwords: Set<string>;
}

export function draftOf({ enabled, anyPassword, passwords }: User): UserDraft {
  return { enabled, anyPassword, passwords: new Set(passwords) };
}

export function adopt(user: User, draft: UserDraft): void {
  user.enabled = draft.enabled;
  user.anyPassword = draft.anyPassword;
  user.passwords.clear();
  for (const digest of draft.passwords) user.passwords.add(digest);
}

/** Rules that say what is the case anyway. */
const HOLDS_ALREADY = new Set([
  ...["allkeys", "~*", "allchannels", "&*", "allcommands", "+@all"],
  "sanitize-payload", // Redis writes it into each line; here everybody's payloads are checked.
]);

/** Applies one rule. Undefined, or why it cannot be. */
export function applyRule(
  draft: UserDraft,
  rule: string,
  digestOf: (password: string) => string,
): string | undefined {
  const word = rule.toLowerCase();
  if (HOLDS_ALREADY.has(word)) return undefined;
  if (word === "on" || word === "off") {
    draft.enabled = word === "on";
    return undefined;
  }
  if (word === "nopass" || word === "resetpass") {
    draft.anyPassword = word === "nopass";
    draft.passwords.clear();
    return undefined;
  }
  const sign = rule.charAt(0);
  const rest = rule.slice(1);
  if (sign === ">" || sign === "<") return changePassword(draft, sign === ">", digestOf(rest));
  if (sign === "#" || sign === "!") {
    if (!/^[0-9a-f]{64}$/.test(rest))
      return "The password hash must be exactly 64 characters and contain only lowercase hexadecimal characters";
    return changePassword(draft, sign === "#", rest);
  }
  return "Limits on commands, keys and channels are not supported by this server yet";
}

function changePassword(draft: UserDraft, adds: boolean, digest: string): string | undefined {
  if (adds) {
    draft.passwords.add(digest);
    draft.anyPassword = false;
    return undefined;
  }
  return draft.passwords.delete(digest)
    ? undefined
    : "The password you are trying to remove from the user does not exist";
}
