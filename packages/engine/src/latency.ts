/**
 * Latency: how long commands and other work take, as two instruments.
 *
 *   - histograms per command (INFO latencystats, LATENCY HISTOGRAM): logarithmic buckets, four to
 *     a doubling, from 1 µs on; percentiles are exact to within a bucket (19 %).
 *   - the latency monitor (LATENCY LATEST and kin): events at or over `latency-monitor-threshold`
 *     milliseconds, the last 160 of each kind with at most one a second, the worst of it.
 */
import { type CommandEntry, FLAG_BITS } from "@kv/commands";

const BUCKETS_PER_DOUBLING = 4;
const BUCKET_COUNT = 160;

export class CommandHistogram {
  readonly counts = new Float64Array(BUCKET_COUNT);
  total = 0;

  /** `count` calls took `microseconds` each. */
  record(microseconds: number, count: number): void {
    const bucket =
      microseconds <= 1 ? 0 : Math.ceil(Math.log2(microseconds) * BUCKETS_PER_DOUBLING);
    this.counts[Math.min(bucket, BUCKET_COUNT - 1)]! += count;
    this.total += count;
  }

  /** Upper bound, in microseconds, of a bucket. */
  static boundUs(bucket: number): number {
    return 2 ** (bucket / BUCKETS_PER_DOUBLING);
  }

  /** The time, in microseconds, that `percent` of the calls did not exceed. */
  percentileUs(percent: number): number {
    const wanted = Math.max(1, Math.ceil((percent / 100) * this.total));
    let seen = 0;
    for (let bucket = 0; bucket < BUCKET_COUNT; bucket++) {
      seen += this.counts[bucket] as number;
      if (seen >= wanted) return CommandHistogram.boundUs(bucket);
    }
    return CommandHistogram.boundUs(BUCKET_COUNT - 1);
  }
}

export interface LatencySample {
  /** Seconds since 1970. */
  timeSeconds: number;
  latencyMs: number;
}

export class LatencyEvent {
  readonly samples: LatencySample[] = [];
  worstMs = 0;
}

const SAMPLES_MAX = 160;

export class LatencyMonitor {
  /** latency-monitor-threshold: 0 is off. */
  thresholdMs = 0;
  /** latency-tracking. */
  histogramsOn = true;
  readonly events = new Map<string, LatencyEvent>();

  commandTook(entry: CommandEntry, microseconds: number, nowMs: number): void {
    if (this.thresholdMs === 0 || microseconds < this.thresholdMs * 1000) return;
    const isFast = (entry.bits & FLAG_BITS.fast) !== 0;
    this.eventTook(isFast ? "fast-command" : "command", microseconds, nowMs);
  }

  /** Some work of the kind `event` took so long: kept when it reaches the threshold. */
  eventTook(event: string, microseconds: number, nowMs: number): void {
    if (this.thresholdMs === 0 || microseconds < this.thresholdMs * 1000) return;
    const latencyMs = Math.floor(microseconds / 1000);
    const timeSeconds = Math.floor(nowMs / 1000);
    let kept = this.events.get(event);
    if (kept === undefined) {
      kept = new LatencyEvent();
      this.events.set(event, kept);
    }
    if (latencyMs > kept.worstMs) kept.worstMs = latencyMs;
    const last = kept.samples[kept.samples.length - 1];
    if (last !== undefined && last.timeSeconds === timeSeconds) {
      if (latencyMs > last.latencyMs) last.latencyMs = latencyMs;
      return;
    }
    kept.samples.push({ timeSeconds, latencyMs });
    if (kept.samples.length > SAMPLES_MAX) kept.samples.shift();
  }

  /** LATENCY RESET: forgets the named events, or all. Returns how many there were. */
  reset(names: readonly string[]): number {
    if (names.length === 0) {
      const { size } = this.events;
      this.events.clear();
      return size;
    }
    let count = 0;
    for (const name of names) if (this.events.delete(name)) count++;
    return count;
  }
}
