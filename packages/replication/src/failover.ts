/**
 * Failover: this primary hands its place over to one of its replicas (FAILOVER), without losing a write.
 *
 *      no-failover ── begin() ──> waiting-for-sync ── the target has everything ──> failover-in-progress
 *         ^ ^                      │  writes are held   └─ time is up, FORCE ───────────^    │ a replica now,
 *         │ └── time is up, ABORT ─┘                                                         │ writes refused
 *         └──── the target answers PSYNC … FAILOVER; or it does not, or ABORT: a primary ────┘
 *
 * Writes are held until the end, and nothing is put into the stream meanwhile (but for pings, where no time
 * limit is set): it must not be longer than what the target has said that it has. No replica may begin to
 * follow, or come back, before the end. What becoming a replica is, upstream.ts knows.
 */
import { CommandError } from "@kv/commands";
import { EngineState, type Ports } from "@kv/engine";
import type { Followers } from "./followers.ts";
import type { FailoverListener, PrimaryPlace } from "./link-state.ts";
import { type Replica, ReplicaState } from "./replica.ts";
import type { Upstream } from "./upstream.ts";

/** `master_failover_state` of INFO. */
export type FailoverState = "no-failover" | "waiting-for-sync" | "failover-in-progress";

/** What FAILOVER asks for. */
export interface FailoverOrder {
  /** Null: whoever has everything first. */
  readonly target: PrimaryPlace | null;
  /** 0: none. */
  readonly timeoutMs: number;
  /** When time is up the target takes over whatever it has. */
  readonly isForced: boolean;
}

const refuse = (text: string) => new CommandError(`ERR ${text}`);
const errors = {
  inProgress: refuse("FAILOVER already in progress."),
  isReplica: refuse("FAILOVER is not valid when server is a replica."),
  nobody: refuse("FAILOVER requires connected replicas."),
  forcedWhat: refuse("FAILOVER with force option requires both a timeout and target HOST and IP."),
  notReplica: refuse("FAILOVER target HOST and PORT is not a replica."),
  notOnline: refuse("FAILOVER target replica is not online."),
  none: refuse("No failover in progress."),
};

/** What it takes of the engine. */
export type FailoverNeeds = Pick<Ports, "host" | "situation" | "pause">;

/** What it is made of. */
export interface FailoverParts {
  readonly ports: FailoverNeeds;
  readonly followers: Followers;
  /** By which this server follows another one, and nobody any more. */
  readonly upstream: Pick<Upstream, "follow" | "promote">;
  /** All that have asked for the data set. */
  replicas(): readonly Replica[];
}

export class Failover implements FailoverListener {
  state: FailoverState = "no-failover";
  private readonly parts: FailoverParts;
  private order: FailoverOrder | null = null;
  /** When time is up, by the wall clock; 0: never. */
  private untilMs = 0;

  constructor(parts: FailoverParts) {
    this.parts = parts;
  }

  /** FAILOVER. Throws CommandError. */
  begin(order: FailoverOrder): void {
    const { ports, followers } = this.parts;
    this.check(order);
    ports.host.log("notice", `FAILOVER requested to ${nameOf(order.target)}.`);
    this.order = order;
    this.untilMs = order.timeoutMs === 0 ? 0 : ports.situation.nowMs + order.timeoutMs;
    this.state = "waiting-for-sync";
    // One that may last needs pings: without them replicas leave, and may not come back before the end.
    followers.isStill = order.timeoutMs > 0;
    ports.pause.holdWrites("failover", true);
    if (order.timeoutMs > 0) ports.host.wakeAfter(order.timeoutMs);
    ports.host.wake();
  }

  private check({ target, timeoutMs, isForced }: FailoverOrder): void {
    if (this.state !== "no-failover") throw errors.inProgress;
    if (this.parts.ports.situation.is(EngineState.REPLICA)) throw errors.isReplica;
    if (this.parts.replicas().length === 0) throw errors.nobody;
    if (isForced && (timeoutMs === 0 || target === null)) throw errors.forcedWhat;
    if (target === null) return;
    const replica = this.find(target);
    if (replica === undefined) throw errors.notReplica;
    if (replica.state !== ReplicaState.ONLINE) throw errors.notOnline;
  }

  private find({ host, port }: PrimaryPlace): Replica | undefined {
    return this.parts.replicas().find((each) => each.ip === host && each.listeningPort === port);
  }

  /** FAILOVER ABORT. Throws CommandError. */
  abort(): void {
    if (this.state === "no-failover") throw errors.none;
    this.giveUp("Failover manually aborted");
  }

  /** The wall clock was set: it has as much time left. */
  clockStepped(stepMs: number): void {
    if (this.untilMs !== 0) this.untilMs += stepMs;
  }

  /** Between commands: whether the target has everything, or time is up. */
  turn(): void {
    const { order } = this;
    if (this.state !== "waiting-for-sync" || order === null) return;
    const { ports } = this.parts;
    if (this.untilMs !== 0 && ports.situation.nowMs >= this.untilMs) {
      if (order.target === null || !order.isForced) {
        this.giveUp("Replica never caught up before timeout");
        return;
      }
      const name = nameOf(order.target);
      ports.host.log("notice", `FAILOVER to ${name} time out exceeded, failing over.`);
      this.handOver(order.target);
      return;
    }
    const target = this.synced(order);
    if (target === undefined) return;
    this.order = { ...order, target };
    ports.host.log("notice", `Failover target ${nameOf(target)} is synced, failing over.`);
    this.handOver(target);
  }

  /** Who has everything, of those that may take over. */
  private synced({ target }: FailoverOrder): PrimaryPlace | undefined {
    const { online, offset } = this.parts.followers;
    const candidates = target === null ? online : [this.find(target)];
    const replica = candidates.find((each) => each?.ackOffset === offset);
    return replica && { host: replica.ip, port: replica.listeningPort };
  }

  private handOver(target: PrimaryPlace): void {
    this.state = "failover-in-progress";
    this.parts.upstream.follow(target, this);
  }

  /** The target has taken over: it goes on from here, or gives us all anew. */
  accepted(): void {
    if (this.state === "failover-in-progress") this.clear();
  }

  /** It answered that it will not. */
  rejected(): void {
    if (this.state === "failover-in-progress")
      this.giveUp("Failover target rejected psync request");
  }

  private giveUp(reason: string): void {
    const name = nameOf(this.order?.target ?? null);
    this.parts.ports.host.log("notice", `FAILOVER to ${name} aborted: ${reason}`);
    if (this.state === "failover-in-progress") this.parts.upstream.promote();
    this.clear();
  }

  private clear(): void {
    this.state = "no-failover";
    this.order = null;
    this.untilMs = 0;
    this.parts.followers.isStill = false;
    this.parts.ports.pause.holdWrites("failover", false);
  }
}

/** As the log calls a target. */
function nameOf(target: PrimaryPlace | null): string {
  return target === null ? "any replica" : `${target.host}:${target.port}`;
}
