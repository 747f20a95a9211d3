/**
 * RdbSnapshot: the data set as it was at one instant, as an RDB file, while writes go on.
 *
 * It joins a snapshot cut (which hands over every entry once, in a slice of step() or just before a
 * write changes it) with an RdbWriter. Keys of one database may be interrupted by one of another
 * that is about to change; the file then selects that database and comes back later.
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
import { RDB_FIELD_EXPIRY_SINCE, RDB_VERSION_DEFAULT, type RdbWriteVersion } from "./format.ts";
import type { ByteSink } from "./output.ts";
import { SideBuffer } from "./side-buffer.ts";
import { type RdbFacts, RdbWriter, type RdbWriterOptions } from "./writer.ts";

/** What a snapshot is told. */
export interface RdbSnapshotOptions extends RdbWriterOptions {
  /** What the file says about itself. */
  facts: RdbFacts;
  /** The code of each library of functions; the bytes must not change any more. */
  functions?: readonly Uint8Array[];
  /** step() waits while more bytes than this are on their way. Default 8 MiB. */
  pendingBytesMax?: number;
  /** The snapshot has given up for want of memory: what went to the sink is no file. */
  onFailed?: (reason: Error) => void;
}

/** A large value on its way to the file. */
interface LargeValue {
  readonly databaseIndex: number;
  readonly kind: ValueKind;
  /** What the writer wants to hear with each element. */
  told: number;
  /** Key, number of elements, and the elements that came before its stretch began. */
  readonly early: SideBuffer;
}

/** A snapshot is not asked for more while so many bytes of it wait, unless its options say otherwise. */
export const PENDING_BYTES_MAX = 8 * 2 ** 20;
const SIDE_CHUNK_BYTES = 4096;

/**
 * The version of the file: a later one than asked for when the data set has now what only that knows.
 * What gets an expiry while the file is being written is handed over as it is now, without.
 */
export function versionFor(
  keyspace: Keyspace,
  asked: RdbWriteVersion = RDB_VERSION_DEFAULT,
): RdbWriteVersion {
  if (asked >= RDB_FIELD_EXPIRY_SINCE || keyspace.fieldExpiryCount === 0) return asked;
  return RDB_FIELD_EXPIRY_SINCE;
}

/** The data set at one instant on its way to a sink: see the head of this file. */
export class RdbSnapshot {
  /** True when the file is complete, or the snapshot has been given up. */
  isDone = false;
  private readonly arena: Arena;
  private readonly writer: RdbWriter;
  private readonly cut: Cut;
  private readonly expiryCounts: number[];
  private readonly pendingBytesMax: number;
  /** Writes what cannot go to the file yet, into the buffer at hand. */
  private readonly sideWriter: RdbWriter;
  private sideTarget = new SideBuffer();
  /** The large value whose stretch of the file is being written, and the keys that wait for its end. */
  private stretch: LargeValue | null = null;
  private readonly waiting = new SideBuffer();
  /** The database selected at the end of all that has been written or waits. */
  private databaseIndex = -1;
  private acknowledgedBytes = 0;

  /** Fixes the instant: the file holds what the keyspace holds now. */
  constructor(keyspace: Keyspace, sink: ByteSink, options: RdbSnapshotOptions) {
    this.arena = keyspace.arena;
    const written = { ...options, version: versionFor(keyspace, options.version) };
    this.writer = new RdbWriter(keyspace.arena, sink, written);
    const aside: ByteSink = (bytes, start, end) => {
      this.sideTarget.append(bytes, start, end);
      this.sideWriter.output.recycle(bytes);
    };
    const sideOptions = { ...written, checksum: false, chunkBytes: SIDE_CHUNK_BYTES };
    this.sideWriter = new RdbWriter(keyspace.arena, aside, sideOptions);
    this.pendingBytesMax = options.pendingBytesMax ?? PENDING_BYTES_MAX;
    this.expiryCounts = keyspace.databases.map((database) => database.expires.count);
    this.writer.header(options.facts);
    for (const code of options.functions ?? []) this.writer.functionCode(code);
    this.cut = keyspace.cuts.begin({
      take: (databaseIndex, entry) => this.take(databaseIndex, entry),
      takeLarge: (databaseIndex, entry, elementCount) =>
        this.takeLarge(databaseIndex, entry, elementCount),
      failed: (reason) => {
        this.isDone = true;
        options.onFailed?.(reason);
      },
    });
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
    const large: LargeValue = { databaseIndex, kind, told: 0, early: new SideBuffer() };
    const aside = this.aside(large.early);
    large.told = aside.beginLarge(entry, elementCount);
    aside.output.flush();
    return {
      begin: () => this.beginStretch(large),
      element: (ref) => this.element(large, ref),
      end: () => this.endStretch(),
    };
  }

  /** A writer of what lands in `target`; to be flushed before the next use. */
  private aside(target: SideBuffer): RdbWriter {
    this.sideTarget = target;
    return this.sideWriter;
  }

  private beginStretch(large: LargeValue): void {
    const { writer } = this;
    this.select(writer, large.databaseIndex);
    large.early.drainTo(writer.output);
    this.stretch = large;
  }

  private element(large: LargeValue, ref: Ref): void {
    if (this.stretch === large) {
      this.writer.element(large.kind, ref, large.told);
      return;
    }
    const aside = this.aside(large.early);
    aside.element(large.kind, ref, large.told);
    aside.output.flush();
  }

  private endStretch(): void {
    this.stretch = null;
    this.waiting.drainTo(this.writer.output);
  }

  private select(writer: RdbWriter, databaseIndex: number): void {
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
