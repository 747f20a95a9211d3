/**
 * User sources: where users come from when the server starts, and where they are kept.
 *
 *     `user` lines of the configuration file      CONFIG REWRITE writes them anew
 *     the file that `aclfile` names               ACL LOAD, ACL SAVE
 *
 * It is either the one or the other. `requirepass` only says what the default user's password is
 * when neither of them speaks of that user.
 */
import {
  applyRule,
  newUser,
  parseAclFile,
  printAclFile,
  type RuleContext,
  type User,
} from "@kv/acl";
import { quoteArg } from "@kv/config";
import type { Ports } from "../../module/ports.ts";

/** The users that the configuration asks for cannot be had: nobody may be let in. */
export class AclStartError extends Error {
  /** The name of the class, whatever a bundler makes of that. */
  override name = "AclStartError";
}

const bothSources =
  "Configuring Redis with users defined in redis.conf and at the same setting an ACL file path is invalid. This setup is very likely to lead to configuration errors and security holes, please define either an ACL file or declare users directly in your redis.conf, but not both.";

/** Who has the users: what becomes of the clients that act as them is not looked at here. */
interface UserKeeper extends RuleContext {
  put(draft: User): void;
  replaceAll(drafts: readonly User[]): void;
}

export class UserSources {
  private readonly ports: Pick<Ports, "host" | "config" | "users">;
  private readonly keeper: UserKeeper;

  constructor(ports: Pick<Ports, "host" | "config" | "users">, keeper: UserKeeper) {
    this.ports = ports;
    this.keeper = keeper;
  }

  private get path(): string {
    return this.ports.config.text("aclfile");
  }

  /**
   * The users that the server starts with: from `user` lines, whose rules follow a name, or from
   * the ACL file. Throws AclStartError.
   */
  start(userLines: readonly (readonly string[])[]): void {
    if (this.path !== "" && userLines.length > 0) throw new AclStartError(bothSources);
    for (const [name = "", ...rules] of userLines) this.setUp(name, rules);
    if (this.path === "") return;
    const problems = this.loadFile();
    if (problems !== undefined)
      throw new AclStartError(`Aborting Redis startup because of ACL errors: ${problems}`);
  }

  /** Each rule was tried when the line was read; other lines may have changed what it means. */
  private setUp(name: string, rules: readonly string[]): void {
    const user = newUser(name, this.keeper);
    for (const rule of rules) {
      const problem = applyRule(user, rule, this.keeper);
      if (problem !== undefined)
        throw new AclStartError(
          `Error loading ACL rule '${rule}' for the user named '${name}': ${problem}`,
        );
    }
    this.keeper.put(user);
    if (user.enabled) return;
    this.ports.host.log(
      "notice",
      `The user '${name}' is disabled (there is no 'on' modifier in the user description). Make sure this is not a configuration error.`,
    );
  }

  /** Takes the users of the ACL file. Undefined, or all that is wrong: then nothing has changed. */
  loadFile(): string | undefined {
    let text: string;
    try {
      text = this.ports.host.readText(this.path);
    } catch (error) {
      return `Error loading ACLs, opening file '${this.path}': ${messageOf(error)}`;
    }
    const parsed = parseAclFile(this.path, text, this.keeper);
    if ("problems" in parsed) return parsed.problems;
    this.keeper.replaceAll(parsed.users);
    return undefined;
  }

  /** Writes all users into the ACL file. Undefined, or what the host had against it. */
  saveFile(): string | undefined {
    try {
      this.ports.host.writeText(this.path, printAclFile(this.ports.users.inOrder()));
      return undefined;
    } catch (error) {
      return messageOf(error);
    }
  }

  /** What CONFIG REWRITE writes behind the word `user`, a line each: nothing beside an ACL file. */
  userLines(): string[] {
    if (this.path !== "") return [];
    return this.ports.users
      .inOrder()
      .map((user) =>
        [user.name, ...user.rules().flatMap((rule) => rule.split(" "))].map(asFileWord).join(" "),
      );
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** A name or pattern may hold what a configuration file would read as quotes. */
function asFileWord(word: string): string {
  return /^[!-~]+$/.test(word) && !/["'\\]/.test(word) ? word : quoteArg(word);
}
