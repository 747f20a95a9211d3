/**
 * MemoryDisk: the files of a server that has no folder. They are there until it is closed, so that
 * SAVE, BGSAVE, save points, the append-only file, DEBUG RELOAD and the save that FLUSHALL makes behave
 * as they do with a disk, and no byte reaches one. A file costs the memory that it is long.
 *
 * A reader has the bytes that were there when it opened the file, whatever becomes of the name.
 */
import {
  type AppendFile,
  type Storage,
  StorageError,
  type SyncStorage,
  type SyncStorageReader,
  type SyncStorageWriter,
} from "@kv/persistence";

/** Its chunks, one a write. */
interface MemoryFile {
  readonly chunks: Uint8Array[];
  sizeBytes: number;
}

/** What is appended in small parts shares a chunk; what a reader has seen of it does not change. */
const CHUNK_BYTES_MIN = 64 * 1024;

function append(file: MemoryFile, bytes: Uint8Array, start: number, end: number): void {
  const { chunks } = file;
  const length = end - start;
  const last = chunks[chunks.length - 1];
  file.sizeBytes += length;
  if (last !== undefined && last.byteOffset + last.length + length <= last.buffer.byteLength) {
    const grown = new Uint8Array(last.buffer, last.byteOffset, last.length + length);
    grown.set(bytes.subarray(start, end), last.length);
    chunks[chunks.length - 1] = grown;
    return;
  }
  const chunk = new Uint8Array(Math.max(length, CHUNK_BYTES_MIN));
  chunk.set(bytes.subarray(start, end));
  chunks.push(chunk.subarray(0, length));
}

export class MemoryDisk {
  readonly #files = new Map<string, MemoryFile>();
  readonly #folders = new Map<string, MemoryDisk>();

  /** The files while everybody waits. */
  readonly now: SyncStorage = {
    folder: (name) => this.#folder(name).now,
    makeFolder: (name) => void this.#folder(name),
    move: (name, folder) => this.#move(name, folder),
    append: (name) => this.#append(name),
    create: (name) => this.#create(name),
    open: (name) => this.#open(name),
    rename: (from, to) => this.#rename(from, to),
    remove: (name) => void this.#files.delete(name),
    syncFolder() {},
    list: () => [...this.#files.keys()],
  };

  /** The same files for work beside the event loop. */
  readonly later: Storage = {
    here: () => this.later,
    release() {},
    folder: (name) => this.#folder(name).later,
    create: async (name) => {
      const writer = this.#create(name);
      return {
        write: async (bytes, start, end) => writer.write(bytes, start, end),
        async sync() {},
        async close() {},
      };
    },
    open: async (name) => {
      const reader = this.#open(name);
      if (reader === undefined) return undefined;
      const { sizeBytes } = reader;
      return { sizeBytes, read: async (target) => reader.read(target), async close() {} };
    },
    rename: async (from, to) => this.#rename(from, to),
    remove: async (name) => void this.#files.delete(name),
    removeNow: (name) => void this.#files.delete(name),
    async syncFolder() {},
    list: async () => this.now.list(),
  };

  /** A folder is there as soon as it is named: an empty one costs nothing. */
  #folder(name: string): MemoryDisk {
    let folder = this.#folders.get(name);
    if (folder === undefined) {
      folder = new MemoryDisk();
      this.#folders.set(name, folder);
    }
    return folder;
  }

  #create(name: string): SyncStorageWriter {
    const file: MemoryFile = { chunks: [], sizeBytes: 0 };
    this.#files.set(name, file);
    return {
      write: (bytes, start, end) => append(file, bytes, start, end),
      sync() {},
      close() {},
    };
  }

  #append(name: string): AppendFile {
    const file = this.#files.get(name) ?? { chunks: [], sizeBytes: 0 };
    this.#files.set(name, file);
    return {
      get sizeBytes() {
        return file.sizeBytes;
      },
      write: (bytes, start, end) => append(file, bytes, start, end),
      truncate(sizeBytes) {
        const { chunks } = file;
        while (file.sizeBytes > sizeBytes) {
          const last = chunks.pop() as Uint8Array;
          file.sizeBytes -= last.length;
          if (file.sizeBytes < sizeBytes) append(file, last, 0, sizeBytes - file.sizeBytes);
        }
      },
      syncNow() {},
      async sync() {},
      close() {},
    };
  }

  #open(name: string): SyncStorageReader | undefined {
    const file = this.#files.get(name);
    if (file === undefined) return undefined;
    const chunks = file.chunks.slice();
    let index = 0;
    let offset = 0;
    return {
      sizeBytes: file.sizeBytes,
      read(target) {
        let filled = 0;
        while (filled < target.length && index < chunks.length) {
          const chunk = chunks[index];
          const part = chunk.subarray(offset, offset + target.length - filled);
          target.set(part, filled);
          filled += part.length;
          offset += part.length;
          if (offset === chunk.length) {
            index++;
            offset = 0;
          }
        }
        return filled;
      },
      close() {},
    };
  }

  #move(name: string, folder: string): void {
    const file = this.#files.get(name);
    if (file === undefined) throw new StorageError("ENOENT", "No such file or directory");
    this.#files.delete(name);
    this.#folder(folder).#files.set(name, file);
  }

  #rename(from: string, to: string): void {
    const file = this.#files.get(from);
    if (file === undefined) throw new StorageError("ENOENT", "No such file or directory");
    this.#files.delete(from);
    this.#files.set(to, file);
  }
}
