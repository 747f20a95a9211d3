/** What this process needs when everything is collected that nobody holds any more. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

setFlagsFromString("--expose-gc");
/** Collects everything that nobody holds any more, at once. */
export const collectGarbage: () => void = runInNewContext("gc");

/** Bytes of objects, and of buffers besides. */
export function collectedBytes(): number {
  // What a buffer's object was the last to hold goes with the second.
  collectGarbage();
  collectGarbage();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}
