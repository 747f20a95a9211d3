/**
 * Host: everything the engine takes from outside. The engine itself has no clock, no randomness,
 * no disk, no sockets and no timers: apps/server gives it the real ones, tests give it their own,
 * and a run with the same host is the same run.
 */
import type { Storage, SyncStorage } from "@kv/persistence";

/** Levels of the log, in Redis's order: debug ".", verbose "-", notice "*", warning "#". */
export type LogLevel = "debug" | "verbose" | "notice" | "warning";

/** Facts about the process that INFO and CLIENT report; constant while it runs. */
export interface HostFacts {
  /** Of the process: `process_id` of INFO, and in names of temporary files. */
  processId: number;
  /** Name and version of the JavaScript runtime, as in "node 26.10.0". */
  runtime: string;
  /** `os` of INFO, as in "Linux 6.8.0 x86_64". */
  operatingSystem: string;
  /** Of the processor, as in "x64": `arch_bits` of INFO follows from it. */
  architecture: string;
  /** Path of the program: `executable` of INFO, one character a byte. */
  executable: string;
  /** Path of the configuration file: `config_file` of INFO, one character a byte; "" is none. */
  configFile: string;
  /** `tcp_port` of INFO: where it listens; 0 is nowhere. */
  tcpPort: number;
  /** Where it listens for TLS; 0 is nowhere. */
  tlsPort: number;
}

/** What changes while the process runs. */
export interface HostUsage {
  /** Bytes of memory that the operating system counts for the process (RSS). */
  residentBytes: number;
  /** Bytes of the JavaScript heap that are in use. */
  heapUsedBytes: number;
  /** Bytes that the JavaScript heap has taken. */
  heapTotalBytes: number;
  /** Bytes of memory that the machine has: `total_system_memory` of INFO. */
  totalMemoryBytes: number;
  /** Bytes of it that the process may have: less than all in a container with a limit. */
  allowedMemoryBytes: number;
  /** Microseconds of processor time that the process spent in its own code, since its start. */
  userCpuUs: number;
  /** Microseconds that it spent in the operating system. */
  systemCpuUs: number;
  /** Microseconds that the thread that commands run on spent in its own code. */
  threadUserCpuUs: number;
  /** Microseconds that this thread spent in the operating system. */
  threadSystemCpuUs: number;
}

/** What the engine takes from outside: see the head of this file. */
export interface Host {
  /** Wall clock: milliseconds since 1970. May jump. */
  wallMs(): number;
  /** The same in whole microseconds, for those who print it (TIME, MONITOR). */
  wallUs(): number;
  /** Monotonic clock in microseconds: only differences mean anything. */
  monotonicUs(): number;
  /**
   * Whether a test moves the wall clock now. When it goes on, that is time that passes, though the monotonic
   * clock shows none: nobody has set a clock. Left out: no.
   */
  isTimePlayed?(): boolean;
  /** 32 random bits, signed or not. */
  random32(): number;
  /** Cryptographically strong random bytes as lower-case hex (run ids, ACL GENPASS). */
  randomHex(bytes: number): string;
  /** SHA-256 of text, as lower-case hex (ACL passwords). */
  sha256Hex(bytes: Uint8Array): string;
  /**
   * Takes a line of the log, without time and line end. Which levels are shown is the host's to
   * decide.
   */
  log(level: LogLevel, message: string): void;
  /** The folder `dir`, for work beside the event loop. */
  readonly storage: Storage;
  /** The same folder, for when everybody waits. */
  readonly syncStorage: SyncStorage;
  /** What INFO tells of the process. The port may change while it runs (CONFIG SET port). */
  facts: HostFacts;
  /** Whether there is a process of this number on this machine. Left out: nobody can tell. */
  isProcess?(processId: number): boolean;
  /** Measures memory and processor time now. May take as long as a system call. */
  usage(): HostUsage;
  /** Asks that engine.turn() run soon, after what is being done now. */
  wake(): void;
  /**
   * Asks that engine.turn() run in so many milliseconds at the latest. In place of what this was asked
   * for before.
   */
  wakeAfter(durationMs: number): void;
  /** Resolves after the event loop has served what is waiting. */
  nextTurn(): Promise<void>;
  /** The engine has shut down in good order (or refuses to live): end with this code. */
  exit(code: number): void;
  /**
   * Gives the memory of a buffer that nobody uses any more back to the operating system; the buffer is
   * detached at once. It takes a tenth of a second for a gigabyte that was touched, so a host that can
   * does it beside the event loop.
   */
  releaseMemory(buffer: ArrayBuffer, touchedBytes: number): void;
  /**
   * User data are going to fill these bytes of the buffer, which nothing has touched: a host that can asks
   * the operating system for large pages there. Left out: nothing is done.
   */
  adviseMemory?(buffer: ArrayBuffer, fromByte: number, toByte: number): void;
  /**
   * Has a connection made to another server, and bytes that come by it handed to `dialed`. Names are
   * looked up, what cannot be had is told by Dialed.closed(), and never from within this call.
   */
  dial(target: DialTarget, dialed: Dialed): Dialing;
  /** The server follows another one from now on, or none any more. Left out: nothing of the host's does. */
  roleChanged?(): void;
  /** Holds the whole process for so long (DEBUG SLEEP). */
  sleepMs(durationMs: number): void;
  /**
   * The whole text of a configuration or ACL file, one character a byte, as all paths are. Throws
   * an Error whose message is the operating system's.
   */
  readText(path: string): string;
  /**
   * Writes the whole file, so that after a failure the old one is there. One character a byte;
   * throws an Error whose message is the operating system's.
   */
  writeText(path: string, text: string): void;
}

/** Where a connection is to go: see Host.dial(). */
export interface DialTarget {
  /** A name or a number, one character a byte. */
  readonly host: string;
  /** From 1 to 65535. */
  readonly port: number;
  /** Encrypted, as the `tls-*` directives say. */
  readonly isTls: boolean;
  /** The address of this machine that it leaves from (`bind-source-addr`); "": whichever leads there. */
  readonly sourceAddress: string;
}

/** Who wants a connection made, and what comes by it: see Host.dial(). */
export interface Dialed {
  /** The name was looked up: the numbers behind it, the one that is tried first before the others. */
  resolved?(numbers: readonly string[]): void;
  /** It is there: bytes may be sent, and come from now on. */
  opened(connection: Connection): void;
  /** Bytes arrived in chunk[start, end). They may be overwritten after this returns. */
  received(chunk: Uint8Array, view: DataView, start: number, end: number): void;
  /**
   * It could not be made, or is gone; the reason is the operating system's, "" where the peer closed it.
   * Once, and not after Dialing.abandon(), nor after end() or destroy() of the connection.
   */
  closed(reason: string): void;
  /** True: where much comes in small pieces, they may lie for a millisecond or two and be handed over at once. */
  isPatient?(): boolean;
}

/** A connection that was asked for: see Host.dial(). */
export interface Dialing {
  /** Not wanted any more: nothing of it is told from now on. One that is there is destroyed. */
  abandon(): void;
}

/** The engine's side of a socket, given by the host. */
export interface Connection {
  /** The peer's address as CLIENT LIST prints it: "127.0.0.1:50000", "/tmp/kv.sock:0". */
  readonly address: string;
  /** The server's own side of it, in the same form. */
  readonly localAddress: string;
  /** `fd` of CLIENT LIST; -1 where there is none. */
  readonly fileDescriptor: number;
  /** The peer is on this machine: a loopback address, a Unix socket, or this very process. */
  readonly isLocal: boolean;
  /** It came by a Unix socket, whose address is a path. */
  readonly isUnix: boolean;
  /** Bytes given to send() and give() that have not left yet. */
  readonly pendingBytes: number;
  /** Bytes of memory that the connection holds for them: as many, or more. */
  readonly heldBytes: number;
  /**
   * Sends bytes[start, end). True: the bytes are out or copied, and the buffer may be reused at
   * once. False: the connection keeps the buffer, and the caller takes another one.
   */
  send(bytes: Uint8Array, start: number, end: number): boolean;
  /**
   * Sends a whole buffer that nobody else has: it is the connection's, which frees it afterwards.
   */
  give(bytes: Uint8Array): void;
  /**
   * Has `listener` called, once, when what was sent has left, or most of it. Only the last listener
   * counts, and none hears of a connection that has ended.
   */
  whenDrained(listener: () => void): void;
  /** Closes when what was sent has left. */
  end(): void;
  /** Closes at once: what has not left yet is lost. */
  destroy(): void;
  /** Stops reading: no bytes arrive until resume(). */
  pause(): void;
  /** Starts reading again. */
  resume(): void;
}
