/**
 * Users: all of them, by name. So far there is one, `default`: whoever connects is that user, and
 * need not log in when it is on and takes any password.
 */
import type { KnownCommands } from "./known-commands.ts";
import { User } from "./user.ts";

/** The users of a server, and who may log in as which of them. */
export class Users {
  /** Every user; names are exact, upper and lower case differ. */
  readonly byName = new Map<string, User>();
  /** The user `default`: always the same object, whatever its rules become. */
  readonly defaultUser: User;
  /** What rules call the commands. */
  readonly known: KnownCommands;

  constructor(known: KnownCommands) {
    this.known = known;
    this.defaultUser = new User("default", known);
    this.byName.set("default", this.defaultUser);
    this.reset();
  }

  /** As when nothing is said of users: the default user may do everything, unasked. */
  reset(): void {
    const open = new User("default", this.known);
    open.enabled = true;
    open.anyPassword = true;
    open.root.commands.begin("+@all");
    open.root.keys.allowAll();
    open.root.channels.allowAll();
    this.defaultUser.become(open);
  }

  /**
   * `requirepass`: "" lets everybody in. `digest` is the SHA-256 of the password, lower-case hex.
   */
  setDefaultPassword(password: string, digest: string): void {
    const user = this.defaultUser;
    user.passwords.clear();
    user.anyPassword = password === "";
    if (password !== "") user.passwords.add(digest);
  }

  /**
   * The user, if there is one with this name and a password of this digest (SHA-256, lower-case
   * hex) that may log in; else null.
   */
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
