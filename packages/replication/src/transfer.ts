/**
 * Transfer: one data set from the first byte of its header to the moment when it has taken its place.
 *
 *      Payload (where it begins and ends) ─> Arrival (by file, or direct) ─> ended(result)
 *
 * What comes behind the data set, which is what changed meanwhile, is kept until that is over.
 */

import { arrivingName } from "@kv/engine";
import type { UpstreamNeeds } from "./applied.ts";
import {
  type Arrival,
  type ArrivalEvents,
  type ArrivalResult,
  DirectArrival,
  FileArrival,
} from "./arrival.ts";
import { Payload } from "./payload.ts";

/** What a transfer tells, and is told. */
export interface TransferEvents extends ArrivalEvents {
  /** What is there belongs to the same history: reads may go on meanwhile. */
  readonly isSameHistory: boolean;
  /** There is no memory for two data sets. */
  readonly isTight: boolean;
  /** The disk has something to do until then. */
  works(until: Promise<unknown>): void;
  /** It has taken its place, or never will. Once, unless aborted. */
  ended(result: ArrivalResult): void;
}

/** Bytes behind a data set that is being loaded. The connection is held, so there are few. */
const REST_BYTES_MAX = 2 ** 24;

export class Transfer {
  /** Bytes of the data set; -1: not known. */
  totalBytes = -1;
  takenBytes = 0;
  /** All of it is here, and being loaded. */
  isLoading = false;
  /** It ended with a mark: the primary waits to hear of us. */
  hasMark = false;
  private readonly ports: UpstreamNeeds;
  private readonly count: number;
  private readonly events: TransferEvents;
  private readonly payload: Payload;
  private arrival: Arrival | null = null;
  private restParts: Uint8Array[] = [];
  private restBytes = 0;
  private isAborted = false;

  /** The `count`-th of this server. */
  constructor(ports: UpstreamNeeds, count: number, events: TransferEvents) {
    this.ports = ports;
    this.count = count;
    this.events = events;
    this.payload = new Payload({
      begin: (byteCount, mark) => this.begin(byteCount, mark),
      take: (bytes, start, end) => {
        this.takenBytes += end - start;
        this.arrival?.take(bytes, start, end);
      },
      end: () => this.complete(),
    });
  }

  /** Why it cannot go on; "" while it can. */
  get error(): string {
    if (this.restBytes > REST_BYTES_MAX)
      return "MASTER sends too much while its data set is loaded";
    if (this.payload.error !== "") return this.payload.error;
    return this.arrival?.error ?? "";
  }

  /** Takes bytes[start, end), all of them. */
  feed(bytes: Uint8Array, start: number, end: number): number {
    const after = this.payload.isDone ? start : this.payload.feed(bytes, start, end);
    if (after < end && this.payload.isDone) {
      this.restParts.push(bytes.slice(after, end));
      this.restBytes += end - after;
    }
    return end;
  }

  /** What has come behind the data set. */
  get rest(): Uint8Array {
    const all = new Uint8Array(this.restBytes);
    let at = 0;
    for (const part of this.restParts) {
      all.set(part, at);
      at += part.length;
    }
    return all;
  }

  private begin(byteCount: number, mark: string): void {
    const { host } = this.ports;
    this.totalBytes = byteCount;
    this.hasMark = mark !== "";
    const isDirect = this.isDirect;
    const way = isDirect ? "parser" : "disk";
    host.log(
      "notice",
      this.hasMark
        ? `MASTER <-> REPLICA sync: receiving streamed RDB from master with EOF to ${way}`
        : `MASTER <-> REPLICA sync: receiving ${byteCount} bytes from master to ${way}`,
    );
    this.arrival = isDirect
      ? new DirectArrival(this.ports, this.arrivalEvents, this.isServing, byteCount)
      : new FileArrival(this.ports, this.arrivalEvents, this.temporaryName(), this.events.isTight);
  }

  /** Behind the last byte the connection waits for the load, whatever the disk has taken by then. */
  private get arrivalEvents(): ArrivalEvents {
    const { events } = this;
    const full = (isFull: boolean) => {
      if (!this.isLoading) events.full(isFull);
    };
    return { progressed: events.progressed, replacing: events.replacing, full };
  }

  private temporaryName(): string {
    const { host } = this.ports;
    return arrivingName(host.wallMs(), host.facts.processId, this.count);
  }

  /** repl-diskless-load. */
  private get isDirect(): boolean {
    const { config, keyspace } = this.ports;
    const wanted = config.text("repl-diskless-load");
    return wanted === "swapdb" || (wanted === "on-empty-db" && keyspace.keyCount === 0);
  }

  private get isServing(): boolean {
    return this.events.isSameHistory && this.ports.config.text("repl-diskless-load") === "swapdb";
  }

  private complete(): void {
    const { arrival, events } = this;
    if (arrival === null) return;
    this.isLoading = true;
    events.full(true);
    const work = arrival.complete().then((result) => {
      if (!this.isAborted) events.ended(result);
    });
    events.works(work);
  }

  /** Gives up. `isOrdered`: somebody wants it so, and there is nothing to tell of. */
  abort(isOrdered: boolean): void {
    if (this.isAborted) return;
    this.isAborted = true;
    const work = this.arrival?.abort(isOrdered);
    if (work !== undefined) this.events.works(work);
  }
}
