/**
 * Propagation: commands that changed the data set go to the append-only file and the replicas.
 *
 * A command goes out as the bytes it came in, straight from the request buffer, unless it was
 * rewritten; a rewritten one is encoded once for all takers. What one command or transaction caused
 * leaves when it is over: several operations are wrapped in MULTI and EXEC, so that they take
 * effect together or not at all, unless they only came about together.
 */
import type { CommandWord } from "@kv/commands";
import { encodeRequest, type RequestArgument } from "@kv/resp";
import type { Situation } from "./situation.ts";

/** Where a command goes, as bits. */
export const Target = { LOG: 1, REPLICAS: 2, BOTH: 3 } as const;

/** Takes commands: the append-only file, the replication backlog. */
export interface PropagationSink {
  /** Bits of Target: what this sink stands for. It is given what is meant for that, and no more. */
  readonly targets: number;
  /**
   * One or more whole commands as RESP, for the database `databaseIndex`; NO_DATABASE: whichever is
   * selected, or none. Copies what it keeps.
   */
  append(databaseIndex: number, bytes: Uint8Array, start: number, end: number): void;
}

/** In place of a database, of what needs none: MULTI and EXEC. */
export const NO_DATABASE = -1;

interface Operation {
  targets: number;
  databaseIndex: number;
  bytes: Uint8Array;
}

const MULTI = encodeRequest(["MULTI"]);
const EXEC = encodeRequest(["EXEC"]);

/** Carries commands to the append-only file and the replicas: see the head of this file. */
export class Propagator {
  /** Who takes commands. While there is nobody, nothing is encoded or kept. */
  readonly sinks: PropagationSink[] = [];
  /** Where commands may go at all: a script may say that its own go nowhere. Bits of Target. */
  mask: number = Target.BOTH;
  private readonly waiting: Operation[] = [];
  private readonly situation: Situation;

  /** While something is nested (EXEC, a script), operations gather until finish(). */
  constructor(situation: Situation) {
    this.situation = situation;
  }

  /** Operations that have not left yet. */
  get waitingCount(): number {
    return this.waiting.length;
  }

  /** Whether anybody takes commands. */
  get isActive(): boolean {
    return this.sinks.length > 0;
  }

  /** A command as it came. */
  verbatim(
    databaseIndex: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    targets: number = Target.BOTH,
  ): void {
    targets &= this.mask;
    if (this.sinks.length === 0 || targets === 0) return;
    if (!this.situation.isNested && this.waiting.length === 0) {
      for (const sink of this.sinks)
        if ((sink.targets & targets) !== 0) sink.append(databaseIndex, bytes, start, end);
      return;
    }
    this.waiting.push({ targets, databaseIndex, bytes: bytes.slice(start, end) });
  }

  /** A command as it came, in bytes that are nobody else's. */
  encoded(databaseIndex: number, bytes: Uint8Array, targets: number): void {
    targets &= this.mask;
    if (this.sinks.length > 0 && targets !== 0)
      this.waiting.push({ targets, databaseIndex, bytes });
  }

  /** A command in other words. */
  words(databaseIndex: number, words: readonly CommandWord[], targets: number = Target.BOTH): void {
    this.wait(databaseIndex, words, targets & this.mask);
  }

  /** A key or fields that the server removed by itself: no script has a say in who hears of that. */
  removal(databaseIndex: number, words: readonly CommandWord[]): void {
    this.wait(databaseIndex, words, Target.BOTH);
  }

  private wait(databaseIndex: number, words: readonly CommandWord[], targets: number): void {
    if (this.sinks.length === 0 || targets === 0) return;
    const encoded = words.map(
      (word): RequestArgument => (typeof word === "bigint" ? word.toString() : word),
    );
    this.waiting.push({ targets, databaseIndex, bytes: encodeRequest(encoded) });
  }

  /**
   * The command, or the outermost transaction, is over: everything leaves, `together` as one
   * transaction.
   */
  finish(together = true): void {
    if (this.situation.isNested || this.waiting.length === 0) return;
    for (const sink of this.sinks) this.give(sink, together);
    this.waiting.length = 0;
  }

  /** What of it is for this sink. */
  private give(sink: PropagationSink, asTransaction: boolean): void {
    const operations = this.waiting.filter(({ targets }) => (targets & sink.targets) !== 0);
    const together = asTransaction && operations.length > 1;
    if (together) sink.append(NO_DATABASE, MULTI, 0, MULTI.length);
    for (const { databaseIndex, bytes } of operations)
      sink.append(databaseIndex, bytes, 0, bytes.length);
    if (together) sink.append(NO_DATABASE, EXEC, 0, EXEC.length);
  }
}
