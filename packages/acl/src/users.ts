/**
 * Users: all of them, by name. There always is `default`: whoever connects is that user, and need
 * not log in when it is on and takes any password.
 */
import type { KnownCommands } from "./known-commands.ts";
import { User } from "./user.ts";

/** Heap that a user takes without any rules, as measured. */
const USER_BYTES = 2048;
/** Heap of a rule, pattern or password besides its text. */
const RULE_BYTES = 256;

/** The users of a server, and who may log in as which of them. */
export class Users {
  /** The user `default`: always the same object, whatever its rules become. */
  readonly defaultUser: User;
  /** What rules call the commands. */
  readonly known: KnownCommands;
  /** Heap that all users take, as estimated from what their rules were when they were put here. */
  keptBytes = 0;
  private readonly users = new Map<string, User>();
  private readonly costs = new Map<User, number>();

  constructor(known: KnownCommands) {
    this.known = known;
    this.defaultUser = new User("default", known);
    this.users.set("default", this.defaultUser);
    this.reset();
  }

  /** Every user; names are exact, upper and lower case differ. */
  get byName(): ReadonlyMap<string, User> {
    return this.users;
  }

  /** All users in the order of their names' bytes, as they are listed and saved. */
  inOrder(): User[] {
    return [...this.users.keys()].sort().map((name) => this.users.get(name) as User);
  }

  /** As when nothing is said of users: there is the default user, who may do everything, unasked. */
  reset(): void {
    this.replaceAll([]);
  }

  /**
   * The user of the draft's name becomes what the draft is: who acts as that user sees the change.
   * Where there is none yet, the draft is the user.
   */
  put(draft: User): User {
    const known = this.users.get(draft.name);
    if (known === undefined) this.users.set(draft.name, draft);
    else known.become(draft);
    const user = known ?? draft;
    this.count(user);
    return user;
  }

  /** The user is no longer there. Undefined: it was not, or is the default user, who always is. */
  remove(name: string): User | undefined {
    const user = this.users.get(name);
    if (user === undefined || user === this.defaultUser) return undefined;
    this.users.delete(name);
    this.keptBytes -= this.costs.get(user) ?? 0;
    this.costs.delete(user);
    return user;
  }

  /**
   * These users and no others, but for the default user, who may do everything where nothing is
   * said of it. The users that were there before, the default user aside, are gone: none of them
   * lives on in a new one of its name.
   */
  replaceAll(drafts: Iterable<User>): void {
    for (const name of [...this.users.keys()]) this.remove(name);
    this.put(openUser(this.known));
    for (const draft of drafts) this.put(draft);
  }

  private count(user: User): void {
    const cost = costOf(user);
    this.keptBytes += cost - (this.costs.get(user) ?? 0);
    this.costs.set(user, cost);
  }

  /**
   * `requirepass`, as the SHA-256 of the password, lower-case hex. Undefined: there is none, and
   * everybody is let in.
   */
  setDefaultPassword(digest: string | undefined): void {
    const user = this.defaultUser;
    user.passwords.clear();
    user.anyPassword = digest === undefined;
    if (digest !== undefined) user.passwords.add(digest);
    this.count(user);
  }

  /**
   * The user, if there is one with this name and a password of this digest (SHA-256, lower-case
   * hex) that may log in; else null.
   */
  authenticate(name: string, digest: string): User | null {
    const user = this.users.get(name);
    if (user === undefined || !user.enabled || !user.accepts(digest)) return null;
    return user;
  }

  /** True when a new connection is logged in as the default user without being asked. */
  get opensFreely(): boolean {
    return this.defaultUser.enabled && this.defaultUser.anyPassword;
  }
}

/** Heap that a user takes, roughly: texts are kept twice, as they are matched and as they are shown. */
export function costOf(user: User): number {
  return USER_BYTES + user.size * RULE_BYTES + 2 * user.line().length;
}

function openUser(known: KnownCommands): User {
  const open = new User("default", known);
  open.enabled = true;
  open.anyPassword = true;
  open.root.commands.begin("+@all");
  open.root.keys.allowAll();
  open.root.channels.allowAll();
  return open;
}
