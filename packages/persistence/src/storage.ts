/**
 * Storage: the few things that persistence asks of a disk. The host implements it (node.ts does so
 * with node:fs); tests use the one in testing.ts, which can fail and lose power.
 *
 * A storage is one folder; names are those of files in it, a character for each byte. Every
 * operation comes twice: `Storage` for work beside the event loop, `SyncStorage` for when everybody
 * waits anyway (SAVE, loading at start, shutting down). A failed operation rejects or throws a
 * StorageError, nothing else. A file that only grows (AppendFile) is in between: writing to it is
 * worth no thread, syncing it is.
 *
 * Only regular files are opened. Anything else under a name (a FIFO, a device) might keep whoever reads
 * or writes it waiting for ever, and is an error.
 *
 * What an implementation promises: write() writes all it is given or fails; after sync() the
 * file's bytes survive a power failure, and after syncFolder() its name does.
 */

/** The world's fault: disk full, no permission, I/O error. */
export class StorageError extends Error {
  /** "StorageError", to be told apart in logs. */
  override name = "StorageError";
  /** As the operating system names it: "ENOSPC". */
  readonly code: string;

  /** `message` is the operating system's text: "No space left on device". */
  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** A file being written, from its beginning. */
export interface StorageWriter {
  /** Appends bytes[start, end); they must not change until it is done. */
  write(bytes: Uint8Array, start: number, end: number): Promise<void>;
  /** Resolves when what was written survives a power failure. */
  sync(): Promise<void>;
  /** The file is not written to any more. */
  close(): Promise<void>;
}

/** A file being read, from its beginning. */
export interface StorageReader {
  /** Bytes in the file, for the progress of loading. */
  readonly sizeBytes: number;
  /** Fills `target` from its start, as far as one read goes. Bytes read; 0 at the end. */
  read(target: Uint8Array): Promise<number>;
  /** The file is not read any more. */
  close(): Promise<void>;
}

/** A file that grows at its end: an append-only file. */
export interface AppendFile {
  /** Bytes in the file. */
  readonly sizeBytes: number;
  /** Appends bytes[start, end). When it throws, some of them may be there: `sizeBytes` tells how many. */
  write(bytes: Uint8Array, start: number, end: number): void;
  /** Cuts off all but the first `sizeBytes` bytes. */
  truncate(sizeBytes: number): void;
  /** What was written survives a power failure from now on. */
  syncNow(): void;
  /** Resolves when what has been written so far survives a power failure. */
  sync(): Promise<void>;
  /** The file is not written to any more. A sync that is under way goes on. Never throws. */
  close(): void;
}

/** Files beside the event loop: see the head of this file. */
export interface Storage {
  /**
   * The same folder for good, should this one follow a working directory: also when the folder gets
   * another name. To be released.
   */
  here(): Storage;
  /** What here() gave is needed no more. */
  release(): void;
  /** A folder in this one, which need not be there yet. To be released as here(). */
  folder(name: string): Storage;
  /** Creates the file, or empties it. `mode`: what a new one allows at most, the umask aside; default 0o666. */
  create(name: string, mode?: number): Promise<StorageWriter>;
  /** Opens the file for reading; undefined when there is none. */
  open(name: string): Promise<StorageReader | undefined>;
  /** Gives a file another name, taking the place of a file that has it. */
  rename(from: string, to: string): Promise<void>;
  /** Removes a file; none there is no error. */
  remove(name: string): Promise<void>;
  /** The same at once, while everybody waits: also of a file that is being worked on. */
  removeNow(name: string): void;
  /** Makes creations, renamings and removals survive a power failure. */
  syncFolder(): Promise<void>;
  /** Names of the files. */
  list(): Promise<string[]>;
}

/** As StorageWriter, at once. */
export interface SyncStorageWriter {
  /** Appends bytes[start, end). */
  write(bytes: Uint8Array, start: number, end: number): void;
  /** What was written survives a power failure from now on. */
  sync(): void;
  /** The file is not written to any more. */
  close(): void;
}

/** As StorageReader, at once. */
export interface SyncStorageReader {
  /** Bytes in the file, for the progress of loading. */
  readonly sizeBytes: number;
  /** Fills `target` from its start. Bytes read; 0 at the end. */
  read(target: Uint8Array): number;
  /** The file is not read any more. */
  close(): void;
}

/** As Storage, at once, while everybody waits. */
export interface SyncStorage {
  /** A folder in this one, which need not be there yet. */
  folder(name: string): SyncStorage;
  /** Makes a folder in this one; one that is there is no error. */
  makeFolder(name: string): void;
  /** Puts a file of this folder into one that is in it, under the same name. */
  move(name: string, folder: string): void;
  /** Opens the file to go on at its end; creates it where there is none. */
  append(name: string): AppendFile;
  /** Creates the file, or empties it. `mode`: as Storage.create(). */
  create(name: string, mode?: number): SyncStorageWriter;
  /** Opens the file for reading; undefined when there is none. */
  open(name: string): SyncStorageReader | undefined;
  /** Gives a file another name, taking the place of a file that has it. */
  rename(from: string, to: string): void;
  /** Removes a file; none there is no error. */
  remove(name: string): void;
  /** Makes creations, renamings and removals survive a power failure. */
  syncFolder(): void;
  /** Names of the files. */
  list(): string[];
}
