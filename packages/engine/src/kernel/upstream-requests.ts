/**
 * UpstreamRequests: does what the primary of this server has done. No guard is asked and nobody is
 * answered; nothing expires by itself, since the primary says when (Call.isReplayed). Otherwise it is as
 * with any client: it counts, is logged, is told to those who watch, and goes to the append-only file.
 *
 *      batch ─> runPlain(), run() ─> UpstreamListener.applied(bytes)      queued ones too
 *                               ├──> UpstreamListener.failed(error)       what would have been the answer
 *                               └──> UpstreamListener.noRoom()            and nothing is done any more
 *
 * A change for which there is no memory here was made at the primary: whatever follows would be done to other
 * data than there.
 *
 * What changes data is the primary's to say, and reads do no harm. What is about this server, its clients or
 * this link (SHUTDOWN, CONFIG, REPLICAOF, SYNC, MONITOR, RESET) is not: no primary says it, and one that does
 * may not be ours. Redis does as it is told.
 */
import {
  arityError,
  CommandError,
  type CommandRow,
  type CommandTable,
  errors,
  FLAG_BITS,
} from "@kv/commands";
import { ArenaFullError, type Database, type Keyspace } from "@kv/core";
import type { ArgVector, ReplyWriter } from "@kv/resp";
import { type Caller, isTooLarge } from "./caller.ts";
import type { Client, UpstreamListener } from "./client.ts";
import type { ClientCall } from "./client-call.ts";
import { errorTextAt } from "./error-text.ts";
import type { LookAhead } from "./look-ahead.ts";
import { lookup } from "./lookup.ts";
import { EngineState, type Situation } from "./situation.ts";
import type { Transactions } from "./transactions.ts";
import { unknownCommand } from "./unknown-command.ts";

const { write, readonly, may_replicate, blocking, runs_queue } = FLAG_BITS;
/** Commands with these have more to them than what is done to data. */
const SPECIAL = blocking | runs_queue;
/** While one of these holds, each request is looked at. */
const NOT_PLAIN = EngineState.PAUSED | EngineState.DISK_FAILED | EngineState.BUSY;
/** What else streams are made of; old primaries tell of scripts as well. */
const spoken = new Set(
  "ping select multi exec discard replconf script|load script|flush".split(" "),
);
const notToSay = new CommandError("ERR this is not for a primary to say");

/** Whether it is a primary's to say. */
function isForStream({ bits, fullName }: CommandRow): boolean {
  return (bits & (write | readonly | may_replicate)) !== 0 || spoken.has(fullName);
}

/** What UpstreamRequests are made of. */
export interface UpstreamParts {
  /** Says whether the disk refuses what is changed. */
  situation: Situation;
  /** Runs each request. */
  caller: Caller;
  /** Points at it meanwhile. */
  call: ClientCall;
  /** Takes what would be the answer, until it is taken back. */
  reply: ReplyWriter;
  /** Keeps what stands between MULTI and EXEC. */
  transactions: Transactions;
  /** Where the databases are. */
  keyspace: Keyspace;
  /** Knows what is no command. */
  commands: CommandTable;
}

/** Requests of the primary: see the head of this file. */
export class UpstreamRequests {
  private readonly parts: UpstreamParts;
  private readonly lookAhead: LookAhead;
  /** One of the commands that a request consists of found no room, and others may have. */
  private lackedRoom = false;
  private isHalfDone = false;

  constructor(parts: UpstreamParts, lookAhead: LookAhead) {
    this.parts = parts;
    this.lookAhead = lookAhead;
    parts.caller.onFailure = (error, answer, row) => this.commandFailed(error, answer, row);
  }

  /**
   * Does the plain ones of the batch, from request `index` on: reads and changes of data, one behind the
   * other, which is nearly all that a primary says. Returns the first one that is something else.
   */
  runPlain(client: Client, batch: ArgVector, index: number): number {
    const { call, caller, commands, keyspace, reply, situation } = this.parts;
    const listener = client.upstream as UpstreamListener;
    if ((situation.unusual & NOT_PLAIN) !== 0 || client.inTransaction) return index;
    situation.current = client;
    reply.resp3 = client.protocol === 3;
    call.client = client;
    call.isReplayed = true;
    call.mayWait = false;
    let at = index;
    for (; at < batch.commandCount && !listener.isHalted; at++) {
      const row = this.lookAhead.rowOf(at) ?? lookup(commands, batch, at);
      if (row === null || (row.bits & (write | readonly)) === 0 || (row.bits & SPECIAL) !== 0)
        break;
      if (!row.accepts(batch.argCount[at] as number)) break;
      caller.before(row);
      call.database = keyspace.databases[client.databaseIndex] as Database;
      client.commandCount++;
      this.pointAt(client, row, batch, at);
      const mark = reply.mark();
      caller.run(client, row);
      this.ended(client, row.fullName, mark, null, batch, at);
    }
    call.mayWait = true;
    call.isReplayed = false;
    return at;
  }

  /** Does request `index` of the batch; null: its command is unknown. */
  run(client: Client, row: CommandRow | null, batch: ArgVector, index: number): void {
    const { reply } = this.parts;
    if (client.upstream?.isHalted === true) return;
    const mark = reply.mark();
    const problem = this.perform(client, row, batch, index);
    this.ended(client, row?.fullName ?? "", mark, problem, batch, index);
  }

  /** What would be the answer, from `mark` on or `problem`, is taken back, and the listener is told. */
  private ended(
    client: Client,
    name: string,
    mark: number,
    problem: CommandError | null,
    batch: ArgVector,
    index: number,
  ): void {
    const { reply } = this.parts;
    const listener = client.upstream as UpstreamListener;
    if (this.lackedRoom || problem === errors.outOfMemory) {
      reply.rewind(mark);
      listener.noRoom(name, this.isHalfDone);
      this.lackedRoom = false;
      this.isHalfDone = false;
      return;
    }
    const error = problem?.reply ?? errorTextAt(reply, mark);
    if (error !== null) listener.failed(error, name);
    reply.rewind(mark);
    const start = batch.requestStart[index] as number;
    const end = batch.requestEnd[index] as number;
    listener.applied(batch.bytes, start, end, client.inTransaction);
  }

  /** The call is request `index` of the batch from now on. */
  private pointAt(client: Client, row: CommandRow, batch: ArgVector, index: number): void {
    const { call } = this.parts;
    call.begin(batch, index, row);
    this.lookAhead.useHash(index, call);
    client.lastCommand = row;
  }

  private perform(
    client: Client,
    row: CommandRow | null,
    batch: ArgVector,
    index: number,
  ): CommandError | null {
    const { call, caller, commands, situation, transactions } = this.parts;
    if (row === null) return unknownCommand(commands, batch, index);
    this.pointAt(client, row, batch, index);
    if (!row.accepts(call.argc)) return arityError(row.fullName);
    if (!isForStream(row)) return notToSay;
    if (client.inTransaction && (row.bits & FLAG_BITS.not_queued) === 0)
      return transactions.queue(client, row, call);
    if (situation.is(EngineState.DISK_FAILED) && (row.bits & FLAG_BITS.write) !== 0)
      client.upstream?.cannotBeLogged();
    call.isReplayed = true;
    call.mayWait = false;
    caller.run(client, row);
    call.mayWait = true;
    call.isReplayed = false;
    return null;
  }

  private commandFailed(error: unknown, answer: CommandError, row: CommandRow): void {
    const { call, situation } = this.parts;
    const { upstream } = call.client;
    if (upstream === null) return;
    if (error instanceof ArenaFullError || isTooLarge(error)) {
      this.lackedRoom = true;
      // A command that finds the arena full has changed nothing.
      if (situation.isNested || !(error instanceof ArenaFullError)) this.isHalfDone = true;
    } else if (situation.isNested && !call.isScripted) {
      // EXEC itself answers with a list, whatever is in it.
      upstream.failed(answer.reply, row.fullName);
    }
  }
}
