/**
 * The storage of a server: a folder of the file system, through node:fs. The only file of this
 * package that sees the operating system.
 */
import {
  closeSync,
  fstatSync,
  fsyncSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { open, readdir, rename, unlink } from "node:fs/promises";
import { join, resolve } from "node:path";
import {
  type Storage,
  StorageError,
  type StorageReader,
  type StorageWriter,
  type SyncStorage,
  type SyncStorageReader,
  type SyncStorageWriter,
} from "./storage.ts";

/** Where the runtime's texts differ from those of the C library, which Redis prints. */
const TEXTS: Record<string, string> = {
  EIO: "Input/output error",
  EEXIST: "File exists",
  EISDIR: "Is a directory",
  EROFS: "Read-only file system",
  EDQUOT: "Disk quota exceeded",
  EBADF: "Bad file descriptor",
};

/** What node:fs threw, as a StorageError. */
export function storageErrorOf(error: unknown): StorageError {
  const { code, message } = error as NodeJS.ErrnoException;
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

/** Names have a character for each byte, and node:fs wants Unicode. */
function fileNameOf(name: string): string {
  return Buffer.from(name, "latin1").toString("utf8");
}

function nameOf(fileName: string): string {
  return Buffer.from(fileName, "utf8").toString("latin1");
}

/** The files of `folder`, beside the event loop. */
export function nodeStorage(folder: string): Storage {
  const pathOf = (name: string) => join(folder, fileNameOf(name));
  return {
    here: () => nodeStorage(resolve(folder)),
    async create(name): Promise<StorageWriter> {
      const file = await callAsync(() => open(pathOf(name), "w", FILE_MODE));
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
      const file = await callAsync(() => open(pathOf(name), "r")).catch(unlessMissing);
      if (file === undefined) return undefined;
      const { size } = await callAsync(() => file.stat());
      return {
        sizeBytes: size,
        async read(target) {
          const { bytesRead } = await callAsync(() => file.read(target, 0, target.length));
          return bytesRead;
        },
        close: () => callAsync(() => file.close()),
      };
    },
    rename: (from, to) => callAsync(() => rename(pathOf(from), pathOf(to))),
    async remove(name) {
      await callAsync(() => unlink(pathOf(name))).catch(unlessMissing);
    },
    async syncFolder() {
      const handle = await callAsync(() => open(folder, "r"));
      try {
        await handle.sync();
      } catch (error) {
        if (!hasCode(error, ...FOLDER_SYNC_UNKNOWN)) throw storageErrorOf(error);
      } finally {
        await handle.close();
      }
    },
    list: async () => (await callAsync(() => readdir(folder))).map(nameOf),
  };
}

function unlessMissing(error: unknown): undefined {
  if (error instanceof StorageError && error.code === "ENOENT") return undefined;
  throw error;
}

/** The files of `folder`, while everybody waits. */
export function nodeSyncStorage(folder: string): SyncStorage {
  const pathOf = (name: string) => join(folder, fileNameOf(name));
  return {
    create(name): SyncStorageWriter {
      const file = call(() => openSync(pathOf(name), "w", FILE_MODE));
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
        file = call(() => openSync(pathOf(name), "r"));
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
    remove(name) {
      try {
        call(() => unlinkSync(pathOf(name)));
      } catch (error) {
        unlessMissing(error);
      }
    },
    syncFolder() {
      const handle = call(() => openSync(folder, "r"));
      try {
        fsyncSync(handle);
      } catch (error) {
        if (!hasCode(error, ...FOLDER_SYNC_UNKNOWN)) throw storageErrorOf(error);
      } finally {
        closeSync(handle);
      }
    },
    list: () => call(() => readdirSync(folder)).map(nameOf),
  };
}
