/**
 * Ack waiters: clients that said WAIT, until enough replicas have everything that the client wrote
 * before, or until time is up. Both is looked at between commands; the time thus as often as the cron
 * comes.
 *
 * A client that waits executes nothing: what it sends is held until the turn after its reply.
 */
import type { CommandError } from "@kv/commands";
import { type Client, ClientState, type Ports } from "@kv/engine";
import type { Followers } from "./followers.ts";

interface Waiter {
  readonly client: Client;
  readonly replicaCount: number;
  /** When it has waited long enough, in milliseconds since 1970; 0: never. */
  readonly untilMs: number;
}

export type AckWaitersNeeds = Pick<
  Ports,
  "host" | "situation" | "stats" | "output" | "muting" | "resume"
>;

export class AckWaiters {
  private readonly ports: AckWaitersNeeds;
  private readonly followers: Followers;
  private readonly waiters = new Map<Client, Waiter>();
  /** Have been answered, and go on in the next turn. */
  private answered: Client[] = [];

  constructor(ports: AckWaitersNeeds, followers: Followers) {
    this.ports = ports;
    this.followers = followers;
  }

  /** Whether anybody waits, or is about to go on. */
  get isActive(): boolean {
    return this.waiters.size > 0 || this.answered.length > 0;
  }

  /** The client waits from now on; replicas are asked how far they are. */
  add(client: Client, replicaCount: number, untilMs: number): void {
    if (this.waiters.size === 0) this.followers.askForAcks();
    this.waiters.set(client, { client, replicaCount, untilMs });
    client.mark(ClientState.WAITING, true);
    client.unblock = (error) => this.answer(client, error);
  }

  turn(nowMs: number): void {
    for (const { client, replicaCount, untilMs } of this.waiters.values()) {
      const isLate = untilMs !== 0 && nowMs >= untilMs;
      if (isLate || this.followers.ackedCount(client) >= replicaCount) this.answer(client, null);
    }
    if (this.answered.length === 0) return;
    const clients = this.answered;
    this.answered = [];
    for (const client of clients) if (!client.closed) this.ports.resume(client);
  }

  private answer(client: Client, error: CommandError | null): void {
    const { host, stats, output, muting } = this.ports;
    this.remove(client);
    if (error !== null) stats.countError(error.reply);
    if (!client.isMuted) {
      const box = output.pushWriter(client);
      if (error !== null) box.error(error.reply);
      else box.integer(this.followers.ackedCount(client));
    }
    muting.waitEnds(client);
    this.answered.push(client);
    host.wake();
  }

  remove(client: Client): void {
    if (!this.waiters.delete(client)) return;
    client.unblock = null;
  }
}
