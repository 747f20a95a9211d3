/**
 * Access: the users of @kv/acl and the clients that act as them.
 *
 *     user-sources.ts, ACL SETUSER --> put(), remove(), replaceAll() --> users, bits of every client
 *     request of a client whose bit RESTRICTED is set --refusalOf()--> NOPERM, the ACL log, counters
 *
 * Whether a client has to log in, and whether what it asks must be looked at, are bits that its
 * requests are judged by. They follow from its user, which may change under it: so users are only
 * changed here, and nobody else keeps what follows from them.
 */

import {
  type AclRequest,
  costOf,
  type Denial,
  type KnownCommands,
  type RuleContext,
  type User,
  type Users,
} from "@kv/acl";
import { CommandError, type CommandRow } from "@kv/commands";
import { splitArgs } from "@kv/config";
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
import { UserSources } from "./user-sources.ts";

export const accessPort = new Port<Access>("access");

/** Of a key or channel that was refused, what the log of refusals gets to see. */
const OBJECT_BYTES_MAX = 4096;

/** Inside EXEC a refusal has other words, for the command had been allowed when it was queued. */
const reasonsInExec: Readonly<Record<Denial["reason"], string>> = {
  command: "no permission to execute the command or subcommand",
  key: "no permission to touch the specified keys",
  channel: "no permission to access one of the channels used as arguments",
};

/** Heap that all users take together, as Users estimates it; Redis knows no such bound. */
const USERS_BYTES_MAX = 256 * 2 ** 20;
const tooManyUsers = new CommandError("ERR The rules of all users take too much memory");

/** Redis cuts its lines off there. */
const WARNING_BYTES_MAX = 1024;

type Needs = Pick<Ports, "host" | "config" | "situation" | "users" | "clients" | "report" | "of">;

export class Access implements RuleContext, Accounts, ExecAccess, Running {
  readonly known: KnownCommands;
  readonly users: Users;
  /** Who was refused lately. */
  readonly log = new AclLog();
  readonly guards: { acl: Guard };
  /** Where users come from, and where they are kept. */
  readonly sources: UserSources;
  private readonly ports: Needs;
  /** Refusals since the start: as in Redis, CONFIG RESETSTAT forgets none of them. */
  readonly denied = { auth: 0, command: 0, key: 0, channel: 0 };

  constructor(ports: Needs) {
    this.ports = ports;
    this.users = ports.users;
    this.known = ports.users.known;
    this.sources = new UserSources(ports, this);
    this.guards = {
      acl: (client, row, request) =>
        client.is(ClientState.RESTRICTED) ? this.refusalOf(client, row, request) : null,
    };
  }

  uncountedBytes(): number {
    return this.log.keptBytes + this.users.keptBytes;
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

  warn(text: string): void {
    this.ports.host.log("warning", text.slice(0, WARNING_BYTES_MAX));
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
    // AUTH may have been queued: no script may call it.
    const isQueued = client.inTransaction || this.ports.situation.depth > 0;
    const context = isQueued ? "multi" : "toplevel";
    this.note({ reason: "auth", context, object: command, username: userName }, client);
    return false;
  }

  private refresh(client: Client): void {
    // The link to the primary is nobody's: what comes by it has been allowed there.
    const isPrimary = client.is(ClientState.PRIMARY);
    const isStranger = !isPrimary && !client.loggedIn && !this.users.opensFreely;
    client.mark(ClientState.UNAUTHENTICATED, isStranger);
    client.mark(ClientState.RESTRICTED, !isPrimary && !client.user.isUnrestricted);
    client.reader.authenticated = !isStranger;
  }

  // Requests.

  /** Why the client may not make the request, as a NOPERM error that has been logged; or null. */
  refusalOf(client: Client, row: CommandRow, request: AclRequest): CommandError | null {
    if (!client.is(ClientState.RESTRICTED)) return null;
    const denial = client.user.denial(row, request);
    if (denial === null) return null;
    this.logDenial(client, denial, row, request, client.inTransaction ? "multi" : "toplevel");
    return new CommandError(`NOPERM ${shortReason(client.user, denial, row)}`);
  }

  refusalInside(call: ClientCall, by: "exec" | "script"): CommandError | null {
    const { client, row } = call;
    if (!client.is(ClientState.RESTRICTED)) return null;
    const denial = client.user.denial(row, call);
    if (denial === null) return null;
    this.logDenial(client, denial, row, call, by === "exec" ? "multi" : "lua");
    return new CommandError(
      by === "exec"
        ? `NOPERM ACLs rules changed between the moment the transaction was accumulated and the EXEC call. This command is no longer allowed for the following reason: ${reasonsInExec[denial.reason]}`
        : `ERR ACL failure in script: ${shortReason(client.user, denial, row)}`,
    );
  }

  private logDenial(
    client: Client,
    denial: Denial,
    row: CommandRow,
    request: AclRequest,
    context: AclLogEntry["context"],
  ): void {
    const { reason } = denial;
    this.denied[reason]++;
    const object = reason === "command" ? row.fullName : wordAt(request, denial.argument);
    this.note({ reason, context, object, username: client.user.name }, client);
  }

  private note(
    refusal: Pick<AclLogEntry, "reason" | "context" | "object" | "username">,
    client: Client,
  ): void {
    const { report, situation, config } = this.ports;
    this.log.add(
      { ...refusal, clientInfo: report.describe(client) },
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

  /**
   * The user becomes the draft, or is the draft where there was none of this name; who listens to
   * what it may no longer hear is cut off. Throws when there would be too many users.
   */
  put(draft: User): void {
    const { users } = this;
    const before = users.byName.get(draft.name);
    const costBefore = before === undefined ? 0 : costOf(before);
    const cost = costOf(draft);
    if (cost > costBefore && users.keptBytes + cost - costBefore > USERS_BYTES_MAX)
      throw tooManyUsers;
    const hearsAll = before === undefined || draft.hearsAllOf(before);
    const user = users.put(draft);
    this.usersChanged();
    if (!hearsAll) this.cutOffListeners(user);
  }

  /** Closes the clients of this user that listen to what it may not hear. */
  private cutOffListeners(user: User): void {
    const { clients } = this.ports;
    const names = this.ports.of(listeningPort);
    for (const client of [...clients.values()]) {
      if (client.user !== user || !client.subscribes) continue;
      const mayGoOn = names.everyName(client, (bytes, start, end, isPattern) =>
        user.mayListen(bytes, start, end, isPattern),
      );
      if (!mayGoOn) this.expel(client, "channels are no longer allowed");
    }
  }

  /** Removes users, and whoever acts as one of them. Answers how many there were. */
  remove(names: readonly string[]): number {
    let count = 0;
    for (const name of names) if (this.users.remove(name) !== undefined) count++;
    if (count > 0) this.expelStrangers();
    return count;
  }

  /**
   * These are the users now; default is whole where they do not name it. As in Redis 7.2 who acts
   * as another user than default has to come anew, whether its rules have changed or not.
   */
  replaceAll(drafts: readonly User[]): void {
    this.users.replaceAll(drafts);
    this.expelStrangers();
    this.usersChanged();
    this.cutOffListeners(this.users.defaultUser);
  }

  /** Closes the clients whose users are none any more. */
  private expelStrangers(): void {
    for (const client of [...this.ports.clients.values()])
      if (this.users.byName.get(client.user.name) !== client.user)
        this.expel(client, "the user was removed");
  }

  /** What a client that is closed still does, it does as somebody who has not logged in. */
  private expel(client: Client, reason: string): void {
    this.actAs(client, this.users.defaultUser, false);
    this.ports.clients.close(client, reason);
  }

  /** `requirepass`. */
  setDefaultPassword(password: string): void {
    this.users.setDefaultPassword(password === "" ? undefined : this.digestOf(password));
    this.usersChanged();
  }

  /** Every client is what its user makes it now. */
  private usersChanged(): void {
    for (const client of this.ports.clients.values()) this.refresh(client);
  }
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
