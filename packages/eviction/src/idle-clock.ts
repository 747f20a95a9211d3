/**
 * The LRU clock: when a key was last used, in 24 bits of its entry.
 *
 * The clock counts seconds and starts again at 0 every 194 days. A key that was not used for
 * longer than that looks younger than it is; nothing worse happens. The numbers are those of Redis,
 * so that OBJECT IDLETIME and RESTORE IDLETIME agree with it to the second.
 *
 *      bits of the entry   23 ................ 0
 *                          seconds, modulo 2^24
 */

/** The largest value of the clock. */
export const LRU_CLOCK_MAX = 0xffffff;
const LRU_CLOCK_RESOLUTION_MS = 1000;

/** The clock's value at a time given in milliseconds since 1970. */
export function lruClock(nowMs: number): number {
  // `&` takes a number modulo 2^32 first, so dates past 2038 are as good as others.
  return (nowMs / LRU_CLOCK_RESOLUTION_MS) & LRU_CLOCK_MAX;
}

/** Milliseconds since a key with these bits was last used, as far as 24 bits can tell. */
export function idleTimeMs(bits: number, clock: number): number {
  // A key from before the wrap counts one second less than passed, as in Redis.
  const seconds = clock >= bits ? clock - bits : clock + (LRU_CLOCK_MAX - bits);
  return seconds * LRU_CLOCK_RESOLUTION_MS;
}

/** The bits of a key that has been idle for so many seconds (RESTORE IDLETIME, snapshots). */
export function lruBits(idleSeconds: number, clock: number): number {
  const bits = clock - (idleSeconds % LRU_CLOCK_MAX);
  return bits < 0 ? bits + LRU_CLOCK_MAX : bits;
}
