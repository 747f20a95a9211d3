/**
 * FakeHost: a host whose time moves only when a test says so, whose randomness repeats, and whose
 * disk is memory. One seed, one run.
 */

import { createHash } from "node:crypto";
import type { Dialed, Dialing, DialTarget, Host, HostUsage, LogLevel } from "@kv/engine";
import type { Storage, SyncStorage } from "@kv/persistence";
import { MemoryStorage } from "@kv/persistence/testing";

export interface LogLine {
  level: LogLevel;
  message: string;
}

export class FakeHost implements Host {
  /** Milliseconds since 1970 of the simulated wall clock. */
  nowMs = 1_700_000_000_000;
  private elapsedUs = 0;
  private state: number;
  readonly logLines: LogLine[] = [];
  readonly disk: MemoryStorage;
  readonly storage: Storage;
  readonly syncStorage: SyncStorage;
  readonly texts = new Map<string, string>();
  exitCode: number | null = null;
  /** Where other servers are; null: nowhere. */
  network: { dial(target: DialTarget, dialed: Dialed): Dialing } | null = null;
  wakeCount = 0;
  /** Processes that there are besides this one. */
  readonly processes = new Set<number>();
  private wantsTurn = false;
  readonly facts = {
    processId: 4711,
    runtime: "test",
    operatingSystem: "test",
    architecture: "64",
    executable: "/usr/local/bin/kv-server",
    configFile: "",
    tcpPort: 6379,
    tlsPort: 0,
  };

  /** `disk`: of a server that was there before. */
  constructor(seed: number, disk = new MemoryStorage()) {
    this.state = seed | 0;
    this.disk = disk;
    this.storage = disk.later;
    this.syncStorage = disk.now;
  }

  wallMs(): number {
    return this.nowMs;
  }

  wallUs(): number {
    return Math.floor(this.nowMs * 1000);
  }

  monotonicUs(): number {
    // Every look at the clock costs a microsecond, so that loops bounded by time end.
    return this.elapsedUs++;
  }

  /** Moves both clocks. */
  advance(durationMs: number): void {
    this.nowMs += durationMs;
    this.elapsedUs += durationMs * 1000;
  }

  random32(): number {
    this.state = (this.state + 0x9e3779b9) | 0;
    let z = this.state;
    z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
    z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
    return z ^ (z >>> 16);
  }

  randomHex(bytes: number): string {
    let text = "";
    while (text.length < bytes * 2) text += (this.random32() >>> 0).toString(16).padStart(8, "0");
    return text.slice(0, bytes * 2);
  }

  sha256Hex(bytes: Uint8Array): string {
    return createHash("sha256").update(bytes).digest("hex");
  }

  log(level: LogLevel, message: string): void {
    this.logLines.push({ level, message });
  }

  /** By a test of this host, as by those of programs that the server is embedded in. */
  isTimePlayed = (): boolean => false;

  isProcess(processId: number): boolean {
    return processId === this.facts.processId || this.processes.has(processId);
  }

  usage(): HostUsage {
    return {
      residentBytes: 64 * 2 ** 20,
      heapUsedBytes: 8 * 2 ** 20,
      heapTotalBytes: 16 * 2 ** 20,
      totalMemoryBytes: 8 * 2 ** 30,
      allowedMemoryBytes: 8 * 2 ** 30,
      userCpuUs: 1000,
      systemCpuUs: 1000,
      threadUserCpuUs: 900,
      threadSystemCpuUs: 900,
    };
  }

  wake(): void {
    this.wakeCount++;
    this.wantsTurn = true;
  }

  /** Whether a turn was asked for since this was last called. */
  takeWake(): boolean {
    const { wantsTurn } = this;
    this.wantsTurn = false;
    return wantsTurn;
  }

  wakeAfter(): void {
    // Turns come with every step of a test's clock.
  }

  nextTurn(): Promise<void> {
    return Promise.resolve();
  }

  exit(code: number): void {
    this.exitCode = code;
  }

  releaseMemory(buffer: ArrayBuffer): void {
    buffer.transfer(0);
  }

  dial(target: DialTarget, dialed: Dialed): Dialing {
    if (this.network !== null) return this.network.dial(target, dialed);
    let isAbandoned = false;
    queueMicrotask(() => {
      if (!isAbandoned) dialed.closed("Network is unreachable");
    });
    return {
      abandon() {
        isAbandoned = true;
      },
    };
  }

  sleepMs(durationMs: number): void {
    this.advance(durationMs);
  }

  readText(path: string): string {
    const text = this.texts.get(path);
    if (text === undefined) throw new Error("No such file or directory");
    return text;
  }

  writeText(path: string, text: string): void {
    this.texts.set(path, text);
  }
}
