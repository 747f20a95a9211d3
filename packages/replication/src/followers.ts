/**
 * Followers: replicas that get what changes, and the stream that they get it from.
 *
 *      a change ──> Stream ──turn()──> every replica that is online, as fast as it takes it
 *      REPLCONF ACK ──> how far each is; silence for `repl-timeout` ends it
 *      PSYNC ──> goes on where the replica stood, if the stream still has what came since
 *
 * The stream begins with the first replica that follows: a server that nobody has ever followed keeps
 * and encodes nothing. `repl-backlog-ttl` after the last one has gone it ends, and with it the history
 * under its replication ID.
 */
import { type Client, EngineState, type Identity, type Ports } from "@kv/engine";
import { encodeRequest, latin1Bytes } from "@kv/resp";
import { type Replica, ReplicaState } from "./replica.ts";
import { Stream } from "./stream.ts";

const SECOND_MS = 1000;

/** What followers take of the engine. */
export type FollowersNeeds = Pick<
  Ports,
  "host" | "config" | "situation" | "identity" | "clients" | "propagator" | "effects"
>;

/** What PSYNC asks for. */
export interface PsyncRequest {
  replicationId: string;
  /** The first byte that it wants, counted from 1. */
  offset: number;
}

export class Followers {
  /** Null: nobody follows, or has lately. */
  stream: Stream | null = null;
  private backlogBytes = 0;
  /** No pings are put into the stream: a failover that has little time needs it to stay as long as it is. */
  isStill = false;
  private readonly ports: FollowersNeeds;
  /** All that follow or will when they have the data set. */
  private readonly replicas = new Set<Replica>();
  /** Where the last stream ended: the next one counts on from there. */
  private endedOffset = 0;
  /** Somebody waits to hear how far the replicas are. */
  private wantsAcks = false;
  private lastPingMs = 0;
  /** Since when nobody follows. */
  private aloneSinceMs = 0;

  constructor(ports: FollowersNeeds) {
    this.ports = ports;
  }

  /** repl-backlog-size. */
  get backlogBytesMax(): number {
    return this.backlogBytes;
  }

  set backlogBytesMax(byteCount: number) {
    this.backlogBytes = byteCount;
    this.stream?.fitTo(byteCount);
  }

  /** master_repl_offset of INFO. */
  get offset(): number {
    return this.stream?.endOffset ?? this.endedOffset;
  }

  /** The replicas that are online. */
  get online(): Replica[] {
    return [...this.replicas].filter(({ state }) => state === ReplicaState.ONLINE);
  }

  /** The replicas that are online or will be. */
  get all(): Replica[] {
    return [...this.replicas];
  }

  /** Those of them that have not said yet that they have everything. */
  get behind(): Replica[] {
    return this.all.filter(({ ackOffset }) => ackOffset !== this.offset);
  }

  /** The replica will follow: what changes from now on is kept for it. The cut is made at this moment. */
  add(replica: Replica): void {
    const stream = this.stream ?? this.begin();
    // The data set says nothing of which database is selected.
    stream.forgetDatabase();
    replica.offset = stream.endOffset;
    this.replicas.add(replica);
  }

  private begin(): Stream {
    const { host, identity } = this.ports;
    identity.changeReplicationId(host);
    const stream = this.open(this.endedOffset);
    host.log(
      "notice",
      `Replication backlog created, my new replication IDs are '${identity.replicationId}' and '${identity.secondReplicationId}'`,
    );
    return stream;
  }

  private open(offset: number): Stream {
    const { host, propagator, effects, situation } = this.ports;
    const stream: Stream = new Stream(offset, this.backlogBytesMax, () => {
      if (situation.current !== null) situation.current.writtenOffset = stream.endOffset;
      host.wake();
    });
    this.stream = stream;
    this.lastPingMs = situation.nowMs;
    this.aloneSinceMs = situation.nowMs;
    propagator.sinks.push(stream);
    effects.updateInterest();
    return stream;
  }

  private close(stream: Stream): void {
    const { propagator, effects } = this.ports;
    removeFrom(propagator.sinks, stream);
    this.endedOffset = stream.endOffset;
    this.stream = null;
    effects.updateInterest();
  }

  /**
   * The data set of this history goes, and nobody can go on from here. `id`: of the one that comes in its
   * place; a new one while there is none.
   */
  forgetHistory(id?: string): void {
    const { host, identity } = this.ports;
    this.disconnectAll();
    if (this.stream !== null) this.close(this.stream);
    identity.changeReplicationId(host, id);
  }

  /** The data set is that of another history, at this offset: whoever followed has to begin anew. */
  takeHistory(id: string, offset: number): void {
    this.forgetHistory(id);
    this.open(offset);
    this.passOn(true);
  }

  /**
   * The history that a file was saved with goes on here under a name of its own: who has followed it may
   * go on from the offset.
   */
  continueHistory(id: string, offset: number): void {
    const { identity, host } = this.ports;
    identity.renameHistory(host.randomHex(20), id, offset + 1);
    this.open(offset);
  }

  /** Passes another server's stream on from now on, or says what this server does. */
  passOn(isPassedOn: boolean): void {
    const { propagator, effects, situation } = this.ports;
    const stream = this.stream ?? this.open(this.endedOffset);
    this.aloneSinceMs = situation.nowMs;
    stream.forgetDatabase();
    if (stream.isPassedOn === isPassedOn) return;
    stream.isPassedOn = isPassedOn;
    if (isPassedOn) removeFrom(propagator.sinks, stream);
    else propagator.sinks.push(stream);
    effects.updateInterest();
  }

  /** A key of the loaded file has expired: whoever goes on from that file is told that it goes. */
  expired(databaseIndex: number, key: Uint8Array): void {
    const { stream } = this;
    if (stream === null) return;
    const name = this.ports.config.boolean("lazyfree-lazy-expire") ? "UNLINK" : "DEL";
    const bytes = encodeRequest([name, key]);
    stream.append(databaseIndex, bytes, 0, bytes.length);
    // The load may last, and there may be many.
    if (this.replicas.size === 0) stream.trim(this.backlogBytesMax, stream.endOffset, true);
  }

  /** They come back, and learn under which name the history goes on. */
  disconnectAll(): void {
    for (const replica of this.replicas) this.ports.clients.close(replica.client, "other history");
  }

  /** It has the data set. `awaitsAck`: it gets what changed when it has said that it is ready. */
  putOnline(replica: Replica, awaitsAck: boolean): void {
    replica.awaitsAck = awaitsAck;
    this.beginSending(replica);
    this.ports.host.log("notice", `Synchronization with replica ${replica.name} succeeded`);
  }

  /** It is online, and what is there for it leaves with the next turn. */
  private beginSending(replica: Replica): void {
    replica.putOnline(this.ports.situation.nowMs);
    this.ports.host.wake();
  }

  /** Goes on where the replica stood. Otherwise returns why that cannot be. */
  resume(replica: Replica, { replicationId, offset }: PsyncRequest): string | undefined {
    const { host, identity } = this.ports;
    const { stream } = this;
    if (!isKnownHistory(identity, replicationId, offset)) {
      if (replicationId === identity.secondReplicationId)
        return `Requested offset for second ID was ${offset}, but I can reply up to ${identity.secondReplicationOffset}`;
      return `Replication ID mismatch (Replica asked for '${replicationId}', my replication IDs are '${identity.replicationId}' and '${identity.secondReplicationId}')`;
    }
    if (stream === null) return "there is no backlog";
    const position = offset - 1;
    if (!(position >= stream.firstOffset && position <= stream.endOffset))
      return `the backlog does not have what the replica asks for (from ${offset} on)`;
    const suffix = replica.canPsync2 ? ` ${identity.replicationId}` : "";
    replica.outlet.send(latin1Bytes(`+CONTINUE${suffix}\r\n`));
    replica.offset = position;
    this.replicas.add(replica);
    this.beginSending(replica);
    host.log(
      "notice",
      `Partial resynchronization request from ${replica.name} accepted. Sending ${stream.endOffset - position} bytes of backlog starting from offset ${offset}.`,
    );
    return undefined;
  }

  remove(replica: Replica): void {
    if (!this.replicas.delete(replica)) return;
    // What was kept for it goes with the next turn.
    this.ports.host.wake();
    if (this.replicas.size === 0) this.aloneSinceMs = this.ports.situation.nowMs;
  }

  /** REPLCONF ACK and FACK. `syncedOffset`: NaN: it has not said. */
  acknowledged(replica: Replica, offset: number, syncedOffset: number): void {
    if (replica.state !== ReplicaState.ONLINE) return;
    // It has nothing that it has not been sent, whatever it says.
    const { offset: sentOffset } = replica;
    replica.ackOffset = Math.max(replica.ackOffset, Math.min(offset, sentOffset));
    if (syncedOffset > replica.ackSyncedOffset)
      replica.ackSyncedOffset = Math.min(syncedOffset, sentOffset);
    replica.hasAcked = true;
    replica.ackMs = this.ports.situation.nowMs;
    if (!replica.awaitsAck) return;
    replica.awaitsAck = false;
    this.ports.host.wake();
  }

  /** How many replicas say that they have what the client wrote. */
  ackedCount({ writtenOffset }: Client): number {
    // What was written before anybody followed is at offset 0: a replica has it with its data set.
    return this.counted.filter(({ ackOffset }) => ackOffset >= writtenOffset).length;
  }

  /** How many say that they have it on disk. */
  syncedCount({ writtenOffset }: Client): number {
    return this.counted.filter(({ ackSyncedOffset }) => ackSyncedOffset >= writtenOffset).length;
  }

  /**
   * Those that have said how far they are, each once: one that comes back by another connection has not
   * always been seen to leave by the first.
   */
  private get counted(): Replica[] {
    const { online } = this;
    return online.filter((replica) => {
      return replica.hasAcked && !online.some((other) => other.takesPlaceOf(replica));
    });
  }

  /** Has all replicas say how far they are, soon. */
  askForAcks(): void {
    this.wantsAcks = true;
    this.ports.host.wake();
  }

  /** Bytes of the stream that wait for the replica. */
  waitingBytesOf(replica: Replica): number {
    return this.replicas.has(replica) ? this.offset - replica.offset : 0;
  }

  /** Sends what there is, and keeps no more than is wanted. */
  turn(): void {
    const { stream } = this;
    if (stream === null) return;
    if (this.wantsAcks && !this.ports.situation.is(EngineState.PAUSED)) {
      this.wantsAcks = false;
      if (this.replicas.size > 0) stream.appendControl("REPLCONF", "GETACK", "*");
    }
    let least = stream.endOffset;
    for (const replica of this.replicas) {
      if (replica.state === ReplicaState.ONLINE && !replica.awaitsAck) send(stream, replica);
      least = Math.min(least, replica.offset);
    }
    const isUnread = this.replicas.size === 0 && this.ports.clients.replicaCount === 0;
    stream.trim(this.backlogBytesMax, least, isUnread);
  }

  /** The wall clock was set: pings come as often as before. */
  clockStepped(stepMs: number): void {
    this.lastPingMs += stepMs;
    this.aloneSinceMs += stepMs;
  }

  /** A second has passed. */
  second(nowMs: number, timeoutMs: number): void {
    const { stream } = this;
    if (stream === null) return;
    const { host, config, clients } = this.ports;
    for (const replica of this.online) {
      // One that said SYNC never tells how far it is.
      if (!replica.saidPsync || nowMs - replica.heardMs <= timeoutMs) continue;
      host.log("warning", `Disconnecting timedout replica (streaming sync): ${replica.name}`);
      clients.close(replica.client, "replica timeout");
    }
    // What is passed on has its pings, and has to be there for who comes behind a change of primaries.
    if (stream.isPassedOn) return;
    if (this.replicas.size === 0) {
      this.endIfAlone(stream, nowMs);
      return;
    }
    if (this.isStill) return;
    if (nowMs - this.lastPingMs < config.number("repl-ping-replica-period") * SECOND_MS) return;
    this.lastPingMs = nowMs;
    stream.appendControl("PING");
  }

  private endIfAlone(stream: Stream, nowMs: number): void {
    const { host, config, identity } = this.ports;
    const seconds = config.number("repl-backlog-ttl");
    if (seconds === 0 || nowMs - this.aloneSinceMs <= seconds * SECOND_MS) return;
    this.close(stream);
    identity.changeReplicationId(host);
    host.log(
      "notice",
      `Replication backlog freed after ${seconds} seconds without connected replicas.`,
    );
  }
}

function removeFrom<Item>(items: Item[], item: Item): void {
  const index = items.indexOf(item);
  if (index !== -1) items.splice(index, 1);
}

/** Whether it is our history, up to the offset at least. */
function isKnownHistory(identity: Identity, id: string, offset: number): boolean {
  if (id === identity.replicationId) return true;
  return id === identity.secondReplicationId && offset <= identity.secondReplicationOffset;
}

function send(stream: Stream, replica: Replica): void {
  const { outlet } = replica;
  const take = (bytes: Uint8Array, start: number, end: number) => outlet.send(bytes, start, end);
  while (!outlet.isFull && replica.offset < stream.endOffset)
    replica.offset += stream.read(replica.offset, take);
}
