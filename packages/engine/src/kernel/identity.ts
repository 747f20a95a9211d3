/** Identity: what this server is called, what it is, and since when. */
import type { Host } from "./host.ts";
import { engineVersion, redisVersion } from "./version.ts";

const NO_ID = "0".repeat(40);

/** What INFO and HELLO tell of the server itself. */
export class Identity {
  /** Our own version, as `kv_version` of INFO. */
  readonly version: string = engineVersion;
  /** The version of Redis that clients are told. */
  readonly redisVersion: string = redisVersion;
  /** What kind of server it is: one with data, or another (System.limits). */
  mode = "standalone";
  /** 40 hex digits that are new with every start. */
  readonly runId: string;
  /** 40 hex digits that name the history of this data set (INFO's master_replid). */
  replicationId: string;
  /** The name that the history had before, or 40 zeros (master_replid2). */
  secondReplicationId = NO_ID;
  /** Up to this offset it is the same history; -1: there is none (second_repl_offset). */
  secondReplicationOffset = -1;
  /** When the server was put together, by the wall clock. */
  readonly startedMs: number;

  constructor(host: Host) {
    this.startedMs = host.wallMs();
    this.runId = host.randomHex(20);
    this.replicationId = host.randomHex(20);
  }

  /** The data set has another history from now on: a new one, or a known one of this name. */
  changeReplicationId(host: Host, id = host.randomHex(20)): void {
    this.replicationId = id;
    this.secondReplicationId = NO_ID;
    this.secondReplicationOffset = -1;
  }

  /** The history goes on under another name: up to the offset, counted from 1, it is that of `second`. */
  renameHistory(id: string, second: string, offset: number): void {
    this.secondReplicationId = second;
    this.secondReplicationOffset = offset;
    this.replicationId = id;
  }
}
