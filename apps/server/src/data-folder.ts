/** The folder that a server keeps its data in, looked at before anything depends on it. */
import { closeSync, openSync, statSync, unlinkSync } from "node:fs";
import { join, resolve } from "node:path";
import { StorageError } from "@kv/persistence";
import { nodeSyncStorage } from "@kv/persistence/node";
import { needsSync } from "./process/sync-permission.ts";
import { codeOf } from "./process/system-error.ts";

/**
 * The absolute path of `folder`. Throws the system's error unless it is a folder in which files can be
 * created and synced: that is tried, since permissions alone do not tell it (of a read-only file system, say).
 */
export function usableFolder(folder: string): string {
  // To the system no path is no folder; resolve() would take the working directory for it.
  if (folder === "") throw new StorageError("ENOENT", "No such file or directory");
  const path = resolve(folder);
  if (!statSync(path).isDirectory()) throw new StorageError("ENOTDIR", "Not a directory");
  const probe = join(path, `temp-${process.pid}-probe`);
  try {
    closeSync(openSync(probe, "wx"));
  } catch (error) {
    // Left by a process of this number that did not come to remove it: it could be created.
    if (codeOf(error) !== "EEXIST") throw error;
  }
  unlinkSync(probe);
  needsSync();
  return path;
}

/** The system's error on reading the file, if there is one. */
export function readFailure(folder: string, name: string): unknown {
  try {
    const file = nodeSyncStorage(folder).open(name);
    try {
      file?.read(new Uint8Array(1));
    } finally {
      file?.close();
    }
    return undefined;
  } catch (error) {
    return error;
  }
}
