/**
 * SystemLog: lines of the log on their way to the system logger (`syslog-enabled`), one datagram each,
 * as syslog(3) sends them to /dev/log:
 *
 *      <133>Jan 31 12:34:56 redis[4711]: Ready to accept connections tcp
 *       │   │               │     │
 *       │   local time      │     process id
 *       │                   syslog-ident
 *       8 * facility + severity: here local0 (16) and notice (5)
 *
 * Nothing waits for the logger: what it does not take at once is lost to it, but is in our own log all the
 * same. The datagram needs what notify-socket.ts needs; where that is missing, or nobody listens, our own
 * log says so, once.
 */
import type { LogLevel } from "@kv/engine";
import { sendToSocket } from "./notify-socket.ts";

/** The numbers of syslog(3). */
const severities: Readonly<Record<LogLevel, number>> = {
  debug: 7,
  verbose: 6,
  notice: 5,
  warning: 4,
};
const USER = 1;
const LOCAL_0 = 16;
const months = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");

export interface SystemLogOptions {
  /** The values of `syslog-enabled`, `syslog-ident` and `syslog-facility`. */
  isEnabled: () => boolean;
  ident: () => string;
  facility: () => string;
  /** A line for our own log. */
  warn: (message: string) => void;
  /** Where the logger listens. */
  socket?: string;
  send?: (socket: string, message: Uint8Array) => boolean;
}

export class SystemLog {
  readonly #options: SystemLogOptions;
  #hasWarned = false;

  constructor(options: SystemLogOptions) {
    this.#options = options;
  }

  /** Takes a line, whose characters are bytes. */
  write(level: LogLevel, message: string): void {
    const { isEnabled, ident, facility, warn, socket = "/dev/log", send } = this.#options;
    if (!isEnabled()) return;
    const priority = facilityNumber(facility()) * 8 + severities[level];
    const line = `<${priority}>${stamp(new Date())} ${ident()}[${process.pid}]: ${message}`;
    if ((send ?? sendToSocket)(socket, Buffer.from(line, "latin1")) || this.#hasWarned) return;
    this.#hasWarned = true; // First, for this line comes here, too.
    warn(
      `'syslog-enabled' has no effect: nobody takes what is sent to ${socket}, or this Node cannot send (that takes node:ffi, of Node 26.1 and later).`,
    );
  }
}

/** Of "user" and "local0" to "local7". */
function facilityNumber(name: string): number {
  return name === "user" ? USER : LOCAL_0 + Number(name.slice(-1));
}

function stamp(now: Date): string {
  const time = [now.getHours(), now.getMinutes(), now.getSeconds()];
  const day = String(now.getDate()).padStart(2, " ");
  const clock = time.map((part) => String(part).padStart(2, "0")).join(":");
  return `${months[now.getMonth()]} ${day} ${clock}`;
}
