/**
 * Primary: the side of replication that gives. It has no sockets, no disk and no clock of its own: what
 * replicas say comes as commands, what they get leaves by the engine's output, and time passes when
 * the engine's cron says so.
 *
 *      REPLCONF ─> Replica          what the client can, and wants
 *      SYNC ─────> WAITING          a newline each second, so that it sees that we live
 *      turn() ───> a FullSync       for all that wait and want the same
 *      delivered ─> closed          clients that wanted the data set only (REPLCONF rdb-only 1)
 *               └─> followers.ts    all others
 *
 * Who waits for a synchronisation without a file waits `repl-diskless-sync-delay` for others to come,
 * who waits for one by file does not. Several synchronisations may run at once, for each has its own
 * cut; but each may keep several megabytes, so there are few.
 */
import { CommandError } from "@kv/commands";
import {
  type ChangeListener,
  type Client,
  type ClientFacts,
  ClientState,
  dataSetFilePort,
  EngineState,
  Port,
  type Ports,
  type ReplicationMemory,
  type Running,
  type SlowReader,
  shutdownWaitsPort,
} from "@kv/engine";
import type { ReplicationFacts } from "@kv/persistence";
import { latin1Bytes } from "@kv/resp";
import { AckWaiters } from "./ack-waiters.ts";
import type { UpstreamNeeds } from "./applied.ts";
import { Failover } from "./failover.ts";
import { FileSync } from "./file-sync.ts";
import { Followers, type PsyncRequest } from "./followers.ts";
import type { FullSync, SyncContent, SyncEvents } from "./full-sync.ts";
import { GoodReplicas } from "./good-replicas.ts";
import { LinkState } from "./link-state.ts";
import { OwnExpiries, type OwnExpiriesNeeds } from "./own-expiries.ts";
import { Replica, ReplicaState } from "./replica.ts";
import { SocketSync } from "./socket-sync.ts";
import { Upstream } from "./upstream.ts";

const SYNCS_MAX = 4;
const SECOND_MS = 1000;
const NEWLINE = latin1Bytes("\n");

const hasPendingOutput = new CommandError("ERR SYNC and PSYNC are invalid with pending output");
const noMasterLink = new CommandError("NOMASTERLINK Can't SYNC while not connected with my master");
const failingOver = new CommandError("NOMASTERLINK Can't SYNC while failing over");
const needsEof = new CommandError("ERR Filtered replica requires EOF capability");

/** By which the primary side is asked for. */
export const replicationPort = new Port<Primary>("replication");

/** What the primary side takes of the engine. */
export type PrimaryNeeds = Pick<
  Ports,
  | "host"
  | "config"
  | "situation"
  | "pause"
  | "memory"
  | "identity"
  | "keyspace"
  | "clients"
  | "output"
  | "reply"
  | "propagator"
  | "effects"
  | "stats"
  | "snapshotJobs"
  | "of"
> &
  UpstreamNeeds &
  OwnExpiriesNeeds;

export class Primary implements Running, SyncEvents, SlowReader, ReplicationMemory {
  readonly clientFacts: ClientFacts = {
    flagsOf: (client) => {
      if (client.is(ClientState.PRIMARY)) return "M";
      return client.is(ClientState.REPLICA) ? "S" : "";
    },
  };
  /** Full synchronisations asked for: `sync_full` of INFO. */
  fullSyncCount = 0;
  /** PSYNC that went on where the replica stood: `sync_partial_ok`. */
  partialSyncCount = 0;
  /** PSYNC that named an offset which could not be gone on from: `sync_partial_err`. */
  refusedPartialSyncCount = 0;
  readonly followers: Followers;
  readonly waiters: AckWaiters;
  readonly goodReplicas: GoodReplicas;
  readonly failover: Failover;
  /** The server that this one follows, if it does. */
  readonly upstream: Upstream;
  /** Keys that it would never say a word about. */
  readonly ownExpiries: OwnExpiries;
  private readonly ports: PrimaryNeeds;
  /** Every client that has said REPLCONF, SYNC or PSYNC. */
  private readonly known = new Map<Client, Replica>();
  private readonly syncs = new Map<Replica, FullSync>();
  private readonly running = new Set<FullSync>();
  private readonly underWay = new Set<Promise<void>>();
  private fileCount = 0;
  private lastSecondMs: number;
  /** A synchronisation has failed, of itself: until then none begins. */
  private restUntilMs = 0;

  constructor(ports: PrimaryNeeds) {
    this.ports = ports;
    this.followers = new Followers(ports);
    this.waiters = new AckWaiters(ports, this.followers);
    this.ownExpiries = new OwnExpiries(ports);
    this.upstream = new Upstream(ports, this.followers, () => {
      this.ownExpiries.roleChanged();
      ports.effects.updateInterest();
      ports.host.roleChanged?.();
    });
    this.goodReplicas = new GoodReplicas(ports, this.followers);
    this.failover = new Failover({
      ports,
      followers: this.followers,
      upstream: this.upstream,
      replicas: () => this.replicas,
    });
    const file = ports.of(dataSetFilePort);
    file.history = () => this.history();
    file.expired = (facts, databaseIndex, key) => {
      // The file tells of its history ahead of its keys.
      if (this.followers.stream === null) this.upstream.knowsFile(facts);
      this.followers.expired(databaseIndex, key);
    };
    this.lastSecondMs = ports.situation.nowMs;
    ports.of(shutdownWaitsPort).slowReaders.push(this);
    ports.memory.replication = this;
  }

  /** Hears of changes while clients may write to what is another server's. */
  get changeListener(): ChangeListener {
    return this.ownExpiries;
  }

  /** Those that have asked for the data set, in the order in which they came. */
  get replicas(): Replica[] {
    return [...this.known.values()].filter(({ state }) => state !== ReplicaState.NONE);
  }

  /** Whether a cut of the data set is being written for replicas. */
  get isSaving(): boolean {
    for (const sync of this.running) if (!sync.isDone) return true;
    return false;
  }

  /** What is known of the client, from now on at least. */
  replicaOf(client: Client): Replica {
    let replica = this.known.get(client);
    if (replica === undefined) {
      replica = new Replica(client, this.ports);
      this.known.set(client, replica);
    }
    return replica;
  }

  /** SYNC (`psync` is null) and PSYNC. */
  synchronise(client: Client, psync: PsyncRequest | null): void {
    const { host, clients, reply, situation } = this.ports;
    if (client.is(ClientState.REPLICA)) return;
    if (this.failover.state !== "no-failover") throw failingOver;
    if (this.upstream.isReplica && this.upstream.state !== LinkState.CONNECTED) throw noMasterLink;
    // What its connection has leaves ahead of ours; and of TLS it is told late that all of it has left.
    if (!reply.isEmpty) throw hasPendingOutput;
    const replica = this.replicaOf(client);
    if (replica.isFiltered && !replica.canEof) throw needsEof;
    host.log("notice", `Replica ${replica.name} asks for synchronization`);
    client.mark(ClientState.REPLICATION | ClientState.REPLICA, true);
    clients.replicaCount++;
    replica.saidPsync = psync !== null;
    if (psync !== null && this.goesOn(replica, psync)) return;
    replica.state = ReplicaState.WAITING;
    replica.waitingSinceMs = situation.nowMs;
    this.fullSyncCount++;
    if (this.isBySocket(replica) && this.delayMs > 0)
      host.log("notice", "Delay next BGSAVE for diskless SYNC");
    host.wake();
  }

  /** Whether the replica gets what it has missed, and nothing else. */
  private goesOn(replica: Replica, psync: PsyncRequest): boolean {
    const { host } = this.ports;
    if (psync.replicationId === "?") {
      host.log("notice", `Full resync requested by replica ${replica.name}`);
      return false;
    }
    const problem = this.followers.resume(replica, psync);
    if (problem === undefined) {
      this.partialSyncCount++;
      this.hasCome();
      return true;
    }
    this.refusedPartialSyncCount++;
    host.log("notice", `Partial resynchronization not accepted: ${problem}`);
    return false;
  }

  /** A replica is online. */
  private hasCome(): void {
    this.goodReplicas.update();
    // It was not there when those who wait asked.
    if (this.waiters.isActive) this.followers.askForAcks();
  }

  private isBySocket({ canEof, isFiltered }: Replica): boolean {
    return canEof && (isFiltered || this.ports.config.boolean("repl-diskless-sync"));
  }

  private get delayMs(): number {
    return this.ports.config.number("repl-diskless-sync-delay") * SECOND_MS;
  }

  /** Begins what is due, and goes on with what runs. */
  turn(): void {
    this.upstream.turn();
    if (!this.isActive) return;
    const { nowMs } = this.ports.situation;
    for (const sync of this.running) {
      sync.turn();
      if (sync.isOver) this.ended(sync);
    }
    this.waiters.turn();
    this.failover.turn();
    this.followers.turn();
    this.checkLimits();
    for (const replica of this.known.values()) {
      if (replica.state !== ReplicaState.WAITING || this.running.size >= SYNCS_MAX) continue;
      const alike = this.replicas.filter(
        (each) => each.state === ReplicaState.WAITING && each.isLike(replica),
      );
      if (this.isDue(replica, alike.length, nowMs)) this.begin(alike);
    }
  }

  private get isActive(): boolean {
    if (this.known.size > 0 || this.running.size > 0 || this.waiters.isActive) return true;
    return this.followers.stream !== null;
  }

  /** What waits for each, in buffers that it shares with others. */
  private checkLimits(): void {
    for (const replica of this.known.values()) {
      const { client } = replica;
      const excessBytes = this.syncs.get(replica)?.excessBytesOf(replica) ?? 0;
      client.sharedBytes = excessBytes + this.followers.waitingBytesOf(replica);
      if (client.sharedBytes > 0) this.ports.output.checkLimit(client);
    }
  }

  /** Whether the replica, the first of so many that wait for the same, has waited long enough. */
  private isDue(replica: Replica, count: number, nowMs: number): boolean {
    if (nowMs < this.restUntilMs) return false;
    if (!this.isBySocket(replica)) return true;
    const countMax = this.ports.config.number("repl-diskless-sync-max-replicas");
    if (countMax > 0 && count >= countMax) return true;
    return nowMs - replica.waitingSinceMs >= this.delayMs;
  }

  /** The instant is now, for all of them. */
  private begin(replicas: readonly Replica[]): void {
    const { host, identity, snapshotJobs } = this.ports;
    const [first] = replicas as [Replica];
    const isBySocket = this.isBySocket(first);
    for (const replica of replicas) if (!replica.isRdbOnly) this.followers.add(replica);
    const { processId } = host.facts;
    host.log(
      "notice",
      `Starting BGSAVE for SYNC with target: ${isBySocket ? "replicas sockets" : "disk"}`,
    );
    host.log(
      "notice",
      `Background ${isBySocket ? "RDB transfer" : "saving"} started by pid ${processId}`,
    );
    const { offset } = this.followers;
    const answer = latin1Bytes(`+FULLRESYNC ${identity.replicationId} ${offset}\r\n`);
    for (const replica of replicas) {
      replica.state = isBySocket ? ReplicaState.TAKING : ReplicaState.SAVING;
      if (replica.saidPsync) replica.outlet.send(answer);
    }
    const content = this.contentFor(first);
    const sync = isBySocket
      ? new SocketSync(this.ports, replicas, content, this)
      : this.beginFile(replicas, content);
    for (const replica of replicas) this.syncs.set(replica, sync);
    this.running.add(sync);
    snapshotJobs.add(sync);
    sync.turn();
  }

  private beginFile(replicas: readonly Replica[], content: SyncContent): FullSync {
    this.fileCount++;
    const sync = new FileSync(this.ports, replicas, content, this, this.fileCount);
    this.underWay.add(sync.result);
    void sync.result.finally(() => this.underWay.delete(sync.result));
    return sync;
  }

  private contentFor({ wantsKeys, wantsFunctions }: Replica): SyncContent {
    const { identity } = this.ports;
    const { functions, facts, ...options } = this.ports.of(dataSetFilePort).snapshotOptions();
    const { offset } = this.followers;
    const replication = { streamDatabase: this.streamDatabase, id: identity.replicationId, offset };
    return {
      ...options,
      facts: { ...facts, replication },
      hasKeys: wantsKeys,
      ...(wantsFunctions && functions !== undefined ? { functions } : {}),
    };
  }

  /** What a file of this moment belongs to. */
  private history(): ReplicationFacts | undefined {
    const { stream, offset } = this.followers;
    if (stream === null) return undefined;
    const { replicationId: id } = this.ports.identity;
    return { streamDatabase: this.streamDatabase, id, offset };
  }

  /** The database that the stream stands in: who goes on from a file of this moment gets no SELECT first. */
  private get streamDatabase(): number {
    const { stream } = this.followers;
    return stream === null || stream.isPassedOn
      ? this.upstream.streamDatabase
      : stream.selectedDatabase;
  }

  private ended(sync: FullSync): void {
    this.running.delete(sync);
    this.ports.snapshotJobs.remove(sync);
  }

  /** All of the data set has left for the replica. */
  delivered(replica: Replica): void {
    const { host, clients } = this.ports;
    const { client } = replica;
    if (!replica.isRdbOnly) {
      this.leaveSync(replica);
      if (replica.state === ReplicaState.TAKING)
        host.log(
          "notice",
          `Streamed RDB transfer with replica ${replica.name} succeeded (socket). Waiting for REPLCONF ACK from replica to enable streaming`,
        );
      // Behind the mark it has to see that this was the end, before more comes.
      this.followers.putOnline(replica, replica.state === ReplicaState.TAKING);
      this.hasCome();
      return;
    }
    host.log(
      "notice",
      `RDB transfer completed, rdb only replica (${replica.name}) should be disconnected asap`,
    );
    this.leave(replica);
    clients.closeAfterReply(client, "has got the data set");
    client.connection.end();
  }

  /** It cannot go on for the replica, which will be back at once: the disk, or memory, is given time. */
  failed(replica: Replica, reason: string): void {
    const { host, clients, situation } = this.ports;
    host.log("warning", `Synchronization with replica ${replica.name} failed: ${reason}`);
    this.restUntilMs = situation.nowMs + SECOND_MS;
    clients.close(replica.client, "synchronisation failed");
  }

  /** A replica has not said yet that it has everything: a shutdown waits for it. */
  get isBehind(): boolean {
    return this.followers.behind.length > 0;
  }

  /** The server ends: who has everything, and who lacks how much. */
  tellShutdown(): void {
    const { host, situation } = this.ports;
    const { all, behind, offset } = this.followers;
    if (all.length === 0) return;
    for (const replica of behind) host.log("warning", replica.laggingLine(offset, situation.nowMs));
    const inStep = all.length - behind.length;
    host.log("notice", `${inStep} of ${all.length} replicas are in sync when shutting down.`);
  }

  /** REPLCONF ACK; `syncedOffset` is that of FACK, NaN without one. */
  acknowledged(replica: Replica, offset: number, syncedOffset: number): void {
    this.followers.acknowledged(replica, offset, syncedOffset);
    if (this.isWaitedFor) this.ports.host.wake();
    if (this.ports.situation.is(EngineState.LACKS_REPLICAS)) this.goodReplicas.update();
  }

  /** Whether somebody waits for what replicas have. */
  private get isWaitedFor(): boolean {
    return this.waiters.isActive || this.failover.state === "waiting-for-sync";
  }

  private leave(replica: Replica): void {
    this.leaveSync(replica);
    this.followers.remove(replica);
  }

  private leaveSync(replica: Replica): void {
    const sync = this.syncs.get(replica);
    this.syncs.delete(replica);
    sync?.leave(replica);
    replica.client.sharedBytes = 0;
  }

  /** Nobody has been silent for any longer or shorter. */
  clockStepped(stepMs: number): void {
    this.lastSecondMs += stepMs;
    this.restUntilMs += stepMs;
    for (const replica of this.known.values()) replica.clockStepped(stepMs);
    this.followers.clockStepped(stepMs);
    this.upstream.clockStepped(stepMs);
    this.failover.clockStepped(stepMs);
  }

  /** Once a second: signs of life, and a look at who gives none. */
  cron(nowMs: number): void {
    // What a pause has put off, and what others have brought about: a log, say.
    if (this.isWaitedFor) this.ports.host.wake();
    this.upstream.cron(nowMs);
    if (this.ownExpiries.count > 0) this.ownExpiries.cron(nowMs);
    const isEarly = nowMs - this.lastSecondMs < SECOND_MS && nowMs >= this.lastSecondMs;
    if (!this.isActive || isEarly) return;
    this.lastSecondMs = nowMs;
    const timeoutMs = this.ports.config.number("repl-timeout") * SECOND_MS;
    for (const replica of this.known.values()) {
      if (waitsSilently(replica)) replica.outlet.send(NEWLINE);
      else if (this.syncs.has(replica) && replica.outlet.stuckMs(nowMs) > timeoutMs)
        this.timedOut(replica);
    }
    this.followers.second(nowMs, timeoutMs);
    this.goodReplicas.update();
  }

  private timedOut(replica: Replica): void {
    const { host, clients } = this.ports;
    host.log("warning", `Disconnecting timedout replica (full sync): ${replica.name}`);
    clients.close(replica.client, "replica timeout");
  }

  clientClosed(client: Client): void {
    this.upstream.clientClosed(client);
    const replica = this.known.get(client);
    if (replica === undefined) return;
    this.known.delete(client);
    if (replica.state === ReplicaState.NONE) return;
    this.ports.clients.replicaCount--;
    this.leave(replica);
    this.goodReplicas.update();
    this.ports.host.log("warning", `Connection with replica ${replica.name} lost.`);
  }

  get backlogBytes(): number {
    const { stream, backlogBytesMax } = this.followers;
    if (stream === null) return 0;
    const isRead = this.ports.clients.replicaCount > 0;
    return isRead ? Math.min(stream.heldBytes, backlogBytesMax) : stream.heldBytes;
  }

  get replicaBytes(): number {
    return this.ports.clients.replicaCount === 0 ? 0 : this.beyondBytes;
  }

  get connectionBytes(): number {
    let sum = 0;
    for (const { connection } of this.known.keys()) sum += connection.heldBytes;
    return sum;
  }

  get beyondBytes(): number {
    const { stream, backlogBytesMax } = this.followers;
    const beyondBacklog = stream === null ? 0 : Math.max(0, stream.heldBytes - backlogBytesMax);
    return beyondBacklog + this.syncBytes + this.connectionBytes;
  }

  /** What data sets on their way keep. */
  private get syncBytes(): number {
    let sum = 0;
    for (const sync of this.running) sum += sync.heldBytes;
    return sum;
  }

  /**
   * All keys are gone: nobody is to be sent what there was, and then that it is gone, while it takes memory.
   * Replicas come back for what there is; who wanted a copy of that moment gets it, as does who has no
   * more than the end of it to take.
   */
  allFlushed(): boolean {
    for (const [replica, sync] of [...this.syncs])
      if (!replica.isRdbOnly && !sync.isDone)
        this.ports.clients.close(replica.client, "its data set is gone");
    return false;
  }

  /** Bytes that the stream and synchronisations keep in memory. */
  uncountedBytes(): number {
    return (this.followers.stream?.heldBytes ?? 0) + this.syncBytes;
  }

  /** The data set has been loaded: its file may say where this server stood. */
  load(): Promise<boolean> {
    this.upstream.started(this.ports.of(dataSetFilePort).loadedFacts);
    return Promise.resolve(true);
  }

  resetStatistics(): void {
    this.fullSyncCount = 0;
    this.partialSyncCount = 0;
    this.refusedPartialSyncCount = 0;
  }

  /** For good: what is under way is given up. */
  stop(): void {
    this.upstream.stop();
    for (const replica of this.syncs.keys()) this.leave(replica);
  }

  /** True when the disk has nothing to do for us. */
  get isSettled(): boolean {
    return this.underWay.size === 0 && this.upstream.isSettled;
  }

  /** Resolves when that is so. */
  async settled(): Promise<void> {
    while (!this.isSettled) {
      await Promise.allSettled(this.underWay);
      await this.upstream.settled();
    }
  }
}

/** Nothing has begun to leave for it: there newlines mean nothing but that somebody is here. */
function waitsSilently({ state }: Replica): boolean {
  return state === ReplicaState.WAITING || state === ReplicaState.SAVING;
}
