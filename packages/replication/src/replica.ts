/**
 * Replica: what the primary side knows of a client that asked for the data set, or has said REPLCONF
 * and may do so.
 *
 *      NONE ── SYNC, PSYNC ──> WAITING ──┬── TAKING ─────────────────────┬──> ONLINE
 *        │                               └── SAVING ──> SENDING_FILE ────┘     ^
 *        └── PSYNC that goes on where the replica stood ───────────────────────┘
 *
 * A client that wanted the data set only is closed where others are online.
 */
import type { Client, Host, Output } from "@kv/engine";
import { Outlet } from "./outlet.ts";

/** How far a replica is. */
export const ReplicaState = {
  /** Has not asked for the data set. */
  NONE: 0,
  /** Waits for its synchronisation to begin. */
  WAITING: 1,
  /** The data set is on its way to it while it is read. */
  TAKING: 2,
  /** A file is being written for it. */
  SAVING: 3,
  /** The file is on its way. */
  SENDING_FILE: 4,
  /** Has the data set, and gets what changes. */
  ONLINE: 5,
} as const;

/** `state` of INFO's lines, by ReplicaState. To Redis a transfer without a file is a save. */
const stateNames = ["", "wait_bgsave", "wait_bgsave", "wait_bgsave", "send_bulk", "online"];

/** One such client. */
export class Replica {
  readonly client: Client;
  /** By which everything leaves for it. */
  readonly outlet: Outlet;
  /** One of ReplicaState. */
  state: number = ReplicaState.NONE;
  /** REPLCONF listening-port; 0: it has not said. */
  listeningPort = 0;
  /** REPLCONF ip-address; "": that of its connection. */
  announcedIp = "";
  /** REPLCONF capa eof: it finds the end of a data set whose length nobody knew before. */
  canEof = false;
  /** REPLCONF capa psync2: it takes another replication ID from +CONTINUE. */
  canPsync2 = false;
  /** REPLCONF rdb-only: it is to be closed when it has the data set. */
  isRdbOnly = false;
  /** REPLCONF rdb-filter-only leaves keys out whatever it names. */
  wantsKeys = true;
  /** And functions, unless it names them. */
  wantsFunctions = true;
  /** It said PSYNC: a line before the data set tells what that belongs to. */
  saidPsync = false;
  /** Since when it waits, by the wall clock. */
  waitingSinceMs = 0;

  /** Where it stands in the stream: what it has been sent. */
  offset = 0;
  /** REPLCONF ack: what it says that it has applied. */
  ackOffset = 0;
  /** It has said so at least once: so it has the data set. */
  hasAcked = false;
  /** The same with fack: what it says that it has on disk. */
  ackSyncedOffset = 0;
  /** When it last said so, by the wall clock. */
  ackMs = 0;
  /** Since when it is online, by the wall clock. */
  onlineMs = 0;
  /** Gets nothing of the stream until it has said so for the first time. */
  awaitsAck = false;

  constructor(client: Client, needs: { host: Host; output: Output }) {
    this.client = client;
    this.outlet = new Outlet(client, needs);
  }

  /** The wall clock was set: it was heard of as long ago as before. */
  clockStepped(stepMs: number): void {
    this.waitingSinceMs += stepMs;
    this.ackMs += stepMs;
    this.onlineMs += stepMs;
    this.outlet.clockStepped(stepMs);
  }

  /** It has the data set, and is told what changes from now on. */
  putOnline(nowMs: number): void {
    this.state = ReplicaState.ONLINE;
    this.ackMs = nowMs;
    this.onlineMs = nowMs;
  }

  /**
   * Whether this one says that it listens where the other does, which was not heard of since. Two behind
   * one address are both heard of each second.
   */
  takesPlaceOf(other: Replica): boolean {
    if (this.listeningPort === 0 || this.name !== other.name) return false;
    return this.client.id > other.client.id && this.onlineMs >= other.ackMs;
  }

  /** Not all of the data set is asked for. */
  get isFiltered(): boolean {
    return !this.wantsKeys || !this.wantsFunctions;
  }

  /** Both get the same bytes from the same kind of synchronisation. */
  isLike(other: Replica): boolean {
    return (
      this.wantsKeys === other.wantsKeys &&
      this.wantsFunctions === other.wantsFunctions &&
      this.canEof === other.canEof
    );
  }

  /** Its address, without the port. */
  get ip(): string {
    return this.announcedIp === "" ? hostOf(this.client.connection.address) : this.announcedIp;
  }

  /** As the log calls it. */
  get name(): string {
    const port = this.listeningPort === 0 ? "<unknown-replica-port>" : this.listeningPort;
    return `${this.ip}:${port}`;
  }

  /** When it last said anything: while it loads its data set it says newlines, and no more. */
  get heardMs(): number {
    return Math.max(this.ackMs, this.client.lastActiveMs);
  }

  /** Whole seconds since it was last heard of; 0 while that is nothing it has to do. */
  lagSeconds(nowMs: number): number {
    return this.state === ReplicaState.ONLINE ? Math.floor((nowMs - this.heardMs) / 1000) : 0;
  }

  /** What the log says of it when the server ends and it lacks something. */
  laggingLine(primaryOffset: number, nowMs: number): string {
    const behind = primaryOffset - this.ackOffset;
    return `Lagging replica ${this.name} reported offset ${behind} behind master, lag=${this.lagSeconds(nowMs)}, state=${stateNames[this.state]}.`;
  }

  /** Its line of INFO, behind `slaveN:`. */
  line(nowMs: number): string {
    const { ip, listeningPort, state, ackOffset } = this;
    const lag = this.lagSeconds(nowMs);
    return `ip=${ip},port=${listeningPort},state=${stateNames[state]},offset=${ackOffset},lag=${lag}`;
  }
}

/** The host of "127.0.0.1:50000" and "[::1]:50000". */
function hostOf(address: string): string {
  return address.slice(0, address.lastIndexOf(":")).replace(/^\[(.*)\]$/, "$1");
}
