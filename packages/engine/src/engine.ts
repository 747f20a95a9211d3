/**
 * Engine: a whole server without I/O.
 *
 *      bytes → Requests → guards → Caller → the command → effects, propagation → Output → Connection
 *
 * The host feeds it bytes, clocks and turns of its event loop; the engine answers through the
 * Connection it was given. One command runs at a time, to its end: commands are atomic because
 * nothing else can happen. Nothing here is asynchronous except saving and loading files.
 *
 * This file puts the parts together and hands on what the host calls. The parts are in kernel/, what
 * they serve in systems/; none of them knows this file.
 */
import { KnownCommands, Users } from "@kv/acl";
import { type CommandSettings, CommandTable, defaultSettings } from "@kv/commands";
import type { ConfigStore } from "@kv/config";
import { Keyspace } from "@kv/core";
import {
  ArgVector,
  defaultRequestLimits,
  ReplyWriter,
  type RequestLimits,
  toldRequestLimits,
} from "@kv/resp";
import { Admission } from "./kernel/admission.ts";
import { Caller } from "./kernel/caller.ts";
import type { Client } from "./kernel/client.ts";
import { ClientReport } from "./kernel/client-report.ts";
import { ClientState } from "./kernel/client-state.ts";
import { Clients } from "./kernel/clients.ts";
import { Cron } from "./kernel/cron.ts";
import { DebugSwitches } from "./kernel/debug-switches.ts";
import { EngineEffects } from "./kernel/effects.ts";
import { Execution } from "./kernel/execution.ts";
import { Guards } from "./kernel/guards.ts";
import type { Connection, Host } from "./kernel/host.ts";
import { Identity } from "./kernel/identity.ts";
import { LatencyMonitor } from "./kernel/latency-monitor.ts";
import { Muting } from "./kernel/muting.ts";
import { Output } from "./kernel/output.ts";
import { Pause } from "./kernel/pause.ts";
import { Propagator } from "./kernel/propagate.ts";
import { Reexecution } from "./kernel/reexecution.ts";
import { Refusals } from "./kernel/refusals.ts";
import { Replay } from "./kernel/replay.ts";
import { Requests } from "./kernel/requests.ts";
import type { ShutdownRequest } from "./kernel/shutdown-request.ts";
import { EngineState, Situation } from "./kernel/situation.ts";
import { SnapshotJobs } from "./kernel/snapshot-jobs.ts";
import { Standstill } from "./kernel/standstill.ts";
import { Stats } from "./kernel/stats.ts";
import { Transactions } from "./kernel/transactions.ts";
import { UsedMemory } from "./kernel/used-memory.ts";
import { commandList } from "./module/command-list.ts";
import { applyDirectives } from "./module/directives.ts";
import { EngineCall } from "./module/engine-call.ts";
import type { Port, Ports } from "./module/ports.ts";
import { applyStatements } from "./module/statements.ts";
import type { Running, System } from "./module/system.ts";
import { ownSystems } from "./systems/index.ts";

const REPLY_BYTES = 65_536;

/** What createEngine() puts together. */
export interface EngineOptions {
  /** The world: clocks, randomness, disk, log. One host serves one engine. */
  host: Host;
  /** Loaded already: the engine reads it and follows its changes. */
  config: ConfigStore;
  /** Systems besides the engine's own: they start after those, in this order. */
  modules?: readonly System[];
  /** The engine's own systems, where it is to have others than all of them. */
  systems?: readonly System[];
  /** Bytes of the first piece of memory that data is put into: see ArenaOptions. Default 16 MiB. */
  segmentBytes?: number;
}

/**
 * Puts a server together. Throws UnsupportedDirectiveError where the configuration asks for what is
 * not there, and AclStartError where its users cannot be had.
 */
export function createEngine(options: EngineOptions): Engine {
  return new Engine(options);
}

function keyspaceFor({ host, config, segmentBytes }: EngineOptions): Keyspace {
  return new Keyspace({
    databaseCount: config.number("databases"),
    random32: () => host.random32(),
    arena: {
      ...(segmentBytes === undefined ? {} : { segmentBytes }),
      release: (buffer, touchedBytes) => host.releaseMemory(buffer, touchedBytes),
      advise: (buffer, fromByte, toByte) => host.adviseMemory?.(buffer, fromByte, toByte),
    },
  });
}

/** A whole server without I/O: see the head of this file. Made by createEngine(). */
export class Engine implements Ports {
  /** Clocks, randomness, disk and log. */
  readonly host: Host;
  /** Every directive's value. Hot paths read fields that follow it (DirectiveRow.apply) instead. */
  readonly config: ConfigStore;
  /** Those it was put together from, the engine's own first. */
  readonly systems: readonly System[];
  /** What is true of the whole server at this moment: the time, whose command runs. */
  readonly situation: Situation;
  /** What INFO counts. */
  readonly stats = new Stats();
  /** What INFO and HELLO tell of the server itself. */
  readonly identity: Identity;
  /** What DEBUG has switched. */
  readonly debug = new DebugSwitches();
  /** The data: all databases, and the arena that they live in. */
  readonly keyspace: Keyspace;
  /** All commands, with their counters. */
  readonly commands: CommandTable;
  /** Directives that commands on data read. */
  readonly settings: CommandSettings = { ...defaultSettings };
  /** What a request may be: the limits that each client's reader is held to. */
  readonly requestLimits: RequestLimits = defaultRequestLimits();
  /** What a request of the server that this one follows may be. */
  readonly primaryLimits: RequestLimits = toldRequestLimits();
  /** Users and what they may do. */
  readonly users: Users;
  /** All connected clients. */
  readonly clients: Clients;
  /** What a client costs, and how CLIENT LIST shows it. */
  readonly report: ClientReport;
  /** How long commands and other work take. */
  readonly latency = new LatencyMonitor();
  /** Carries commands to the append-only file and the replicas. */
  readonly propagator: Propagator;
  /** CLIENT PAUSE. */
  readonly pause: Pause;
  /** What a change sets off: listeners, keyspace events, removals. */
  readonly effects: EngineEffects;
  /** What memory is in use, and how room is made. */
  readonly memory: UsedMemory;
  /** The buffer that the running command's reply is written into; shared by all clients. */
  readonly reply = new ReplyWriter(REPLY_BYTES);
  /** Which replies of a client that wants none are taken back. */
  readonly muting: Muting;
  /** How replies and messages leave. */
  readonly output: Output;
  /** The call of the command that is running: one for all commands. */
  readonly call: EngineCall;
  /** Runs and measures commands. */
  readonly caller: Caller;
  /** Runs stored requests in the place of the running command (EXEC, scripts). */
  readonly execution: Execution;
  /** Runs requests anew that made their clients wait. */
  readonly reexecution: Reexecution;
  /** Runs requests that were run before and are told again. */
  readonly replay: Replay;
  /** Begins and ends the transactions of clients. */
  readonly transactions: Transactions;
  /** Why writes are refused while the disk fails. */
  readonly refusals: Refusals;
  /** Why a command may not run now, in order. */
  readonly guards: Guards;
  /** Gives slices of time to whoever writes a snapshot. */
  readonly snapshotJobs: SnapshotJobs;
  /** Periodic work, and the rates that it samples. */
  readonly cronJobs: Cron;
  /** Room for the one stored request that is being executed. */
  readonly queuedBatch = new ArgVector();
  private readonly standstill: Standstill;
  private readonly admission: Admission;
  private readonly requests: Requests;
  private readonly running: readonly Running[];
  private isStopped = false;
  private readonly offers = new Map<Port<unknown>, Running>();

  constructor(options: EngineOptions) {
    const { host, config, modules = [], systems = ownSystems } = options;
    this.host = host;
    this.config = config;
    this.systems = [...systems, ...modules];
    const { stats, latency, reply, settings, requestLimits } = this;
    const keyspace = keyspaceFor(options);
    const commands = new CommandTable(commandList(this.systems));
    const situation = new Situation(host);
    const propagator = new Propagator(situation);
    const clients = new Clients(situation);
    const users = new Users(new KnownCommands(commands));
    const presentCall = () => this.call;
    const report = new ClientReport(situation, presentCall);
    const pause = new Pause(host, situation);
    const muting = new Muting(reply);
    const parts = { host, config, situation, stats, keyspace, commands, clients, users, report };
    const effects = new EngineEffects({ ...parts, propagator, latency, pause, presentCall });
    const memory = new UsedMemory({ ...parts, effects, propagator, latency, pause });
    const output = new Output({ ...parts, memory, reply, muting });
    const batch = new ArgVector();
    const { idle } = memory;
    const call = new EngineCall({ keyspace, reply, settings, effects, args: batch, idle });
    const flow = { ...parts, memory, effects, propagator, latency, pause, reply, muting, output };
    const caller = new Caller({ ...flow, call });
    const refusals = new Refusals(situation);
    const guards = new Guards({ config, situation, memory, refusals, pause });
    const transactions = new Transactions(keyspace.arena);
    const snapshotJobs = new SnapshotJobs(host, stats);

    this.identity = new Identity(host);
    this.situation = situation;
    this.propagator = propagator;
    this.keyspace = keyspace;
    this.commands = commands;
    this.clients = clients;
    this.users = users;
    this.report = report;
    this.pause = pause;
    this.muting = muting;
    this.effects = effects;
    this.memory = memory;
    this.output = output;
    this.call = call;
    this.caller = caller;
    this.refusals = refusals;
    this.guards = guards;
    this.transactions = transactions;
    this.snapshotJobs = snapshotJobs;
    this.execution = new Execution({ ...flow, caller, call });
    this.reexecution = new Reexecution({ ...flow, caller, call, guards });
    this.replay = new Replay({ ...flow, transactions, call, requestLimits });
    this.cronJobs = new Cron({ ...flow, snapshotJobs });
    this.standstill = new Standstill({ situation, clients, pause });
    this.admission = new Admission({ ...parts, requestLimits });
    this.requests = new Requests({ ...flow, caller, call, guards, transactions, batch });
    call.engine = this;
    memory.batchBytes = () => reply.heldBytes + batch.heldBytes;
    pause.resume = (client) => this.resume(client);
    clients.onClosed = (client) => this.clientClosed(client);
    transactions.onEnd = (client) => this.transactionEnded(client);
    situation.clockSteps.onStep = (stepMs) => this.clockStepped(stepMs);
    effects.onAllFlushed = () => this.anyOf(({ allFlushed }) => allFlushed);

    this.running = this.start();
    this.cronJobs.take(this.running);
    for (const each of this.running) each.assembled?.(this.systems);
    applyDirectives(config, this, this.systems);
    applyStatements(config, this, this.systems);
    memory.started();
  }

  /** Starts all systems, and takes up what each of them brings. */
  private start(): Running[] {
    const running: Running[] = [];
    for (const system of this.systems) {
      const started = system.start?.(this);
      if (started === undefined) continue;
      running.push(started);
      for (const port of system.ports ?? []) this.offers.set(port, started);
      this.takeUp(started);
    }
    return running;
  }

  private takeUp(started: Running): void {
    const { guards, sink, events, clientFacts } = started;
    if (guards !== undefined) this.guards.replace(guards);
    if (sink !== undefined) this.propagator.sinks.push(sink);
    if (events !== undefined) this.effects.events = events;
    if (clientFacts !== undefined) this.report.facts.push(clientFacts);
    if (started.uncountedBytes !== undefined)
      this.memory.further.push(() => started.uncountedBytes?.() ?? 0);
    this.effects.listen(started);
  }

  /** Asks all, even behind one that says true. */
  private anyOf(hookOf: (running: Running) => (() => boolean) | undefined): boolean {
    let any = false;
    for (const each of this.running) if (hookOf(each)?.call(each) === true) any = true;
    return any;
  }

  /** What the system behind a port offers. */
  of<Offer>(port: Port<Offer>): Offer {
    const offer = this.offers.get(port);
    if (offer === undefined) throw new Error(`no system offers '${port.name}'`);
    return offer as Offer;
  }

  // What the host calls.

  /** A new connection. Null: it was refused, told why, and is being closed. */
  accept(connection: Connection): Client | null {
    const client = this.admission.accept(connection);
    return client === null ? null : this.opened(client);
  }

  /** A connection to the primary of this server: what comes by it is requests from now on. */
  adopt(connection: Connection): Client {
    const client = this.admission.letIn(connection, this.primaryLimits);
    client.mark(ClientState.REPLICATION | ClientState.PRIMARY, true);
    return this.opened(client);
  }

  private opened(client: Client): Client {
    for (const each of this.running) each.clientOpened?.(client);
    this.standstill.clientOpened(client);
    this.memory.recount(client);
    return client;
  }

  /** Whether one more connection may come, that cannot be told anything yet; if not, close it. */
  hasRoom(): boolean {
    return this.admission.hasRoom();
  }

  /** Has connections that wait to become clients count where the number of clients is limited. */
  countAsClients(waitingCount: () => number): void {
    this.admission.waitingCount = waitingCount;
  }

  /** Bytes arrived; they may be overwritten after this returns. */
  receive(client: Client, chunk: Uint8Array, view: DataView, start: number, end: number): void {
    this.requests.receive(client, chunk, view, start, end);
  }

  /** A client that waited may go on: what it sent meanwhile is served. */
  resume(client: Client): void {
    this.requests.resume(client);
  }

  /** Whether the client waits: for a key, for replicas, for the end of a pause. */
  waits(client: Client): boolean {
    return client.is(ClientState.WAITING);
  }

  /** The connection is gone. */
  disconnected(client: Client): void {
    if (client.closed) return;
    if (!client.is(ClientState.CLOSING))
      this.admission.log(() => `Client closed connection ${this.report.describe(client)}`);
    this.clients.gone(client);
  }

  /** `hz` times a second. */
  cron(): void {
    this.cronJobs.run();
  }

  /** How often that is by now. */
  get hz(): number {
    return this.situation.hz;
  }

  /** False: after these events no turn is due, unless host.wake() asked for one. */
  get needsTurn(): boolean {
    return this.cronJobs.needsTurn;
  }

  /** Before the host waits for events. Answers when the next turn is due: see Due. */
  turn(): number {
    return this.cronJobs.turn();
  }

  /**
   * Loads the data set from disk. Whoever asks for something of it meanwhile waits at first, and is answered
   * LOADING if it takes longer. False: it could not be loaded.
   */
  async load(): Promise<boolean> {
    const { situation } = this;
    // Whoever loads says when that is over; until the first of them begins, nobody is served either.
    situation.setUnusual(EngineState.LOADING, true);
    situation.isLoadYoung = true;
    for (const each of this.running)
      if (each.load !== undefined && !(await each.load())) return false;
    situation.setUnusual(EngineState.LOADING, false);
    situation.isLoadYoung = false;
    this.pause.ease();
    return true;
  }

  /**
   * Does beforehand what of a shutdown takes long, while nobody is served. Undefined: nothing does. When it
   * resolves, shutdown() is to follow at once.
   */
  prepareShutdown(request: ShutdownRequest): Promise<unknown> | undefined {
    // What has changed belongs to the history that the file tells of.
    this.propagator.finish();
    const work = this.running.flatMap((each) => each.preparing?.(request) ?? []);
    if (work.length === 0) return undefined;
    this.standstill.begin();
    return Promise.all(work);
  }

  /** Who has asked for the end does not want to wait for what takes long: it is given up, and no more. */
  hurry(): void {
    for (const each of this.running) each.hurried?.();
  }

  /**
   * Ends in good order: true when the process may exit, false when that was refused.
   *
   * All of it happens at once: nobody is waited for, so nothing that was true at the beginning can be
   * otherwise at the end. Whoever may have to wait before (for replicas, for a script's end) or during it (for
   * the final save) asks the system of shutting down instead; an embedded server does not, whose program may
   * end the process in the same breath. A background save that is under way is given up, and may have
   * the disk at work for a while: that is for the host to wait out, when it serves nobody any more.
   */
  shutdown(request: ShutdownRequest): boolean {
    const { host } = this;
    if (request.signal !== undefined)
      host.log("warning", `Received ${request.signal} scheduling shutdown...`);
    if (request.isAnnounced !== true) host.log("warning", "User requested shutdown...");
    for (const each of this.running) {
      if (each.stopping?.(request) !== false) continue;
      host.log(
        "warning",
        "Errors trying to shut down the server. Check the logs for more information.",
      );
      host.log(
        "warning",
        "SHUTDOWN NOSAVE ends the server without saving: what has changed since the last save is lost then.",
      );
      this.standstill.end();
      return false;
    }
    this.output.openGate();
    for (const client of this.clients.values()) this.output.flushOutbox(client);
    host.log("warning", "Redis is now ready to exit, bye bye...");
    this.stop();
    return true;
  }

  /** For good: what is being saved or loaded is given up. Once, however often it is called. */
  stop(): void {
    if (this.isStopped) return;
    this.isStopped = true;
    for (const each of this.running) each.stop?.();
  }

  /** True when the disk has nothing to do for us. */
  get isSettled(): boolean {
    return this.running.every(({ isSettled }) => isSettled !== false);
  }

  /** Resolves when that is so. */
  async settled(): Promise<void> {
    for (const each of this.running) await each.settled?.();
  }

  // What commands and systems call.

  /** RESET: every system makes the client as it was when it came. */
  resetClient(client: Client): void {
    for (const each of this.running) each.clientReset?.(client);
  }

  /** CONFIG RESETSTAT: whatever counts since the start counts from zero. */
  resetStatistics(): void {
    this.stats.reset();
    for (const row of this.commands.all) row.resetCounters();
    this.call.keyspaceHits = 0;
    this.call.keyspaceMisses = 0;
    this.keyspace.lazyFree.freedObjects = 0;
    this.cronJobs.rates.reset();
    for (const each of this.running) each.resetStatistics?.();
  }

  private clockStepped(stepMs: number): void {
    const seconds = (Math.abs(stepMs) / 1000).toFixed(1);
    const way = stepMs > 0 ? "ahead" : "back";
    this.host.log("notice", `The system's clock was set ${way} by ${seconds} seconds.`);
    this.memory.clockStepped(stepMs);
    this.pause.clockStepped(stepMs);
    for (const client of this.clients.values()) client.clockStepped(stepMs);
    for (const each of this.running) each.clockStepped?.(stepMs);
  }

  private clientClosed(client: Client): void {
    this.memory.recount(client);
    this.transactions.discard(client);
    for (const each of this.running) each.clientClosed?.(client);
    this.pause.clientClosed(client);
    this.standstill.clientClosed(client);
    this.output.clientClosed(client);
    this.effects.updateInterest();
  }

  private transactionEnded(client: Client): void {
    for (const each of this.running) each.transactionEnded?.(client);
    this.effects.updateInterest();
  }
}
