/**
 * Engine: a whole server without I/O.
 *
 *      bytes → RequestReader → batch → lookup → guards → call → propagate → reply → Connection
 *
 * The host feeds it bytes, clocks and turns of its event loop; the engine answers through the
 * Connection it was given. One command runs at a time, to its end: commands are atomic because
 * nothing else can happen. Nothing here is asynchronous except saving and loading files.
 *
 * Not in this file: what a command does (its group), who may run when (guards.ts), how a call is
 * measured and propagated (call.ts), what happens between calls (cron.ts).
 */
import {
  arityError,
  CommandError,
  type CommandRow,
  type CommandSettings,
  CommandTable,
  dataCommands,
  defaultSettings,
  FLAG_BITS,
  placeholderCommands,
} from "@kv/commands";
import type { ConfigStore } from "@kv/config";
import { type Database, Keyspace } from "@kv/core";
import {
  ArgVector,
  defaultRequestLimits,
  ReadStatus,
  ReplyWriter,
  type RequestLimits,
} from "@kv/resp";
import { Access } from "./access.ts";
import { AclLog } from "./acl-log.ts";
import { logConnection, refusalOf, refuse } from "./admission.ts";
import { Caller, isTooLarge } from "./caller.ts";
import { Client, ClientState, ReplyMode } from "./client.ts";
import { ClientEviction } from "./client-eviction.ts";
import { CLIENT_BYTES } from "./client-memory.ts";
import { Clients } from "./clients.ts";
import { CronJobs } from "./cron.ts";
import { DebugSwitches } from "./debug-switches.ts";
import { EngineEffects } from "./effects.ts";
import { EngineCall } from "./engine-call.ts";
import { groups } from "./groups/index.ts";
import { absentSubsystems, askGuards, EngineState, type Subsystems, Verdict } from "./guards.ts";
import type { Connection, Host } from "./host.ts";
import { LatencyMonitor } from "./latency.ts";
import { LookAhead } from "./look-ahead.ts";
import { isHttp, lookup } from "./lookup.ts";
import { Memory } from "./memory.ts";
import type { EngineModule } from "./module.ts";
import { Monitors } from "./monitor.ts";
import { Output } from "./output.ts";
import { Pause } from "./pause.ts";
import { Propagator } from "./propagate.ts";
import { PubSub } from "./pubsub.ts";
import { Saving } from "./saving.ts";
import { applyDirectives } from "./settings.ts";
import { Shutdown, type ShutdownRequest } from "./shutdown.ts";
import { SlowLog } from "./slow-log.ts";
import { applyStatements } from "./statements.ts";
import { Stats } from "./stats.ts";
import { Tracking } from "./tracking.ts";
import { queueCommand, type Transaction } from "./transaction.ts";
import { unknownCommand } from "./unknown-command.ts";
import { engineVersion, redisVersion } from "./version.ts";
import { WatchedKeys } from "./watched-keys.ts";

export interface EngineOptions {
  host: Host;
  /** Loaded already: the engine reads it and follows its changes. */
  config: ConfigStore;
  modules?: readonly EngineModule[];
}

/** Puts a server together. */
export function createEngine(options: EngineOptions): Engine {
  return new Engine(options);
}

/** Replies of a batch that leave before its end. */
const REPLIES_BYTES_MAX = 1024 * 1024;

/** What came of one request: go on, keep it and all behind it for later, or stop reading. */
const Outcome = { DONE: 0, WAIT: 1, STOP: 2 } as const;

export class Engine {
  readonly host: Host;
  readonly config: ConfigStore;
  readonly modules: readonly EngineModule[];
  readonly keyspace: Keyspace;
  readonly commands: CommandTable;
  readonly access: Access;
  readonly aclLog = new AclLog();
  /** What DEBUG has switched. */
  readonly debug = new DebugSwitches();
  readonly stats = new Stats();
  readonly settings: CommandSettings = { ...defaultSettings };
  readonly requestLimits: RequestLimits = defaultRequestLimits();
  readonly clients = new Clients();
  readonly reply = new ReplyWriter(65536);
  readonly propagator = new Propagator();
  readonly watchedKeys: WatchedKeys;
  readonly pubsub: PubSub;
  readonly tracking: Tracking;
  readonly monitors: Monitors;
  readonly slowLog: SlowLog;
  readonly latency: LatencyMonitor;
  readonly memory: Memory;
  readonly clientEviction: ClientEviction;
  readonly pause: Pause;
  readonly output: Output;
  readonly saving: Saving;
  readonly cronJobs: CronJobs;
  readonly caller: Caller;
  readonly call: EngineCall;
  readonly effects: EngineEffects;
  readonly subsystems: Subsystems = absentSubsystems();
  readonly version: string = engineVersion;
  readonly redisVersion: string = redisVersion;
  /** 40 hex digits that are new with every start. */
  readonly runId: string;
  /** 40 hex digits that name the history of this data set (INFO's master_replid). */
  replicationId: string;
  readonly startedMs: number;
  readonly startedUs: number;
  /** Bits of EngineState. */
  unusual = 0;
  /** The whole text of the MISCONF error while the disk refuses. */
  diskError = "";
  /** Changes to the data set since the last save. */
  dirty = 0;
  /** Turns of the cron a second. */
  hz = 10;
  /** Wall clock as of the present batch or cron turn, in milliseconds. */
  nowMs: number;
  /** Up to here the reply buffer stays even if the client wants no replies. */
  keptBytes = 0;
  /** The client whose command is running; null between commands. */
  current: Client | null = null;
  /** The requests being served, and the one of a transaction that EXEC has come to. */
  readonly batch = new ArgVector();
  readonly queuedBatch = new ArgVector();
  private readonly lookAhead: LookAhead;
  private readonly shutdowns: Shutdown;

  constructor({ host, config, modules = [] }: EngineOptions) {
    this.host = host;
    this.config = config;
    this.modules = modules;
    this.nowMs = host.wallMs();
    this.startedMs = this.nowMs;
    this.startedUs = host.monotonicUs();
    this.runId = host.randomHex(20);
    this.replicationId = host.randomHex(20);
    this.keyspace = new Keyspace({
      databaseCount: config.number("databases"),
      random32: () => host.random32(),
    });
    this.commands = new CommandTable([
      ...dataCommands,
      ...groups,
      ...modules.flatMap((module) => [...(module.commands ?? [])]),
      ...placeholderCommands,
    ]);
    this.watchedKeys = new WatchedKeys(this);
    this.access = new Access(this);
    this.pubsub = new PubSub(this);
    this.tracking = new Tracking(this);
    this.monitors = new Monitors(this);
    this.slowLog = new SlowLog();
    this.latency = new LatencyMonitor();
    this.pause = new Pause(this);
    this.output = new Output(this);
    this.memory = new Memory(this);
    this.clientEviction = new ClientEviction(this);
    this.effects = new EngineEffects(this);
    this.call = new EngineCall({
      keyspace: this.keyspace,
      reply: this.reply,
      settings: this.settings,
      effects: this.effects,
      args: this.batch,
      idle: this.memory.idle,
    });
    this.call.engine = this;
    this.caller = new Caller(this);
    this.lookAhead = new LookAhead(this);
    this.saving = new Saving(this);
    this.cronJobs = new CronJobs(this);
    this.shutdowns = new Shutdown(this);
    applyDirectives(this);
    applyStatements(this);
    for (const { hooks } of modules) hooks?.created?.(this);
  }

  // What the host calls.

  /** A new connection. Null: it was refused, told why, and is being closed. */
  accept(connection: Connection): Client | null {
    this.stats.connectionsReceived++;
    const refusal = refusalOf(this, connection);
    if (refusal !== null) {
      refuse(this, connection, refusal);
      return null;
    }
    const user = this.access.users.defaultUser;
    this.nowMs = this.host.wallMs();
    const client = new Client(
      this.clients.nextId++,
      connection,
      this.requestLimits,
      user,
      this.nowMs,
    );
    logConnection(this, () => `Accepted ${connection.address}`);
    this.access.actAsDefault(client);
    this.clients.set(client.id, client);
    this.memory.recount(client);
    if (this.clients.size > this.stats.clientsPeak) this.stats.clientsPeak = this.clients.size;
    return client;
  }

  /** Bytes arrived; they may be overwritten after this returns. */
  receive(client: Client, chunk: Uint8Array, view: DataView, start: number, end: number): void {
    const length = end - start;
    client.inputBytes += length;
    this.stats.inputBytes += length;
    this.stats.readsProcessed++;
    if ((client.unusual & (ClientState.WAITING | ClientState.CLOSING)) !== 0) {
      if (client.is(ClientState.CLOSING)) return;
      client.reader.hold(chunk, start, end);
      this.memory.recount(client);
      // Any other error has its turn when what was held is served.
      if (client.reader.overLimit) {
        this.refuseInput(client);
        this.closeClient(client, "query buffer limit");
      }
      return;
    }
    this.nowMs = this.host.wallMs();
    client.lastActiveMs = this.nowMs;
    if (client.outbox !== null) this.output.flushOutbox(client);
    this.serve(client, chunk, view, start, end);
  }

  /** A client that waited may go on: what it sent meanwhile is served. */
  resume(client: Client): void {
    client.mark(ClientState.WAITING, false);
    if (client.closed || client.is(ClientState.CLOSING)) return;
    this.nowMs = this.host.wallMs();
    if (client.outbox !== null) this.output.flushOutbox(client);
    this.serve(client, null, null, 0, 0);
  }

  /** The connection is gone. */
  disconnected(client: Client): void {
    if (client.closed) return;
    if (!client.is(ClientState.CLOSING))
      logConnection(this, () => `Client closed connection ${this.output.describe(client)}`);
    client.closed = true;
    client.mark(ClientState.CLOSING, true);
    this.clients.delete(client.id);
    this.memory.recount(client);
    this.endTransaction(client)?.queue.free();
    this.pubsub.clientClosed(client);
    this.tracking.clientClosed(client);
    this.monitors.clientClosed(client);
    this.pause.clientClosed(client);
    this.output.clientClosed(client);
    this.updateInterest();
    for (const { hooks } of this.modules) hooks?.clientClosed?.(this, client);
  }

  /** `hz` times a second. */
  cron(): void {
    this.cronJobs.run();
  }

  /** False: after these events no turn is due, unless host.wake() asked for one. */
  get needsTurn(): boolean {
    return this.cronJobs.needsTurn;
  }

  /** Before the host waits for events. Answers when the next turn is due: see Due. */
  turn(): number {
    return this.cronJobs.turn();
  }

  /** Loads the data set from disk, answering LOADING meanwhile. False: it could not be loaded. */
  load(): Promise<boolean> {
    return this.saving.load();
  }

  /** Ends in good order: true when the process may exit, false when that was refused. */
  shutdown(request: ShutdownRequest): boolean {
    return this.shutdowns.begin(request);
  }

  // Serving.

  /** Parses what came with `chunk` (null: what had come before) and serves it. */
  private serve(
    client: Client,
    chunk: Uint8Array | null,
    view: DataView | null,
    start: number,
    end: number,
  ): void {
    const { batch } = this;
    batch.clear();
    try {
      this.serveAll(
        client,
        chunk === null || view === null
          ? client.reader.more(batch)
          : client.reader.read(chunk, view, start, end, batch),
      );
    } catch (error) {
      if (!isTooLarge(error) || this.propagator.isOpen) throw error;
      this.abandon(client, error);
    }
  }

  /** What this client sent or asked for is more than the runtime can hold: it costs the client. */
  private abandon(client: Client, error: Error): void {
    this.host.log("warning", `Closing a client whose request cannot be held: ${error.message}`);
    this.caller.openGroup();
    this.reply.reset();
    this.current = null;
    this.batch.clear();
    this.closeClient(client, "too large");
  }

  /** Executes the batch and what follows it, and sends the replies. */
  private serveAll(client: Client, first: number): void {
    const { batch, reply } = this;
    let status = first;
    for (;;) {
      const goOn = this.execute(client);
      if (!goOn) break;
      if (status === ReadStatus.MORE) {
        if (reply.total > 32768) this.output.sendReply(client);
        batch.clear();
        status = client.reader.more(batch);
        continue;
      }
      if (status === ReadStatus.ERROR) this.refuseInput(client);
      break;
    }
    this.current = null;
    this.output.sendReply(client);
    batch.clear();
    if (client.closed) return;
    if (client.reader.bufferBytes !== 0 || client.countedBytes !== CLIENT_BYTES)
      this.memory.recount(client);
    if (!client.is(ClientState.CLOSING)) return;
    if (client.connection.pendingBytes > 0) this.output.checkLimit(client);
    if (client.closed) return;
    if (client.isOverLimit) this.closeClient(client, client.closeReason);
    else client.connection.end();
  }

  /** Runs the commands of the batch. False when the client waits or closes. */
  private execute(client: Client): boolean {
    const { batch, call, lookAhead, caller } = this;
    const count = batch.commandCount;
    if (count === 0) return true;
    call.nowMs = this.nowMs;
    this.memory.refreshIdle(this.nowMs);
    lookAhead.prepare(client, batch);
    caller.openGroup();
    for (let index = 0; index < count; index++) {
      const outcome = this.request(client, index);
      if (outcome === Outcome.DONE) {
        if (this.reply.total > REPLIES_BYTES_MAX) this.sendEarly(client);
        continue;
      }
      caller.closeGroup();
      // What waits is parsed again when the client goes on; what follows a close is not run.
      if (outcome === Outcome.WAIT) client.reader.suspend(batch, index);
      else if (client.is(ClientState.WAITING)) client.reader.suspend(batch, index + 1);
      return false;
    }
    caller.closeGroup();
    return true;
  }

  /** Large replies do not wait for the end of the batch: nobody could hold 512 of them. */
  private sendEarly(client: Client): void {
    this.caller.closeGroup();
    this.output.sendReply(client);
    this.caller.openGroup();
  }

  private request(client: Client, index: number): number {
    const { batch, call, reply, lookAhead } = this;
    const entry = lookAhead.entryOf(index) ?? lookup(this.commands, batch, index);
    this.caller.before(entry);
    this.current = client;
    call.client = client;
    call.database = this.keyspace.databases[client.databaseIndex] as Database;
    reply.resp3 = client.protocol === 3;
    client.commandCount++;
    if (
      entry !== null &&
      (this.unusual | client.unusual) === 0 &&
      (entry.shortWayArity >= 0
        ? batch.argCount[index] === entry.shortWayArity
        : (batch.argCount[index] as number) >= -entry.shortWayArity)
    ) {
      // The short way: nobody and nothing is in the way of this command.
      call.begin(batch, index, entry);
      lookAhead.useHash(index, call);
      client.lastCommand = entry;
      this.caller.run(client, entry);
      return (client.unusual & (ClientState.CLOSING | ClientState.WAITING)) === 0
        ? Outcome.DONE
        : Outcome.STOP;
    }
    return this.guardedRequest(client, entry, index);
  }

  /** The long way: every check, every guard. */
  private guardedRequest(client: Client, entry: CommandRow | null, index: number): number {
    const { batch, call, reply } = this;
    this.keptBytes = reply.mark();
    if (client.is(ClientState.CLOSING)) return Outcome.STOP;
    if (client.replyMode === ReplyMode.SKIP_NEXT) client.replyMode = ReplyMode.SKIP;
    if (entry === null && isHttp(batch, index)) {
      this.host.log(
        "warning",
        `Possible SECURITY ATTACK detected: ${client.connection.address} sends HTTP (POST or Host:), as a web page does that was made to speak to this server. Connection aborted.`,
      );
      // What was answered so far does not leave either.
      reply.reset();
      this.closeAfterReply(client, "HTTP");
      return Outcome.STOP;
    }
    if (entry === null) {
      this.reject(client, null, unknownCommand(this.commands, batch, index));
      this.applyReplyMode(client);
      return Outcome.DONE;
    }
    call.begin(batch, index, entry);
    client.lastCommand = entry;
    if (!entry.accepts(call.argc)) {
      this.reject(client, entry, arityError(entry.fullName));
      this.applyReplyMode(client);
      return Outcome.DONE;
    }
    const answer = askGuards(this, client, entry, call);
    if (answer === Verdict.WAIT) {
      this.pause.hold(client);
      return Outcome.WAIT;
    }
    // Keys evicted to make room for this command are gone before it, not after.
    if (this.output.hasOwnPushes) this.output.flushOwn(client);
    if (answer instanceof CommandError) this.reject(client, entry, answer);
    else if (answer === Verdict.UNKNOWN)
      this.reject(client, null, unknownCommand(this.commands, batch, index));
    else if (answer === Verdict.QUEUE) {
      queueCommand(this, client, entry);
    } else {
      call.touches = !client.is(ClientState.NO_TOUCH);
      this.caller.run(client, entry);
      call.touches = true;
    }
    this.applyReplyMode(client);
    return (client.unusual & (ClientState.CLOSING | ClientState.WAITING)) === 0
      ? Outcome.DONE
      : Outcome.STOP;
  }

  /** CLIENT REPLY OFF and SKIP: replies are cut away again, messages are not. */
  isMuted(client: Client): boolean {
    return client.replyMode === ReplyMode.OFF || client.replyMode === ReplyMode.SKIP;
  }

  /** Cuts away what was just answered, if the client wants none. */
  private applyReplyMode(client: Client): void {
    // CLIENT REPLY SKIP itself answered nothing; the command behind it is the one skipped.
    if (!this.isMuted(client)) return;
    this.reply.rewind(this.keptBytes);
    if (client.replyMode === ReplyMode.SKIP) {
      client.replyMode = ReplyMode.ON;
      client.mark(ClientState.MUTED, false);
    }
  }

  /** Answers with an error before the command ran; inside MULTI that spoils the transaction. */
  reject(client: Client, entry: CommandRow | null, error: CommandError): void {
    if (entry !== null) entry.rejectedCalls++;
    this.stats.countError(error.reply);
    this.tracking.requestEnded(client, entry);
    if (client.transaction !== null && client.inTransaction) client.transaction.refused = true;
    if (entry !== null && (entry.bits & FLAG_BITS.runs_queue) !== 0) {
      // An EXEC that may not run ends the transaction: nothing of it happens later.
      this.discard(client);
      this.reply.error(
        `EXECABORT Transaction discarded because of: ${error.reply.replace(/^ERR /, "")}`,
      );
      // Who monitors saw MULTI: the line tells that the transaction is over.
      if (this.monitors.count > 0) this.monitors.feed(client, entry, this.call);
      if (this.output.hasOwnPushes) this.output.flushOwn(client);
      return;
    }
    this.reply.error(error.reply);
  }

  /** Ends MULTI without executing, and forgets watched keys. */
  discard(client: Client): void {
    this.endTransaction(client)?.queue.free();
  }

  /** Nothing is queued or watched any more. Returns what was: its queue is the caller's to free. */
  endTransaction(client: Client): Transaction | null {
    const { transaction } = client;
    this.watchedKeys.unwatchAll(client);
    client.transaction = null;
    client.mark(ClientState.MULTI, false);
    this.updateInterest();
    return transaction;
  }

  /** The request stream is broken or too long: an error where one is due, then the end. */
  private refuseInput(client: Client): void {
    if (client.reader.overLimit) {
      this.stats.queryLimitDisconnections++;
      this.host.log(
        "warning",
        `Closing client that reached max query buffer length: ${this.output.describe(client)}`,
      );
    } else {
      if (client.replyMode === ReplyMode.ON) this.reply.error(`ERR ${client.reader.error}`);
      this.stats.countError("ERR");
    }
    this.closeAfterReply(client, "protocol error");
  }

  /** Nothing more of this client is executed; what was replied still leaves. */
  closeAfterReply(client: Client, reason: string): void {
    client.closeReason = reason;
    client.mark(ClientState.CLOSING, true);
  }

  /** Closes a client (CLIENT KILL, limits, timeouts), at once unless its own command runs. */
  closeClient(client: Client, reason: string): void {
    if (client.closed) return;
    if (client === this.current) {
      this.closeAfterReply(client, reason);
      return;
    }
    client.closeReason = reason;
    client.mark(ClientState.CLOSING, true);
    client.connection.destroy();
    this.disconnected(client);
  }

  /** Sets or clears bits of EngineState. */
  setUnusual(state: number, on: boolean): void {
    if (on) this.unusual |= state;
    else this.unusual &= ~state;
  }

  /** Room for a command that may grow memory: evicts as far as needed. False: over the limit. */
  makeRoom(): boolean {
    return this.memory.makeRoom();
  }

  /** Who has to hear of changes may have changed. */
  updateInterest(): void {
    this.effects.updateInterest();
  }
}

export { EngineState };
