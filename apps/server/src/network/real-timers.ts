/**
 * The runtime's own timers, held since this file was loaded.
 *
 * A test of a program that a server is embedded in may replace the global ones (fake timers) to move
 * the time of day. What belongs to the event loop and not to the time of day, as does handing a reply
 * over, has to go on meanwhile, and takes these. Whatever follows the time of day looks the global
 * ones up whenever it needs one.
 *
 * They are Node's also where the globals are a browser's, as in a test that plays one.
 */
import { clearInterval, clearTimeout, setImmediate, setInterval, setTimeout } from "node:timers";

const { hrtime, nextTick } = process;
const { queueMicrotask } = globalThis;

/** Of process.hrtime(). performance.now() would be the same, and loads a dozen modules of Node's first. */
export function millisecondsOf([seconds, nanoseconds]: [number, number]): number {
  return seconds * 1000 + nanoseconds / 1e6;
}

export const realTimers = {
  clearInterval,
  clearTimeout,
  monotonicMs: () => millisecondsOf(hrtime()),
  nextTick,
  queueMicrotask,
  setImmediate,
  setInterval,
  setTimeout,
} as const;
