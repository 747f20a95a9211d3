/**
 * A full synchronisation: one cut of the data set on its way to all replicas that asked for the same.
 * There are two kinds, one for replicas that find the end by themselves, one for others:
 *
 *      socket-sync.ts    $EOF:<40 characters> CR LF <the data set> <the same characters>
 *      file-sync.ts      $<length> CR LF <the data set>
 */
import type { SnapshotJob } from "@kv/engine";
import type { SnapshotOptions } from "@kv/persistence";
import type { Replica } from "./replica.ts";

/** What a full synchronisation tells the primary side. */
export interface SyncEvents {
  /** All of it has left for the replica. */
  delivered(replica: Replica): void;
  /** It cannot go on for the replica, which is to be closed. */
  failed(replica: Replica, reason: string): void;
}

/** What a full synchronisation sends. */
export interface SyncContent extends SnapshotOptions {
  /** Whether keys are asked for. */
  hasKeys: boolean;
}

/** One of them. */
export interface FullSync extends SnapshotJob {
  /** The replica has gone, or has been delivered. */
  leave(replica: Replica): void;
  /** Between commands: what can leave does. */
  turn(): void;
  /** Bytes that wait for the replica beyond what the reading itself lets gather. */
  excessBytesOf(replica: Replica): number;
  /** Nobody wants it any more, and nothing of it is under way. */
  readonly isOver: boolean;
  /** Bytes that it keeps in memory. */
  readonly heldBytes: number;
}
