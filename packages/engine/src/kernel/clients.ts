/**
 * Clients: all that are connected, by id, and how they go. Tables of names know a client as a
 * member, by 32 bits of its id (core's membership.ts).
 *
 * close() is for the server's own decisions (CLIENT KILL, limits, timeouts); gone() is for when the
 * connection is no more. Both end in `onClosed`, once: there everybody forgets the client.
 */
import type { Client } from "./client.ts";
import { ClientState } from "./client-state.ts";
import type { Situation } from "./situation.ts";

/** All connected clients by id, in the order in which they came. */
export class Clients extends Map<number, Client> {
  /** Id of the next one to come: no id is given twice. */
  nextId = 1;
  /** How many of them are replicas, which no list of clients in the narrow sense counts. */
  replicaCount = 0;
  /** Told of each client that has gone. Set once, by whoever puts the server together. */
  onClosed: (client: Client) => void = () => {};
  private readonly situation: Situation;

  constructor(situation: Situation) {
    super();
    this.situation = situation;
  }

  /** The client that is this member, signed or not; undefined when it has gone. */
  ofMember(member: number): Client | undefined {
    const half = member >>> 0;
    // Ids count on past 32 bits; of those with the same lower half, the latest is meant.
    return this.get(half + Math.floor((this.nextId - 1 - half) / 2 ** 32) * 2 ** 32);
  }

  /** Nothing more of this client is executed; what was replied still leaves. */
  closeAfterReply(client: Client, reason: string): void {
    client.closeReason = reason;
    client.mark(ClientState.CLOSING, true);
  }

  /** Closes a client, at once unless its own command runs. */
  close(client: Client, reason: string): void {
    if (client.closed) return;
    this.closeAfterReply(client, reason);
    if (client === this.situation.current) return;
    client.connection.destroy();
    this.gone(client);
  }

  /** The connection is gone. */
  gone(client: Client): void {
    if (client.closed) return;
    client.closed = true;
    client.mark(ClientState.CLOSING, true);
    this.delete(client.id);
    this.onClosed(client);
  }
}
