/**
 * Caller: runs one command's function, and does what is due around it: errors, timing, counters,
 * slow log, latency events, MONITOR, propagation.
 *
 * Reading a clock costs as much as a tenth of a pipelined GET. So the quick commands of a pipeline
 * are timed in groups: a run of the same `fast` or constant-time command, at most 16, small requests
 * and replies, shares one measurement evenly. Any other command is timed alone, and so is every command while
 * the slow log or the latency monitor look for less than a millisecond.
 */
import {
  CommandError,
  type CommandRow,
  errors,
  FLAG_BITS,
  Interest,
  Propagation,
} from "@kv/commands";
import { ArenaFullError, InvariantError } from "@kv/core";
import type { Client } from "./client.ts";
import type { Engine } from "./engine.ts";
import type { EngineCall } from "./engine-call.ts";
import { CommandHistogram } from "./latency.ts";
import type { Propagator } from "./propagate.ts";

/** Propagates the request as it came; one that came as a line of text is put into RESP first. */
function propagateVerbatim(call: EngineCall, propagator: Propagator, databaseIndex: number): void {
  const { args, requestIndex } = call;
  if (args.inline[requestIndex] === 0) {
    const start = args.requestStart[requestIndex] as number;
    propagator.verbatim(databaseIndex, args.bytes, start, args.requestEnd[requestIndex] as number);
    return;
  }
  const words: Uint8Array[] = [];
  for (let index = 0; index < call.argc; index++) words.push(call.argument(index));
  propagator.words(databaseIndex, words);
}

const GROUP_COMMANDS_MAX = 16;
const GROUP_BYTES_MAX = 16384;
const tooLarge = new CommandError(
  "ERR the request or its reply is larger than this server can hold",
);
const internal = new CommandError("ERR internal error: see the server's log");

/** What the runtime throws where something is longer than a string, a table or memory can be. */
export function isTooLarge(error: unknown): error is Error {
  if (error instanceof RangeError) return true;
  return error instanceof Error && "code" in error && error.code === "ERR_STRING_TOO_LONG";
}

export class Caller {
  private readonly engine: Engine;
  private groupEntry: CommandRow | null = null;
  private groupCount = 0;
  private groupStartUs = 0;
  private groupReplyStart = 0;
  /** Every command is timed alone (the slow log or the latency monitor wants small times). */
  timesEach = false;

  constructor(engine: Engine) {
    this.engine = engine;
  }

  /** A batch begins: time runs from here. */
  openGroup(): void {
    this.groupEntry = null;
    this.groupCount = 0;
    this.groupStartUs = this.engine.host.monotonicUs();
    this.groupReplyStart = this.engine.reply.mark();
    const { stats } = this.engine;
    if (stats.loopStartUs === 0) stats.loopStartUs = this.groupStartUs;
  }

  /** Another command comes: what was measured together ends, while the call still points at it. */
  before(entry: CommandRow | null): void {
    if (this.groupEntry !== null && entry !== this.groupEntry) this.closeGroup();
  }

  /** Ends the measurement that is under way and begins the next. */
  closeGroup(): void {
    const entry = this.groupEntry;
    if (entry === null) return;
    const nowUs = this.engine.host.monotonicUs();
    const count = this.groupCount;
    const elapsedUs = nowUs - this.groupStartUs;
    this.groupEntry = null;
    this.groupCount = 0;
    this.groupStartUs = nowUs;
    this.groupReplyStart = this.engine.reply.mark();
    this.account(entry, count, elapsedUs);
  }

  private account(entry: CommandRow, count: number, elapsedUs: number): void {
    const { engine } = this;
    entry.microseconds += elapsedUs;
    if (engine.latency.histogramsOn) {
      if (entry.histogram === null) entry.histogram = new CommandHistogram();
      (entry.histogram as CommandHistogram).record(elapsedUs / count, count);
    }
    engine.stats.loopCommandMicroseconds += elapsedUs;
    if (count > 1) return;
    if (elapsedUs > engine.stats.slowestCommandMicroseconds)
      engine.stats.slowestCommandMicroseconds = elapsedUs;
    engine.latency.commandTook(entry, elapsedUs, engine.nowMs);
    if ((entry.bits & FLAG_BITS.skip_slowlog) === 0) {
      const client = engine.current;
      if (client !== null) engine.slowLog.offer(engine.call, client, elapsedUs, engine.nowMs);
    }
  }

  /** Runs the command that `call` points at. */
  run(client: Client, entry: CommandRow): void {
    const { engine } = this;
    const { call, reply } = engine;
    call.interest = engine.effects.interest;
    const mark = reply.mark();
    try {
      (entry.run as (call: EngineCall) => void)(call);
    } catch (error) {
      this.failed(error, entry, mark);
    }
    // After the call: INFO does not count itself, and CONFIG RESETSTAT is the first of the new ones.
    entry.calls++;
    engine.stats.commandsProcessed++;
    if (
      call.dirty !== 0 ||
      call.propagation !== Propagation.DEFAULT ||
      call.rewritten !== null ||
      engine.propagator.waitingCount !== 0
    ) {
      this.afterChange(entry);
    }
    this.groupEntry = entry;
    this.groupCount++;
    if (
      (entry.bits & (FLAG_BITS.fast | FLAG_BITS.constant_time)) === 0 ||
      this.timesEach ||
      this.groupCount >= GROUP_COMMANDS_MAX ||
      reply.mark() - this.groupReplyStart > GROUP_BYTES_MAX ||
      call.requestBytes > 65536
    ) {
      this.closeGroup();
    }
    if (engine.effects.attends) engine.effects.afterCommand(client, entry, call);
  }

  /** What the command wrote is taken back, and an error stands in its place. */
  private failed(error: unknown, entry: CommandRow, mark: number): void {
    const { engine } = this;
    const answer = this.answerTo(error, entry);
    engine.reply.rewind(mark);
    engine.reply.error(answer.reply);
    engine.stats.countError(answer.reply);
    entry.failedCalls++;
  }

  /**
   * What a command that threw answers. A limit of the runtime, or a fault in what changes no data,
   * costs that command; after any other fault nobody knows what state the data is in, and it is
   * thrown on: it ends the server.
   */
  private answerTo(error: unknown, entry: CommandRow): CommandError {
    if (error instanceof CommandError) return error;
    if (error instanceof ArenaFullError) return errors.outOfMemory;
    if (!(error instanceof Error) || error instanceof InvariantError) throw error;
    const isLimit = isTooLarge(error);
    if (!isLimit && (entry.bits & (FLAG_BITS.write | FLAG_BITS.runs_queue)) !== 0) throw error;
    this.engine.host.log("warning", `Command '${entry.fullName}' failed: ${error.stack}`);
    return isLimit ? tooLarge : internal;
  }

  private afterChange(entry: CommandRow): void {
    const { engine } = this;
    const { call, propagator } = engine;
    engine.dirty += call.dirty;
    if ((call.interest & Interest.PROPAGATE) === 0) return;
    if (call.propagation !== Propagation.PREVENTED && (entry.bits & FLAG_BITS.runs_queue) === 0) {
      const { index } = call.database;
      if (call.rewritten !== null) {
        for (const words of call.rewritten) propagator.words(index, words);
      } else if (call.dirty !== 0 || call.propagation === Propagation.FORCED) {
        propagateVerbatim(call, propagator, index);
      }
    }
    propagator.finish();
  }
}
