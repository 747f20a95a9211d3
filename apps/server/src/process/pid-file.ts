/** The file that holds the process id while the server runs. */
import { unlinkSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { systemErrorText } from "./system-error.ts";

/** Used with `daemonize yes` when no other is configured. */
export const defaultPidFile = "/var/run/redis.pid";

export class PidFile {
  /** Absolute: `dir` may change before the file is removed. Undefined: there is none. */
  #path: string | undefined;

  /** Returns an error text; a server without its pid file is still a server. */
  write(path: string): string | undefined {
    try {
      writeFileSync(path, `${process.pid}\n`);
      this.#path = resolve(path);
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
      unlinkSync(path);
    } catch {
      // Somebody was faster.
    }
    return true;
  }
}
