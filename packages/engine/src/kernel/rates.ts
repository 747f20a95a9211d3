/**
 * Rates: commands, input and output per second as INFO shows them. Each is the mean of 16 samples,
 * one a tenth of a second; those that are not taken yet count as nothing, so that a rate climbs for
 * 1.6 s when traffic begins, and falls as long when it ends.
 *
 * A tenth of a second is so many turns of the cron (cron.ts counts them). A clock would find a turn
 * that comes a millisecond early to be none, and the rate would climb half as fast.
 */
import type { Host } from "./host.ts";
import type { Stats } from "./stats.ts";

const SAMPLE_COUNT = 16;
/** Milliseconds from one sample to the next. */
export const SAMPLE_PERIOD_MS = 100;
const US_PER_SECOND = 1_000_000;

/** How much a counter grows for each unit of another one, its base: of time, or of turns. */
export class Rate {
  private readonly samples = new Float64Array(SAMPLE_COUNT);
  private index = 0;
  private lastValue = 0;
  private lastBase = 0;

  /** One more sample: both counters as they are now, and how many units of the base are one. */
  sample(value: number, base: number, factor: number): void {
    const grown = base - this.lastBase;
    const sample = grown > 0 ? ((value - this.lastValue) * factor) / grown : 0;
    this.samples[this.index] = Math.trunc(sample);
    this.index = (this.index + 1) % SAMPLE_COUNT;
    this.lastValue = value;
    this.lastBase = base;
  }

  /** The value counts from zero again, the base from where it is. */
  reset(base: number): void {
    this.samples.fill(0);
    this.lastValue = 0;
    this.lastBase = base;
  }

  /** The mean of the samples, as a whole number: what INFO shows. */
  get mean(): number {
    let sum = 0;
    for (const sample of this.samples) sum += sample;
    return Math.trunc(sum / SAMPLE_COUNT);
  }
}

/** What INFO tells of the last 1.6 seconds: see the head of this file. */
export class Rates {
  /** Commands per second. */
  readonly commands = new Rate();
  /** Bytes per second that clients sent. */
  readonly inputBytes = new Rate();
  /** Bytes per second that clients were given. */
  readonly outputBytes = new Rate();
  /** Bytes per second that replicas were given. */
  readonly replicaOutputBytes = new Rate();
  /** Turns of the event loop per second. */
  readonly loopTurns = new Rate();
  /** Microseconds of a turn of the event loop. */
  readonly turnMicroseconds = new Rate();
  private readonly host: Host;
  private readonly stats: Stats;

  constructor(host: Host, stats: Stats) {
    this.host = host;
    this.stats = stats;
    this.reset();
  }

  /** Once in SAMPLE_PERIOD_MS. */
  sample(): void {
    const { stats, host } = this;
    const nowUs = host.monotonicUs();
    this.commands.sample(stats.commandsProcessed, nowUs, US_PER_SECOND);
    this.inputBytes.sample(stats.inputBytes, nowUs, US_PER_SECOND);
    this.outputBytes.sample(stats.outputBytes, nowUs, US_PER_SECOND);
    this.replicaOutputBytes.sample(stats.replicaOutputBytes, nowUs, US_PER_SECOND);
    this.loopTurns.sample(stats.loopTurns, nowUs, US_PER_SECOND);
    this.turnMicroseconds.sample(stats.loopMicroseconds, stats.loopTurns, 1);
  }

  /** The counters are zero (again): what was sampled before says nothing any more. */
  reset(): void {
    const nowUs = this.host.monotonicUs();
    const { commands, inputBytes, outputBytes, replicaOutputBytes, loopTurns } = this;
    for (const rate of [commands, inputBytes, outputBytes, replicaOutputBytes, loopTurns])
      rate.reset(nowUs);
    this.turnMicroseconds.reset(0);
  }
}
