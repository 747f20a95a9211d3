/**
 * Log: lines in the form that tools and operators know.
 *
 *      12345:M 31 Jan 2026 12:34:56.789 * Ready to accept connections tcp
 *      pid   |                          |
 *            role: C start-up           level: . debug  - verbose  * notice  # warning
 *                  M primary  S replica
 *
 * Every line is written before log() returns, so a crash loses none. A log file is opened anew
 * for each line, so that it can be rotated by renaming it.
 */
import { closeSync, fstatSync, openSync, writeSync } from "node:fs";
import type { LogLevel } from "@kv/engine";
import { appendFlags, pipeFlags } from "./byte-path.ts";
import { pathBytes } from "./byte-string.ts";
import { codeOf } from "./system-error.ts";

const marks = { debug: ".", verbose: "-", notice: "*", warning: "#" } as const;
const weights = { debug: 0, verbose: 1, notice: 2, warning: 3, nothing: 4 } as const;
const months = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");

export type Role = "C" | "M" | "S" | "X";

export interface LogOptions {
  /** A path as a byte string. Empty: standard output. */
  file: () => string;
  /** The value of `loglevel`. */
  level: () => string;
  role: () => Role;
  /** Takes each line as well, without time and level. */
  further?: (level: LogLevel, message: string) => void;
}

export class Log {
  readonly #options: LogOptions;
  /** Standard output, once it was written to. */
  #output: number | undefined;
  /** Nobody has read it for a while. */
  #isStuck = false;

  constructor(options: LogOptions) {
    this.#options = options;
  }

  write(level: LogLevel, message: string): void {
    const least = weights[this.#options.level() as keyof typeof weights] ?? weights.notice;
    if (weights[level] < least) return;
    const role = this.#options.role();
    const line = `${process.pid}:${role} ${timestamp(new Date())} ${marks[level]} ${message}\n`;
    this.#put(Buffer.from(line, "latin1")); // Messages have a character for each byte.
    this.#options.further?.(level, message);
  }

  debug(message: string): void {
    this.write("debug", message);
  }

  notice(message: string): void {
    this.write("notice", message);
  }

  warning(message: string): void {
    this.write("warning", message);
  }

  /** Text without time and level: the banner, crash reports. Weighs as much as a notice. */
  raw(text: string): void {
    if (this.#options.level() !== "nothing") this.#put(Buffer.from(text, "utf8"));
  }

  #put(bytes: Uint8Array): void {
    const file = this.#options.file();
    if (file === "") {
      this.#output ??= standardOutput();
      this.#write(this.#output, bytes);
      return;
    }
    try {
      const descriptor = openSync(pathBytes(file), appendFlags, 0o666);
      this.#write(descriptor, bytes);
      closeSync(descriptor);
    } catch {
      // A full disk must not stop the server, nor a FIFO that nobody reads, and there is nowhere
      // else to say it.
    }
  }

  #write(descriptor: number, bytes: Uint8Array): void {
    this.#isStuck = !writeAll(descriptor, bytes, this.#isStuck ? 0 : REFUSALS_MAX);
  }
}

/**
 * A descriptor for standard output that waits for nobody, where there is a way to one. What is set for
 * descriptor 1 itself would hold for all processes that have that pipe.
 */
function standardOutput(): number {
  try {
    if (fstatSync(1).isFIFO()) return openSync("/proc/self/fd/1", pipeFlags);
  } catch {
    // It is closed, or somebody else's, or there is no /proc.
  }
  return 1;
}

/** A millisecond each. */
const REFUSALS_MAX = 100;

/** Tries for a while when nobody reads the pipe that the log is, then lets the line go. False: it did. */
function writeAll(descriptor: number, bytes: Uint8Array, refusalsMax: number): boolean {
  let refusals = 0;
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(descriptor, bytes, at);
    } catch (error) {
      if (codeOf(error) !== "EAGAIN") return true;
      if (++refusals > refusalsMax) return false;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    }
  }
  return true;
}

function timestamp(now: Date): string {
  const two = (value: number) => String(value).padStart(2, "0");
  const day = `${two(now.getDate())} ${months[now.getMonth()]} ${now.getFullYear()}`;
  const time = `${two(now.getHours())}:${two(now.getMinutes())}:${two(now.getSeconds())}`;
  return `${day} ${time}.${String(now.getMilliseconds()).padStart(3, "0")}`;
}
