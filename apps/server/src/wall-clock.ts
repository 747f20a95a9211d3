/**
 * Wall clock in microseconds. JavaScript tells the time of day in milliseconds and only time since
 * some moment more finely: this counts on with the fine clock, and keeps within the millisecond
 * that the coarse one shows, however that one is set.
 */
export function createWallClock(wallMs: () => number, monotonicUs: () => number): () => number {
  let offsetUs = wallMs() * 1000 - monotonicUs();
  return () => {
    const fineUs = monotonicUs();
    const leastUs = wallMs() * 1000;
    const nowUs = Math.min(Math.max(fineUs + offsetUs, leastUs), leastUs + 999);
    offsetUs = nowUs - fineUs;
    return nowUs;
  };
}
