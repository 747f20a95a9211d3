/**
 * Latency: how long commands and other work take, as two instruments.
 *
 *   - histograms per command (INFO latencystats, LATENCY HISTOGRAM), in nanoseconds up to a second.
 *     From 256 ns on each doubling has 128 buckets of equal width, so that a value is known to
 *     within 1 %; below, each nanosecond has its own:
 *
 *          value      0 .. 255   256 .. 511   512 .. 1023   ...
 *          bucket     0 .. 255   256 .. 383   384 .. 511    ...   width 1, 2, 4, ...
 *
 *   - the latency monitor (LATENCY LATEST and kin): events at or over `latency-monitor-threshold`
 *     milliseconds, the last 160 of each kind with at most one a second, the worst of it.
 */
import { type CommandRow, FLAG_BITS } from "@kv/commands";

/** Buckets of a doubling, as a power of two. */
const SHIFT = 7;
const EXACT = 2 << SHIFT;
const VALUE_MAX = 1e9;
const BUCKET_COUNT = bucketOf(VALUE_MAX) + 1;
/** What LATENCY HISTOGRAM counts up to begins with this, in nanoseconds, and doubles. */
const FIRST_STEP_NS = 1024;

function bucketOf(nanoseconds: number): number {
  if (nanoseconds < EXACT) return nanoseconds;
  const doublings = 24 - Math.clz32(nanoseconds);
  return (doublings << SHIFT) + (nanoseconds >>> doublings);
}

/** The greatest value of a bucket, in nanoseconds. */
function highestOf(bucket: number): number {
  if (bucket < EXACT) return bucket;
  const doublings = (bucket >> SHIFT) - 1;
  return (bucket - (doublings << SHIFT) + 1) * 2 ** doublings - 1;
}

/** How long the calls of one command took: buckets as drawn at the head of this file. */
export class CommandHistogram {
  private readonly counts = new Float64Array(BUCKET_COUNT);
  /** Calls that were recorded. */
  total = 0;

  /** `count` calls took `microseconds` each. */
  record(microseconds: number, count: number): void {
    const nanoseconds = microseconds * 1000;
    const bucket = bucketOf(nanoseconds >= VALUE_MAX ? VALUE_MAX : nanoseconds | 0);
    this.counts[bucket] = (this.counts[bucket] as number) + count;
    this.total += count;
  }

  /** The time, in microseconds, that `percent` of the calls did not exceed. */
  percentileUs(percent: number): number {
    const wanted = Math.max(1, Math.floor((Math.min(percent, 100) / 100) * this.total + 0.5));
    let seen = 0;
    for (let bucket = 0; bucket < BUCKET_COUNT; bucket++) {
      seen += this.counts[bucket] as number;
      if (seen >= wanted) return highestOf(bucket) / 1000;
    }
    return 0;
  }

  /** Calls that took up to 1, 2, 4 ... microseconds, without steps that add nothing. */
  cumulative(): (readonly [microseconds: number, calls: number])[] {
    const steps: [number, number][] = [];
    let bucket = 0;
    let seen = 0;
    let before = 0;
    for (let step = FIRST_STEP_NS; before < this.total; step *= 2) {
      const last = step > VALUE_MAX ? BUCKET_COUNT - 1 : bucketOf(step);
      for (; bucket <= last; bucket++) seen += this.counts[bucket] as number;
      if (seen > before) steps.push([Math.floor(highestOf(last) / 1000), seen]);
      before = seen;
    }
    return steps;
  }
}

/** The histogram of a command that has been measured, else null. */
export function histogramOf(row: CommandRow): CommandHistogram | null {
  return row.histogram instanceof CommandHistogram ? row.histogram : null;
}

/** The worst that an event took within one second. */
export interface LatencySample {
  /** Seconds since 1970. */
  timeSeconds: number;
  /** How long, in whole milliseconds. */
  latencyMs: number;
}

/** One kind of event: what LATENCY HISTORY and LATEST show. */
export class LatencyEvent {
  /** The last 160 at most, oldest first, one a second at most. */
  readonly samples: LatencySample[] = [];
  /** The worst since the start or LATENCY RESET, in milliseconds. */
  worstMs = 0;
}

const SAMPLES_MAX = 160;

/** Keeps what took long: see the head of this file. One for each engine. */
export class LatencyMonitor {
  /** latency-monitor-threshold: 0 is off. */
  thresholdMs = 0;
  /** latency-tracking. */
  histogramsOn = true;
  /** The events that there were, by name: "command", "fast-command", "eviction-cycle". */
  readonly events = new Map<string, LatencyEvent>();

  /**
   * A command that was timed alone took so long; `nowMs` is the wall clock. Kept when it reaches
   * the threshold.
   */
  commandTook(row: CommandRow, microseconds: number, nowMs: number): void {
    if (this.thresholdMs === 0 || microseconds < this.thresholdMs * 1000) return;
    const isFast = (row.bits & FLAG_BITS.fast) !== 0;
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
  reset(names: Iterable<string>): number {
    let count = 0;
    for (const name of names) if (this.events.delete(name)) count++;
    return count;
  }

  /** Forgets all events, and tells how many there were. */
  resetAll(): number {
    const { size } = this.events;
    this.events.clear();
    return size;
  }
}
