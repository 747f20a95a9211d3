/**
 * Caller: runs one command's function, and does what is due around it: errors, timing, counters,
 * slow log, latency events, MONITOR, propagation.
 *
 * Reading a clock costs as much as a tenth of a pipelined GET. So the quick commands of a pipeline
 * are timed in one window: a run of the same `fast` or `timed_in_runs` command, at most 16, small requests
 * and replies, shares one measurement evenly. A large one ends the run, and what that took is said of it.
 * Any other command is timed alone, and so is every command while the slow log or the latency monitor look
 * for less than a millisecond.
 */
import {
  CommandError,
  type CommandRow,
  errors,
  FLAG_BITS,
  Interest,
  Propagation,
} from "@kv/commands";
import { ArenaFullError, InvariantError, isError, isRangeError } from "@kv/core";
import { type ArgVector, encodeWords, type ReplyWriter } from "@kv/resp";
import { frameOf, goesOnLater, restoreFrame, runsAnew } from "./call-frame.ts";
import type { Client } from "./client.ts";
import type { ClientCall } from "./client-call.ts";
import type { EngineEffects } from "./effects.ts";
import type { Host } from "./host.ts";
import { CommandHistogram, type LatencyMonitor } from "./latency-monitor.ts";
import type { Output } from "./output.ts";
import { type Propagator, Target } from "./propagate.ts";
import type { Situation } from "./situation.ts";
import type { Stats } from "./stats.ts";

/** Propagates the request as it came; of one that is no RESP some is made first. */
function propagateVerbatim(call: ClientCall, propagator: Propagator, databaseIndex: number): void {
  const { args, requestIndex } = call;
  const targets = call.propagation === Propagation.TO_REPLICAS ? Target.REPLICAS : Target.BOTH;
  if (args.inline[requestIndex] === 0) {
    const start = args.requestStart[requestIndex] as number;
    const end = args.requestEnd[requestIndex] as number;
    propagator.verbatim(databaseIndex, args.bytes, start, end, targets);
    return;
  }
  if (propagator.isActive)
    propagator.encoded(databaseIndex, encodeWords(args, requestIndex), targets);
}

function histogramOf(row: CommandRow): CommandHistogram {
  if (row.histogram === null) row.histogram = new CommandHistogram();
  return row.histogram as CommandHistogram;
}

const WINDOW_COMMANDS_MAX = 16;
/** Bytes of the replies of a window, and of one request: more end it. */
const WINDOW_BYTES_MAX = 16384;
const REQUEST_BYTES_MAX = 4096;
/**
 * Small commands take less than this together; nobody asks for times below it while they are so timed.
 * The clock that all commands of a batch go by is read anew behind one that took longer.
 */
const RUN_US_MAX = 1000;
/** What is answered where isTooLarge() says so. */
export const tooLarge = new CommandError(
  "ERR the request or its reply is larger than this server can hold",
);
const internal = new CommandError("ERR internal error: see the server's log");

/** What the runtime throws where something is longer than a string, a table or memory can be. */
export function isTooLarge(error: unknown): error is Error {
  if (isRangeError(error)) return true;
  return isError(error) && "code" in error && error.code === "ERR_STRING_TOO_LONG";
}

/** Is told of each command that was timed alone: the slow log. */
export interface CommandTimer {
  /** `call` still points at the command, which took so long; `client` sent it. */
  commandTook(call: ClientCall, client: Client, microseconds: number): void;
}

/** Is told what a command threw, what it answers for that, and which one it was. */
export type FailureListener = (error: unknown, answer: CommandError, row: CommandRow) => void;

/** What a Caller is made of. */
export interface CallerParts {
  /** Measures time, and takes the log line of a command that failed by our fault. */
  host: Host;
  /** Counts changes, and says whose command runs and whether inside another one. */
  situation: Situation;
  /** Counts commands, errors, and the time that they took. */
  stats: Stats;
  /** Where commands write; cut back to where one began when it fails. */
  reply: ReplyWriter;
  /** Puts the messages that a command caused for its own client behind its reply. */
  output: Output;
  /** Says who has to hear of changes, and tells those who follow each command. */
  effects: EngineEffects;
  /** Takes the commands that changed something. */
  propagator: Propagator;
  /** Keeps the histograms and the latency events of commands. */
  latency: LatencyMonitor;
  /** The call that every command gets, one for all. */
  call: ClientCall;
}

/** Runs commands and measures them: see the head of this file. One for each engine. */
export class Caller {
  /** Null: nobody wants to know. */
  timer: CommandTimer | null = null;
  private readonly host: Host;
  private readonly situation: Situation;
  private readonly stats: Stats;
  private readonly reply: ReplyWriter;
  private readonly output: Output;
  private readonly effects: EngineEffects;
  private readonly propagator: Propagator;
  private readonly latency: LatencyMonitor;
  private readonly call: ClientCall;
  private windowRow: CommandRow | null = null;
  private windowCount = 0;
  private windowStartUs = 0;
  private windowReplyStart = 0;
  /** When the commands began that are executed in one go. */
  batchStartUs = 0;
  /**
   * A command asks that its client waits (Call.waitFor). Throws where there is no room to keep the
   * request. Set by whoever lets clients wait: without that, no command may ask.
   */
  onWait: (client: Client, row: CommandRow, call: ClientCall) => void = () => {};
  /** Is told of each command that throws, in transactions and scripts too; null: nobody is. */
  onFailure: FailureListener | null = null;
  /** Every command is timed alone (the slow log or the latency monitor wants small times). */
  timesEach = false;

  constructor(parts: CallerParts) {
    this.host = parts.host;
    this.situation = parts.situation;
    this.stats = parts.stats;
    this.reply = parts.reply;
    this.output = parts.output;
    this.effects = parts.effects;
    this.propagator = parts.propagator;
    this.latency = parts.latency;
    this.call = parts.call;
  }

  /** A batch begins: time runs from here, or the first command of it has taken `tookUs` already. */
  openWindow(tookUs = 0): void {
    const nowUs = this.host.monotonicUs();
    this.windowRow = null;
    this.windowCount = 0;
    this.windowStartUs = nowUs - tookUs;
    this.batchStartUs = nowUs;
    this.windowReplyStart = this.reply.mark();
    const { stats } = this;
    if (stats.loopStartUs === 0) stats.loopStartUs = nowUs;
  }

  /** Another command comes: what was measured together ends, while the call still points at it. */
  before(row: CommandRow | null): void {
    if (this.windowRow !== null && row !== this.windowRow) this.closeWindow();
  }

  /** Ends the measurement that is under way and begins the next. */
  closeWindow(): void {
    const row = this.windowRow;
    if (row === null) return;
    const nowUs = this.host.monotonicUs();
    const count = this.windowCount;
    const elapsedUs = nowUs - this.windowStartUs;
    this.windowRow = null;
    this.windowCount = 0;
    this.windowStartUs = nowUs;
    this.windowReplyStart = this.reply.mark();
    this.account(row, count, elapsedUs);
  }

  /** When the command began that runs, or the first of those that are timed with it. */
  get startUs(): number {
    return this.windowStartUs;
  }

  /** What was done since the last command, whose window is closed, is no command's: time runs from here. */
  timeFromHere(): void {
    this.windowStartUs = this.host.monotonicUs();
  }

  /** Those that a command has run in its place are over: what is measured from here on is its own, since `startUs`. */
  outerGoesOn(startUs: number): void {
    this.closeWindow();
    this.windowStartUs = startUs;
  }

  private account(row: CommandRow, count: number, elapsedUs: number): void {
    const { stats, latency, situation, timer } = this;
    row.microseconds += elapsedUs;
    if (latency.histogramsOn) histogramOf(row).record(elapsedUs / count, count);
    // Time within another command is part of that one's.
    if (!situation.isNested) {
      stats.loopCommandMicroseconds += elapsedUs;
      if (elapsedUs >= RUN_US_MAX) this.call.nowMs = situation.readClock();
    }
    // Of several that took this long together, the one that ended the window was large: the last one.
    if (count > 1 && elapsedUs < RUN_US_MAX) return;
    latency.commandTook(row, elapsedUs, situation.nowMs);
    if (timer === null || (row.bits & FLAG_BITS.skip_slowlog) !== 0) return;
    const client = situation.current;
    if (client !== null) timer.commandTook(this.call, client, elapsedUs);
  }

  /** Runs the command that `call` points at. */
  run(client: Client, row: CommandRow): void {
    const { call, reply, effects } = this;
    call.interest = effects.interest;
    const mark = reply.mark();
    try {
      (row.run as (call: ClientCall) => void)(call);
      const { wait } = call;
      if (wait !== null && wait !== goesOnLater && wait !== runsAnew)
        this.onWait(client, row, call);
    } catch (error) {
      this.failed(error, row, mark);
    }
    // After the call: INFO does not count itself, and CONFIG RESETSTAT is the first of the new ones.
    if (call.wait === null) {
      row.calls++;
      this.stats.commandsProcessed++;
    }
    if (
      call.dirty !== 0 ||
      call.propagation !== Propagation.DEFAULT ||
      call.rewritten !== null ||
      this.propagator.waitingCount !== 0
    ) {
      this.afterChange(row);
    }
    if (call.wait !== null) {
      // It counts when it is answered.
      if (call.wait === goesOnLater) return;
      this.tookUntilItWaited(client);
      this.ran(client, row);
      return;
    }
    this.took(row);
    this.ran(client, row);
  }

  /** Runs the command that `call` points at for a log that is replayed: uncounted, and nobody hears of it. */
  runReplayed(row: CommandRow): void {
    const mark = this.reply.mark();
    this.call.interest = 0;
    try {
      (row.run as (call: ClientCall) => void)(this.call);
    } catch (error) {
      this.failed(error, row, mark);
    }
  }

  /** What it took counts when the wait is over: as a part of what is served to it, or by waitEnded(). */
  private tookUntilItWaited(client: Client): void {
    if (this.windowRow !== null) {
      this.closeWindow();
      return;
    }
    const nowUs = this.host.monotonicUs();
    client.tookUs = nowUs - this.windowStartUs;
    this.windowStartUs = nowUs;
  }

  /** The client waited with request 0 of the batch, and nothing more of that is run: it counts as it is. */
  waitEnded(client: Client, row: CommandRow, batch: ArgVector, withError: boolean): void {
    const { call, effects, latency, stats, timer } = this;
    const { tookUs } = client;
    if (effects.attends) effects.commandRefused(client, row);
    client.tookUs = 0;
    row.calls++;
    if (withError) row.failedCalls++;
    stats.commandsProcessed++;
    row.microseconds += tookUs;
    stats.loopCommandMicroseconds += tookUs;
    if (latency.histogramsOn) histogramOf(row).record(tookUs, 1);
    if (timer === null || (row.bits & FLAG_BITS.skip_slowlog) !== 0) return;
    // Whoever ends a wait may be in the middle of a command.
    const frame = frameOf(call, this.windowStartUs);
    call.begin(batch, 0, row);
    timer.commandTook(call, client, tookUs);
    restoreFrame(call, frame);
  }

  /** Runs the rest of a command that had stopped in its middle, and ends it. */
  finish(client: Client, row: CommandRow, rest: () => void): void {
    const { call, reply } = this;
    const mark = reply.mark();
    try {
      rest();
    } catch (error) {
      this.failed(error, row, mark);
    }
    if (call.wait !== null) return;
    row.calls++;
    this.stats.commandsProcessed++;
    this.took(row);
    this.ran(client, row);
  }

  private took(row: CommandRow): void {
    const { call, reply } = this;
    this.windowRow = row;
    this.windowCount++;
    if (
      (row.bits & (FLAG_BITS.fast | FLAG_BITS.timed_in_runs)) === 0 ||
      this.timesEach ||
      this.windowCount >= WINDOW_COMMANDS_MAX ||
      reply.mark() - this.windowReplyStart > WINDOW_BYTES_MAX ||
      call.requestBytes > REQUEST_BYTES_MAX
    ) {
      this.closeWindow();
    }
  }

  /** The command is over, or waits: whoever follows commands is told. */
  private ran(client: Client, row: CommandRow): void {
    const { call, effects, output } = this;
    if (effects.attends) effects.commandRan(client, row, call);
    // Nothing may stand between the replies of a transaction.
    if (output.hasOwnPushes && !this.situation.isNested) output.flushOwn(client);
  }

  /** What the command wrote is taken back, and an error stands in its place. */
  private failed(error: unknown, row: CommandRow, mark: number): void {
    const answer = this.answerTo(error, row);
    this.reply.rewind(mark);
    this.reply.error(answer.reply);
    if (!answer.isCounted) this.stats.countError(answer.reply);
    row.failedCalls++;
    this.call.wait = null;
    this.onFailure?.(error, answer, row);
  }

  /**
   * What a command that threw answers. A limit of the runtime, or a fault in what changes no data,
   * costs that command; after any other fault nobody knows what state the data is in, and it is
   * thrown on: it ends the server.
   */
  private answerTo(error: unknown, row: CommandRow): CommandError {
    if (error instanceof CommandError) return error;
    if (error instanceof ArenaFullError) return errors.outOfMemory;
    if (!isError(error) || error instanceof InvariantError) throw error;
    const isLimit = isTooLarge(error);
    if (!isLimit && (row.bits & (FLAG_BITS.write | FLAG_BITS.runs_queue)) !== 0) throw error;
    this.host.log("warning", `Command '${row.fullName}' failed: ${error.stack}`);
    return isLimit ? tooLarge : internal;
  }

  private afterChange(row: CommandRow): void {
    const { call, propagator } = this;
    this.situation.dirty += call.dirty;
    if ((call.interest & Interest.PROPAGATE) === 0) return;
    if (call.propagation !== Propagation.PREVENTED && (row.bits & FLAG_BITS.runs_queue) === 0) {
      const { index } = call.database;
      if (call.rewritten !== null) {
        for (const words of call.rewritten) propagator.words(index, words);
      } else if (call.dirty !== 0 || call.propagation !== Propagation.DEFAULT) {
        propagateVerbatim(call, propagator, index);
      }
    }
    propagator.finish((row.bits & FLAG_BITS.touches_arbitrary_keys) === 0);
  }
}
