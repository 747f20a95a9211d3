/**
 * Requests: from the bytes of a client to the commands that they ask for.
 *
 *      bytes → RequestReader → batch → lookup → guards → caller → reply → output
 *
 * A batch is what came in one go. It is executed to its end, one command at a time; replies leave
 * when it is over, or before when there are many. A client that has to wait or is closed ends its
 * batch: what it sent behind is kept, or never run.
 */
import {
  arityError,
  CommandError,
  type CommandRow,
  type CommandTable,
  FLAG_BITS,
} from "@kv/commands";
import type { Database, Keyspace } from "@kv/core";
import { type ArgVector, ReadStatus, type ReplyWriter } from "@kv/resp";
import { type Caller, isTooLarge } from "./caller.ts";
import type { Client } from "./client.ts";
import type { ClientCall } from "./client-call.ts";
import { CLIENT_BYTES, type ClientReport } from "./client-report.ts";
import { ClientState, ReplyMode } from "./client-state.ts";
import type { Clients } from "./clients.ts";
import type { EngineEffects } from "./effects.ts";
import { type Guards, Verdict } from "./guards.ts";
import type { Host } from "./host.ts";
import { LookAhead } from "./look-ahead.ts";
import { isHttp, lookup } from "./lookup.ts";
import type { Muting } from "./muting.ts";
import type { Output } from "./output.ts";
import type { Pause } from "./pause.ts";
import { EngineState, type Situation } from "./situation.ts";
import type { Stats } from "./stats.ts";
import type { Transactions } from "./transactions.ts";
import { unknownCommand } from "./unknown-command.ts";
import { UpstreamRequests } from "./upstream-requests.ts";
import type { UsedMemory } from "./used-memory.ts";

/** Replies of a batch that leave before its end: while they are in the cache, in memory used before. */
const REPLIES_BYTES_MAX = 128 * 1024;
/** More than this leaves before the next part of a long input is parsed. */
const MORE_REPLIES_BYTES_MAX = 32_768;

/** What came of one request: go on, keep it and all behind it for later, or stop reading. */
const Outcome = { DONE: 0, WAIT: 1, STOP: 2 } as const;

/** What Requests are made of. */
export interface RequestsParts {
  /** Says how late it is, and takes the log line of a client that is closed. */
  host: Host;
  /** Gets the time of each batch and whose command runs; says what is in the way of commands. */
  situation: Situation;
  /** Counts bytes, reads and refusals. */
  stats: Stats;
  /** Has the database that the client has selected. */
  keyspace: Keyspace;
  /** Knows the commands by name. */
  commands: CommandTable;
  /** Closes a client whose requests cannot be read on. */
  clients: Clients;
  /** Counts what waits for a client; has the clock of accesses. */
  memory: UsedMemory;
  /** Where commands write, and refusals are written. */
  reply: ReplyWriter;
  /** Takes back the replies of a client that wants none. */
  muting: Muting;
  /** Sends the replies of a batch. */
  output: Output;
  /** Tells those who follow each command of what is refused. */
  effects: EngineEffects;
  /** Why a command may not run now. */
  guards: Guards;
  /** Keeps the clients that have to wait. */
  pause: Pause;
  /** Keeps what stands between MULTI and EXEC. */
  transactions: Transactions;
  /** Runs and measures each command. */
  caller: Caller;
  /** Points at each request in turn. */
  call: ClientCall;
  /** Describes a client for the log. */
  report: ClientReport;
  /** The requests being served. */
  batch: ArgVector;
}

/** Serves what clients send: see the head of this file. One for each engine. */
export class Requests {
  private readonly host: Host;
  private readonly situation: Situation;
  private readonly stats: Stats;
  private readonly keyspace: Keyspace;
  private readonly commands: CommandTable;
  private readonly clients: Clients;
  private readonly memory: UsedMemory;
  private readonly reply: ReplyWriter;
  private readonly muting: Muting;
  private readonly output: Output;
  private readonly effects: EngineEffects;
  private readonly guards: Guards;
  private readonly pause: Pause;
  private readonly transactions: Transactions;
  private readonly caller: Caller;
  private readonly call: ClientCall;
  private readonly report: ClientReport;
  private readonly batch: ArgVector;
  private readonly lookAhead: LookAhead;
  private readonly upstream: UpstreamRequests;

  constructor(parts: RequestsParts) {
    this.host = parts.host;
    this.situation = parts.situation;
    this.stats = parts.stats;
    this.keyspace = parts.keyspace;
    this.commands = parts.commands;
    this.clients = parts.clients;
    this.memory = parts.memory;
    this.reply = parts.reply;
    this.muting = parts.muting;
    this.output = parts.output;
    this.effects = parts.effects;
    this.guards = parts.guards;
    this.pause = parts.pause;
    this.transactions = parts.transactions;
    this.caller = parts.caller;
    this.call = parts.call;
    this.report = parts.report;
    this.batch = parts.batch;
    this.lookAhead = new LookAhead(parts.keyspace, parts.commands);
    this.upstream = new UpstreamRequests(parts, this.lookAhead);
  }

  /** Bytes arrived; they may be overwritten after this returns. */
  receive(client: Client, chunk: Uint8Array, view: DataView, start: number, end: number): void {
    const length = end - start;
    client.inputBytes += length;
    this.stats.inputBytes += length;
    this.stats.readsProcessed++;
    if ((client.unusual & (ClientState.WAITING | ClientState.CLOSING)) !== 0) {
      if (client.is(ClientState.CLOSING)) return;
      // Who sends is not idle: a buffer that is made smaller while it grows would be copied each time.
      client.lastActiveMs = this.host.wallMs();
      client.reader.hold(chunk, start, end);
      this.memory.recount(client);
      // Any other error has its turn when what was held is served.
      if (client.reader.overLimit) {
        this.refuseInput(client);
        this.clients.close(client, "query buffer limit");
      }
      return;
    }
    client.lastActiveMs = this.situation.readClock();
    if (client.outbox !== null) this.output.flushOutbox(client);
    this.serve(client, chunk, view, start, end);
  }

  /** A client that waited may go on: what it sent meanwhile is served. */
  resume(client: Client): void {
    client.mark(ClientState.WAITING, false);
    if (client.closed || client.is(ClientState.CLOSING)) return;
    this.situation.readClock();
    if (client.outbox !== null) this.output.flushOutbox(client);
    this.serve(client, null, null, 0, 0);
  }

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
      if (!isTooLarge(error) || this.situation.isNested) throw error;
      this.abandon(client, error);
    }
  }

  /** What this client sent or asked for is more than the runtime can hold: it costs the client. */
  private abandon(client: Client, error: Error): void {
    this.host.log("warning", `Closing a client whose request cannot be held: ${error.message}`);
    this.caller.openWindow();
    this.reply.reset();
    this.situation.current = null;
    this.batch.clear();
    this.clients.close(client, "too large");
  }

  /** Executes the batch and what follows it, and sends the replies. */
  private serveAll(client: Client, first: number): void {
    const { batch, reply } = this;
    if (
      batch.ownsBytes &&
      this.memory.clientLimit?.mayServe(client, batch.bytes.length) === false
    ) {
      batch.clear();
      return;
    }
    let status = first;
    for (;;) {
      const goOn = this.execute(client);
      if (!goOn) break;
      if (status === ReadStatus.MORE) {
        if (reply.total > MORE_REPLIES_BYTES_MAX) this.output.sendReply(client);
        batch.clear();
        status = client.reader.more(batch);
        continue;
      }
      if (status === ReadStatus.ERROR) this.refuseInput(client);
      break;
    }
    this.situation.current = null;
    this.output.sendReplyOf(client, this.caller.batchStartUs, this.caller.startUs);
    batch.clear();
    if (client.closed) return;
    if (client.reader.bufferBytes !== 0 || client.countedBytes !== CLIENT_BYTES)
      this.memory.recount(client);
    if (!client.is(ClientState.CLOSING)) return;
    if (client.connection.pendingBytes > 0) this.output.checkLimit(client);
    if (client.closed) return;
    if (client.isOverLimit) this.clients.close(client, client.closeReason);
    else this.output.end(client);
  }

  /** Runs the commands of the batch. False when the client waits or closes. */
  private execute(client: Client): boolean {
    const { batch, call, lookAhead, caller } = this;
    const count = batch.commandCount;
    if (count === 0) return true;
    const { nowMs } = this.situation;
    call.nowMs = nowMs;
    this.memory.refreshIdle(nowMs);
    lookAhead.prepare(client, batch);
    caller.openWindow();
    for (let index = 0; index < count; index++) {
      if (client.upstream !== null) {
        index = this.upstream.runPlain(client, batch, index);
        if (index === count) break;
      }
      const outcome = this.request(client, index);
      if (outcome === Outcome.DONE) {
        if (this.reply.total > REPLIES_BYTES_MAX) this.sendEarly(client);
        continue;
      }
      caller.closeWindow();
      client.upstream?.batchEnds();
      // What waits is parsed again when the client goes on; what follows a close is not run.
      if (outcome === Outcome.WAIT) client.reader.suspend(batch, index);
      else if (client.is(ClientState.WAITING)) client.reader.suspend(batch, index + 1);
      return false;
    }
    caller.closeWindow();
    client.upstream?.batchEnds();
    return true;
  }

  /** Large replies do not wait for the end of the batch: nobody could hold 512 of them. */
  private sendEarly(client: Client): void {
    this.caller.closeWindow();
    this.output.sendReply(client);
    this.caller.openWindow();
  }

  private request(client: Client, index: number): number {
    const { batch, call, situation, lookAhead } = this;
    const row = lookAhead.rowOf(index) ?? lookup(this.commands, batch, index);
    this.caller.before(row);
    situation.current = client;
    call.client = client;
    call.database = this.keyspace.databases[client.databaseIndex] as Database;
    this.reply.resp3 = client.protocol === 3;
    client.commandCount++;
    if (
      row !== null &&
      (situation.unusual | client.unusual) === 0 &&
      (row.shortWayArity >= 0
        ? batch.argCount[index] === row.shortWayArity
        : (batch.argCount[index] as number) >= -row.shortWayArity)
    ) {
      // The short way: nobody and nothing is in the way of this command.
      call.begin(batch, index, row);
      lookAhead.useHash(index, call);
      client.lastCommand = row;
      this.caller.run(client, row);
      return (client.unusual & (ClientState.CLOSING | ClientState.WAITING)) === 0
        ? Outcome.DONE
        : Outcome.STOP;
    }
    return this.guardedRequest(client, row, index);
  }

  /** The long way: every check, every guard. */
  private guardedRequest(client: Client, row: CommandRow | null, index: number): number {
    const { batch, call, muting } = this;
    if (client.is(ClientState.PRIMARY)) {
      if (row !== null && this.situation.is(EngineState.PAUSED)) {
        call.begin(batch, index, row);
        if (this.guards.isPaused(client, row, call)) {
          this.pause.hold(client);
          return Outcome.WAIT;
        }
      }
      this.upstream.run(client, row, batch, index);
      return (client.unusual & (ClientState.CLOSING | ClientState.WAITING)) === 0
        ? Outcome.DONE
        : Outcome.STOP;
    }
    muting.requestBegins(client);
    if (client.is(ClientState.CLOSING)) return Outcome.STOP;
    if (row === null && isHttp(batch, index)) {
      this.host.log(
        "warning",
        `Possible SECURITY ATTACK detected: ${client.connection.address} sends HTTP (POST or Host:), as a web page does that was made to speak to this server. Connection aborted.`,
      );
      // What was answered so far does not leave either.
      this.reply.reset();
      this.clients.closeAfterReply(client, "HTTP");
      return Outcome.STOP;
    }
    // Whoever asks for what is none has no last command, so that CLIENT LIST does not blame another.
    client.lastCommand = row;
    if (row === null) {
      this.reject(client, null, unknownCommand(this.commands, batch, index));
      muting.requestEnds(client);
      return Outcome.DONE;
    }
    call.begin(batch, index, row);
    if (!row.accepts(call.argc)) {
      this.reject(client, row, arityError(row.fullName));
      muting.requestEnds(client);
      return Outcome.DONE;
    }
    const answer = this.guards.ask(client, row, call);
    if (answer === Verdict.WAIT) {
      this.pause.hold(client);
      return Outcome.WAIT;
    }
    // Keys evicted to make room for this command are gone before it, not after.
    if (this.output.hasOwnPushes) this.output.flushOwn(client);
    if (answer instanceof CommandError) this.reject(client, row, answer);
    else if (answer === Verdict.UNKNOWN)
      this.reject(client, null, unknownCommand(this.commands, batch, index));
    else if (answer === Verdict.QUEUE) this.queue(client, row);
    else {
      call.touches = !client.is(ClientState.NO_TOUCH);
      this.caller.run(client, row);
      call.touches = true;
      // A client that waits has not been answered yet: CLIENT REPLY SKIP is about what it will be told.
      if (call.wait !== null || client.is(ClientState.WAITING)) return Outcome.STOP;
    }
    muting.requestEnds(client);
    return (client.unusual & (ClientState.CLOSING | ClientState.WAITING)) === 0
      ? Outcome.DONE
      : Outcome.STOP;
  }

  private queue(client: Client, row: CommandRow): void {
    const problem = this.transactions.queue(client, row, this.call);
    if (problem !== null) this.reject(client, row, problem);
    else this.reply.queued();
  }

  /** Answers with an error before the command ran; inside MULTI that spoils the transaction. */
  private reject(client: Client, row: CommandRow | null, error: CommandError): void {
    const { effects, output, reply } = this;
    if (row !== null) row.rejectedCalls++;
    if (effects.attends) effects.commandRefused(client, row);
    if (client.transaction !== null && client.inTransaction) client.transaction.refused = true;
    if (row === null || (row.bits & FLAG_BITS.runs_queue) === 0) {
      this.stats.countError(error.reply);
      reply.error(error.reply);
      return;
    }
    // An EXEC that may not run ends the transaction: nothing of it happens later.
    this.transactions.discard(client);
    const ended = `EXECABORT Transaction discarded because of: ${error.reply.replace(/^ERR /, "")}`;
    this.stats.countError(ended);
    reply.error(ended);
    if (effects.attends) effects.execRefused(client, row, this.call);
    if (output.hasOwnPushes) output.flushOwn(client);
  }

  /** The request stream is broken or too long: an error where one is due, then the end. */
  private refuseInput(client: Client): void {
    if (client.reader.overLimit) {
      this.stats.queryLimitDisconnections++;
      this.host.log(
        "warning",
        `Closing client that reached max query buffer length: ${this.report.describe(client)}`,
      );
    } else {
      // What a primary gets wrong is not answered, as nothing of it is.
      if (client.replyMode === ReplyMode.ON && !client.is(ClientState.PRIMARY))
        this.reply.error(`ERR ${client.reader.error}`);
      this.stats.countError("ERR");
    }
    this.clients.closeAfterReply(client, "protocol error");
  }
}
