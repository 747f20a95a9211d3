/**
 * CutSnapshot: the data set as it was at one instant on its way into a file, while writes go on. What
 * the file looks like is the business of the EntryWriter that it is given: see rdb/snapshot.ts and
 * aof/command-snapshot.ts.
 *
 * It joins a snapshot cut (which hands over every entry once, in a slice of step() or just before a
 * write changes it) with that writer. Keys of one database may be interrupted by one of another that is
 * about to change; the file then selects that database and comes back later.
 *
 * A large value comes in pieces, and is one stretch of the file. What has to be written in the middle
 * of another's stretch waits aside: elements that change before their value's turn with that value,
 * other keys until the stretch is over.
 *
 * The sink may be slow. It says how far it is through written(), and step() does nothing while
 * more than `pendingBytesMax` wait. Entries that are about to change are written even then: the
 * instant matters more.
 */
import {
  type Arena,
  type Cut,
  type CutPiece,
  type Keyspace,
  kindOfEntry,
  type Ref,
  type ValueKind,
} from "@kv/core";
import type { ByteSink, ChunkOutput } from "./chunk-output.ts";
import { SideBuffer } from "./side-buffer.ts";

/** What every snapshot is told. */
export interface CutSnapshotOptions {
  /** The code of each library of functions; the bytes must not change any more. */
  functions?: readonly Uint8Array[];
  /** step() waits while more bytes than this are on their way. Default 8 MiB. */
  pendingBytesMax?: number;
  /** The snapshot has given up for want of memory: what went to the sink is no file. */
  onFailed?: (reason: Error) => void;
}

/** Writes entries into a file. `Told` is what it remembers of a large value from one element to the next. */
export interface EntryWriter<Told> {
  /** Where the bytes go. */
  readonly output: ChunkOutput;
  /** The keys that follow are those of this database. */
  selectDatabase(index: number): void;
  /** A key with all that belongs to it. */
  entry(entry: Ref): void;
  /** The beginning of a key with a large value: as many elements are to follow, then its end. */
  beginLarge(entry: Ref, elementCount: number): Told;
  /** One element of a large value of this kind. */
  element(kind: ValueKind, ref: Ref, told: Told): void;
  /** The end of a key with a large value. */
  endLarge(told: Told): void;
  /** The end of the file; everything has gone to the sink then. */
  finish(): void;
}

/** A large value on its way to the file. */
interface LargeValue<Told> {
  readonly databaseIndex: number;
  readonly kind: ValueKind;
  told: Told;
  /** Its beginning, and the elements that came before its stretch began. */
  readonly early: SideBuffer;
}

/** A snapshot is not asked for more while so many bytes of it wait, unless its options say otherwise. */
export const PENDING_BYTES_MAX = 8 * 2 ** 20;
/** Size of the chunks in which a writer writes aside. */
export const SIDE_CHUNK_BYTES = 4096;

/** The data set at one instant on its way to a sink: see the head of this file. */
export abstract class CutSnapshot<Told, Writer extends EntryWriter<Told>> {
  /** True when the file is complete, or the snapshot has been given up. */
  isDone = false;
  /** @internal Keys in each database at the instant. */
  protected readonly keyCounts: readonly number[];
  private readonly arena: Arena;
  private readonly writer: Writer;
  private readonly cut: Cut;
  private readonly pendingBytesMax: number;
  /** Writes what cannot go to the file yet, into the buffer at hand. */
  private readonly sideWriter: Writer;
  private sideTarget = new SideBuffer();
  /** The large value whose stretch of the file is being written, and the keys that wait for its end. */
  private stretch: LargeValue<Told> | null = null;
  private readonly waiting = new SideBuffer();
  /** The database selected at the end of all that has been written or waits. */
  private databaseIndex = -1;
  private acknowledgedBytes = 0;

  /**
   * Fixes the instant: the file holds what the keyspace holds now. `writer` has written what stands in
   * front of all keys; `createSideWriter` makes one that writes the same into another sink.
   */
  constructor(
    keyspace: Keyspace,
    writer: Writer,
    createSideWriter: (sink: ByteSink) => Writer,
    options: CutSnapshotOptions,
  ) {
    this.arena = keyspace.arena;
    this.writer = writer;
    this.sideWriter = createSideWriter((bytes, start, end) => {
      this.sideTarget.append(bytes, start, end);
      this.sideWriter.output.recycle(bytes);
    });
    this.pendingBytesMax = options.pendingBytesMax ?? PENDING_BYTES_MAX;
    this.cut = keyspace.cuts.begin({
      take: (databaseIndex, entry) => this.take(databaseIndex, entry),
      takeLarge: (databaseIndex, entry, elementCount) =>
        this.takeLarge(databaseIndex, entry, elementCount),
      failed: (reason) => {
        this.isDone = true;
        options.onFailed?.(reason);
      },
    });
    this.keyCounts = this.cut.keyCounts;
  }

  private take(databaseIndex: number, entry: Ref): void {
    if (this.stretch === null) {
      this.select(this.writer, databaseIndex);
      this.writer.entry(entry);
      return;
    }
    const aside = this.aside(this.waiting);
    this.select(aside, databaseIndex);
    aside.entry(entry);
    aside.output.flush();
  }

  private takeLarge(databaseIndex: number, entry: Ref, elementCount: number): CutPiece {
    const kind = kindOfEntry(this.arena, entry);
    const early = new SideBuffer();
    const aside = this.aside(early);
    const told = aside.beginLarge(entry, elementCount);
    aside.output.flush();
    const large: LargeValue<Told> = { databaseIndex, kind, told, early };
    return {
      begin: () => this.beginStretch(large),
      element: (ref) => this.element(large, ref),
      end: () => this.endStretch(large),
    };
  }

  /** A writer of what lands in `target`; to be flushed before the next use. */
  private aside(target: SideBuffer): Writer {
    this.sideTarget = target;
    return this.sideWriter;
  }

  private beginStretch(large: LargeValue<Told>): void {
    const { writer } = this;
    this.select(writer, large.databaseIndex);
    large.early.drainTo(writer.output);
    this.stretch = large;
  }

  private element(large: LargeValue<Told>, ref: Ref): void {
    if (this.stretch === large) {
      this.writer.element(large.kind, ref, large.told);
      return;
    }
    const aside = this.aside(large.early);
    aside.element(large.kind, ref, large.told);
    aside.output.flush();
  }

  private endStretch(large: LargeValue<Told>): void {
    this.writer.endLarge(large.told);
    this.stretch = null;
    this.waiting.drainTo(this.writer.output);
  }

  private select(writer: Writer, databaseIndex: number): void {
    if (databaseIndex === this.databaseIndex) return;
    this.databaseIndex = databaseIndex;
    this.selectDatabase(writer, databaseIndex);
  }

  /** @internal Keys of this database follow: where a file says more of it than its number. */
  protected selectDatabase(writer: Writer, databaseIndex: number): void {
    writer.selectDatabase(databaseIndex);
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
  /** Keys in the file in the end. */
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
