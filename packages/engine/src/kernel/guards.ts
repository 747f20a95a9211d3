/**
 * Guards: why a command may not run now, in Redis's order. Each is one small function; guardNames is
 * the order. A command for which nothing unusual is going on passes one comparison of bit masks
 * instead of all this (requests.ts).
 *
 * A guard answers null (go on), an error, or one of the verdicts. What a guard asks about may belong
 * to a system (users, replication, cluster, scripts): that system brings a guard of the same name,
 * which takes the place of the kernel's. Those here answer for a server without such a system.
 */
import { type Call, CommandError, type CommandRow, errors, FLAG_BITS } from "@kv/commands";
import type { ConfigStore } from "@kv/config";
import { protectionOf } from "./allowed-locally.ts";
import type { Client } from "./client.ts";
import { ClientState } from "./client-state.ts";
import type { Pause } from "./pause.ts";
import type { Refusals } from "./refusals.ts";
import { EngineState, type Situation } from "./situation.ts";
import type { UsedMemory } from "./used-memory.ts";

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

/** Null: go on. A CommandError: refuse with it. A number: one of Verdict. */
export type GuardAnswer = CommandError | number | null;

/** `call` points at the words, for what a guard may need to know besides the command. */
export type Guard = (client: Client, row: CommandRow, call: Call) => GuardAnswer;

const { UNAUTHENTICATED, MULTI, SUBSCRIBED, REPLICATION, MONITOR, REPLICA, PRIMARY } = ClientState;
const {
  write,
  readonly,
  denyoom,
  no_auth,
  loading,
  no_async_loading,
  stale,
  allow_busy,
  not_queued,
  while_subscribed,
  may_replicate,
  ends_connection,
  no_multi,
  leaves_multi,
  answers_health,
} = FLAG_BITS;

const noAuth = new CommandError("NOAUTH Authentication required.");
const notInTransaction = new CommandError("ERR Command not allowed inside a transaction");
const isLoading = new CommandError("LOADING Redis is loading the dataset in memory");
/** Why a replica that takes none refuses a write. */
export const replicaIsReadOnly = new CommandError(
  "READONLY You can't write against a read only replica.",
);
/** Why a write is refused while too few replicas follow. */
export const noReplicas = new CommandError("NOREPLICAS Not enough good replicas to write.");
/** Why a replica with old data refuses a command. */
export const masterDown = new CommandError(
  "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
);
const watchesOnly = new CommandError("ERR Replica can't interact with the keyspace");

/**
 * Whether the call has one of these flags, or is an EXEC whose queue holds one that has: then EXEC is
 * treated like it. What a script says of itself counts, and not what others may do.
 */
export function involves(client: Client, row: CommandRow, flag: number, call: Call): boolean {
  if ((row.bitsOf(call) & flag) !== 0) return true;
  return (
    client.transaction !== null &&
    (row.bits & FLAG_BITS.runs_queue) !== 0 &&
    (client.transaction.flags & flag) !== 0
  );
}

/** Whether the call has not this flag, or is an EXEC whose queue holds a call that has not. */
function lacks(client: Client, row: CommandRow, flag: number, call: Call): boolean {
  if ((row.bitsOf(call) & flag) === 0) return true;
  return (
    client.transaction !== null &&
    (row.bits & FLAG_BITS.runs_queue) !== 0 &&
    (client.transaction.lackedFlags & flag) !== 0
  );
}

/** The guards by name, in the order in which Redis asks them. */
export const guardNames = [
  "quit",
  "protected",
  "auth",
  "transaction",
  "acl",
  "cluster",
  "memory",
  "disk",
  "replicas",
  "read-only",
  "subscriber",
  "stale",
  "loading",
  "busy",
  "watcher",
  "pause",
  "migration",
  "absent",
  "multi",
] as const;

/** The name of a guard: see guardNames. */
export type GuardName = (typeof guardNames)[number];

/** What Guards are made of. */
export interface GuardParts {
  /** Has the directives of protected commands. */
  config: ConfigStore;
  /** What is true of the whole server. */
  situation: Situation;
  /** Makes room before a command that may need some. */
  memory: UsedMemory;
  /** Says why writes are refused while the disk fails. */
  refusals: Refusals;
  /** Says which commands are held. */
  pause: Pause;
}

/** What only the client and the command have a say in. */
const clientGuards = {
  quit: (_client, row) => ((row.bits & ends_connection) !== 0 ? Verdict.RUN : null),

  auth: (client, row) => (client.is(UNAUTHENTICATED) && (row.bits & no_auth) === 0 ? noAuth : null),

  /** What cannot be a part of a transaction is refused while it is being queued. */
  transaction: (client, row) =>
    client.is(MULTI) && (row.bits & no_multi) !== 0 && (row.bits & not_queued) === 0
      ? notInTransaction
      : null,

  /** Users belong to a system. Without it there is one, who may do everything. */
  acl: () => null,

  cluster: () => null,

  subscriber: (client, row) => {
    if (!client.is(SUBSCRIBED) || client.protocol === 3) return null;
    if ((row.bits & while_subscribed) !== 0) return null;
    return new CommandError(
      `ERR Can't execute '${row.fullName}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context`,
    );
  },

  /** To Redis a client that monitors is a kind of replica: no pause holds it, and it gets no data. */
  watcher: (client, row, call) =>
    client.is(MONITOR | REPLICA) && involves(client, row, write | readonly | may_replicate, call)
      ? watchesOnly
      : null,

  /** Whoever moves keys to other servers says which commands have to wait for that. */
  migration: () => null,

  /** After all others: what a placeholder stands for would have been refused by them as well. */
  absent: (_client, row) => (row.isAbsent ? Verdict.UNKNOWN : null),

  multi: (client, row) =>
    client.is(MULTI) && (row.bits & not_queued) === 0 ? Verdict.QUEUE : null,
} satisfies Partial<Record<GuardName, Guard>>;

/** What follows from the situation of the whole server. */
function situationGuards({ config, situation, memory, refusals, pause }: GuardParts) {
  return {
    /** Ahead of what users may do: a refused DEBUG spoils a transaction. */
    protected: (client, row) =>
      (row.bits & FLAG_BITS.protected) === 0 ? null : protectionOf(row, config, client),

    memory: (client, row, call) => {
      if (!situation.is(EngineState.MEMORY_LIMITED) || memory.makeRoom()) return null;
      // Queueing takes memory itself, whatever is queued; EXEC is judged by its queue.
      if (client.is(MULTI) && (row.bits & leaves_multi) === 0) return errors.outOfMemory;
      return involves(client, row, denyoom, call) ? errors.outOfMemory : null;
    },

    disk: (client, row, call) => {
      if (!situation.is(EngineState.DISK_FAILED) || client.is(PRIMARY)) return null;
      if (!involves(client, row, write, call) && (row.bits & answers_health) === 0) return null;
      return new CommandError(refusals.error);
    },

    replicas: (client, row, call) => {
      if (!situation.is(EngineState.LACKS_REPLICAS) || situation.is(EngineState.REPLICA))
        return null;
      return involves(client, row, write, call) ? noReplicas : null;
    },

    "read-only": (client, row, call) => {
      if (!situation.is(EngineState.READ_ONLY) || client.is(REPLICATION)) return null;
      return involves(client, row, write, call) ? replicaIsReadOnly : null;
    },

    stale: (client, row, call) => {
      if (!situation.is(EngineState.STALE) || client.is(REPLICATION)) return null;
      return lacks(client, row, stale, call) ? masterDown : null;
    },

    loading: (client, row, call) => {
      if (situation.is(EngineState.LOADING)) {
        if (!lacks(client, row, loading, call)) return null;
        return situation.isLoadYoung ? Verdict.WAIT : isLoading;
      }
      if (!situation.is(EngineState.ASYNC_LOADING)) return null;
      return involves(client, row, no_async_loading, call) ? isLoading : null;
    },

    busy: (_client, row) =>
      situation.is(EngineState.BUSY) && (row.bits & allow_busy) === 0 ? situation.busyError : null,

    pause: (client, row, call) => {
      if (!situation.is(EngineState.PAUSED) || client.is(REPLICA | MONITOR)) return null;
      if (!pause.isInForce()) return null;
      if (pause.holdsAll) return Verdict.WAIT;
      return involves(client, row, write | may_replicate, call) ? Verdict.WAIT : null;
    },
  } satisfies Partial<Record<GuardName, Guard>>;
}

/** All guards in their order: see the head of this file. One for each engine. */
export class Guards {
  private readonly byName: Record<GuardName, Guard>;
  private inOrder: readonly Guard[];

  constructor(parts: GuardParts) {
    this.byName = { ...clientGuards, ...situationGuards(parts) };
    this.inOrder = guardNames.map((name) => this.byName[name]);
  }

  /** A system's guards take the places of those with the same names. */
  replace(guards: Partial<Record<GuardName, Guard>>): void {
    Object.assign(this.byName, guards);
    this.inOrder = guardNames.map((name) => this.byName[name]);
  }

  /** Whether a pause holds the call: what is asked of the stream of a primary, which no other guard stops. */
  isPaused(client: Client, row: CommandRow, call: Call): boolean {
    return this.byName.pause(client, row, call) === Verdict.WAIT;
  }

  /** Asks all guards in order; the first that answers decides. */
  ask(client: Client, row: CommandRow, call: Call): GuardAnswer {
    for (const guard of this.inOrder) {
      const answer = guard(client, row, call);
      if (answer !== null) return answer;
    }
    return null;
  }
}
