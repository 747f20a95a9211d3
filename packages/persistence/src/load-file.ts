/**
 * Loading a snapshot file from a storage, in chunks.
 *
 * loadFileNow() does it in one go. loadFile() comes up for air after each chunk, so that the server
 * can answer that it is loading.
 */
import type { SnapshotLoader } from "./formats.ts";
import type { Storage, SyncStorage } from "./storage.ts";

/**
 * "missing" when there is no such file, and there never is one without a name; "stopped" when told
 * so. The loader's error tells the rest.
 */
export type LoadResult = "loaded" | "missing" | "failed" | "stopped";

/** No more than the arena remembers of a buffer: copying from a larger one is slower. */
const CHUNK_BYTES = 2 ** 18;

/** The file `name` into the loader, while everybody waits. Throws StorageError. */
export function loadFileNow(
  storage: SyncStorage,
  name: string,
  loader: SnapshotLoader,
): LoadResult {
  const file = name === "" ? undefined : storage.open(name);
  if (file === undefined) return "missing";
  try {
    const chunk = new Uint8Array(CHUNK_BYTES);
    while (!loader.isDone && loader.error === undefined) {
      const length = file.read(chunk);
      if (length === 0) break;
      loader.feed(chunk, 0, length);
    }
    return loader.finish() === undefined ? "loaded" : "failed";
  } finally {
    file.close();
  }
}

/**
 * The file `name` into the loader. After each chunk `pause` is called with the bytes read and the
 * file's size, and awaited. No chunk is read once `isStopped()`, and none is longer than what
 * `pieceBytes()` answers before it is read. Rejects with StorageError.
 */
export async function loadFile(
  storage: Storage,
  name: string,
  loader: SnapshotLoader,
  pause: (loadedBytes: number, sizeBytes: number) => Promise<void> | void,
  isStopped: () => boolean = () => false,
  pieceBytes: () => number = () => CHUNK_BYTES,
): Promise<LoadResult> {
  const file = name === "" ? undefined : await storage.open(name);
  if (file === undefined) return "missing";
  try {
    const chunk = new Uint8Array(CHUNK_BYTES);
    while (!loader.isDone && loader.error === undefined) {
      if (isStopped()) return "stopped";
      const length = await file.read(chunk.subarray(0, pieceBytes()));
      if (isStopped()) return "stopped";
      if (length === 0) break;
      loader.feed(chunk, 0, length);
      await pause(loader.loadedBytes, file.sizeBytes);
    }
    return loader.finish() === undefined ? "loaded" : "failed";
  } finally {
    await file.close();
  }
}
