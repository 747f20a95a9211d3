/**
 * The storage of a server: a folder of the file system, through node:fs. The only file of this
 * package that sees the operating system.
 *
 * Paths are bytes. A name has a character for each of its bytes, and goes to node:fs as a Buffer: what
 * is no UTF-8 is a name like any other.
 *
 * Nothing is opened in a way that waits: a FIFO without a writer would keep a thread of the runtime, and
 * with it the end of the process. What turns out to be no regular file is refused.
 */
import {
  closeSync,
  constants,
  fdatasync,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  realpathSync,
  renameSync,
  type Stats,
  statSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { constants as osConstants } from "node:os";
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

export type { Storage };

/** Where the runtime's texts differ from those of the C library, which Redis prints. */
const TEXTS: Record<string, string> = {
  EIO: "Input/output error",
  EEXIST: "File exists",
  EISDIR: "Is a directory",
  ENOTDIR: "Not a directory",
  EINVAL: "Invalid argument",
  EROFS: "Read-only file system",
  EDQUOT: "Disk quota exceeded",
  ESTALE: "Stale file handle",
  EBADMSG: "Bad message",
  EBADF: "Bad file descriptor",
  EBUSY: "Device or resource busy",
  ELOOP: "Too many levels of symbolic links",
  ENAMETOOLONG: "File name too long",
  ENFILE: "Too many open files in system",
  ENOMEM: "Cannot allocate memory",
  ETXTBSY: "Text file busy",
};

/** What disks answer and the runtime has no name for, by the system's number: a full quota is one of them. */
const NAMELESS = new Map(
  (["EDQUOT", "ESTALE", "EBADMSG"] as const).map((code) => [osConstants.errno[code], code]),
);

function codeOf({ code, errno }: NodeJS.ErrnoException): string | undefined {
  return NAMELESS.get(Math.abs(errno ?? 0)) ?? code;
}

/** How the C library words what node:fs threw, where the runtime has another text for it or none. */
export function diskErrorText(error: unknown): string | undefined {
  return TEXTS[codeOf(error as NodeJS.ErrnoException) ?? ""];
}

/** What node:fs threw, as a StorageError. */
export function storageErrorOf(error: unknown): StorageError {
  const { message } = error as NodeJS.ErrnoException;
  const code = codeOf(error as NodeJS.ErrnoException);
  if (code === undefined) throw error; // A mistake of ours, not the disk's.
  // "ENOSPC: no space left on device, write" holds the text between code and call.
  const text = /^[A-Z0-9]+: ([^,]+)/.exec(message)?.[1] ?? message;
  return new StorageError(code, TEXTS[code] ?? text.charAt(0).toUpperCase() + text.slice(1));
}

function hasCode(error: unknown, ...codes: string[]): boolean {
  return codes.includes((error as NodeJS.ErrnoException).code ?? "");
}

/** Runs a system call again when a signal came in between. */
function call<Result>(action: () => Result): Result {
  for (;;) {
    try {
      return action();
    } catch (error) {
      if (!hasCode(error, "EINTR")) throw storageErrorOf(error);
    }
  }
}

async function callAsync<Result>(action: () => Promise<Result>): Promise<Result> {
  for (;;) {
    try {
      return await action();
    } catch (error) {
      if (!hasCode(error, "EINTR")) throw storageErrorOf(error);
    }
  }
}

/** Some file systems have no folders to sync: there nothing can be done. */
const FOLDER_SYNC_UNKNOWN = ["EINVAL", "ENOTSUP", "EISDIR", "EPERM"];

/** New files may be read by everybody, as Redis's: the umask is what restricts them. */
const FILE_MODE = 0o666;
/** What grows is written by nobody else, whatever the umask says. */
const APPEND_MODE = 0o644;
/** Of a folder that Redis makes. */
const FOLDER_MODE = 0o755;

// Windows has no such flag, and nothing that would need it.
const {
  O_NONBLOCK = 0,
  O_DIRECTORY = 0,
  O_APPEND,
  O_CREAT,
  O_RDONLY,
  O_TRUNC,
  O_WRONLY,
} = constants;
const READ_FLAGS = O_RDONLY | O_NONBLOCK;
const CREATE_FLAGS = O_WRONLY | O_CREAT | O_TRUNC | O_NONBLOCK;
const APPEND_FLAGS = O_WRONLY | O_CREAT | O_APPEND | O_NONBLOCK;

/** Throws unless the open file is a regular one. */
function refuseSpecial(facts: Stats): void {
  if (facts.isDirectory()) throw new StorageError("EISDIR", "Is a directory");
  if (!facts.isFile()) throw new StorageError("EINVAL", "Not a regular file");
}

/** The beginning of the paths of a folder's files: "" is the working directory, whatever that is. */
function prefixOf(folder: string): Buffer {
  if (folder === "." || folder === "") return Buffer.alloc(0);
  return Buffer.from(folder.endsWith("/") ? folder : `${folder}/`, "utf8");
}

const SLASH = Buffer.from("/");
const bytesOf = (name: string) => Buffer.from(name, "latin1");
const folderOf = (prefix: Buffer) => (prefix.length === 0 ? "." : prefix);

/** Another beginning for the same paths, that goes on meaning this very folder. */
interface Held {
  prefix: Buffer;
  release(): void;
}

/**
 * Linux has a path to a folder that is open, whatever its name is by then. Elsewhere the folder is
 * known by the name that it has now.
 */
function hold(prefix: Buffer): Held {
  try {
    const descriptor = openSync(folderOf(prefix), O_RDONLY | O_DIRECTORY);
    const opened = Buffer.from(`/proc/self/fd/${descriptor}/`);
    if (isSameFolder(fstatSync(descriptor), opened)) {
      let isOpen = true;
      const release = () => {
        if (isOpen) closeSync(descriptor);
        isOpen = false;
      };
      return { prefix: opened, release };
    }
    closeSync(descriptor);
    const path = realpathSync.native(folderOf(prefix), { encoding: "buffer" });
    return { prefix: Buffer.concat([path, Buffer.from("/")]), release() {} };
  } catch {
    // No folder, no descriptor left: whoever creates a file in it will find out and say so.
    return { prefix, release() {} };
  }
}

function isSameFolder(facts: Stats, path: Buffer): boolean {
  try {
    const { dev, ino } = statSync(path);
    return dev === facts.dev && ino === facts.ino;
  } catch {
    return false;
  }
}

/** The files of `folder`, beside the event loop. "." follows the process's working directory. */
export function nodeStorage(folder: string): Storage {
  return storageAt(prefixOf(folder), () => {});
}

/** A start without data needs none of it, and it is a fiftieth of what one takes. */
const files = () => process.getBuiltinModule("node:fs/promises");

function storageAt(prefix: Buffer, release: () => void): Storage {
  const pathOf = (name: string) => Buffer.concat([prefix, bytesOf(name)]);
  return {
    here() {
      const held = hold(prefix);
      return storageAt(held.prefix, held.release);
    },
    release,
    folder: (name) => storageAt(Buffer.concat([pathOf(name), SLASH]), release),
    async create(name, mode = FILE_MODE): Promise<StorageWriter> {
      const file = await callAsync(() => files().open(pathOf(name), CREATE_FLAGS, mode));
      try {
        refuseSpecial(await callAsync(() => file.stat()));
      } catch (error) {
        await file.close();
        throw error;
      }
      return {
        async write(bytes, start, end) {
          while (start < end) {
            const from = start;
            const { bytesWritten } = await callAsync(() => file.write(bytes, from, end - from));
            start += bytesWritten;
          }
        },
        sync: () => callAsync(() => file.sync()),
        close: () => callAsync(() => file.close()),
      };
    },
    async open(name): Promise<StorageReader | undefined> {
      const path = pathOf(name);
      // A start without data asks this and no more, and waits for no other thread.
      if (call(() => statSync(path, { throwIfNoEntry: false })) === undefined) return undefined;
      const file = await callAsync(() => files().open(path, READ_FLAGS)).catch(unlessMissing);
      if (file === undefined) return undefined;
      let facts: Stats;
      try {
        facts = await callAsync(() => file.stat());
        refuseSpecial(facts);
      } catch (error) {
        await file.close();
        throw error;
      }
      return {
        sizeBytes: facts.size,
        async read(target) {
          const { bytesRead } = await callAsync(() => file.read(target, 0, target.length));
          return bytesRead;
        },
        close: () => callAsync(() => file.close()),
      };
    },
    rename: (from, to) => callAsync(() => files().rename(pathOf(from), pathOf(to))),
    async remove(name) {
      await callAsync(() => files().unlink(pathOf(name))).catch(unlessMissing);
    },
    removeNow: (name) => removeNow(pathOf(name)),
    async syncFolder() {
      const handle = await callAsync(() => files().open(folderOf(prefix), "r"));
      try {
        await handle.sync();
      } catch (error) {
        if (!hasCode(error, ...FOLDER_SYNC_UNKNOWN)) throw storageErrorOf(error);
      } finally {
        await handle.close();
      }
    },
    async list() {
      const names = await callAsync(() =>
        files().readdir(folderOf(prefix), { encoding: "buffer" }),
      );
      return names.map((name) => name.toString("latin1"));
    },
  };
}

function isFolderThere(path: Buffer): boolean {
  return call(() => statSync(path, { throwIfNoEntry: false }))?.isDirectory() === true;
}

/** Whether making the folder failed since it is there. */
function isFolder(error: unknown, path: Buffer): boolean {
  if (!(error instanceof StorageError) || error.code !== "EEXIST") return false;
  return call(() => statSync(path)).isDirectory();
}

function unlessMissing(error: unknown): undefined {
  if (error instanceof StorageError && error.code === "ENOENT") return undefined;
  throw error;
}

function removeNow(path: Buffer): void {
  try {
    call(() => unlinkSync(path));
  } catch (error) {
    unlessMissing(error);
  }
}

/**
 * A file that grows. The system is told to sync its bytes and its length, not its times. A descriptor
 * that a thread of the runtime is syncing stays open until that is done: its number may be another
 * file's at once.
 */
class NodeAppendFile implements AppendFile {
  sizeBytes: number;
  private readonly descriptor: number;
  private syncCount = 0;
  private isClosed = false;

  constructor(descriptor: number) {
    this.descriptor = descriptor;
    this.sizeBytes = call(() => fstatSync(descriptor)).size;
  }

  write(bytes: Uint8Array, start: number, end: number): void {
    const { descriptor } = this;
    while (start < end) {
      const from = start;
      const written = call(() => writeSync(descriptor, bytes, from, end - from));
      start += written;
      this.sizeBytes += written;
    }
  }

  truncate(sizeBytes: number): void {
    call(() => ftruncateSync(this.descriptor, sizeBytes));
    this.sizeBytes = sizeBytes;
  }

  syncNow(): void {
    call(() => fdatasyncSync(this.descriptor));
  }

  sync(): Promise<void> {
    this.syncCount++;
    return new Promise((resolve, reject) => {
      fdatasync(this.descriptor, (error) => {
        this.syncCount--;
        this.mayClose();
        if (error === null) resolve();
        else reject(storageErrorOf(error));
      });
    });
  }

  close(): void {
    this.isClosed = true;
    this.mayClose();
  }

  private mayClose(): void {
    if (!this.isClosed || this.syncCount > 0) return;
    this.isClosed = false;
    try {
      closeSync(this.descriptor);
    } catch {
      // What was to stay was synced, and nothing else can be done.
    }
  }
}

/**
 * What was created, renamed or removed in the folder at `path` outlives a power cut from now on, where its
 * file system can promise that. Throws a StorageError.
 */
export function syncFolderAt(path: Buffer | string): void {
  const handle = call(() => openSync(path, "r"));
  try {
    fsyncSync(handle);
  } catch (error) {
    if (!hasCode(error, ...FOLDER_SYNC_UNKNOWN)) throw storageErrorOf(error);
  } finally {
    closeSync(handle);
  }
}

/** How a folder on a disk is used. */
export interface SyncStorageOptions {
  /** Reads pipes and devices, too, and waits for them: for a tool that somebody sits in front of. */
  readsAnything?: boolean;
}

/** The files of `folder`, while everybody waits. "." follows the process's working directory. */
export function nodeSyncStorage(folder: string, options: SyncStorageOptions = {}): SyncStorage {
  return syncStorageAt(prefixOf(folder), options);
}

function syncStorageAt(prefix: Buffer, options: SyncStorageOptions): SyncStorage {
  const pathOf = (name: string) => Buffer.concat([prefix, bytesOf(name)]);
  const opened = (path: Buffer, flags: number, mode = FILE_MODE): number => {
    const file = call(() => openSync(path, flags, mode));
    try {
      refuseSpecial(call(() => fstatSync(file)));
      return file;
    } catch (error) {
      closeSync(file);
      throw error;
    }
  };
  return {
    folder: (name) => syncStorageAt(Buffer.concat([pathOf(name), SLASH]), options),
    makeFolder(name) {
      // Nearly always it is there, and Deno cannot tell that of a path of bytes.
      if (isFolderThere(pathOf(name))) return;
      try {
        call(() => mkdirSync(pathOf(name), FOLDER_MODE));
      } catch (error) {
        if (!isFolder(error, pathOf(name))) throw error;
      }
    },
    move: (name, folder) =>
      call(() => renameSync(pathOf(name), Buffer.concat([pathOf(folder), SLASH, bytesOf(name)]))),
    append: (name) => new NodeAppendFile(opened(pathOf(name), APPEND_FLAGS, APPEND_MODE)),
    create(name, mode): SyncStorageWriter {
      const file = opened(pathOf(name), CREATE_FLAGS, mode);
      return {
        write(bytes, start, end) {
          while (start < end) {
            const from = start;
            start += call(() => writeSync(file, bytes, from, end - from));
          }
        },
        sync: () => call(() => fsyncSync(file)),
        close: () => call(() => closeSync(file)),
      };
    },
    open(name): SyncStorageReader | undefined {
      let file: number;
      try {
        file = options.readsAnything
          ? call(() => openSync(pathOf(name), "r"))
          : opened(pathOf(name), READ_FLAGS);
      } catch (error) {
        return unlessMissing(error);
      }
      return {
        sizeBytes: call(() => fstatSync(file)).size,
        read: (target) => call(() => readSync(file, target, 0, target.length, null)),
        close: () => call(() => closeSync(file)),
      };
    },
    rename: (from, to) => call(() => renameSync(pathOf(from), pathOf(to))),
    remove: (name) => removeNow(pathOf(name)),
    syncFolder: () => syncFolderAt(folderOf(prefix)),
    list: () =>
      call(() => readdirSync(folderOf(prefix), { encoding: "buffer" })).map((name) =>
        name.toString("latin1"),
      ),
  };
}
