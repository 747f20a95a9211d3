/**
 * SocketSync: a full synchronisation that touches no disk. The cut is read in slices, and what comes
 * of it is kept once for all replicas until the slowest has taken it:
 *
 *      chunks    [ 5 ][ 6 ][ 7 ][ 8 ]  <-- the snapshot
 *                  ^         ^
 *          slow reader    fast reader      each: the chunk that it gets next
 *
 * A snapshot rests while PENDING_BYTES_MAX wait. Only what writes change meanwhile comes on top,
 * since it has to be read as it was before; that is what `client-output-buffer-limit replica` is about
 * here, as in Redis it is about what is kept for the replica besides the data set.
 *
 * Chunks come in the middle of commands (whoever changes a key hands over its old state), so taking one
 * does no more than keep it. All that can end a connection happens in step() and turn().
 */
import type { Keyspace } from "@kv/core";
import type { Host } from "@kv/engine";
import { PENDING_BYTES_MAX, RdbSnapshot, RdbWriter } from "@kv/persistence";
import { latin1Bytes } from "@kv/resp";
import type { FullSync, SyncContent, SyncEvents } from "./full-sync.ts";
import type { Replica } from "./replica.ts";

/** Bytes in hexadecimal that make the 40 characters of the mark. */
const MARK_BYTES = 20;

interface Chunk {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
  /** A connection has kept the buffer, so it is not to be used again. */
  isKept: boolean;
}

interface Reader {
  readonly replica: Replica;
  /** Number of the chunk that it gets next. */
  next: number;
  takenBytes: number;
  /** Has been given all of it. */
  isComplete: boolean;
}

export interface SocketSyncNeeds {
  host: Host;
  keyspace: Keyspace;
}

export class SocketSync implements FullSync {
  /** Everything has been read. */
  isDone = false;
  private readonly needs: SocketSyncNeeds;
  private readonly events: SyncEvents;
  private readonly mark: Uint8Array;
  /** Null: no keys are asked for, and all there is was written at once. */
  private readonly snapshot: RdbSnapshot | null;
  private readonly readers = new Map<Replica, Reader>();
  private chunks: Chunk[] = [];
  /** Number of the first chunk that is kept. */
  private first = 0;
  private writtenBytes = 0;
  private failure = "";

  /** Fixes the instant. The replicas have been told what comes; the rest is for turn() and step(). */
  constructor(
    needs: SocketSyncNeeds,
    replicas: readonly Replica[],
    content: SyncContent,
    events: SyncEvents,
  ) {
    this.needs = needs;
    this.events = events;
    const { host, keyspace } = needs;
    this.mark = latin1Bytes(host.randomHex(MARK_BYTES));
    const head = latin1Bytes(`$EOF:${String.fromCharCode(...this.mark)}\r\n`);
    for (const replica of replicas) {
      const reader = { replica, next: 0, takenBytes: 0, isComplete: false };
      this.readers.set(replica, reader);
      replica.outlet.send(head);
    }
    const sink = (bytes: Uint8Array, start: number, end: number) => this.keep(bytes, start, end);
    if (content.hasKeys) {
      const onFailed = ({ message }: Error) => {
        this.failure = message;
        host.wake();
      };
      this.snapshot = new RdbSnapshot(keyspace, sink, { ...content, onFailed });
    } else {
      this.snapshot = null;
      const writer = new RdbWriter(keyspace.arena, sink, content);
      writer.header(content.facts);
      for (const code of content.functions ?? []) writer.functionCode(code);
      writer.finish();
      this.done();
    }
  }

  /** Bytes that the slowest reader has not been given. */
  get pendingBytes(): number {
    return this.snapshot?.pendingBytes ?? 0;
  }

  get heldBytes(): number {
    let sum = 0;
    for (const { bytes } of this.chunks) sum += bytes.length;
    return sum;
  }

  get isOver(): boolean {
    return this.readers.size === 0;
  }

  private keep(bytes: Uint8Array, start: number, end: number): void {
    this.chunks.push({ bytes, start, end, isKept: false });
    this.writtenBytes += end - start;
    this.needs.host.wake();
  }

  /** Reads about so many keys on. True when that was the last of it. */
  step(keyCount: number): boolean {
    if (this.isDone || this.snapshot === null) return true;
    const isLast = this.snapshot.step(keyCount);
    // One that has given up for want of memory is done as well.
    if (isLast && this.failure === "") this.done();
    this.turn();
    return this.isDone || this.isOver;
  }

  /** In the words of a server whose child process would have written into a pipe: tools wait for them. */
  private done(): void {
    this.isDone = true;
    const { host } = this.needs;
    const count = this.readers.size;
    host.log(
      "warning",
      `Diskless rdb transfer, done reading from pipe, ${count} replicas still up.`,
    );
    host.log("notice", "Background RDB transfer terminated with success");
  }

  turn(): void {
    for (const reader of this.readers.values()) {
      if (this.failure !== "") {
        this.events.failed(reader.replica, this.failure);
        continue;
      }
      this.send(reader);
    }
    this.forget();
  }

  /** Gives the reader what its connection takes. */
  private send(reader: Reader): void {
    const { outlet } = reader.replica;
    while (!outlet.isFull && reader.next < this.first + this.chunks.length) {
      const chunk = this.chunks[reader.next - this.first] as Chunk;
      if (!outlet.send(chunk.bytes, chunk.start, chunk.end)) chunk.isKept = true;
      reader.next++;
      reader.takenBytes += chunk.end - chunk.start;
    }
    if (!this.isDone || outlet.isFull) return;
    if (!reader.isComplete) {
      reader.isComplete = true;
      outlet.send(this.mark);
      if (!outlet.isEmpty) {
        outlet.fill();
        return;
      }
    }
    this.needs.host.wake(); // Somebody else may have waited for this one to be over.
    this.events.delivered(reader.replica);
  }

  excessBytesOf(replica: Replica): number {
    const takenBytes = this.readers.get(replica)?.takenBytes ?? this.writtenBytes;
    return Math.max(0, this.writtenBytes - takenBytes - PENDING_BYTES_MAX);
  }

  /** Chunks that all have been given are free again. */
  private forget(): void {
    let next = this.first + this.chunks.length;
    for (const reader of this.readers.values()) next = Math.min(next, reader.next);
    const count = next - this.first;
    if (count === 0) return;
    for (let i = 0; i < count; i++) {
      const { bytes, start, end, isKept } = this.chunks[i] as Chunk;
      if (isKept) this.snapshot?.written(end - start);
      else this.snapshot?.written(end - start, bytes);
    }
    this.chunks.splice(0, count);
    this.first = next;
  }

  leave(replica: Replica): void {
    this.readers.delete(replica);
    if (this.readers.size > 0) {
      this.needs.host.wake(); // The others may go on, if it was the slowest.
      return;
    }
    if (!this.isDone) {
      this.needs.host.log(
        "notice",
        "Diskless rdb transfer, last replica dropped, killing fork child.",
      );
      this.snapshot?.abort();
    }
    this.isDone = true;
    this.chunks = [];
  }
}
