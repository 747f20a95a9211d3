/**
 * Load from threads of their own, so that neither the generator nor the timing waits for the
 * main thread: `loadKeys` as fast as replies come, `startWriter` at a fixed rate, `startProbe`
 * to see how long a client waits.
 */
import { Worker } from "node:worker_threads";
import type { TemplateName } from "./command-template.ts";

export interface LoadJob {
  job: "load";
  port: number;
  template: TemplateName;
  /** Numbers `from` to `to`, without the last. */
  from: number;
  to: number;
  connections: number;
  /** Commands that one connection sends before it waits for their replies. */
  batch: number;
}

export interface WriteJob {
  job: "write";
  port: number;
  template: TemplateName;
  /** Numbers are drawn from 0 to `keys`, without the last. */
  keys: number;
  perSecond: number;
}

export interface ProbeJob {
  job: "probe";
  port: number;
  /** Process that is asked: how long it waited for a processor is read from /proc. */
  pid: number;
  keys: number;
  intervalMs: number;
  /** Sends a SET after each GET. */
  writes: boolean;
}

export type Job = LoadJob | WriteJob | ProbeJob;

/** How long answers took, in milliseconds. */
export interface Latencies {
  p50Ms: number;
  p99Ms: number;
  p999Ms: number;
  maxMs: number;
}

export interface ProbeResult {
  count: number;
  /** As a client sees them. */
  raw: Latencies;
  /**
   * Without the time in which the server, or the probe itself, was ready to run and got no
   * processor: on a shared machine that is most of every long wait, and no server's doing.
   */
  net: Latencies;
}

const LOAD_WITHIN_MS = 300_000;

/** Loads keys `from` to `to` and returns how long that took, in milliseconds. */
export async function loadKeys(
  port: number,
  template: TemplateName,
  to: number,
  options: Partial<Pick<LoadJob, "from" | "connections" | "batch">> = {},
): Promise<number> {
  const startMs = performance.now();
  const defaults = { from: 0, connections: 4, batch: 500 };
  const worker = startWorker({ job: "load", port, template, to, ...defaults, ...options });
  const timer = setTimeout(() => void worker.terminate(), LOAD_WITHIN_MS);
  try {
    await resultOf(worker);
  } finally {
    clearTimeout(timer);
  }
  return performance.now() - startMs;
}

/** Something that runs until it is told to stop, and then says what it saw. */
export interface Running<T> {
  stop(): Promise<T>;
}

/** Overwrites random keys at a fixed rate; the result is how many it wrote. */
export function startWriter(job: Omit<WriteJob, "job">): Running<{ count: number }> {
  return running({ job: "write", ...job });
}

/** Asks at a fixed interval, whether or not earlier answers have come: no stop goes unnoticed. */
export function startProbe(job: Omit<ProbeJob, "job">): Running<ProbeResult> {
  return running({ job: "probe", ...job });
}

function running<T>(job: Job): Running<T> {
  const worker = startWorker(job);
  const result = resultOf<T>(worker);
  // Whoever stops it hears of a failure; until then it must not end the process.
  result.catch(() => {});
  return {
    stop() {
      worker.postMessage("stop");
      return result;
    },
  };
}

function startWorker(job: Job): Worker {
  return new Worker(new URL("./load-worker.ts", import.meta.url), { workerData: job });
}

function resultOf<T>(worker: Worker): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  worker.once("message", resolve);
  worker.once("error", reject);
  worker.once("exit", () => reject(new Error("a load worker ended without a result")));
  return promise;
}
