/**
 * The LFU counter: how often a key is used, in 24 bits of its entry.
 *
 *      bits of the entry   23 ............. 8   7 ......... 0
 *                          minute of last use   counter
 *
 * The counter is logarithmic: it rises by chance, the more rarely the higher it stands (about a
 * million uses fill it at the default factor of 10). It falls by one for every `decayMinutes` that
 * pass without use; the fall is worked out when somebody looks, so idle keys cost nothing. Minutes
 * start again at 0 every 45 days. A new key starts at 5, so that it is not the first to go.
 *
 * All functions are free of allocation; the randomness is passed in.
 */

/** Counter of a new key. */
export const LFU_INIT_VAL = 5;
const COUNTER_MAX = 255;
const MINUTES_MAX = 0xffff;

/** The 16-bit minutes at a time given in milliseconds since 1970. */
export function lfuMinutes(nowMs: number): number {
  return (nowMs / 60_000) & MINUTES_MAX;
}

/** The bits of a key that was used this minute and whose counter is `counter`. */
export function lfuBits(counter: number, nowMinutes: number): number {
  return (nowMinutes << 8) | counter;
}

/** The counter of a key with these bits, less what it lost since its last use. */
export function lfuDecrAndReturn(bits: number, nowMinutes: number, decayMinutes: number): number {
  const counter = bits & COUNTER_MAX;
  if (decayMinutes === 0) return counter;
  const last = bits >>> 8;
  // Across a wrap one minute is lost, as in Redis.
  const elapsed = nowMinutes >= last ? nowMinutes - last : MINUTES_MAX - last + nowMinutes;
  const lost = Math.floor(elapsed / decayMinutes);
  return lost > counter ? 0 : counter - lost;
}

/** Chance that one use raises a counter: 1 up to the initial value, then ever smaller. */
export function lfuIncrementChance(counter: number, logFactor: number): number {
  if (counter >= COUNTER_MAX) return 0;
  const above = counter > LFU_INIT_VAL ? counter - LFU_INIT_VAL : 0;
  return 1 / (above * logFactor + 1);
}

/** The bits after one use: decayed first, then perhaps raised. `random32` is any 32-bit number. */
export function lfuIncrement(
  bits: number,
  nowMinutes: number,
  logFactor: number,
  decayMinutes: number,
  random32: number,
): number {
  const counter = lfuDecrAndReturn(bits, nowMinutes, decayMinutes);
  const raised = (random32 >>> 0) / 2 ** 32 < lfuIncrementChance(counter, logFactor) ? 1 : 0;
  return (nowMinutes << 8) | (counter + raised);
}
