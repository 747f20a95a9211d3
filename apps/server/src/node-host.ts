/** NodeHost: clocks, randomness, files and the process, as the engine wants them. */

import * as crypto from "node:crypto";
import {
  closeSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { totalmem } from "node:os";
import { dirname } from "node:path";
import { performance } from "node:perf_hooks";
import type { Host, HostFacts, HostUsage, LogLevel } from "@kv/engine";
import { nodeStorage, nodeSyncStorage } from "@kv/persistence/node";
import { absolutePath, writeFlags } from "./process/byte-path.ts";
import { pathBytes } from "./process/byte-string.ts";
import { codeOf, systemErrorText } from "./process/system-error.ts";
import { createWallClock } from "./wall-clock.ts";

export interface NodeHostOptions {
  log(level: LogLevel, message: string): void;
  /** Where data files live. "." follows the process's working directory. */
  folder: string;
  facts: HostFacts;
  wake(): void;
  exit(code: number): void;
  reconfigure(name: string): string | undefined;
}

/** Random words are drawn in batches: one at a time costs a hundred times as much. */
const randomBatch = 256;

/** Held, because the global of that name is looked up through a getter each time. */
const monotonicMs = performance.now.bind(performance);

const monotonicUs = () => Math.floor(monotonicMs() * 1000);

export function createNodeHost({ folder, ...options }: NodeHostOptions): Host {
  const randomWords = new Uint32Array(randomBatch);
  let randomUsed = randomBatch;
  return {
    ...options,
    storage: nodeStorage(folder),
    syncStorage: nodeSyncStorage(folder),
    wallMs: () => Date.now(),
    wallUs: createWallClock(Date.now, monotonicUs),
    monotonicUs,
    random32() {
      if (randomUsed === randomBatch) {
        crypto.getRandomValues(randomWords);
        randomUsed = 0;
      }
      return randomWords[randomUsed++];
    },
    randomHex: (bytes) => crypto.randomBytes(bytes).toString("hex"),
    sha256Hex: (bytes) => crypto.createHash("sha256").update(bytes).digest("hex"),
    nextTurn: () => new Promise((resolve) => setImmediate(resolve)),
    usage: usageNow,
    sleepMs(durationMs) {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, durationMs);
    },
    readText: (path) => worded(() => readFileSync(pathBytes(path), "latin1")),
    writeText: (path, text) => worded(() => replaceFile(path, text)),
  };
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

function usageNow(): HostUsage {
  const { rss, heapUsed, heapTotal } = process.memoryUsage();
  const { user, system } = process.cpuUsage();
  const thread = process.threadCpuUsage();
  return {
    residentBytes: rss,
    heapUsedBytes: heapUsed,
    heapTotalBytes: heapTotal,
    totalMemoryBytes: totalmem(),
    userCpuUs: user,
    systemCpuUs: system,
    threadUserCpuUs: thread.user,
    threadSystemCpuUs: thread.system,
  };
}

/** The old file or the new one, whenever the power fails. Path and text have a character a byte. */
function replaceFile(path: string, text: string): void {
  const target = absolutePath(path);
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
  const folder = openSync(pathBytes(dirname(target)), "r");
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
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
