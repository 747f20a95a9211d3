/** NodeHost: clocks, randomness, files and the process, as the engine wants them. */

import {
  closeSync,
  fsyncSync,
  lstatSync,
  openSync,
  readFileSync,
  renameSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { totalmem } from "node:os";
import { dirname } from "node:path";
import type { Dialed, Dialing, DialTarget, Host, HostFacts, HostUsage, LogLevel } from "@kv/engine";
import { nodeStorage, nodeSyncStorage, syncFolderAt } from "@kv/persistence/node";
import { MemoryDisk } from "./memory-disk.ts";
import { realTimers } from "./network/real-timers.ts";
import { absolutePath, writeFlags } from "./process/byte-path.ts";
import { pathBytes } from "./process/byte-string.ts";
import { LargePages } from "./process/large-pages.ts";
import { MemoryRelease } from "./process/memory-release.ts";
import { memoryUsage } from "./process/memory-usage.ts";
import { fillRandomly } from "./process/random-bytes.ts";
import { codeOf, systemErrorText } from "./process/system-error.ts";
import { startThreadPool } from "./process/thread-pool.ts";
import { createWallClock } from "./wall-clock.ts";

export interface NodeHostOptions {
  log(level: LogLevel, message: string): void;
  /** Where data files live. "." follows the process's working directory; undefined: in memory. */
  folder: string | undefined;
  facts: HostFacts;
  wake(): void;
  wakeAfter(durationMs: number): void;
  dial(target: DialTarget, dialed: Dialed): Dialing;
  exit(code: number): void;
  roleChanged(): void;
}

/** Random words are drawn in batches: one at a time costs a hundred times as much. */
const RANDOM_WORDS = 256;

const { monotonicMs } = realTimers;
/** Real, whatever a test does to time: work that is given so many microseconds has to end. */
const monotonicUs = () => Math.floor(monotonicMs() * 1000);
/** Looked up each time: a test that sets the time of day, or has it pass, moves times to live. */
const wallMs = () => Date.now();
/** The runtime's: a test that replaces it moves the time of day, and with that what waits for some time. */
const RealDate = Date;
const isTimePlayed = () => Date !== RealDate;

export function createNodeHost({ folder, ...options }: NodeHostOptions): Host {
  const randomWords = new Uint32Array(RANDOM_WORDS);
  let randomUsed = RANDOM_WORDS;
  return {
    ...options,
    ...(folder === undefined ? memoryStorages() : nodeStorages(folder)),
    wallMs,
    isTimePlayed,
    wallUs: createWallClock(wallMs, monotonicUs),
    monotonicUs,
    random32() {
      if (randomUsed === RANDOM_WORDS) {
        fillRandomly(randomWords);
        randomUsed = 0;
      }
      return randomWords[randomUsed++];
    },
    randomHex(bytes) {
      const random = Buffer.alloc(bytes);
      fillRandomly(random);
      return random.toString("hex");
    },
    sha256Hex: (bytes) => process.getBuiltinModule("node:crypto").hash("sha256", bytes),
    nextTurn: () => new Promise((resolve) => realTimers.setImmediate(resolve)),
    isProcess,
    usage: usageNow,
    releaseMemory: new MemoryRelease().release,
    adviseMemory: new LargePages().ask,
    sleepMs(durationMs) {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, durationMs);
    },
    readText: (path) => worded(() => readFileSync(pathBytes(path), "latin1")),
    writeText(path, text) {
      if (folder === undefined) throw new Error(writesNothing);
      worded(() => replaceFile(path, text));
    },
  };
}

/** Why ACL SAVE fails where nothing reaches a disk. */
const writesNothing = "Without 'dir' this server writes no files";

function nodeStorages(folder: string) {
  startThreadPool();
  return { storage: nodeStorage(folder), syncStorage: nodeSyncStorage(folder) };
}

function memoryStorages() {
  const disk = new MemoryDisk();
  return { storage: disk.later, syncStorage: disk.now };
}

/** Whoever asked for the file tells its client or the log why it could not be had. */
function worded<Result>(action: () => Result): Result {
  try {
    return action();
  } catch (error) {
    if (codeOf(error) === "") throw error;
    throw new Error(systemErrorText(error), { cause: error });
  }
}

function isProcess(processId: number): boolean {
  try {
    process.kill(processId, 0);
    return true;
  } catch (error) {
    // One of somebody else's is there as well.
    return codeOf(error) !== "ESRCH";
  }
}

function usageNow(): HostUsage {
  const { user, system } = process.cpuUsage();
  const thread = process.threadCpuUsage();
  return {
    ...memoryUsage(),
    totalMemoryBytes: totalmem(),
    // Read from files, so for those alone who ask. 0: nothing is known of a limit.
    get allowedMemoryBytes() {
      return Math.min(totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY);
    },
    userCpuUs: user,
    systemCpuUs: system,
    threadUserCpuUs: thread.user,
    threadSystemCpuUs: thread.system,
  };
}

/**
 * The old file or the new one, whenever the power fails. Path and text have a character a byte. A
 * device is written to and stays: whoever is root would otherwise turn /dev/null, which some give for
 * a configuration they do not care about, into a file for the whole machine (Redis does).
 */
function replaceFile(path: string, text: string): void {
  const target = absolutePath(path);
  if (lstatSync(pathBytes(target), { throwIfNoEntry: false })?.isCharacterDevice()) {
    writeFileSync(pathBytes(target), text, "latin1");
    return;
  }
  const temporary = `${target}.${process.pid}.tmp`;
  try {
    writeSynced(temporary, Buffer.from(text, "latin1"));
    renameSync(pathBytes(temporary), pathBytes(target));
  } catch (error) {
    try {
      unlinkSync(pathBytes(temporary));
    } catch {
      // It may never have come to be.
    }
    throw error;
  }
  syncFolderAt(pathBytes(dirname(target)));
}

function writeSynced(path: string, bytes: Uint8Array): void {
  const descriptor = openSync(pathBytes(path), writeFlags, 0o644);
  try {
    for (let at = 0; at < bytes.length; ) at += writeSync(descriptor, bytes, at);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
