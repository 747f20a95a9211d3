/**
 * The runtime's own timers, held since this file was loaded.
 *
 * A test of a program that a server is embedded in may replace the global ones (fake timers) to move
 * the time of day. What belongs to the event loop and not to the time of day, as does handing a reply
 * over, has to go on meanwhile, and takes these. Whatever follows the time of day looks the global
 * ones up whenever it needs one.
 */
const { clearInterval, clearTimeout, queueMicrotask, setImmediate, setInterval, setTimeout } =
  globalThis;
const { nextTick } = process;

export const realTimers = {
  clearInterval,
  clearTimeout,
  monotonicMs: performance.now.bind(performance),
  nextTick,
  queueMicrotask,
  setImmediate,
  setInterval,
  setTimeout,
} as const;
