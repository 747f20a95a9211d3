/** The file that holds the process id while the server runs. */
import { closeSync, openSync, unlinkSync, writeSync } from "node:fs";
import { absolutePath, writeFlags } from "./byte-path.ts";
import { pathBytes } from "./byte-string.ts";
import { systemErrorText } from "./system-error.ts";

/** Used with `daemonize yes` when no other is configured. */
export const defaultPidFile = "/var/run/redis.pid";

export class PidFile {
  /** Absolute: `dir` may change before the file is removed. Undefined: there is none. */
  #path: string | undefined;

  /** `path` is a byte string. Returns an error text; without its pid file a server is still one. */
  write(path: string): string | undefined {
    try {
      const target = absolutePath(path);
      const descriptor = openSync(pathBytes(target), writeFlags, 0o666);
      try {
        writeSync(descriptor, `${process.pid}\n`);
      } finally {
        closeSync(descriptor);
      }
      this.#path = target;
      return undefined;
    } catch (error) {
      return systemErrorText(error);
    }
  }

  /** True if there was one. */
  remove(): boolean {
    const path = this.#path;
    this.#path = undefined;
    if (path === undefined) return false;
    try {
      unlinkSync(pathBytes(path));
    } catch {
      // Somebody was faster.
    }
    return true;
  }
}
