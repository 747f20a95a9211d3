/**
 * Replay: runs requests that were run before and are told again, by an append-only file. (What a primary
 * tells is UpstreamRequests' to run.) Nobody is answered, no guard is asked, nothing is propagated or
 * counted, and nothing expires by itself (Call.isReplayed).
 *
 *      begin() ── run() ── run() ── ... ── end()      at once; others are served behind end()
 *
 * A transaction is kept until its EXEC is there, so half a one changes nothing.
 */
import type { Users } from "@kv/acl";
import { CommandError, type CommandRow, type CommandTable, FLAG_BITS } from "@kv/commands";
import type { ConfigStore } from "@kv/config";
import { ArenaFullError, type Database, type Keyspace } from "@kv/core";
import { ArgVector, latin1, type ReplyWriter, type RequestLimits } from "@kv/resp";
import { type CallFrame, frameOf, restoreFrame } from "./call-frame.ts";
import { Client } from "./client.ts";
import type { ClientCall } from "./client-call.ts";
import type { Connection, Host } from "./host.ts";
import { lookup } from "./lookup.ts";
import { type Propagator, Target } from "./propagate.ts";
import type { Situation } from "./situation.ts";
import type { Stats } from "./stats.ts";
import type { Transactions } from "./transactions.ts";

/** What is about the server or its clients. */
const ABOUT_SERVER = FLAG_BITS.admin | FLAG_BITS.pubsub;
/** Longer names of unknown commands are cut off in the log. */
const NAME_BYTES_MAX = 128;

/** Where replies go that nobody reads. */
const nowhere: Connection = {
  address: "",
  localAddress: "",
  fileDescriptor: -1,
  isLocal: true,
  isUnix: false,
  pendingBytes: 0,
  heldBytes: 0,
  send: () => true,
  give() {},
  whenDrained() {},
  end() {},
  destroy() {},
  pause() {},
  resume() {},
};

/** What a Replay is made of. */
export interface ReplayParts {
  /** Says what comes of a request that fails: propagation-error-behavior. */
  config: ConfigStore;
  /** Takes the log line of a request that fails: when it was logged it did not. */
  host: Host;
  /** Says what time it is. */
  situation: Situation;
  /** Where the changes go. */
  keyspace: Keyspace;
  /** Knows the commands by name. */
  commands: CommandTable;
  /** Keeps what stands between MULTI and EXEC. */
  transactions: Transactions;
  /** Is told to let nothing out meanwhile. */
  propagator: Propagator;
  /** Takes what commands reply, and forgets it. */
  reply: ReplyWriter;
  /** Points at the request meanwhile. */
  call: ClientCall;
  /** Counts requests that fail. */
  stats: Stats;
  /** Has the user who may do everything. */
  users: Users;
  /** What a request may be. */
  requestLimits: RequestLimits;
}

/** Runs requests that were run before: see the head of this file. One for each engine. */
export class Replay {
  /** Who does it, in the eyes of commands. */
  private readonly client: Client;
  private readonly parts: ReplayParts;
  private readonly queued = new ArgVector();
  /** The command that all this is done for, if there is one, and who has to hear of what it changes. */
  private outer: CallFrame | null = null;
  private outerInterest = 0;
  private outerMayWait = false;

  constructor(parts: ReplayParts) {
    const { requestLimits, situation, users } = parts;
    this.parts = parts;
    this.client = new Client(0, nowhere, requestLimits, users.defaultUser, situation.nowMs);
  }

  /** A MULTI has come whose EXEC has not. */
  get isInTransaction(): boolean {
    return this.client.inTransaction;
  }

  /** The server's call and its replies are this log's until end(). */
  begin(): void {
    const { call, propagator, situation } = this.parts;
    this.outer = situation.current === null ? null : frameOf(call, 0);
    this.outerInterest = call.interest;
    this.outerMayWait = call.mayWait;
    situation.isReplaying = true;
    propagator.mask = 0;
    call.client = this.client;
    call.isReplayed = true;
    call.mayWait = false;
    call.interest = 0;
    call.nowMs = situation.nowMs;
    situation.current = this.client;
  }

  /** Others may be served. */
  end(): void {
    const { call, propagator, situation } = this.parts;
    const { outer } = this;
    situation.current = outer === null ? null : outer.client;
    if (outer !== null) restoreFrame(call, outer);
    this.outer = null;
    call.interest = this.outerInterest;
    call.mayWait = this.outerMayWait;
    call.isReplayed = false;
    situation.isReplaying = false;
    propagator.mask = Target.BOTH;
  }

  /** Another file begins: database 0 is selected, and what followed a MULTI is forgotten. */
  beginFile(): void {
    this.client.databaseIndex = 0;
    if (this.client.transaction !== null) this.parts.transactions.discard(this.client);
  }

  /** Runs request `index` of the batch. Undefined, or why that cannot be. */
  run(batch: ArgVector, index: number): string | undefined {
    const { call, commands, transactions } = this.parts;
    const { client } = this;
    const row = lookup(commands, batch, index);
    if (row === null) return `Unknown command '${nameIn(batch, index)}'`;
    call.begin(batch, index, row);
    if (isNeverLogged(row)) return `Command '${row.fullName}' that no log holds`;
    if (!row.accepts(call.argc)) return `Wrong number of arguments for '${row.fullName}'`;
    if (!client.inTransaction) return this.runRow(row);
    if ((row.bits & FLAG_BITS.runs_queue) !== 0) return this.runQueue();
    if ((row.bits & FLAG_BITS.not_queued) !== 0) return this.runRow(row);
    const refusal = transactions.queue(client, row, call);
    return refusal === null ? undefined : "Not enough memory for a transaction";
  }

  private runRow(row: CommandRow): string | undefined {
    const { call, config, host, keyspace, reply, stats } = this.parts;
    call.database = keyspace.databases[this.client.databaseIndex] as Database;
    const mark = reply.mark();
    try {
      (row.run as (call: ClientCall) => void)(call);
    } catch (error) {
      if (error instanceof ArenaFullError) return "Not enough memory";
      if (!(error instanceof CommandError)) throw error;
      stats.unexpectedErrors++;
      host.log(
        "warning",
        `== CRITICAL == This server is sending an error to its AOF-loading-client: '${error.reply}' after processing the command '${row.fullName}'`,
      );
      if (config.text("propagation-error-behavior") === "panic")
        return `Command '${row.fullName}' that fails`;
    }
    // Nobody reads it.
    reply.rewind(mark);
    return undefined;
  }

  private runQueue(): string | undefined {
    const { call, commands, transactions } = this.parts;
    const { queued } = this;
    const transaction = transactions.end(this.client);
    if (transaction === null) return undefined;
    const { queue } = transaction;
    try {
      for (let id = queue.next(queued); id !== -1; id = queue.next(queued)) {
        const row = commands.all[id] as CommandRow;
        call.begin(queued, 0, row);
        const problem = this.runRow(row);
        if (problem !== undefined) return problem;
      }
    } finally {
      queued.clear();
      queue.free();
    }
    return undefined;
  }
}

/**
 * What is about the server or its clients changes no data: whoever wrote it into a log means harm. PFDEBUG is
 * for administrators, but it writes, and so is logged.
 */
function isNeverLogged({ bits }: CommandRow): boolean {
  return (bits & ABOUT_SERVER) !== 0 && (bits & FLAG_BITS.write) === 0;
}

function nameIn(batch: ArgVector, index: number): string {
  const first = batch.firstArg[index] as number;
  const start = batch.starts[first] as number;
  return latin1(batch.bytes, start, Math.min(batch.ends[first] as number, start + NAME_BYTES_MAX));
}
