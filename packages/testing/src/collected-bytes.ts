/** What this process needs when everything is collected that nobody holds any more. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

let collect: (() => void) | undefined;

function exposedCollector(): () => void {
  setFlagsFromString("--expose-gc");
  return runInNewContext("gc");
}

/** Collects everything that nobody holds any more, at once. */
export function collectGarbage(): void {
  collect ??= exposedCollector();
  collect();
}

/** Bytes of objects, and of buffers besides. */
export function collectedBytes(): number {
  // What a buffer's object was the last to hold goes with the second.
  collectGarbage();
  collectGarbage();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}
