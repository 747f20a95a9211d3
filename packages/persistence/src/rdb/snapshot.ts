/**
 * RdbSnapshot: the data set as it was at one instant, as an RDB file, while writes go on.
 *
 * It joins a snapshot cut (which hands over every entry once, in a slice of step() or just before a
 * write changes it) with an RdbWriter. Keys of one database may be interrupted by one of another
 * that is about to change; the file then selects that database and comes back later.
 *
 * The sink may be slow. It says how far it is through written(), and step() does nothing while
 * more than `pendingBytesMax` wait. Entries that are about to change are written even then: the
 * instant matters more.
 */
import type { Cut, Keyspace, Ref } from "@kv/core";
import type { ByteSink } from "./output.ts";
import { type RdbFacts, RdbWriter, type RdbWriterOptions } from "./writer.ts";

export interface RdbSnapshotOptions extends RdbWriterOptions {
  facts: RdbFacts;
  /** step() waits while more bytes than this are on their way. Default 8 MiB. */
  pendingBytesMax?: number;
}

const PENDING_BYTES_MAX = 8 * 2 ** 20;

export class RdbSnapshot {
  isDone = false;
  private readonly writer: RdbWriter;
  private readonly cut: Cut;
  private readonly expiryCounts: number[];
  private readonly pendingBytesMax: number;
  private databaseIndex = -1;
  private acknowledgedBytes = 0;

  /** Fixes the instant: the file holds what the keyspace holds now. */
  constructor(keyspace: Keyspace, sink: ByteSink, options: RdbSnapshotOptions) {
    this.writer = new RdbWriter(keyspace.arena, sink, options);
    this.pendingBytesMax = options.pendingBytesMax ?? PENDING_BYTES_MAX;
    this.expiryCounts = keyspace.databases.map((database) => database.expires.count);
    this.writer.header(options.facts);
    this.cut = keyspace.cuts.begin({
      take: (databaseIndex, entry) => this.take(databaseIndex, entry),
    });
  }

  private take(databaseIndex: number, entry: Ref): void {
    const { writer } = this;
    if (databaseIndex !== this.databaseIndex) {
      this.databaseIndex = databaseIndex;
      writer.selectDatabase(databaseIndex);
      // Sizes are told once, and are a hint: -1 marks that they have been.
      const expiryCount = this.expiryCounts[databaseIndex];
      if (expiryCount !== -1) {
        this.expiryCounts[databaseIndex] = -1;
        writer.resizeDatabase(this.cut.keyCounts[databaseIndex], expiryCount);
      }
    }
    writer.entry(entry);
  }

  /** Bytes that were written and that the sink has not reported as done. */
  get pendingBytes(): number {
    return this.writer.output.writtenBytes - this.acknowledgedBytes;
  }

  /** Bytes of the file so far. */
  get fileBytes(): number {
    return this.writer.output.writtenBytes;
  }

  /** Keys in the file so far, and in the end: INFO's current_save_keys_processed and _total. */
  get takenCount(): number {
    return this.cut.takenCount;
  }
  get totalCount(): number {
    return this.cut.totalCount;
  }

  /** Writes about `entryCount` keys on. True when the file is complete. */
  step(entryCount: number): boolean {
    if (this.isDone) return true;
    if (this.pendingBytes > this.pendingBytesMax) return false;
    if (this.cut.step(entryCount)) {
      this.isDone = true;
      this.writer.finish();
    }
    return this.isDone;
  }

  /** The sink has done with `byteCount` more bytes, and with `chunk` if it gives it back. */
  written(byteCount: number, chunk?: Uint8Array): void {
    this.acknowledgedBytes += byteCount;
    if (chunk !== undefined) this.writer.output.recycle(chunk);
  }

  /** Gives up: nothing more goes to the sink. */
  abort(): void {
    this.cut.abort();
    this.isDone = true;
  }
}

/** Writes all of the keyspace to the sink, now. For SAVE, where everybody waits. */
export function writeRdb(keyspace: Keyspace, sink: ByteSink, options: RdbSnapshotOptions): void {
  const patient = { ...options, pendingBytesMax: Number.POSITIVE_INFINITY };
  const snapshot = new RdbSnapshot(keyspace, sink, patient);
  try {
    while (!snapshot.step(4096));
  } catch (error) {
    snapshot.abort(); // The sink failed.
    throw error;
  }
}
