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
import type {
  RdbWriteVersion,
  ReplicationFacts,
  SnapshotLoader,
  SnapshotOptions,
} from "@kv/persistence";
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
import type { Connection, Host } from "../kernel/host.ts";
import type { Identity } from "../kernel/identity.ts";
import type { LatencyMonitor } from "../kernel/latency-monitor.ts";
import type { Muting } from "../kernel/muting.ts";
import type { Output } from "../kernel/output.ts";
import type { Pause } from "../kernel/pause.ts";
import type { Propagator } from "../kernel/propagate.ts";
import type { Reexecution } from "../kernel/reexecution.ts";
import type { Refusals } from "../kernel/refusals.ts";
import type { Replay } from "../kernel/replay.ts";
import type { ShutdownRequest } from "../kernel/shutdown-request.ts";
import type { Situation } from "../kernel/situation.ts";
import type { SnapshotJobs } from "../kernel/snapshot-jobs.ts";
import type { Stats } from "../kernel/stats.ts";
import type { Transactions } from "../kernel/transactions.ts";
import type { UsedMemory } from "../kernel/used-memory.ts";

/** A name under which one system offers itself to those who have the port. */
export class Port<Offer> {
  /** For the message when nobody offers it. */
  readonly name: string;
  /** Never there: it makes ports of different offers different types. */
  declare readonly offer?: Offer;

  constructor(name: string) {
    this.name = name;
  }
}

/**
 * What a system may ask of the engine: the parts of the kernel, other systems by their ports, and a
 * few requests.
 */
export interface Ports {
  /** Clocks, randomness, disk and log. */
  readonly host: Host;
  /** Every directive's value. Hot paths read fields that follow it (DirectiveRow.apply) instead. */
  readonly config: ConfigStore;
  /** What is true of the whole server at this moment: the time, whose command runs. */
  readonly situation: Situation;
  /** What INFO counts. */
  readonly stats: Stats;
  /** The data: all databases, and the arena that they live in. */
  readonly keyspace: Keyspace;
  /** All commands, with their counters. */
  readonly commands: CommandTable;
  /** Directives that commands on data read. */
  readonly settings: CommandSettings;
  /** What a request may be: the limits that each client's reader is held to. */
  readonly requestLimits: RequestLimits;
  /** What a request of the server that this one follows may be: nothing that can be configured. */
  readonly primaryLimits: RequestLimits;
  /** Users and what they may do. */
  readonly users: Users;
  /** All connected clients. */
  readonly clients: Clients;
  /** What a client costs, and how CLIENT LIST shows it. */
  readonly report: ClientReport;
  /** What memory is in use, and how room is made. */
  readonly memory: UsedMemory;
  /** The buffer that the running command's reply is written into; shared by all clients. */
  readonly reply: ReplyWriter;
  /** Which replies of a client that wants none are taken back. */
  readonly muting: Muting;
  /** How replies and messages leave. */
  readonly output: Output;
  /** What a change sets off: listeners, keyspace events, removals. */
  readonly effects: EngineEffects;
  /** Carries commands to the append-only file and the replicas. */
  readonly propagator: Propagator;
  /** Begins and ends the transactions of clients. */
  readonly transactions: Transactions;
  /** CLIENT PAUSE. */
  readonly pause: Pause;
  /** Why writes are refused while the disk fails. */
  readonly refusals: Refusals;
  /** Gives slices of time to whoever writes a snapshot. */
  readonly snapshotJobs: SnapshotJobs;
  /** How long commands and other work take. */
  readonly latency: LatencyMonitor;
  /** Runs and measures commands. */
  readonly caller: Caller;
  /** Runs stored requests in the place of the running command (EXEC, scripts). */
  readonly execution: Execution;
  /** Runs requests anew that made their clients wait. */
  readonly reexecution: Reexecution;
  /** Runs requests that were run before and are told again. */
  readonly replay: Replay;
  /** Periodic work, and the rates that it samples. */
  readonly cronJobs: Cron;
  /** What INFO and HELLO tell of the server itself. */
  readonly identity: Identity;
  /** What DEBUG has switched. */
  readonly debug: DebugSwitches;
  /** The call of the command that is running. */
  readonly call: Call;
  /** Room for the one stored request that is being executed. */
  readonly queuedBatch: ArgVector;
  /** What the system behind a port offers. Throws where there is no such system. */
  of<Offer>(port: Port<Offer>): Offer;
  /** A connection to the primary of this server: what comes by it is requests from now on. */
  adopt(connection: Connection): Client;
  /** Bytes of a client that came in by adopt(); they may be overwritten after this returns. */
  receive(client: Client, chunk: Uint8Array, view: DataView, start: number, end: number): void;
  /** A client that waited may go on: what it sent meanwhile is served. */
  resume(client: Client): void;
  /** RESET: every system makes the client as it was when it came. */
  resetClient(client: Client): void;
  /** CONFIG RESETSTAT: whatever counts since the start counts from zero. */
  resetStatistics(): void;
  /**
   * Does beforehand what of a shutdown takes long, while nobody is served. Undefined: nothing does. When it
   * resolves, shutdown() is to follow at once.
   */
  prepareShutdown(request: ShutdownRequest): Promise<unknown> | undefined;
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
/** Offered by pub/sub. */
export const listeningPort = new Port<Listening>("listening");

/** Logging in (ACL), for the commands of connections. */
export interface Accounts {
  /**
   * The client acts as the user from now on. `password` is bytes as they came, `command` the word
   * that the log shows. False: there is no such user with this password, and it has been logged.
   */
  logIn(client: Client, userName: string, password: Uint8Array, command: string): boolean;
}
/** Offered by ACL. */
export const accountsPort = new Port<Accounts>("accounts");

/** Whether a request may run that is not the client's own words of now (ACL), for EXEC and scripts. */
export interface ExecAccess {
  /**
   * The error for the request that the call points at, which has been logged; null: it may run.
   * `by`: it was queued and it is its turn, or a script calls it.
   */
  refusalInside(call: ClientCall, by: "exec" | "script"): CommandError | null;
}
/** Offered by ACL. */
export const execAccessPort = new Port<ExecAccess>("exec-access");

/** What becomes of the libraries of functions that are there when others come from elsewhere. */
export type LibraryPolicy = "FLUSH" | "APPEND" | "REPLACE";

/** Libraries of functions, which are a part of the data set. */
export interface FunctionLibraries {
  /** The code of each, in bytes that do not change. */
  codes(): readonly Uint8Array[];
  /** Takes those of a file, all of them. Undefined, or why that cannot be: then nothing changes. */
  takeFromFile(codes: readonly Uint8Array[], policy: LibraryPolicy): string | undefined;
}

/** How much was loaded so far: a SnapshotLoader tells it, or who counts commands in the place of keys. */
export type LoadedKeys = Pick<SnapshotLoader, "loadedCount" | "expiredCount" | "emptyCount">;

/** The file of the data set (saving), for DEBUG RELOAD and for who has a part in it. */
export interface DataSetFile {
  /** Set by who knows functions (scripting). Null: a file that holds some is refused. */
  functions: FunctionLibraries | null;
  /** Set by who knows of a history that a file belongs to (replication); undefined: it is of none. */
  history: (() => ReplicationFacts | undefined) | null;
  /**
   * Set by who knows histories: a key is left out of the data set as its time has passed. `facts`: what the
   * file that it is loaded from says of itself, which belongs to a history.
   */
  expired:
    | ((facts: ReadonlyMap<string, string>, databaseIndex: number, key: Uint8Array) => void)
    | null;
  /** What the file that was loaded at the start tells about itself. */
  readonly loadedFacts: ReadonlyMap<string, string>;
  /** Whether the file is being loaded, with clients being served meanwhile. */
  readonly isLoading: boolean;
  /** Whether a background save is under way. */
  readonly isRunning: boolean;
  /** `rdb.version`: of what is written, be it a file or a payload of DUMP. */
  readonly version: RdbWriteVersion;
  /** How the data set is to be written now, to its file or elsewhere. */
  snapshotOptions(): SnapshotOptions;
  /** The background save that is under way is given up. */
  abortBackground(): void;
  /** Saves while everybody waits. False when it failed; the log says why. */
  saveNow(): boolean;
  /**
   * Loads while everybody waits, besides the keys that are there. `policy`: what becomes of the
   * libraries of functions. False when it failed.
   */
  loadNow(policy: LibraryPolicy): boolean;
  /** `save` has conditions: the file is to be there when the server starts again. */
  readonly hasSavePoints: boolean;
  /**
   * The data set is being loaded from elsewhere: clients are answered so until endLoading(). `isServing`:
   * they are served what was there before.
   */
  beginLoading(isServing?: boolean): void;
  /** key-load-delay is set: a load is to wait by loadingTurn() now and then. */
  readonly isLoadingSlowly: boolean;
  /** How far that has come. */
  loaded(loadedBytes: number, totalBytes: number): void;
  /** It is over. */
  endLoading(): void;
  /**
   * Loads a snapshot from elsewhere into `keyspace`, besides the keys that are there. `keepsExpired`: keys
   * whose time has passed stay until a primary says that they go.
   */
  snapshotLoader(options?: { keyspace?: Keyspace; keepsExpired?: boolean }): SnapshotLoader;
  /**
   * Serves the clients while a loader of snapshotLoader(), or who runs the commands behind what it reads, is
   * at work, for so long as `key-load-delay` wants what was read since then to take.
   */
  loadingTurn(loaded: LoadedKeys): Promise<void>;
  /** The same while everybody waits. */
  loadingDelay(loaded: LoadedKeys): void;
  /** The loader has done: its libraries are taken. Undefined, or why that cannot be. */
  snapshotLoaded(loader: SnapshotLoader, policy: LibraryPolicy): string | undefined;
}
/** Offered by saving. */
export const dataSetFilePort = new Port<DataSetFile>("data-set-file");

/** The append-only file, for DEBUG, for WAITAOF and for saving. */
export interface AppendOnlyFile {
  /** Whether the data set is logged, or is about to be. */
  readonly isOn: boolean;
  /** Behind all that was logged so far. */
  readonly offset: number;
  /** Whether the log up to there (Client.loggedOffset) survives a power failure. */
  isSynced(offset: number): boolean;
  /** Whether it is being rewritten. */
  readonly isRewriting: boolean;
  /** Loads it while everybody waits, besides the keys that are there. False when it failed. */
  loadNow(): boolean;
  /** All data were replaced: what is logged so far is of no use, and another log begins. */
  dataSetReplaced(): void;
  /** Microseconds that each write to it takes longer, for tests. */
  setWriteDelay(microseconds: number): void;
}
/** Offered by the append-only file. */
export const appendOnlyFilePort = new Port<AppendOnlyFile>("append-only-file");

/** Somebody whom a shutdown gives time: a replica is to have everything. */
export interface SlowReader {
  /** It lacks something of what was written. */
  readonly isBehind: boolean;
  /** The server ends now, be it behind or not: what of that is to be known goes to the log. */
  tellShutdown(): void;
}

/** Whom a shutdown waits for (shutting down), for those who know of replicas. */
export interface ShutdownWaits {
  /** Whoever is in here is waited for. */
  readonly slowReaders: SlowReader[];
}
/** Offered by shutting down. */
export const shutdownWaitsPort = new Port<ShutdownWaits>("shutdown-waits");

/** A client whose command waits for something; whoever knows what for has one for it. */
export interface Waiter {
  /** Who waits. */
  readonly client: Client;
  /** When its time is up, in milliseconds since 1970; 0: never. Moved along when the clock is set. */
  untilMs: number;
  /** Its place among those whose time will be up, kept by Waits; -1 for one that is new. */
  heapIndex: number;
  /** It waits no more, however that came, and is to be forgotten. */
  released(): void;
  /** Writes what the client is answered whose wait ends without an error. */
  answer(box: ReplyWriter): void;
  /** Behind released(), where nothing of the command is run any more. */
  ended?(withError: boolean): void;
}

/** Clients whose commands wait, for those who know what for. */
export interface Waits {
  /** How many of them have a time that will be up. */
  readonly deadlineCount: number;
  /** The client, which has been answered nothing, waits from now on. */
  hold(waiter: Waiter): void;
  /** It is answered, with the error if there is one, and goes on with the next turn. */
  end(waiter: Waiter, error?: CommandError | null): void;
  /** It waits no more, and has not been answered yet. */
  release(waiter: Waiter): void;
  /** The client was answered: what it sent meanwhile is served in the next turn. */
  goOn(client: Client): void;
}
/** Offered by waiting. */
export const waitsPort = new Port<Waits>("waits");

/** Active expiry, for DEBUG SET-ACTIVE-EXPIRE. */
export interface ActiveExpiry {
  /** False: expired keys stay until somebody looks at them. */
  isActive: boolean;
}
/** Offered by expiry. */
export const activeExpiryPort = new Port<ActiveExpiry>("active-expiry");
