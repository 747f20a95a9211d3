/**
 * Execution: runs stored requests, each in the place of the command that caused it (EXEC, scripts). A
 * frame keeps what the outer call had come to, so that its changes, its rewriting and its own words are
 * there again when the inner ones are over.
 *
 *      open() ── run() ── run() ── ... ── close()       nothing else is executed in between
 *                suspend() ┄┄ resume() ── finishSuspended()      but for what a busy server answers
 *
 * What the requests of a frame change goes to the append-only file and the replicas together, when
 * the outermost frame closes. After a fault that ends the server it stays open: half a transaction
 * must reach no file.
 */
import { type CommandError, type CommandRow, FLAG_BITS } from "@kv/commands";
import type { Database, Keyspace } from "@kv/core";
import { ArgVector, type ReplyWriter } from "@kv/resp";
import { type CallFrame, frameOf, goesOnLater, restoreFrame } from "./call-frame.ts";
import type { Caller } from "./caller.ts";
import type { ClientCall } from "./client-call.ts";
import type { Host } from "./host.ts";
import type { Output } from "./output.ts";
import type { Propagator } from "./propagate.ts";
import { EngineState, type Situation } from "./situation.ts";
import type { Stats } from "./stats.ts";

/** A command that has stopped in its middle. */
interface Stopped {
  readonly frame: CallFrame;
  /** What is left of it. */
  readonly rest: () => void;
}

/** In place of a time: nobody has asked for it. */
const NOT_READ = -1;

const isLoading = "LOADING Redis is loading the dataset in memory";

/** What an Execution is made of. */
export interface ExecutionParts {
  /** Says whether the data set is loading; its depth counts open frames. */
  situation: Situation;
  /** Counts the errors of those that are refused. */
  stats: Stats;
  /** Has the database that the client has selected by then. */
  keyspace: Keyspace;
  /** Takes the error of one that is refused. */
  reply: ReplyWriter;
  /** Holds back what they change until the outermost frame closes. */
  propagator: Propagator;
  /** Keeps the messages of what stops apart from those of others. */
  output: Output;
  /** Runs each of them. */
  caller: Caller;
  /** Points at each in turn, and is given back as it was. */
  call: ClientCall;
}

/** Runs stored requests in the place of another one: see the head of this file. */
export class Execution {
  private readonly parts: ExecutionParts;
  /** What the outer calls had come to. */
  private readonly frames: CallFrame[] = [];
  /** What has stopped in its middle, from the inside out. */
  private stopped: Stopped[] = [];

  /** What wallUs() has told those that run in the outermost frame, since it last went on. */
  private frozenUs = NOT_READ;

  constructor(parts: ExecutionParts) {
    this.parts = parts;
  }

  /**
   * The time in microseconds since 1970; in a transaction or a script the same for all that asks, until that
   * takes so long that others are served in between: one that waits for time to pass would never end.
   */
  wallUs(host: Pick<Host, "wallUs">): number {
    if (!this.parts.situation.isNested) return host.wallUs();
    if (this.frozenUs === NOT_READ) this.frozenUs = host.wallUs();
    return this.frozenUs;
  }

  /** The running command begins to run others. */
  open(): void {
    const { call, caller, situation } = this.parts;
    if (!situation.isNested) this.frozenUs = NOT_READ;
    this.frames.push(frameOf(call, caller.startUs));
    call.mayWait = false;
    situation.depth++;
  }

  /**
   * Runs request 0 of the batch, a command for the present client. Returns where its reply begins.
   * `refusal` is asked first, with the request at hand: the error for one that may not run.
   * `resp3` is the protocol that is answered in: the client's, or what a script has asked for.
   */
  run(
    batch: ArgVector,
    row: CommandRow,
    refusal: (call: ClientCall) => CommandError | null,
    resp3 = this.parts.call.client.protocol === 3,
  ): number {
    const { call, caller, keyspace, reply, situation, stats } = this.parts;
    const { client } = call;
    caller.before(row);
    call.database = keyspace.databases[client.databaseIndex] as Database;
    call.begin(batch, 0, row);
    reply.resp3 = resp3;
    const mark = reply.mark();
    if (
      situation.is(EngineState.LOADING) &&
      (row.bits & FLAG_BITS.loading) === 0 &&
      !call.isReplayed
    ) {
      reply.error(isLoading);
      return mark;
    }
    const refused = refusal(call);
    if (refused !== null) {
      stats.countError(refused.reply);
      reply.error(refused.reply);
      return mark;
    }
    if (situation.isReplaying) caller.runReplayed(row);
    else caller.run(client, row);
    return mark;
  }

  /** What runs was asked for by a script, and not by its client word for word. */
  get isScripted(): boolean {
    const row = this.frames[this.frames.length - 1]?.row;
    return row !== undefined && (row.bits & FLAG_BITS.runs_queue) === 0;
  }

  /** A command has stopped in its middle, and is not over. */
  get isSuspended(): boolean {
    return this.stopped.length > 0;
  }

  /** The innermost command that has stopped; undefined: none has. */
  get suspendedFrame(): CallFrame | undefined {
    return this.stopped[0]?.frame;
  }

  /**
   * The running command stops in its middle, between two requests: others are served, and it goes on
   * later (resume). Its own words are kept, for the batch that they stand in is used again. What it has
   * changed so far does not leave. `rest` is run when what it waits for is over (finishSuspended).
   * Who runs it in a frame of its own, as EXEC does, sees `isSuspended` and stops in the same way.
   */
  suspend(rest: () => void): void {
    const { call, caller, output } = this.parts;
    const frame = this.frames.pop() as CallFrame;
    caller.outerGoesOn(frame.startUs);
    restoreFrame(call, frame);
    output.setOwnAside();
    call.wait = goesOnLater;
    const args = copyOfRequest(frame.args, frame.requestIndex);
    this.stopped.push({ frame: { ...frame, args, requestIndex: 0 }, rest });
  }

  /** What has stopped goes on: the call is the innermost one's again. */
  resume(): void {
    const { call, output, situation } = this.parts;
    output.takeOwnBack();
    for (let index = this.stopped.length - 1; index >= 0; index--)
      this.frames.push((this.stopped[index] as Stopped).frame);
    const frame = this.suspendedFrame as CallFrame;
    restoreFrame(call, frame);
    situation.current = frame.client;
    call.mayWait = false;
    this.frozenUs = NOT_READ;
  }

  /** It stops once more. */
  suspendAgain(): void {
    this.parts.caller.closeWindow();
    this.parts.output.setOwnAside();
    this.frames.length -= this.stopped.length;
    this.parts.situation.current = null;
  }

  /**
   * After resume(): what had stopped can be ended. The rest of each command is run, the innermost
   * first. One of them may stop again, and with it those around it.
   */
  finishSuspended(): void {
    for (const { frame, rest } of this.stopped.splice(0))
      this.parts.caller.finish(frame.client, frame.row as CommandRow, rest);
  }

  /** All have run: what they changed may leave, and the running command is as it was at open(). */
  close(): void {
    const { call, caller, propagator, situation } = this.parts;
    const frame = this.frames.pop() as CallFrame;
    // Only here, not after a failure that ends the server.
    caller.outerGoesOn(frame.startUs);
    situation.depth--;
    propagator.finish();
    restoreFrame(call, frame);
  }
}

/** A batch of this request alone, with bytes of its own. */
function copyOfRequest(args: ArgVector, index: number): ArgVector {
  const copy = new ArgVector();
  const start = args.requestStart[index] as number;
  const end = args.requestEnd[index] as number;
  copy.bytes = args.bytes.slice(start, end);
  copy.view = new DataView(copy.bytes.buffer);
  const first = args.firstArg[index] as number;
  for (let at = first; at < first + (args.argCount[index] as number); at++)
    copy.pushArgument((args.starts[at] as number) - start, (args.ends[at] as number) - start);
  copy.pushCommand(0, 0, end - start, args.inline[index] as number);
  return copy;
}
