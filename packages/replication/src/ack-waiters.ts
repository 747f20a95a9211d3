/**
 * Ack waiters: clients that said WAIT or WAITAOF, until enough replicas have what the client wrote
 * before (and for WAITAOF: have it on disk, and so has this server), or until time is up. Whether it
 * is so is looked at between commands; how such a wait ends is for the engine (Waits).
 */
import { CommandError } from "@kv/commands";
import { appendOnlyFilePort, type Client, type Ports, type Waiter, waitsPort } from "@kv/engine";
import type { ReplyWriter } from "@kv/resp";
import type { Followers } from "./followers.ts";

/** Why WAITAOF cannot be about this server's own disk. */
const noLog = new CommandError(
  "ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.",
);

/** What is waited for. */
export interface AckGoal {
  readonly replicaCount: number;
  /** WAITAOF: what is on disk counts; 1 includes this server's. Null: WAIT. */
  readonly localCount: number | null;
}

/** What they take of the engine. */
export type AckWaitersNeeds = Pick<Ports, "output" | "of">;

export class AckWaiters {
  private readonly ports: AckWaitersNeeds;
  private readonly followers: Followers;
  private readonly waiters = new Set<AckWaiter>();

  constructor(ports: AckWaitersNeeds, followers: Followers) {
    this.ports = ports;
    this.followers = followers;
  }

  /** Whether anybody waits. */
  get isActive(): boolean {
    return this.waiters.size > 0;
  }

  /** Whether that is so by now for what the client wrote. Throws noLog. */
  isReached(client: Client, { replicaCount, localCount }: AckGoal): boolean {
    const wantsLocal = localCount !== null && localCount > 0;
    if (wantsLocal && !this.ports.of(appendOnlyFilePort).isOn) throw noLog;
    if (wantsLocal && this.localCount(client) === 0) return false;
    return this.replicaCount(client, localCount !== null) >= replicaCount;
  }

  /** How far it is. */
  answer(client: Client, { localCount }: AckGoal, reply: ReplyWriter): void {
    if (localCount !== null) {
      reply.array(2);
      reply.integer(this.localCount(client));
    }
    reply.integer(this.replicaCount(client, localCount !== null));
  }

  private replicaCount(client: Client, isOnDisk: boolean): number {
    const { followers } = this;
    return isOnDisk ? followers.syncedCount(client) : followers.ackedCount(client);
  }

  private localCount({ loggedOffset }: Client): number {
    return this.ports.of(appendOnlyFilePort).isSynced(loggedOffset) ? 1 : 0;
  }

  /** The client waits from now on; replicas are asked how far they are. */
  add(client: Client, goal: AckGoal, untilMs: number): void {
    // With appendfsync always that alone may be what it waits for.
    if (goal.localCount !== null) this.ports.output.openGate();
    this.followers.askForAcks();
    const waiter = new AckWaiter(this, client, goal, untilMs);
    this.waiters.add(waiter);
    this.ports.of(waitsPort).hold(waiter);
  }

  /** Ends the waits of those who have what they wait for, or never will. */
  turn(): void {
    const waits = this.ports.of(waitsPort);
    for (const waiter of this.waiters) {
      try {
        if (this.isReached(waiter.client, waiter.goal)) waits.end(waiter);
      } catch (error) {
        if (error !== noLog) throw error;
        waits.end(waiter, noLog);
      }
    }
  }

  /** @internal */
  released(waiter: AckWaiter): void {
    this.waiters.delete(waiter);
  }
}

/** One of them. */
class AckWaiter implements Waiter {
  readonly client: Client;
  readonly goal: AckGoal;
  untilMs: number;
  heapIndex = -1;
  private readonly all: AckWaiters;

  constructor(all: AckWaiters, client: Client, goal: AckGoal, untilMs: number) {
    this.all = all;
    this.client = client;
    this.goal = goal;
    this.untilMs = untilMs;
  }

  released(): void {
    this.all.released(this);
  }

  answer(box: ReplyWriter): void {
    this.all.answer(this.client, this.goal, box);
  }
}
