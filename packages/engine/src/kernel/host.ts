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
  processId: number;
  /** Name and version of the JavaScript runtime, as in "node 26.10.0". */
  runtime: string;
  operatingSystem: string;
  architecture: string;
  executable: string;
  configFile: string;
  tcpPort: number;
}

/** What changes while the process runs. */
export interface HostUsage {
  residentBytes: number;
  heapUsedBytes: number;
  heapTotalBytes: number;
  totalMemoryBytes: number;
  userCpuUs: number;
  systemCpuUs: number;
  /** What of that was the thread that commands run on. */
  threadUserCpuUs: number;
  threadSystemCpuUs: number;
}

export interface Host {
  /** Wall clock: milliseconds since 1970. May jump. */
  wallMs(): number;
  /** The same in whole microseconds, for those who print it (TIME, MONITOR). */
  wallUs(): number;
  /** Monotonic clock in microseconds: only differences mean anything. */
  monotonicUs(): number;
  /** 32 random bits, signed or not. */
  random32(): number;
  /** Cryptographically strong random bytes as lower-case hex (run ids, ACL GENPASS). */
  randomHex(bytes: number): string;
  /** SHA-256 of text, as lower-case hex (ACL passwords). */
  sha256Hex(bytes: Uint8Array): string;
  log(level: LogLevel, message: string): void;
  /** The folder `dir`: for work beside the event loop, and for when everybody waits. */
  readonly storage: Storage;
  readonly syncStorage: SyncStorage;
  facts: HostFacts;
  usage(): HostUsage;
  /** Asks that engine.turn() run soon, after what is being done now. */
  wake(): void;
  /** Resolves after the event loop has served what is waiting. */
  nextTurn(): Promise<void>;
  /** The engine has shut down in good order (or refuses to live): end with this code. */
  exit(code: number): void;
  /** Holds the whole process for so long (DEBUG SLEEP). */
  sleepMs(durationMs: number): void;
  /** Reads a configuration or ACL file as text; writes one in place, safely. */
  readText(path: string): string;
  writeText(path: string, text: string): void;
}

/** The engine's side of a client's socket, given by the host. */
export interface Connection {
  /** Peer and own address as CLIENT LIST prints them: "127.0.0.1:50000", "/tmp/kv.sock:0". */
  readonly address: string;
  readonly localAddress: string;
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
  /** Sends a whole buffer that nobody else has: it is the connection's, which frees it afterwards. */
  give(bytes: Uint8Array): void;
  /** Closes when what was sent has left, or at once. */
  end(): void;
  destroy(): void;
  /** Stops and restarts reading: while stopped, no bytes arrive. */
  pause(): void;
  resume(): void;
}
