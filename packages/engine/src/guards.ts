/**
 * Guards: why a command may not run now, in Redis's order. Each is one small function; the list at
 * the end is the order. A command for which nothing unusual is going on passes one comparison of
 * bit masks instead of all this (engine.ts).
 *
 * A guard answers null (go on), an error, or one of the verdicts.
 */
import { CommandError, type CommandRow, errors, FLAG_BITS } from "@kv/commands";
import { type Client, ClientState } from "./client.ts";
import type { Engine } from "./engine.ts";

/** Besides an error, what can come of asking the guards. */
export const Verdict = {
  /** Run it, whatever the guards behind would say. */
  RUN: 1,
  /** Queue it for EXEC. */
  QUEUE: 2,
  /** Not now: the client waits with this command unanswered. */
  WAIT: 3,
  /** Refuse it as a command that does not exist. */
  UNKNOWN: 4,
} as const;

export type GuardAnswer = CommandError | number | null;

export type Guard = (
  engine: Engine,
  client: Client,
  entry: CommandRow,
  words: GuardedRequest,
) => GuardAnswer;

/** What guards may ask of the request besides its command. */
export interface GuardedRequest {
  readonly argc: number;
  length(index: number): number;
  is(index: number, word: string): boolean;
  text(index: number): string;
  readonly bytes: Uint8Array;
  start(index: number): number;
  end(index: number): number;
}

/** Bits of Engine.unusual: why no command can take the short way. */
export const EngineState = {
  /** `maxmemory` is set: commands that may grow memory are checked. */
  MEMORY_LIMITED: 1,
  LOADING: 2,
  /** The disk refused: writes are. */
  DISK_FAILED: 4,
  PAUSED: 8,
  BUSY: 16,
  CLUSTER: 32,
  REPLICA: 64,
  /** `min-replicas-to-write` is set. */
  NEEDS_REPLICAS: 128,
  MONITORED: 256,
} as const;

const { UNAUTHENTICATED, RESTRICTED, MULTI, SUBSCRIBED, REPLICATION, MONITOR } = ClientState;
const {
  write,
  readonly,
  denyoom,
  no_auth,
  loading,
  stale,
  allow_busy,
  not_queued,
  while_subscribed,
  may_replicate,
  ends_connection,
  no_multi,
  leaves_multi,
} = FLAG_BITS;

const noAuth = new CommandError("NOAUTH Authentication required.");
const notInTransaction = new CommandError("ERR Command not allowed inside a transaction");
const isLoading = new CommandError("LOADING Redis is loading the dataset in memory");
const isReadOnly = new CommandError("READONLY You can't write against a read only replica.");
const noReplicas = new CommandError("NOREPLICAS Not enough good replicas to write.");
const masterDown = new CommandError(
  "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
);
const watchesOnly = new CommandError("ERR Replica can't interact with the keyspace");
const isBusy = new CommandError(
  "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.",
);

/** Whether EXEC's queue holds a command with the flag: then EXEC is treated like it. */
function involves(client: Client, entry: CommandRow, flag: number): boolean {
  if ((entry.bits & flag) !== 0) return true;
  return (
    client.transaction !== null &&
    (entry.bits & FLAG_BITS.runs_queue) !== 0 &&
    (client.transaction.flags & flag) !== 0
  );
}

const quit: Guard = (_engine, _client, entry) =>
  (entry.bits & ends_connection) !== 0 ? Verdict.RUN : null;

const auth: Guard = (_engine, client, entry) =>
  client.is(UNAUTHENTICATED) && (entry.bits & no_auth) === 0 ? noAuth : null;

/** What cannot be a part of a transaction is refused while it is being queued. */
const transaction: Guard = (_engine, client, entry) =>
  client.is(MULTI) && (entry.bits & no_multi) !== 0 && (entry.bits & not_queued) === 0
    ? notInTransaction
    : null;

const acl: Guard = (engine, client, entry, words) =>
  client.is(RESTRICTED) ? engine.access.refusalOf(client, entry, words) : null;

const cluster: Guard = (engine, client, entry, words) => {
  if ((engine.unusual & EngineState.CLUSTER) === 0 || client.is(REPLICATION)) return null;
  return engine.subsystems.clusterRedirect(client, entry, words);
};

const memory: Guard = (engine, client, entry) => {
  if ((engine.unusual & EngineState.MEMORY_LIMITED) === 0) return null;
  if (engine.makeRoom()) return null;
  // Queueing takes memory itself, whatever is queued; EXEC is judged by its queue.
  if (client.is(MULTI) && (entry.bits & leaves_multi) === 0) return errors.outOfMemory;
  return involves(client, entry, denyoom) ? errors.outOfMemory : null;
};

const disk: Guard = (engine, client, entry) => {
  if ((engine.unusual & EngineState.DISK_FAILED) === 0) return null;
  if ((engine.unusual & EngineState.REPLICA) !== 0) return null;
  if (!involves(client, entry, write) && (entry.bits & FLAG_BITS.answers_health) === 0) return null;
  return new CommandError(engine.diskError);
};

const replicas: Guard = (engine, client, entry) => {
  if ((engine.unusual & EngineState.NEEDS_REPLICAS) === 0) return null;
  if ((engine.unusual & EngineState.REPLICA) !== 0) return null;
  if (!involves(client, entry, write)) return null;
  return engine.subsystems.goodReplicasSuffice() ? null : noReplicas;
};

const readOnly: Guard = (engine, client, entry) => {
  if ((engine.unusual & EngineState.REPLICA) === 0 || client.is(REPLICATION)) return null;
  if (!engine.subsystems.isReadOnlyReplica()) return null;
  return involves(client, entry, write) ? isReadOnly : null;
};

const subscriber: Guard = (_engine, client, entry) => {
  if (!client.is(SUBSCRIBED) || client.protocol === 3) return null;
  if ((entry.bits & while_subscribed) !== 0) return null;
  return new CommandError(
    `ERR Can't execute '${entry.fullName}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context`,
  );
};

const staleData: Guard = (engine, client, entry) => {
  if ((engine.unusual & EngineState.REPLICA) === 0 || (entry.bits & stale) !== 0) return null;
  if (client.is(REPLICATION)) return null;
  return engine.subsystems.servesStaleData() ? null : masterDown;
};

const loadingData: Guard = (engine, _client, entry) =>
  (engine.unusual & EngineState.LOADING) !== 0 && (entry.bits & loading) === 0 ? isLoading : null;

const busy: Guard = (engine, _client, entry, words) => {
  if ((engine.unusual & EngineState.BUSY) === 0 || (entry.bits & allow_busy) !== 0) return null;
  return engine.subsystems.mayInterrupt(entry, words) ? null : isBusy;
};

/** To Redis a client that monitors is a kind of replica: no pause holds it, and it gets no data. */
const watcher: Guard = (_engine, client, entry) =>
  client.is(MONITOR) && involves(client, entry, write | readonly | may_replicate)
    ? watchesOnly
    : null;

const pause: Guard = (engine, client, entry) => {
  if ((engine.unusual & EngineState.PAUSED) === 0 || client.is(REPLICATION | MONITOR)) return null;
  if (!engine.pause.isInForce()) return null;
  if (engine.pause.holdsAll) return Verdict.WAIT;
  return involves(client, entry, write | may_replicate) ? Verdict.WAIT : null;
};

/** After all others: what a placeholder stands for would have been refused by them as well. */
const absent: Guard = (_engine, _client, entry) => (entry.isAbsent ? Verdict.UNKNOWN : null);

const multi: Guard = (_engine, client, entry) =>
  client.is(MULTI) && (entry.bits & not_queued) === 0 ? Verdict.QUEUE : null;

/** The guards in the order in which Redis asks them. */
export const guards: readonly (readonly [name: string, guard: Guard])[] = [
  ["quit", quit],
  ["auth", auth],
  ["transaction", transaction],
  ["acl", acl],
  ["cluster", cluster],
  ["memory", memory],
  ["disk", disk],
  ["replicas", replicas],
  ["read-only", readOnly],
  ["subscriber", subscriber],
  ["stale", staleData],
  ["loading", loadingData],
  ["busy", busy],
  ["watcher", watcher],
  ["pause", pause],
  ["absent", absent],
  ["multi", multi],
];

/** Asks all guards in order; the first that answers decides. */
export function askGuards(
  engine: Engine,
  client: Client,
  entry: CommandRow,
  words: GuardedRequest,
): GuardAnswer {
  for (const [, guard] of guards) {
    const answer = guard(engine, client, entry, words);
    if (answer !== null) return answer;
  }
  return null;
}

/** What later subsystems answer to guards. Until one is there, this: nothing is in the way. */
export interface Subsystems {
  clusterRedirect(client: Client, entry: CommandRow, words: GuardedRequest): CommandError | null;
  goodReplicasSuffice(): boolean;
  isReadOnlyReplica(): boolean;
  servesStaleData(): boolean;
  mayInterrupt(entry: CommandRow, words: GuardedRequest): boolean;
}

export function absentSubsystems(): Subsystems {
  return {
    clusterRedirect: () => null,
    goodReplicasSuffice: () => false,
    isReadOnlyReplica: () => true,
    servesStaleData: () => true,
    mayInterrupt: () => false,
  };
}
