/** Waking storage: a folder for who writes a snapshot to it, step by step. */
import type { Storage } from "@kv/persistence";
import type { Host } from "./host.ts";

/** The host's folder, which wakes the engine when a write is done: the snapshot may have waited for it. */
export function wakingStorage(host: Host): Storage {
  const storage = host.storage.here();
  return {
    here: () => storage.here(),
    release: () => storage.release(),
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
