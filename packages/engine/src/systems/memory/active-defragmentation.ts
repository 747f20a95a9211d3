/**
 * Active defragmentation: how much of its time the cron gives to bringing scattered blocks together
 * (core's Defragmenter), by how much is wasted:
 *
 *      waste     pages under blocks, less the blocks: begins above active-defrag-ignore-bytes and
 *                active-defrag-threshold-lower percent of the blocks
 *      effort    from active-defrag-cycle-min percent of a processor at the lower threshold to
 *                -cycle-max at the upper; more when the waste grows, not less when it shrinks
 *
 * The share of a cron period that the effort stands for is spent in slices of half a millisecond
 * with rests in between, for each slice is one that some client waits.
 *
 * Looked at once a second, after each change of a directive, and when a pass over all keys is over:
 * then it ends, or another pass begins.
 *
 * A running snapshot is no reason to wait. Where there is fork(), moving memory makes copies of it;
 * here it changes no entry, and a table that the snapshot is walking is left alone. Loading is one:
 * the loader keeps the hash that it fills between two turns.
 */
import type { ConfigStore } from "@kv/config";
import { Defragmenter } from "@kv/core";
import { Due } from "../../kernel/due.ts";
import { EngineState } from "../../kernel/situation.ts";
import type { Ports } from "../../module/ports.ts";

const CHECK_PERIOD_US = 1_000_000;
/** Keys or fields between two looks at the clock: a few microseconds. */
const STEP_ENTRIES = 16;
const SLICE_US = 500;
/** A rest is a millisecond or two. With more effort than this there is no time for rests. */
const RESTING_PERCENT_MAX = 25;

type Needs = Pick<Ports, "host" | "situation" | "keyspace" | "latency">;

export class ActiveDefragmentation {
  readonly defragmenter: Defragmenter;
  /** Percentage of a processor that it is using; 0: it is not running. */
  runningPercent = 0;
  private readonly ports: Needs;
  private isOn = false;
  private ignoreBytes = 0;
  private lowerPercent = 0;
  private upperPercent = 0;
  private cycleMinPercent = 0;
  private cycleMaxPercent = 0;
  private isChanged = false;
  /** What is left of this cron period's share. */
  private leftUs = 0;
  private checkedUs = 0;
  private passStartUs = 0;
  private hitsAtStart = 0;
  /** Since when it has been running; -1: it is not. And how long it had been before. */
  private sinceUs = -1;
  private elapsedBeforeUs = 0;

  constructor(ports: Needs) {
    this.ports = ports;
    this.defragmenter = new Defragmenter(ports.keyspace);
  }

  /** Takes over the directives. */
  configure(config: ConfigStore): void {
    this.isOn = config.boolean("activedefrag");
    this.ignoreBytes = config.number("active-defrag-ignore-bytes");
    this.lowerPercent = config.number("active-defrag-threshold-lower");
    this.upperPercent = config.number("active-defrag-threshold-upper");
    this.cycleMinPercent = config.number("active-defrag-cycle-min");
    this.cycleMaxPercent = config.number("active-defrag-cycle-max");
    this.defragmenter.scanFieldsMax = config.number("active-defrag-max-scan-fields");
    this.isChanged = true;
  }

  /** With the cron: decides, and allots the time until the next one. */
  run(): void {
    const { host, situation } = this.ports;
    if (!this.isOn) {
      if (this.runningPercent !== 0) this.giveUp();
      return;
    }
    if (situation.is(EngineState.LOADING)) return;
    const startUs = host.monotonicUs();
    if (this.isChanged || startUs - this.checkedUs >= CHECK_PERIOD_US) {
      this.checkedUs = startUs;
      this.decide(startUs);
    }
    if (this.runningPercent === 0) return;
    if (this.sinceUs === -1) this.sinceUs = startUs;
    this.leftUs = (this.runningPercent * 10_000) / situation.hz;
    host.wake();
  }

  /** Before waiting for events: a slice. Answers when the next one is due. */
  turn(): number {
    const { defragmenter } = this;
    const { host, latency, situation } = this.ports;
    if (this.leftUs <= 0) return Due.NEVER;
    // Loading may have begun since the cron.
    if (situation.is(EngineState.LOADING)) return Due.NEVER;
    const startUs = host.monotonicUs();
    const sliceUs = Math.min(this.leftUs, SLICE_US);
    let nowUs = startUs;
    while (nowUs - startUs < sliceUs) {
      const isOver = defragmenter.step(STEP_ENTRIES);
      nowUs = host.monotonicUs();
      if (!isOver) continue;
      this.passEnded(nowUs);
      break;
    }
    this.leftUs -= nowUs - startUs;
    latency.eventTook("active-defrag-cycle", nowUs - startUs, situation.nowMs);
    if (this.leftUs <= 0) return Due.NEVER;
    return this.runningPercent <= RESTING_PERCENT_MAX ? Due.LATER : Due.SOON;
  }

  private passEnded(nowUs: number): void {
    this.leftUs = 0;
    const { percent, bytes } = this.waste();
    const tookMs = Math.floor((nowUs - this.passStartUs) / 1000);
    const moved = this.defragmenter.hits - this.hitsAtStart;
    this.ports.host.log(
      "verbose",
      `Active defrag done in ${tookMs}ms, reallocated=${moved}, frag=${percent.toFixed(0)}%, frag_bytes=${bytes}`,
    );
    this.runningPercent = 0;
    // With as much still to do as it takes to begin, the next pass follows.
    this.decide(nowUs);
    if (this.runningPercent === 0) this.stopClock(nowUs);
  }

  /** Whether to run, and with what effort. */
  private decide(nowUs: number): void {
    const { percent, bytes } = this.waste();
    const wasRunning = this.runningPercent !== 0;
    const isReconsidered = this.isChanged;
    this.isChanged = false;
    if (!wasRunning && (percent < this.lowerPercent || bytes < this.ignoreBytes)) return;
    const effort = this.effortAt(percent);
    if (effort <= this.runningPercent && !isReconsidered) return;
    this.runningPercent = effort;
    if (!wasRunning) {
      this.passStartUs = nowUs;
      this.hitsAtStart = this.defragmenter.hits;
    }
    this.ports.host.log(
      "verbose",
      `Starting active defrag, frag=${percent.toFixed(0)}%, frag_bytes=${bytes}, cpu=${effort}%`,
    );
  }

  private effortAt(percent: number): number {
    const { cycleMinPercent, cycleMaxPercent, lowerPercent, upperPercent } = this;
    const share = (percent - lowerPercent) / Math.max(1, upperPercent - lowerPercent);
    const effort = Math.trunc(cycleMinPercent + share * (cycleMaxPercent - cycleMinPercent));
    return Math.max(cycleMinPercent, Math.min(effort, cycleMaxPercent));
  }

  private waste(): { percent: number; bytes: number } {
    const { pageBytes, usedBytes } = this.ports.keyspace.arena;
    const bytes = pageBytes - usedBytes;
    return { bytes, percent: (bytes / usedBytes) * 100 };
  }

  /** Switched off in the midst of a pass: the next one begins anew. */
  private giveUp(): void {
    this.runningPercent = 0;
    this.leftUs = 0;
    this.defragmenter.restart();
    this.stopClock(this.ports.host.monotonicUs());
  }

  private stopClock(nowUs: number): void {
    if (this.sinceUs !== -1) this.elapsedBeforeUs += nowUs - this.sinceUs;
    this.sinceUs = -1;
  }

  /** How long it has been running by now; 0: it is not. */
  get currentUs(): number {
    return this.sinceUs === -1 ? 0 : this.ports.host.monotonicUs() - this.sinceUs;
  }

  get totalUs(): number {
    return this.elapsedBeforeUs + this.currentUs;
  }

  /** CONFIG RESETSTAT. */
  resetStatistics(): void {
    this.defragmenter.resetCounts();
    this.hitsAtStart = 0;
    this.elapsedBeforeUs = 0;
    if (this.sinceUs !== -1) this.sinceUs = this.ports.host.monotonicUs();
  }
}
