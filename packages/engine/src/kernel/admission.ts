/** Admission: which connections are turned away at the door, what they are told, and who comes in. */
import type { Users } from "@kv/acl";
import type { ConfigStore } from "@kv/config";
import { ReplyWriter, type RequestLimits } from "@kv/resp";
import { Client } from "./client.ts";
import type { Clients } from "./clients.ts";
import type { Connection, Host } from "./host.ts";
import type { Situation } from "./situation.ts";
import type { Stats } from "./stats.ts";

/** What an Admission is made of. */
export interface AdmissionParts {
  /** Takes the log lines of those who come. */
  host: Host;
  /** Has `maxclients` and `protected-mode`. */
  config: ConfigStore;
  /** Says when a client came. */
  situation: Situation;
  /** Counts who came, and who was refused. */
  stats: Stats;
  /** Whom those join who are let in. */
  clients: Clients;
  /** Has the default user, whom everybody begins as. */
  users: Users;
  /** What a request of a client may be. */
  requestLimits: RequestLimits;
}

/** Lets connections in, or turns them away: see the head of this file. One for each engine. */
export class Admission {
  private readonly parts: AdmissionParts;
  /** Of connections that may become clients, and take the place of one meanwhile. */
  waitingCount: () => number = () => 0;

  constructor(parts: AdmissionParts) {
    this.parts = parts;
  }

  /** For a connection that cannot be told anything yet. False: it is to be closed; it counts as refused. */
  hasRoom(): boolean {
    if (!this.isFull) return true;
    const { stats } = this.parts;
    stats.connectionsReceived++;
    stats.connectionsRejected++;
    return false;
  }

  private get isFull(): boolean {
    const { clients, config } = this.parts;
    return clients.size + this.waitingCount() >= config.number("maxclients");
  }

  /** A new connection. Null: it was refused, told why, and is being closed. */
  accept(connection: Connection): Client | null {
    const { stats } = this.parts;
    stats.connectionsReceived++;
    const refusal = this.refusalOf(connection);
    if (refusal !== null) {
      this.refuse(connection, refusal);
      return null;
    }
    this.log(() => `Accepted ${connection.address}`);
    return this.letIn(connection, this.parts.requestLimits);
  }

  /** The connection becomes a client, whoever is at the other end. */
  letIn(connection: Connection, limits: RequestLimits): Client {
    const { situation, clients, users } = this.parts;
    const nowMs = situation.readClock();
    const client = new Client(clients.nextId++, connection, limits, users.defaultUser, nowMs);
    clients.set(client.id, client);
    return client;
  }

  /** Connections come and go too often for words that nobody will read. */
  log(words: () => string): void {
    const { config, host } = this.parts;
    const level = config.text("loglevel");
    if (level === "verbose" || level === "debug") host.log("verbose", words());
  }

  /** The error for a connection that is not let in; null when it is. */
  refusalOf(connection: Pick<Connection, "isLocal">): string | null {
    const { config, users } = this.parts;
    if (this.isFull) return "ERR max number of clients reached";
    if (!connection.isLocal && config.boolean("protected-mode") && users.defaultUser.anyPassword) {
      return (
        "DENIED Redis is running in protected mode because protected mode is enabled and no " +
        "password is set for the default user. In this mode connections are only accepted from " +
        "the loopback interface. To accept others, either set a password (requirepass), or bind " +
        "the server to the addresses that should reach it and turn protected mode off: " +
        "CONFIG SET protected-mode no, from a client on this machine."
      );
    }
    return null;
  }

  /** Tells the refused why, and closes. */
  private refuse(connection: Connection, refusal: string): void {
    this.parts.stats.connectionsRejected++;
    const line = new ReplyWriter(512);
    line.error(refusal);
    connection.send(line.bytes, 0, line.length);
    connection.end();
  }
}

/** Whether an address as CLIENT LIST prints it is one of this machine's loopback interface. */
export function isLoopback(address: string): boolean {
  return (
    address.startsWith("127.") ||
    address.startsWith("[::1]") ||
    address.startsWith("::1") ||
    address.startsWith("[::ffff:127.") ||
    address.startsWith("::ffff:127.")
  );
}
