/**
 * Paths as bytes. A file may be named with any bytes but zero and the slash, and Node's texts can hold
 * only those that are UTF-8: so paths are byte strings (byte-string.ts) inside, and Buffers for node:fs.
 *
 * The working directory is asked of the system each time: Node remembers one that may have been renamed,
 * and would tell it as Unicode.
 */
import { closeSync, constants, openSync, realpathSync } from "node:fs";
import { resolve } from "node:path";
import { isText, pathBytes, textOf } from "./byte-string.ts";

// Windows has neither, and nothing that would need them.
const {
  O_NONBLOCK = 0,
  O_DIRECTORY = 0,
  O_APPEND,
  O_CREAT,
  O_RDONLY,
  O_TRUNC,
  O_WRONLY,
} = constants;

/**
 * Flags of files that are written: without waiting, as for a FIFO that nobody reads. Such a one is an
 * error then.
 */
export const writeFlags = O_WRONLY | O_CREAT | O_TRUNC | O_NONBLOCK;
export const appendFlags = O_WRONLY | O_CREAT | O_APPEND | O_NONBLOCK;
/** And of a pipe that is there. */
export const pipeFlags = O_WRONLY | O_NONBLOCK;

/** The working directory; undefined when it has no name any more, as it was removed. */
export function workingFolder(): string | undefined {
  try {
    return realpathSync.native(".", { encoding: "buffer" }).toString("latin1");
  } catch {
    return undefined;
  }
}

/** The path from the root on, as of the present working directory; unchanged where that has no name. */
export function absolutePath(path: string): string {
  if (path.startsWith("/")) return resolve(path);
  const folder = workingFolder();
  return folder === undefined ? path : resolve(folder, path);
}

/** Makes the folder the working directory. Throws the system's error. */
export function enterFolder(path: string): void {
  if (isText(path)) {
    process.chdir(textOf(path));
    return;
  }
  // What has no name as text has one while it is open. Where that is not so (anywhere but on Linux),
  // file systems that matter have no such names.
  const descriptor = openSync(pathBytes(path), O_RDONLY | O_DIRECTORY);
  try {
    process.chdir(`/proc/self/fd/${descriptor}`);
  } finally {
    closeSync(descriptor);
  }
}
