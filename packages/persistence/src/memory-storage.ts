/**
 * MemoryStorage: a disk as a careful pessimist sees it.
 *
 * A file has the bytes that were written and, apart from those, the bytes that were synced; the
 * folder has the names of now and the names that were synced. powerLoss() leaves what was synced
 * and nothing else. Operations that change something are counted, and any of them can be told to
 * fail, a write after half of its bytes.
 */
import {
  type Storage,
  StorageError,
  type StorageReader,
  type StorageWriter,
  type SyncStorage,
  type SyncStorageReader,
  type SyncStorageWriter,
} from "./storage.ts";

interface MemoryFile {
  bytes: number[];
  syncedBytes: number[];
}

/** The changing operation number `at` (from 1 on) fails with `code`. */
export interface Fault {
  /** The number of the operation that fails, from 1 on. */
  at: number;
  /** As the operating system names the error: "ENOSPC". */
  code: string;
  /** The operating system's text. */
  message: string;
}

/** A folder in memory, as a Storage and as a SyncStorage at once. */
export class MemoryStorage {
  /** Changing operations so far, with their names: create, write, sync, close, rename, ... */
  readonly operations: string[] = [];
  /** Told to fail: one operation, or that one and all after it. */
  fault: Fault | undefined;
  /** Told to fail: this operation and all after it. */
  failsFrom: Fault | undefined;
  private names = new Map<string, MemoryFile>();
  private syncedNames = new Map<string, MemoryFile>();

  /** The storage for work beside the event loop. */
  readonly later: Storage = {
    here: () => this.later,
    release: () => {},
    create: async (name): Promise<StorageWriter> => {
      const file = this.create(name);
      return {
        write: async (bytes, start, end) => file.write(bytes, start, end),
        sync: async () => file.sync(),
        close: async () => file.close(),
      };
    },
    open: async (name): Promise<StorageReader | undefined> => {
      const file = this.open(name);
      if (file === undefined) return undefined;
      return {
        sizeBytes: file.sizeBytes,
        read: async (target) => file.read(target),
        close: async () => file.close(),
      };
    },
    rename: async (from, to) => this.rename(from, to),
    remove: async (name) => this.remove(name),
    removeNow: (name) => this.remove(name),
    syncFolder: async () => this.syncFolder(),
    list: async () => this.list(),
  };

  /** The same files, while everybody waits. */
  readonly now: SyncStorage = {
    create: (name) => this.create(name),
    open: (name) => this.open(name),
    rename: (from, to) => this.rename(from, to),
    remove: (name) => this.remove(name),
    syncFolder: () => this.syncFolder(),
    list: () => this.list(),
  };

  /** What a reader would find, or undefined. */
  contents(name: string): Uint8Array | undefined {
    const file = this.names.get(name);
    return file === undefined ? undefined : Uint8Array.from(file.bytes);
  }

  /** Puts a file there, safe from power failures. */
  put(name: string, bytes: Uint8Array): void {
    const file = { bytes: [...bytes], syncedBytes: [...bytes] };
    this.names.set(name, file);
    this.syncedNames.set(name, file);
  }

  /**
   * The power goes and comes back. What was not synced is lost, except that names may have reached
   * the disk without being told to: `keepsNames` makes them all do so.
   */
  powerLoss(keepsNames = false): void {
    const names = new Map(keepsNames ? this.names : this.syncedNames);
    for (const file of names.values()) file.bytes = file.syncedBytes.slice();
    this.names = names;
    this.syncedNames = new Map(names);
  }

  private step(operation: string): void {
    this.operations.push(operation);
    const number = this.operations.length;
    const fault =
      this.fault?.at === number
        ? this.fault
        : this.failsFrom !== undefined && number >= this.failsFrom.at
          ? this.failsFrom
          : undefined;
    if (fault !== undefined) throw new StorageError(fault.code, fault.message);
  }

  private create(name: string): SyncStorageWriter {
    this.step("create");
    const file: MemoryFile = { bytes: [], syncedBytes: [] };
    this.names.set(name, file);
    return {
      write: (bytes, start, end) => {
        const half = start + ((end - start) >> 1);
        for (let i = start; i < half; i++) file.bytes.push(bytes[i]);
        this.step("write");
        for (let i = half; i < end; i++) file.bytes.push(bytes[i]);
      },
      sync: () => {
        this.step("sync");
        file.syncedBytes = file.bytes.slice();
      },
      close: () => this.step("close"),
    };
  }

  private open(name: string): SyncStorageReader | undefined {
    const file = this.names.get(name);
    if (file === undefined) return undefined;
    let at = 0;
    return {
      sizeBytes: file.bytes.length,
      read: (target) => {
        const part = file.bytes.slice(at, at + target.length);
        target.set(part);
        at += part.length;
        return part.length;
      },
      close: () => {},
    };
  }

  private rename(from: string, to: string): void {
    this.step("rename");
    const file = this.names.get(from);
    if (file === undefined) throw new StorageError("ENOENT", "No such file or directory");
    this.names.delete(from);
    this.names.set(to, file);
  }

  private remove(name: string): void {
    this.step("remove");
    this.names.delete(name);
  }

  private syncFolder(): void {
    this.step("sync-folder");
    this.syncedNames = new Map(this.names);
  }

  private list(): string[] {
    return [...this.names.keys()];
  }
}
