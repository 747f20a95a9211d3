/** Identity: what this server is called, what it is, and since when. */
import type { Host } from "./host.ts";
import { engineVersion, redisVersion } from "./version.ts";

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
  /** When the server was put together, by the wall clock. */
  readonly startedMs: number;

  constructor(host: Host) {
    this.startedMs = host.wallMs();
    this.runId = host.randomHex(20);
    this.replicationId = host.randomHex(20);
  }

  /** The data set has another history from now on. */
  changeReplicationId(host: Host): void {
    this.replicationId = host.randomHex(20);
  }
}
