/**
 * MemoryStorage: a disk as a careful pessimist sees it.
 *
 * A file has the bytes that were written and, apart from those, the bytes that were synced; a folder
 * has the names of now and the names that were synced. powerLoss() leaves what was synced and nothing
 * else, or some of the rest, as disks do. Operations that change something are counted, in all folders
 * together, and any of them can be told to fail, a write after half of its bytes. What is done beside the
 * event loop can be told to take its time.
 */
import {
  type AppendFile,
  type Storage,
  StorageError,
  type StorageReader,
  type StorageWriter,
  type SyncStorage,
  type SyncStorageReader,
  type SyncStorageWriter,
} from "./storage.ts";

const NO_BYTES = new Uint8Array(0);

/** What is in a file, and what of it was synced. */
class MemoryFile {
  syncedBytes: Uint8Array = NO_BYTES;
  /** With room behind its end: logs are written a few bytes at a time. */
  private room: Uint8Array = NO_BYTES;
  sizeBytes = 0;

  /** Good until the file changes. */
  get bytes(): Uint8Array {
    return this.room.subarray(0, this.sizeBytes);
  }

  append(bytes: Uint8Array, start: number, end: number): void {
    const sizeBytes = this.sizeBytes + end - start;
    if (sizeBytes > this.room.length) {
      const room = new Uint8Array(sizeBytes * 2);
      room.set(this.bytes);
      this.room = room;
    }
    this.room.set(bytes.subarray(start, end), this.sizeBytes);
    this.sizeBytes = sizeBytes;
  }

  truncate(sizeBytes: number): void {
    this.sizeBytes = Math.min(this.sizeBytes, sizeBytes);
  }

  sync(): void {
    this.syncedBytes = this.bytes.slice();
  }

  copy(): MemoryFile {
    const copy = new MemoryFile();
    copy.append(this.bytes, 0, this.sizeBytes);
    copy.syncedBytes = this.syncedBytes;
    return copy;
  }
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

/** What a power failure spares besides what was synced. */
export interface PowerLoss {
  /** All names reach the disk, although nobody told it. */
  keepsNames?: boolean;
  /** Of so many bytes at the end of a file that were not synced, how many are there; default none. */
  keptBytes?: (unsyncedBytes: number) => number;
  /** The others are there, too, as zeros: the length of the file reached the disk before them. */
  zeros?: boolean;
}

/** A folder in memory, as a Storage and as a SyncStorage at once. */
export class MemoryStorage {
  /** Changing operations so far, with their names: create, write, sync, close, rename, ... */
  readonly operations: string[];
  /** Told to fail: one operation. */
  fault: Fault | undefined;
  /** Told to fail: this operation and all after it. */
  failsFrom: Fault | undefined;
  /** The process dies within this operation, a write after half of its bytes: nothing more has an effect. */
  dies: number | undefined;
  /** Writes and syncs beside the event loop wait for this before they do anything: a disk that is slow. */
  slowness: (() => Promise<void>) | undefined;
  private readonly root: MemoryStorage;
  private names = new Map<string, MemoryFile>();
  private syncedNames = new Map<string, MemoryFile>();
  private folders = new Map<string, MemoryStorage>();
  private syncedFolders = new Map<string, MemoryStorage>();

  /** A disk of its own; `root` is for the folders in it. */
  constructor(root?: MemoryStorage) {
    this.root = root ?? this;
    this.operations = root?.operations ?? [];
  }

  /** The storage for work beside the event loop. */
  readonly later: Storage = {
    here: () => held(() => this),
    release: () => {},
    folder: (name) => laterAt(() => this.found(name)),
    create: async (name): Promise<StorageWriter> => {
      const file = this.create(name);
      return {
        write: async (bytes, start, end) => {
          await this.slow();
          file.write(bytes, start, end);
        },
        sync: async () => {
          await this.slow();
          file.sync();
        },
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
    folder: (name) => nowAt(() => this.found(name)),
    makeFolder: (name) => this.makeFolder(name),
    move: (name, folder) => this.move(name, folder),
    append: (name) => this.append(name),
    create: (name) => this.create(name),
    open: (name) => this.open(name),
    rename: (from, to) => this.rename(from, to),
    remove: (name) => this.remove(name),
    syncFolder: () => this.syncFolder(),
    list: () => this.list(),
  };

  /** The process that used this disk is no more. */
  get isDead(): boolean {
    const { dies, operations } = this.root;
    return dies !== undefined && operations.length >= dies;
  }

  /** What a reader would find, or undefined. "folder/file" is a file in a folder. */
  contents(name: string): Uint8Array | undefined {
    const slash = name.indexOf("/");
    if (slash !== -1)
      return this.folders.get(name.slice(0, slash))?.contents(name.slice(slash + 1));
    const file = this.names.get(name);
    return file?.bytes.slice();
  }

  /** Puts a file there, safe from power failures; its folder, too. */
  put(name: string, bytes: Uint8Array): void {
    const slash = name.indexOf("/");
    if (slash !== -1) {
      const folder = this.folders.get(name.slice(0, slash)) ?? new MemoryStorage(this.root);
      this.folders.set(name.slice(0, slash), folder);
      this.syncedFolders.set(name.slice(0, slash), folder);
      folder.put(name.slice(slash + 1), bytes);
      return;
    }
    const file = new MemoryFile();
    file.append(bytes, 0, bytes.length);
    file.sync();
    this.names.set(name, file);
    this.syncedNames.set(name, file);
  }

  /** Somebody removes a folder with all that is in it. Files of it that are open can still be written to. */
  loseFolder(name: string): void {
    this.folders.delete(name);
    this.syncedFolders.delete(name);
  }

  /** Another disk that holds the same, with all that it would lose. */
  copy(): MemoryStorage {
    const copies = new Map<MemoryFile, MemoryFile>();
    const fileOf = (file: MemoryFile): MemoryFile => {
      const known = copies.get(file);
      if (known !== undefined) return known;
      const made = file.copy();
      copies.set(file, made);
      return made;
    };
    return this.copyInto(new MemoryStorage(), fileOf, new Map());
  }

  private copyInto(
    copy: MemoryStorage,
    fileOf: (file: MemoryFile) => MemoryFile,
    folders: Map<MemoryStorage, MemoryStorage>,
  ): MemoryStorage {
    const folderOf = (folder: MemoryStorage): MemoryStorage => {
      const known = folders.get(folder);
      if (known !== undefined) return known;
      const made = new MemoryStorage(copy.root);
      folders.set(folder, made);
      return folder.copyInto(made, fileOf, folders);
    };
    for (const [name, file] of this.names) copy.names.set(name, fileOf(file));
    for (const [name, file] of this.syncedNames) copy.syncedNames.set(name, fileOf(file));
    for (const [name, folder] of this.folders) copy.folders.set(name, folderOf(folder));
    for (const [name, folder] of this.syncedFolders) copy.syncedFolders.set(name, folderOf(folder));
    return copy;
  }

  /** The power goes and comes back. */
  powerLoss(spared: PowerLoss = {}): void {
    const { keepsNames = false, keptBytes = () => 0, zeros = false } = spared;
    const names = new Map(keepsNames ? this.names : this.syncedNames);
    const folders = new Map(keepsNames ? this.folders : this.syncedFolders);
    for (const file of names.values()) {
      const { bytes, syncedBytes } = file;
      const unsynced = bytes.length - syncedBytes.length;
      const isLonger = unsynced > 0 && syncedBytes.every((byte, at) => bytes[at] === byte);
      const kept = isLonger ? Math.min(unsynced, keptBytes(unsynced)) : 0;
      const left = new Uint8Array(syncedBytes.length + (isLonger && zeros ? unsynced : kept));
      left.set(syncedBytes);
      left.set(bytes.subarray(syncedBytes.length, syncedBytes.length + kept), syncedBytes.length);
      file.truncate(0);
      file.append(left, 0, left.length);
      file.sync();
    }
    for (const folder of folders.values()) folder.powerLoss(spared);
    this.names = names;
    this.syncedNames = new Map(names);
    this.folders = folders;
    this.syncedFolders = new Map(folders);
  }

  private async slow(): Promise<void> {
    await this.root.slowness?.();
  }

  private step(operation: string): void {
    const { operations, fault, failsFrom } = this.root;
    operations.push(operation);
    if (this.isDead) throw new StorageError("EIO", "the process is dead");
    const number = operations.length;
    const told =
      fault?.at === number
        ? fault
        : failsFrom !== undefined && number >= failsFrom.at
          ? failsFrom
          : undefined;
    if (told !== undefined) throw new StorageError(told.code, told.message);
  }

  /** The folder of this name. Throws where there is none. */
  private found(name: string): MemoryStorage {
    const folder = this.folders.get(name);
    if (folder === undefined) throw missing();
    return folder;
  }

  private makeFolder(name: string): void {
    if (this.folders.has(name)) return;
    this.step("make-folder");
    this.folders.set(name, new MemoryStorage(this.root));
  }

  private writerOf(file: MemoryFile): SyncStorageWriter {
    return {
      write: (bytes, start, end) => {
        const half = this.isDead ? start : start + ((end - start) >> 1);
        file.append(bytes, start, half);
        this.step("write");
        file.append(bytes, half, end);
      },
      sync: () => {
        this.step("sync");
        file.sync();
      },
      close: () => this.step("close"),
    };
  }

  private create(name: string): SyncStorageWriter {
    this.step("create");
    const file = new MemoryFile();
    this.names.set(name, file);
    return this.writerOf(file);
  }

  private append(name: string): AppendFile {
    let file = this.names.get(name);
    if (file === undefined) {
      this.step("create");
      file = new MemoryFile();
      this.names.set(name, file);
    }
    const grown = file;
    const { write, sync } = this.writerOf(grown);
    return {
      get sizeBytes() {
        return grown.sizeBytes;
      },
      write,
      truncate: (sizeBytes) => {
        this.step("truncate");
        grown.truncate(sizeBytes);
      },
      syncNow: sync,
      sync: async () => {
        await this.slow();
        sync();
      },
      close() {},
    };
  }

  private open(name: string): SyncStorageReader | undefined {
    if (this.folders.has(name)) throw new StorageError("EISDIR", "Is a directory");
    const file = this.names.get(name);
    if (file === undefined) return undefined;
    let at = 0;
    return {
      sizeBytes: file.sizeBytes,
      read: (target) => {
        const part = file.bytes.subarray(at, at + target.length);
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
    if (file === undefined) throw missing();
    this.names.delete(from);
    this.names.set(to, file);
  }

  private move(name: string, folder: string): void {
    this.step("move");
    const file = this.names.get(name);
    if (file === undefined) throw missing();
    this.found(folder).names.set(name, file);
    this.names.delete(name);
  }

  private remove(name: string): void {
    this.step("remove");
    this.names.delete(name);
  }

  private syncFolder(): void {
    this.step("sync-folder");
    this.syncedNames = new Map(this.names);
    this.syncedFolders = new Map(this.folders);
  }

  private list(): string[] {
    return [...this.names.keys()];
  }
}

function missing(): StorageError {
  return new StorageError("ENOENT", "No such file or directory");
}

/** A folder that may be made after it was named. */
function nowAt(found: () => MemoryStorage): SyncStorage {
  return {
    folder: (name) => found().now.folder(name),
    makeFolder: (name) => found().now.makeFolder(name),
    move: (name, folder) => found().now.move(name, folder),
    append: (name) => found().now.append(name),
    create: (name) => found().now.create(name),
    open: (name) => unlessMissing(() => found().now.open(name)),
    rename: (from, to) => found().now.rename(from, to),
    remove: (name) => unlessMissing(() => found().now.remove(name)),
    syncFolder: () => found().now.syncFolder(),
    list: () => found().now.list(),
  };
}

function laterAt(found: () => MemoryStorage, release = () => {}): Storage {
  return {
    here: () => held(found),
    release,
    folder: (name) => found().later.folder(name),
    create: async (name) => found().later.create(name),
    open: async (name) => (await unlessMissing(() => found()))?.later.open(name),
    rename: async (from, to) => found().later.rename(from, to),
    remove: async (name) => unlessMissing(() => found())?.later.remove(name),
    removeNow: (name) => unlessMissing(() => found())?.later.removeNow(name),
    syncFolder: async () => found().later.syncFolder(),
    list: async () => found().later.list(),
  };
}

/** The same folder until it is released: behind that there is nothing to be found by it. */
function held(found: () => MemoryStorage): Storage {
  let isHeld = true;
  const place = () => {
    if (!isHeld) throw missing();
    return found();
  };
  return laterAt(place, () => {
    isHeld = false;
  });
}

function unlessMissing<Result>(action: () => Result): Result | undefined {
  try {
    return action();
  } catch (error) {
    if (error instanceof StorageError && error.code === "ENOENT") return undefined;
    throw error;
  }
}
