/**
 * Reexecution: runs a request anew that made its client wait, when what it waits for is there. It
 * happens between two commands of others, or between turns: the command at hand is over, and what it
 * changed has been propagated. The request passes the guards once more, for much may have changed
 * meanwhile, and its reply leaves at once.
 *
 *      begin() ── run() ── run() ── ... ── end()
 *
 * begin() sends what the client at hand has been answered so far, so that the shared reply buffer is
 * empty, and end() makes the call what it was.
 */
import { CommandError, type CommandRow } from "@kv/commands";
import type { Database, Keyspace } from "@kv/core";
import type { ArgVector, ReplyWriter } from "@kv/resp";
import { type CallFrame, frameOf, restoreFrame } from "./call-frame.ts";
import type { Caller } from "./caller.ts";
import type { Client } from "./client.ts";
import type { ClientCall } from "./client-call.ts";
import { ClientState } from "./client-state.ts";
import { type Guards, Verdict } from "./guards.ts";
import type { Muting } from "./muting.ts";
import type { Output } from "./output.ts";
import type { Situation } from "./situation.ts";
import type { Stats } from "./stats.ts";
import type { UsedMemory } from "./used-memory.ts";

/** What a Reexecution is made of. */
export interface ReexecutionParts {
  /** Says whose command runs. */
  situation: Situation;
  /** Counts refusals. */
  stats: Stats;
  /** Has the database that the client has selected. */
  keyspace: Keyspace;
  /** Takes the reply. */
  reply: ReplyWriter;
  /** Sends it. */
  output: Output;
  /** Takes back replies to a client that wants none. */
  muting: Muting;
  /** Counts what waits for the client. */
  memory: UsedMemory;
  /** Why the request may not run after all. */
  guards: Guards;
  /** Runs and measures it. */
  caller: Caller;
  /** Points at it meanwhile. */
  call: ClientCall;
}

/** Runs requests of clients that waited: see the head of this file. */
export class Reexecution {
  private readonly parts: ReexecutionParts;
  /** What the call was before, and whose command is at hand. */
  private frame: CallFrame | null = null;
  private current: Client | null = null;

  constructor(parts: ReexecutionParts) {
    this.parts = parts;
  }

  /** Between two commands: others are run now. */
  begin(): void {
    const { call, caller, muting, output, situation } = this.parts;
    const { current } = situation;
    caller.closeWindow();
    this.frame = frameOf(call, caller.startUs);
    this.current = current;
    if (current !== null) {
      // Replies that are not wanted are taken back by this, too.
      output.flushOwn(current);
      output.sendReply(current);
      // Nothing of what has been sent may come back when the command at hand ends.
      muting.keep();
    }
    call.nowMs = situation.nowMs;
  }

  /** Runs request 0 of the batch, which made `client` wait. True: it waits again. */
  run(client: Client, batch: ArgVector, row: CommandRow): boolean {
    const { call, caller, guards, keyspace, muting, output, reply, situation } = this.parts;
    situation.current = client;
    call.client = client;
    call.database = keyspace.databases[client.databaseIndex] as Database;
    call.touches = !client.is(ClientState.NO_TOUCH);
    call.isRerun = true;
    reply.resp3 = client.protocol === 3;
    muting.keep();
    caller.openWindow(client.tookUs);
    client.tookUs = 0;
    call.begin(batch, 0, row);
    const answer = guards.ask(client, row, call);
    if (output.hasOwnPushes) output.flushOwn(client);
    if (answer instanceof CommandError) this.refuse(row, answer);
    else if (answer === null || answer === Verdict.RUN) caller.run(client, row);
    caller.closeWindow();
    call.isRerun = false;
    const waits = call.wait !== null;
    if (!waits) muting.requestEnds(client);
    output.sendReply(client);
    muting.keep();
    situation.current = null;
    if (!client.closed) this.parts.memory.recount(client);
    return waits;
  }

  private refuse(row: CommandRow, error: CommandError): void {
    row.rejectedCalls++;
    this.parts.stats.countError(error.reply);
    this.parts.reply.error(error.reply);
  }

  /** The command at hand is again what it was. */
  end(): void {
    const { call, caller, reply, situation } = this.parts;
    const { current } = this;
    restoreFrame(call, this.frame as CallFrame);
    this.frame = null;
    this.current = null;
    situation.current = current;
    if (current !== null) reply.resp3 = current.protocol === 3;
    caller.openWindow();
  }
}
