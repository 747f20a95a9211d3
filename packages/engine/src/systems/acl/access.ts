/**
 * Access: the users of acl/ and the clients that act as them.
 *
 *     configuration, ACL file, ACL SETUSER --> users --usersChanged()--> bits of every client
 *     request of a client whose bit RESTRICTED is set --refusalOf()--> NOPERM, the ACL log, counters
 *
 * Whether a client has to log in, and whether what it asks must be looked at, are bits that its
 * requests are judged by. They follow from its user, which may change under it: so whoever changes
 * users calls usersChanged(), and nobody else keeps what follows from them.
 */

import {
  type AclRequest,
  applyRule,
  type Denial,
  type KnownCommands,
  newUser,
  parseAclFile,
  printAclFile,
  type RuleContext,
  type User,
  Users,
} from "@kv/acl";
import { CommandError, type CommandRow } from "@kv/commands";
import { quoteArg, splitArgs } from "@kv/config";
import { latin1, latin1Bytes } from "@kv/resp";
import type { Client } from "../../kernel/client.ts";
import type { ClientCall } from "../../kernel/client-call.ts";
import { ClientState } from "../../kernel/client-state.ts";
import type { Guard } from "../../kernel/guards.ts";
import {
  type Accounts,
  type ExecAccess,
  listeningPort,
  Port,
  type Ports,
} from "../../module/ports.ts";
import type { Running } from "../../module/system.ts";
import { AclLog, type AclLogEntry } from "./acl-log.ts";

export const accessPort = new Port<Access>("access");

/** The users that the configuration asks for cannot be had: nobody may be let in. */
export class AclStartError extends Error {
  /** The name of the class, whatever a bundler makes of that. */
  override name = "AclStartError";
}

const bothSources =
  "Configuring Redis with users defined in redis.conf and at the same setting an ACL file path is invalid. This setup is very likely to lead to configuration errors and security holes, please define either an ACL file or declare users directly in your redis.conf, but not both.";

/** Of a key or channel that was refused, what the log of refusals gets to see. */
const OBJECT_BYTES_MAX = 4096;

/** Inside EXEC a refusal has other words, for the command had been allowed when it was queued. */
const reasonsInExec: Readonly<Record<Denial["reason"], string>> = {
  command: "no permission to execute the command or subcommand",
  key: "no permission to touch the specified keys",
  channel: "no permission to access one of the channels used as arguments",
};

type Needs = Pick<Ports, "host" | "config" | "situation" | "users" | "clients" | "report" | "of">;

export class Access implements RuleContext, Accounts, ExecAccess, Running {
  readonly known: KnownCommands;
  readonly users: Users;
  /** Who was refused lately. */
  readonly log = new AclLog();
  readonly guards: { acl: Guard };
  private readonly ports: Needs;
  /** Refusals since the start, or since CONFIG RESETSTAT. */
  readonly denied = { auth: 0, command: 0, key: 0, channel: 0 };

  constructor(ports: Needs) {
    this.ports = ports;
    this.users = ports.users;
    this.known = ports.users.known;
    this.guards = {
      acl: (client, row, request) =>
        client.is(ClientState.RESTRICTED) ? this.refusalOf(client, row, request) : null,
    };
  }

  resetStatistics(): void {
    Object.assign(this.denied, { auth: 0, command: 0, key: 0, channel: 0 });
  }

  uncountedBytes(): number {
    return this.log.keptBytes;
  }

  digestOf(password: string): string {
    return this.ports.host.sha256Hex(latin1Bytes(password));
  }

  wordsOf(text: string): readonly string[] | undefined {
    return splitArgs(text);
  }

  get allowsAllChannels(): boolean {
    return this.ports.config.text("acl-pubsub-default") === "allchannels";
  }

  // Clients.

  /** The client acts as this user from now on. */
  actAs(client: Client, user: User, loggedIn: boolean): void {
    client.user = user;
    client.loggedIn = loggedIn;
    this.refresh(client);
  }

  /** The default user, who may or may not have to log in. */
  clientOpened(client: Client): void {
    this.actAs(client, this.users.defaultUser, this.users.opensFreely);
  }

  clientReset(client: Client): void {
    this.clientOpened(client);
  }

  logIn(client: Client, userName: string, password: Uint8Array, command: string): boolean {
    const user = this.users.authenticate(userName, this.ports.host.sha256Hex(password));
    if (user !== null) {
      this.actAs(client, user, true);
      return true;
    }
    this.denied.auth++;
    this.note(
      { reason: "auth", object: command, username: userName },
      client,
      client.inTransaction,
    );
    return false;
  }

  /** Users were changed: every client is what its user makes it now. */
  usersChanged(): void {
    for (const client of this.ports.clients.values()) this.refresh(client);
  }

  private refresh(client: Client): void {
    const isStranger = !client.loggedIn && !this.users.opensFreely;
    client.mark(ClientState.UNAUTHENTICATED, isStranger);
    client.mark(ClientState.RESTRICTED, !client.user.isUnrestricted);
    client.reader.authenticated = !isStranger;
  }

  // Requests.

  /** Why the client may not make the request, as a NOPERM error that has been logged; or null. */
  refusalOf(client: Client, row: CommandRow, request: AclRequest): CommandError | null {
    if (!client.is(ClientState.RESTRICTED)) return null;
    const denial = client.user.denial(row, request);
    if (denial === null) return null;
    this.logDenial(client, denial, row, request, client.inTransaction);
    return new CommandError(`NOPERM ${shortReason(client.user, denial, row)}`);
  }

  /** The same for a command of a transaction, when it is its turn. */
  refusalInExec(call: ClientCall): CommandError | null {
    const { client, row } = call;
    if (!client.is(ClientState.RESTRICTED)) return null;
    const denial = client.user.denial(row, call);
    if (denial === null) return null;
    this.logDenial(client, denial, row, call, true);
    return new CommandError(
      `NOPERM ACLs rules changed between the moment the transaction was accumulated and the EXEC call. This command is no longer allowed for the following reason: ${reasonsInExec[denial.reason]}`,
    );
  }

  private logDenial(
    client: Client,
    denial: Denial,
    row: CommandRow,
    request: AclRequest,
    inTransaction: boolean,
  ): void {
    const { reason } = denial;
    this.denied[reason]++;
    const object = reason === "command" ? row.fullName : wordAt(request, denial.argument);
    this.note({ reason, object, username: client.user.name }, client, inTransaction);
  }

  private note(
    refusal: Pick<AclLogEntry, "reason" | "object" | "username">,
    client: Client,
    inTransaction: boolean,
  ): void {
    const { report, situation, config } = this.ports;
    this.log.add(
      { ...refusal, clientInfo: report.describe(client) },
      { inTransaction },
      situation.nowMs,
      config.number("acllog-max-len"),
    );
  }

  /** What ACL DRYRUN says of such a request: names what is out of reach. Null: it is allowed. */
  explain(user: User, row: CommandRow, request: AclRequest): string | null {
    const denial = user.denial(row, request);
    if (denial === null) return null;
    if (denial.reason === "command") return shortReason(user, denial, row);
    const word = request.text(denial.argument);
    return `User ${user.name} has no permissions to access the '${word}' ${denial.reason}`;
  }

  // Changes.

  /** The user becomes `draft`; who listens to what it may no longer hear is cut off. */
  replace(user: User, draft: User): void {
    user.become(draft);
    this.usersChanged();
    const { clients } = this.ports;
    const names = this.ports.of(listeningPort);
    for (const client of [...clients.values()]) {
      if (client.user !== user) continue;
      const mayGoOn = names.everyName(client, (bytes, start, end, isPattern) =>
        user.mayListen(bytes, start, end, isPattern),
      );
      if (!mayGoOn) clients.close(client, "channels are no longer allowed");
    }
  }

  /** `requirepass`. */
  setDefaultPassword(password: string): void {
    this.users.setDefaultPassword(password, this.digestOf(password));
    this.usersChanged();
  }

  /**
   * The users that the server starts with: from `user` lines, whose rules follow a name, or from
   * the ACL file. Throws AclStartError.
   */
  start(userLines: readonly (readonly string[])[]): void {
    const path = this.ports.config.text("aclfile");
    if (path !== "" && userLines.length > 0) throw new AclStartError(bothSources);
    for (const [name = "", ...rules] of userLines) this.setUp(name, rules);
    if (path === "") return;
    const problems = this.loadFile();
    if (problems !== undefined)
      throw new AclStartError(`Aborting Redis startup because of ACL errors: ${problems}`);
  }

  /** Each rule was tried when the line was read; other lines may have changed what it means. */
  private setUp(name: string, rules: readonly string[]): void {
    const user = newUser(name, this);
    for (const rule of rules) {
      const problem = applyRule(user, rule, this);
      if (problem !== undefined)
        throw new AclStartError(`Error loading the ACL rules of the user '${name}': ${problem}`);
    }
    this.replace(this.users.defaultUser, user);
    if (user.enabled) return;
    this.ports.host.log(
      "notice",
      `The user '${name}' is disabled (there is no 'on' modifier in the user description). Make sure this is not a configuration error.`,
    );
  }

  /** Takes the users of the ACL file. Undefined, or all that is wrong: then nothing has changed. */
  loadFile(): string | undefined {
    const path = this.ports.config.text("aclfile");
    let text: string;
    try {
      text = this.ports.host.readText(path);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      return `Error loading ACLs, opening file '${path}': ${reason}`;
    }
    const parsed = parseAclFile(path, text, this);
    if ("problems" in parsed) return parsed.problems;
    const { defaultUser } = new Users(this.known);
    this.replace(this.users.defaultUser, parsed.defaultUser ?? defaultUser);
    return undefined;
  }

  /** Writes all users into the ACL file. Undefined, or what the host had against it. */
  saveFile(): string | undefined {
    try {
      this.ports.host.writeText(
        this.ports.config.text("aclfile"),
        printAclFile(this.users.byName.values()),
      );
      return undefined;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  /** What CONFIG REWRITE writes behind the word `user`, a line each: nothing beside an ACL file. */
  userLines(): string[] {
    if (this.ports.config.text("aclfile") !== "") return [];
    return [...this.users.byName.values()].map((user) =>
      [user.name, ...user.rules()]
        .flatMap((rule) => rule.split(" "))
        .map(asFileWord)
        .join(" "),
    );
  }
}

/** A pattern may hold what a configuration file would read as quotes. */
function asFileWord(word: string): string {
  return /^[!-~]+$/.test(word) && !/["'\\]/.test(word) ? word : quoteArg(word);
}

function shortReason(user: User, { reason }: Denial, row: CommandRow): string {
  return reason === "command"
    ? `User ${user.name} has no permissions to run the '${row.fullName}' command`
    : `No permissions to access a ${reason}`;
}

function wordAt(request: AclRequest, index: number): string {
  const start = request.start(index);
  return latin1(request.bytes, start, Math.min(request.end(index), start + OBJECT_BYTES_MAX));
}
