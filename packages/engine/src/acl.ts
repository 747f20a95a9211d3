/**
 * ACL: users, passwords and what they may do. For now every user may do everything or, without the
 * password, nothing: the default user with `requirepass`, whose password is kept as its SHA-256.
 *
 * Comparing digests in full takes the same time wherever they differ.
 */
import type { CommandEntry } from "@kv/commands";

/** One user. */
export class User {
  readonly name: string;
  enabled = true;
  /** nopass: any password will do. */
  anyPassword = true;
  /** SHA-256 of each accepted password, lower-case hex. */
  readonly passwords = new Set<string>();

  constructor(name: string) {
    this.name = name;
  }

  /** True when the user may do everything, so that no check is needed. */
  get isUnrestricted(): boolean {
    return true;
  }

  accepts(digest: string): boolean {
    if (this.anyPassword) return true;
    let good = false;
    for (const password of this.passwords) if (sameText(password, digest)) good = true;
    return good;
  }

  /** Why the user may not run the command, as the rest of a NOPERM error; null when it may. */
  refusal(_entry: CommandEntry): string | null {
    return null;
  }
}

function sameText(a: string, b: string): boolean {
  let different = a.length ^ b.length;
  for (let i = 0; i < a.length; i++) different |= a.charCodeAt(i) ^ b.charCodeAt(i % b.length);
  return different === 0;
}

/** All users by name. */
export class Users {
  readonly byName = new Map<string, User>();
  readonly defaultUser = new User("default");

  constructor() {
    this.byName.set("default", this.defaultUser);
  }

  /** `requirepass`: "" lets everybody in. `digest` is the SHA-256 of the password. */
  setDefaultPassword(password: string, digest: string): void {
    const user = this.defaultUser;
    user.passwords.clear();
    user.anyPassword = password === "";
    if (password !== "") user.passwords.add(digest);
  }

  /** The user, if there is one with this name and a password of this digest that may log in. */
  authenticate(name: string, digest: string): User | null {
    const user = this.byName.get(name);
    if (user === undefined || !user.enabled || !user.accepts(digest)) return null;
    return user;
  }

  /** True when a new connection is logged in as the default user without being asked. */
  get opensFreely(): boolean {
    return this.defaultUser.enabled && this.defaultUser.anyPassword;
  }
}
