/**
 * Active defragmentation: how much of its time the cron gives to bringing scattered blocks together
 * (core's Defragmenter), by how much is wasted:
 *
 *      waste     pages under blocks, less the blocks; when that is little, pages that the operating
 *                system has given, less those under blocks: begins above active-defrag-ignore-bytes
 *                and active-defrag-threshold-lower percent of what is of use
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
import { type Arena, Defragmenter, Evacuation, type MovePlan, SegmentEvacuation } from "@kv/core";
import { Due } from "../../kernel/due.ts";
import { EngineState } from "../../kernel/situation.ts";
import type { Ports } from "../../module/ports.ts";

const CHECK_PERIOD_US = 1_000_000;
/** Keys or fields between two looks at the clock: a few microseconds. */
const STEP_ENTRIES = 16;
const SLICE_US = 500;
/** A rest is a millisecond or two. With more effort than this there is no time for rests. */
const RESTING_PERCENT_MAX = 25;
/** After a pass that has not helped, none for the same aim for so long. */
const VAIN_REST_US = 60_000_000;
/** Bytes that an emptied segment gives back for each that had to be moved, at least. */
const SEGMENT_GAIN_MIN = 0.25;

/** One kind of waste, and what is done about it. */
interface Aim {
  /** As the log calls it. */
  readonly name: string;
  readonly plan: MovePlan;
  /** Bytes that are of use, and that are wasted on top. */
  usefulBytes(): number;
  wastedBytes(): number;
  /** False: a pass would change nothing. */
  mayHelp(): boolean;
  /** No pass before, as the last one was in vain. */
  restUntilUs: number;
}

/** Blocks are few on their pages: spans are emptied, so that pages become free. */
function fullerPages(arena: Arena): Aim {
  return {
    name: "frag",
    plan: new Evacuation(arena),
    usefulBytes: () => arena.usedBytes,
    wastedBytes: () => arena.pageBytes - arena.usedBytes,
    mayHelp: () => true,
    restUntilUs: 0,
  };
}

/** Free pages are of use to nobody else: segments are emptied, so that they are given back. */
function fewerSegments(arena: Arena): Aim {
  const plan = new SegmentEvacuation(arena, SEGMENT_GAIN_MIN, true);
  return {
    name: "rss",
    plan,
    usefulBytes: () => arena.pageBytes,
    wastedBytes: () => arena.touchedBytes - arena.pageBytes,
    mayHelp: () => plan.isWorthwhile,
    restUntilUs: 0,
  };
}

type Needs = Pick<Ports, "host" | "situation" | "keyspace" | "latency">;

export class ActiveDefragmentation {
  readonly defragmenter: Defragmenter;
  /** Percentage of a processor that it is using; 0: it is not running. */
  runningPercent = 0;
  private readonly ports: Needs;
  /** The first one comes first: pages that are free make room to empty segments. */
  private readonly aims: readonly Aim[];
  private aim: Aim;
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
  private wastedAtStart = 0;
  /** Since when it has been running; -1: it is not. And how long it had been before. */
  private sinceUs = -1;
  private elapsedBeforeUs = 0;

  constructor(ports: Needs) {
    this.ports = ports;
    const { arena } = ports.keyspace;
    const first = fullerPages(arena);
    this.aims = [first, fewerSegments(arena)];
    this.aim = first;
    this.defragmenter = new Defragmenter(ports.keyspace, first.plan);
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
    for (const aim of this.aims) aim.restUntilUs = 0;
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
    const { aim } = this;
    const bytes = aim.wastedBytes();
    const tookMs = Math.floor((nowUs - this.passStartUs) / 1000);
    const moved = this.defragmenter.hits - this.hitsAtStart;
    this.ports.host.log(
      "verbose",
      `Active defrag done in ${tookMs}ms, reallocated=${moved}, ${aim.name}=${wastedPercent(aim).toFixed(0)}%, ${aim.name}_bytes=${bytes}`,
    );
    if (bytes >= this.wastedAtStart) aim.restUntilUs = nowUs + VAIN_REST_US;
    this.runningPercent = 0;
    // With as much still to do as it takes to begin, the next pass follows.
    this.decide(nowUs);
    if (this.runningPercent === 0) this.stopClock(nowUs);
  }

  /** Whether to run, with what aim and with what effort. */
  private decide(nowUs: number): void {
    const wasRunning = this.runningPercent !== 0;
    const isReconsidered = this.isChanged;
    this.isChanged = false;
    if (!wasRunning) {
      const next = this.aims.find((aim) => this.isCalledFor(aim, nowUs));
      if (next === undefined) return;
      this.aim = next;
    }
    const { aim, defragmenter } = this;
    const percent = wastedPercent(aim);
    const effort = this.effortAt(percent);
    if (effort <= this.runningPercent && !isReconsidered) return;
    this.runningPercent = effort;
    const bytes = aim.wastedBytes();
    if (!wasRunning) {
      defragmenter.restart(aim.plan);
      this.passStartUs = nowUs;
      this.hitsAtStart = defragmenter.hits;
      this.wastedAtStart = bytes;
    }
    this.ports.host.log(
      "verbose",
      `Starting active defrag, ${aim.name}=${percent.toFixed(0)}%, ${aim.name}_bytes=${bytes}, cpu=${effort}%`,
    );
  }

  private isCalledFor(aim: Aim, nowUs: number): boolean {
    return (
      aim.wastedBytes() >= this.ignoreBytes &&
      wastedPercent(aim) >= this.lowerPercent &&
      nowUs >= aim.restUntilUs &&
      aim.mayHelp()
    );
  }

  private effortAt(percent: number): number {
    const { cycleMinPercent, cycleMaxPercent, lowerPercent, upperPercent } = this;
    const share = (percent - lowerPercent) / Math.max(1, upperPercent - lowerPercent);
    const effort = Math.trunc(cycleMinPercent + share * (cycleMaxPercent - cycleMinPercent));
    return Math.max(cycleMinPercent, Math.min(effort, cycleMaxPercent));
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

function wastedPercent(aim: Aim): number {
  return (aim.wastedBytes() / aim.usefulBytes()) * 100;
}
