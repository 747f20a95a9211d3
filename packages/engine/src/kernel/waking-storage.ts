/** Waking storage: a folder for who writes a snapshot to it, step by step. */
import type { Storage } from "@kv/persistence";
import type { Host } from "./host.ts";

/**
 * The folder, held where it is now, which wakes the engine when a write is done: the snapshot may have
 * waited for it.
 */
export function wakingStorage(host: Host, folder: Storage = host.storage): Storage {
  const storage = folder.here();
  return {
    here: () => storage.here(),
    release: () => storage.release(),
    folder: (name) => storage.folder(name),
    create: async (name) => {
      const writer = await storage.create(name);
      return {
        write: async (bytes, start, end) => {
          await writer.write(bytes, start, end);
          host.wake();
        },
        sync: () => writer.sync(),
        close: () => writer.close(),
      };
    },
    open: (name) => storage.open(name),
    rename: (from, to) => storage.rename(from, to),
    remove: (name) => storage.remove(name),
    removeNow: (name) => storage.removeNow(name),
    syncFolder: () => storage.syncFolder(),
    list: () => storage.list(),
  };
}
