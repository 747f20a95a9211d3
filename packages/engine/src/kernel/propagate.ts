/**
 * Propagation: commands that changed the data set go to the append-only file and the replicas.
 *
 * A command goes out as the bytes it came in, straight from the request buffer, unless it was
 * rewritten; a rewritten one is encoded once for all takers. What one command or transaction caused
 * leaves when it is over: several operations are wrapped in MULTI and EXEC, so that they take
 * effect together or not at all.
 */
import type { CommandWord } from "@kv/commands";
import { encodeRequest, type RequestArgument } from "@kv/resp";

/** Takes commands: the append-only file, the replication backlog. */
export interface PropagationSink {
  /** One or more whole commands as RESP, for the database `databaseIndex`. Copies what it keeps. */
  append(databaseIndex: number, bytes: Uint8Array, start: number, end: number): void;
}

interface Operation {
  databaseIndex: number;
  bytes: Uint8Array;
}

const MULTI = encodeRequest(["MULTI"]);
const EXEC = encodeRequest(["EXEC"]);

export class Propagator {
  readonly sinks: PropagationSink[] = [];
  private readonly waiting: Operation[] = [];
  /** Inside EXEC or a script: operations gather until finish(). */
  private depth = 0;

  /** Operations that have not left yet. */
  get waitingCount(): number {
    return this.waiting.length;
  }

  get isActive(): boolean {
    return this.sinks.length > 0;
  }

  /** A transaction begins: what follows belongs together. */
  open(): void {
    this.depth++;
  }

  close(): void {
    this.depth--;
    if (this.depth === 0) this.finish();
  }

  /** True inside EXEC or a script: what runs now is a part of something larger. */
  get isOpen(): boolean {
    return this.depth > 0;
  }

  /** A command as it came. */
  verbatim(databaseIndex: number, bytes: Uint8Array, start: number, end: number): void {
    if (this.sinks.length === 0) return;
    if (this.depth === 0 && this.waiting.length === 0) {
      for (const sink of this.sinks) sink.append(databaseIndex, bytes, start, end);
      return;
    }
    this.waiting.push({ databaseIndex, bytes: bytes.slice(start, end) });
  }

  /** A command in other words. */
  words(databaseIndex: number, words: readonly CommandWord[]): void {
    if (this.sinks.length === 0) return;
    const encoded = words.map(
      (word): RequestArgument => (typeof word === "bigint" ? word.toString() : word),
    );
    this.waiting.push({ databaseIndex, bytes: encodeRequest(encoded) });
  }

  /** The command, or the outermost transaction, is over: everything leaves. */
  finish(): void {
    if (this.depth > 0 || this.waiting.length === 0) return;
    const together = this.waiting.length > 1;
    const first = this.waiting[0] as Operation;
    if (together) this.emit(first.databaseIndex, MULTI);
    for (const { databaseIndex, bytes } of this.waiting) this.emit(databaseIndex, bytes);
    const last = this.waiting[this.waiting.length - 1] as Operation;
    if (together) this.emit(last.databaseIndex, EXEC);
    this.waiting.length = 0;
  }

  private emit(databaseIndex: number, bytes: Uint8Array): void {
    for (const sink of this.sinks) sink.append(databaseIndex, bytes, 0, bytes.length);
  }
}
