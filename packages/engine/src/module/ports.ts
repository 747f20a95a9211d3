/**
 * Ports: all that a system, and a command of one, may ask of the engine. The parts of the kernel
 * stand here by name; what another system offers is asked for by its port:
 *
 *      export const trackingPort = new Port<Tracking>("tracking");      beside the class
 *      ports.of(trackingPort).keyCount                                  whoever needs it
 *
 * A system imports its own port. One that others need, whose folder they must not see, is declared
 * at the end of this file, as no more than what they need of it.
 */
import type { Users } from "@kv/acl";
import type { Call, CommandError, CommandSettings, CommandTable } from "@kv/commands";
import type { ConfigStore } from "@kv/config";
import type { Keyspace } from "@kv/core";
import type { ArgVector, ReplyWriter, RequestLimits } from "@kv/resp";
import type { Caller } from "../kernel/caller.ts";
import type { Client } from "../kernel/client.ts";
import type { ClientCall } from "../kernel/client-call.ts";
import type { ClientReport } from "../kernel/client-report.ts";
import type { Clients } from "../kernel/clients.ts";
import type { Cron } from "../kernel/cron.ts";
import type { DebugSwitches } from "../kernel/debug-switches.ts";
import type { EngineEffects } from "../kernel/effects.ts";
import type { Execution } from "../kernel/execution.ts";
import type { Host } from "../kernel/host.ts";
import type { Identity } from "../kernel/identity.ts";
import type { LatencyMonitor } from "../kernel/latency-monitor.ts";
import type { Muting } from "../kernel/muting.ts";
import type { Output } from "../kernel/output.ts";
import type { Pause } from "../kernel/pause.ts";
import type { Propagator } from "../kernel/propagate.ts";
import type { Transactions } from "../kernel/queued.ts";
import type { Refusals } from "../kernel/refusals.ts";
import type { ShutdownRequest } from "../kernel/shutdown-request.ts";
import type { Situation } from "../kernel/situation.ts";
import type { SnapshotJobs } from "../kernel/snapshot-jobs.ts";
import type { Stats } from "../kernel/stats.ts";
import type { UsedMemory } from "../kernel/used-memory.ts";

/** A name under which one system offers itself to those who have the port. */
export class Port<Offer> {
  readonly name: string;
  /** Never there: it makes ports of different offers different types. */
  declare readonly offer?: Offer;

  constructor(name: string) {
    this.name = name;
  }
}

export interface Ports {
  readonly host: Host;
  readonly config: ConfigStore;
  readonly situation: Situation;
  readonly stats: Stats;
  readonly keyspace: Keyspace;
  readonly commands: CommandTable;
  readonly settings: CommandSettings;
  readonly requestLimits: RequestLimits;
  readonly users: Users;
  readonly clients: Clients;
  readonly report: ClientReport;
  readonly memory: UsedMemory;
  readonly reply: ReplyWriter;
  readonly muting: Muting;
  readonly output: Output;
  readonly effects: EngineEffects;
  readonly propagator: Propagator;
  readonly transactions: Transactions;
  readonly pause: Pause;
  readonly refusals: Refusals;
  readonly snapshotJobs: SnapshotJobs;
  readonly latency: LatencyMonitor;
  readonly caller: Caller;
  readonly execution: Execution;
  readonly cronJobs: Cron;
  readonly identity: Identity;
  readonly debug: DebugSwitches;
  /** The call of the command that is running. */
  readonly call: Call;
  /** Room for the one stored request that is being executed. */
  readonly queuedBatch: ArgVector;
  /** What the system behind a port offers. Throws where there is no such system. */
  of<Offer>(port: Port<Offer>): Offer;
  /** A client that waited may go on: what it sent meanwhile is served. */
  resume(client: Client): void;
  /** RESET: every system makes the client as it was when it came. */
  resetClient(client: Client): void;
  /** CONFIG RESETSTAT: whatever counts since the start counts from zero. */
  resetStatistics(): void;
  /** Ends in good order: true when the process may exit, false when that was refused. */
  shutdown(request: ShutdownRequest): boolean;
}

/** Who listens to what (pub/sub), for those who change what users may listen to. */
export interface Listening {
  /** Whether `passes` says yes to all names that the client listens to. */
  everyName(
    client: Client,
    passes: (bytes: Uint8Array, start: number, end: number, isPattern: boolean) => boolean,
  ): boolean;
}
export const listeningPort = new Port<Listening>("listening");

/** Logging in (ACL), for the commands of connections. */
export interface Accounts {
  /**
   * The client acts as the user from now on. `password` is bytes as they came, `command` the word
   * that the log shows. False: there is no such user with this password, and it has been logged.
   */
  logIn(client: Client, userName: string, password: Uint8Array, command: string): boolean;
}
export const accountsPort = new Port<Accounts>("accounts");

/** Whether a stored request may run now that it is its turn (ACL), for EXEC. */
export interface ExecAccess {
  /** The error for the request that the call points at, which has been logged; null: it may run. */
  refusalInExec(call: ClientCall): CommandError | null;
}
export const execAccessPort = new Port<ExecAccess>("exec-access");

/** The file of the data set (saving), for DEBUG RELOAD. */
export interface DataSetFile {
  readonly isLoading: boolean;
  /** Saves while everybody waits. False when it failed; the log says why. */
  saveNow(): boolean;
  /** Loads while everybody waits, besides what is there. False when it failed. */
  loadNow(): boolean;
}
export const dataSetFilePort = new Port<DataSetFile>("data-set-file");

/** Active expiry, for DEBUG SET-ACTIVE-EXPIRE. */
export interface ActiveExpiry {
  /** False: expired keys stay until somebody looks at them. */
  isActive: boolean;
}
export const activeExpiryPort = new Port<ActiveExpiry>("active-expiry");
