/**
 * Saving a keyspace: BGSAVE and SAVE without their commands, in any format that can be written.
 *
 * A BackgroundSave fixes the instant when it is made. Whoever owns the event loop calls step() in
 * between; the file is written, synced and renamed beside it, and `result` tells how that ended.
 */
import type { Keyspace } from "@kv/core";
import type { ByteSink } from "./chunk-output.ts";
import { writerNamed } from "./format-choice.ts";
import type { Snapshot, SnapshotOptions, WrittenFormatName } from "./formats.ts";
import { SaveFile, type SaveFileOptions, type SaveResult, saveFileNow } from "./save-file.ts";
import { type Storage, StorageError, type SyncStorage } from "./storage.ts";

/** What a save is told: the names of its file, and all that its format wants to know. */
export interface SaveOptions extends SnapshotOptions, Omit<SaveFileOptions, "onWritten"> {
  /** One of `formats` or `writeOnlyFormats`, by its name. Default "rdb". */
  format?: WrittenFormatName;
}

/** Keys that are written between two looks at whether the file is complete. */
const SLICE_KEYS = 4096;

/** One BGSAVE. */
export class BackgroundSave {
  /** How it ended. Never rejects for what a disk can do. */
  readonly result: Promise<SaveResult>;
  /** What goes to the file, and how far it is. */
  readonly snapshot: Snapshot;
  private readonly file: SaveFile;
  private hasEnded = false;

  /** Fixes the instant, and begins the file. `storage` is released at the end. */
  constructor(keyspace: Keyspace, storage: Storage, options: SaveOptions) {
    const written = (byteCount: number, chunk: Uint8Array) => snapshot.written(byteCount, chunk);
    const file = new SaveFile(storage, { ...options, onWritten: written });
    const write = (bytes: Uint8Array, start: number, end: number) => file.write(bytes, start, end);
    // What changes of a large value has to be remembered while that is being saved.
    const onFailed = () =>
      file.abort(
        new StorageError("ENOMEM", "not enough memory for the changes that are made meanwhile"),
      );
    const snapshot = writerNamed(options.format).snapshot(keyspace, write, {
      ...options,
      onFailed,
    });
    this.file = file;
    this.snapshot = snapshot;
    this.result = this.watch();
  }

  private async watch(): Promise<SaveResult> {
    const result = await this.file.result;
    this.hasEnded = true;
    // The disk failed in the middle: nobody needs the rest of the cut.
    if (!this.snapshot.isDone) this.snapshot.abort();
    return result;
  }

  /** Every key is written. */
  get isDone(): boolean {
    return this.snapshot.isDone;
  }

  /** Bytes that the disk has not taken yet. */
  get pendingBytes(): number {
    return this.snapshot.pendingBytes;
  }

  /**
   * Writes about `entryCount` keys on, unless the disk is behind. True when all keys are written
   * (the file may still be on its way: wait for `result`) or the save has failed.
   */
  step(entryCount: number): boolean {
    const { snapshot } = this;
    if (snapshot.isDone || this.hasEnded) return true;
    if (!snapshot.step(entryCount)) return false;
    this.file.complete();
    return true;
  }

  /** Gives up: the temporary file goes, and the file under the name changes no more. */
  abort(): void {
    if (this.hasEnded) return;
    this.snapshot.abort();
    this.file.abort();
  }
}

/** SAVE: the whole keyspace, now, while everybody waits. */
export function saveNow(
  keyspace: Keyspace,
  storage: SyncStorage,
  options: SaveOptions,
): SaveResult {
  // What the file has taken is free for what comes next.
  const write = (sink: ByteSink) => writeAll(keyspace, sink, options, options.format, true);
  return saveFileNow(storage, options, write);
}

/** Writes all of the keyspace to the sink, now. What the sink throws, this throws. */
export function writeSnapshot(
  keyspace: Keyspace,
  sink: ByteSink,
  options: SnapshotOptions,
  format?: WrittenFormatName,
): void {
  writeAll(keyspace, sink, options, format, false);
}

/** As writeSnapshot(); `givesBack`: the sink has done with its bytes when it returns. */
function writeAll(
  keyspace: Keyspace,
  sink: ByteSink,
  options: SnapshotOptions,
  format: WrittenFormatName | undefined,
  givesBack: boolean,
): void {
  const patient = { ...options, pendingBytesMax: Number.POSITIVE_INFINITY };
  let snapshot: Snapshot | undefined; // A format may write while it is being made.
  const returning: ByteSink = (bytes, start, end) => {
    sink(bytes, start, end);
    snapshot?.written(end - start, bytes);
  };
  const taken = givesBack ? returning : sink;
  snapshot = writerNamed(format).snapshot(keyspace, taken, patient);
  try {
    while (!snapshot.step(SLICE_KEYS));
  } catch (error) {
    snapshot.abort();
    throw error;
  }
}
