/**
 * MemoryDisk: the files of a server that has no folder. They are there until it is closed, so that
 * SAVE, BGSAVE, save points, DEBUG RELOAD and the save that FLUSHALL makes behave as they do with a
 * disk, and no byte reaches one. A file costs the memory that it is long.
 *
 * A reader has the bytes that were there when it opened the file, whatever becomes of the name.
 */
import {
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

export class MemoryDisk {
  readonly #files = new Map<string, MemoryFile>();

  /** The files while everybody waits. */
  readonly now: SyncStorage = {
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

  #create(name: string): SyncStorageWriter {
    const file: MemoryFile = { chunks: [], sizeBytes: 0 };
    this.#files.set(name, file);
    return {
      write(bytes, start, end) {
        file.chunks.push(bytes.slice(start, end));
        file.sizeBytes += end - start;
      },
      sync() {},
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

  #rename(from: string, to: string): void {
    const file = this.#files.get(from);
    if (file === undefined) throw new StorageError("ENOENT", "No such file or directory");
    this.#files.delete(from);
    this.#files.set(to, file);
  }
}
