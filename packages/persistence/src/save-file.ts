/**
 * Saving a file so that it is there whole or not at all.
 *
 *      create temporary file → write → sync → rename to its name → sync the folder
 *
 * Whatever fails, and wherever the power goes, the name stands for a complete file: the old one
 * until the renaming, the new one from then on. A temporary file that failed is removed.
 */
import type { Storage, StorageWriter, SyncStorage } from "./storage.ts";
import { StorageError } from "./storage.ts";

/** What a save came to; `step` says at what it failed. */
export type SaveResult =
  | { readonly ok: true; readonly fileBytes: number }
  | { readonly ok: false; readonly step: SaveStep; readonly error: StorageError };

/** The steps of saving a file, in their order; "aborted" is none of them. */
export type SaveStep = "create" | "write" | "sync" | "rename" | "sync-folder" | "aborted";

/** The names of a file that is being saved. */
export interface SaveNames {
  /** The file's name. */
  name: string;
  /** Its name until it is complete: temp-PID.rdb. */
  temporaryName: string;
  /** What it allows at most, the umask aside: see Storage.create(). */
  mode?: number;
}

/** How a file is saved. */
export interface SaveFileOptions extends SaveNames {
  /** Also sync whenever so many bytes have been written (rdb-save-incremental-fsync: 4 MiB). */
  syncEveryBytes?: number;
  /** Called when a chunk has been written: its memory may be used again. */
  onWritten?: (byteCount: number, chunk: Uint8Array) => void;
}

/** The empty name is allowed (`dbfilename ""`), and is that of no file: the folder is not meant. */
function refuseNoName({ name }: SaveNames): void {
  if (name === "") throw new StorageError("ENOENT", "No such file or directory");
}

function failure(step: SaveStep, error: unknown): SaveResult {
  // Anything else is a mistake of ours, which nobody may take for a full disk.
  if (!(error instanceof StorageError)) throw error;
  return { ok: false, step, error };
}

/**
 * A save beside the event loop. write() only takes the chunks; they go to the storage one after the
 * other. When all have been given, complete(); `result` never rejects for what a disk can do.
 */
export class SaveFile {
  /** How it ended. Never rejects for what a disk can do. */
  readonly result: Promise<SaveResult>;
  /** Chunks taken; those from `next` on are not yet written. */
  private queue: { bytes: Uint8Array; start: number; end: number }[] = [];
  private next = 0;
  private wake: (() => void) | undefined;
  private isComplete = false;
  private isAborted = false;
  private abortReason = new StorageError("ECANCELED", "Operation canceled");
  private hasFailed = false;
  /** The storage has been released. */
  private hasEnded = false;
  private readonly storage: Storage;
  private readonly options: SaveFileOptions;
  private fileBytes = 0;

  constructor(storage: Storage, options: SaveFileOptions) {
    this.storage = storage;
    this.options = options;
    this.result = this.run();
  }

  /** Takes bytes[start, end), which must not change until onWritten has been told. */
  write(bytes: Uint8Array, start: number, end: number): void {
    if (this.hasFailed || this.isAborted) {
      this.options.onWritten?.(end - start, bytes);
      return;
    }
    this.queue.push({ bytes, start, end });
    this.wakeUp();
  }

  /** All chunks have been given. */
  complete(): void {
    this.isComplete = true;
    this.wakeUp();
  }

  /**
   * Gives up, for `reason`. When this returns, the file under the name is not going to change any
   * more, whatever the disk is doing just now: without its temporary file a renaming that is under
   * way fails, or it has been done. `result` tells which, when the disk has answered.
   */
  abort(reason?: StorageError): void {
    if (this.isAborted || this.hasEnded) return;
    this.isAborted = true;
    if (reason !== undefined) this.abortReason = reason;
    attempt(() => this.storage.removeNow(this.options.temporaryName));
    this.wakeUp();
  }

  private wakeUp(): void {
    this.wake?.();
    this.wake = undefined;
  }

  private async run(): Promise<SaveResult> {
    const { storage, options } = this;
    let file: StorageWriter | undefined;
    let step: SaveStep = "create";
    try {
      file = await storage.create(options.temporaryName, options.mode);
      step = "write";
      await this.writeAll(file);
      this.throwIfAborted();
      step = "sync";
      await file.sync();
      const closing = file;
      file = undefined;
      await closing.close();
      // A newer file may have the name by now, and this one must not take its place.
      this.throwIfAborted();
      step = "rename";
      refuseNoName(options);
      await storage.rename(options.temporaryName, options.name);
      step = "sync-folder";
      await storage.syncFolder();
      return { ok: true, fileBytes: this.fileBytes };
    } catch (error) {
      this.hasFailed = true;
      this.drain();
      await file?.close().catch(() => {});
      // Behind the renaming there is no temporary file any more, and the new file is whole.
      if (step !== "sync-folder") await storage.remove(options.temporaryName).catch(() => {});
      return failure(this.isAborted ? "aborted" : step, error);
    } finally {
      this.hasEnded = true;
      storage.release();
    }
  }

  private throwIfAborted(): void {
    if (this.isAborted) throw this.abortReason;
  }

  private async writeAll(file: StorageWriter): Promise<void> {
    const { options } = this;
    const syncEvery = options.syncEveryBytes ?? Number.POSITIVE_INFINITY;
    let syncedBytes = 0;
    while (!this.isAborted) {
      const next = this.take();
      if (next === undefined) {
        if (this.isComplete) return;
        await new Promise<void>((resolve) => {
          this.wake = resolve;
        });
        continue;
      }
      try {
        await file.write(next.bytes, next.start, next.end);
      } finally {
        options.onWritten?.(next.end - next.start, next.bytes);
      }
      this.fileBytes += next.end - next.start;
      if (this.fileBytes - syncedBytes >= syncEvery) {
        await file.sync();
        syncedBytes = this.fileBytes;
      }
    }
  }

  /** The next chunk to write. Moving the others up is worth it once half of them have been written. */
  private take(): { bytes: Uint8Array; start: number; end: number } | undefined {
    const { queue } = this;
    if (this.next === queue.length) return undefined;
    const chunk = queue[this.next++];
    if (this.next * 2 >= queue.length) {
      queue.splice(0, this.next);
      this.next = 0;
    }
    return chunk;
  }

  /** Nobody will write these any more: whoever waits for them must not wait for ever. */
  private drain(): void {
    const { queue, next, options } = this;
    this.queue = [];
    this.next = 0;
    for (let i = next; i < queue.length; i++) {
      const { bytes, start, end } = queue[i];
      options.onWritten?.(end - start, bytes);
    }
  }
}

/** Saves what `produce` writes to the sink that it is given, now. */
export function saveFileNow(
  storage: SyncStorage,
  names: SaveNames,
  produce: (write: (bytes: Uint8Array, start: number, end: number) => void) => void,
): SaveResult {
  let step: SaveStep = "create";
  let close: (() => void) | undefined;
  let fileBytes = 0;
  try {
    const file = storage.create(names.temporaryName, names.mode);
    close = () => file.close();
    step = "write";
    produce((bytes, start, end) => {
      file.write(bytes, start, end);
      fileBytes += end - start;
    });
    step = "sync";
    file.sync();
    close = undefined;
    file.close();
    step = "rename";
    refuseNoName(names);
    storage.rename(names.temporaryName, names.name);
    step = "sync-folder";
    storage.syncFolder();
    return { ok: true, fileBytes };
  } catch (error) {
    attempt(() => close?.());
    if (step !== "sync-folder") attempt(() => storage.remove(names.temporaryName));
    return failure(step, error);
  }
}

/** Tidying up after a failure must not hide it behind another one. */
function attempt(tidy: () => void): void {
  try {
    tidy();
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
  }
}
