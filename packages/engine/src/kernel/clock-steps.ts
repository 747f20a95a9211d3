/**
 * ClockSteps: notices that somebody has set the wall clock, by an hour, say.
 *
 * All times are by the wall clock, as expiries are; a duration is the difference of two. When the clock
 * is set, what is to last for some time would end at once or an hour late: a wait, a pause, the patience
 * with a replica. So whoever keeps such a time is told of the step, and moves it along. Expiries stay:
 * they are times of day.
 *
 *      readClock()   the clock went back, or on by more than a second: has as much time passed?
 *      follow()      with each turn of the cron: a clock that is only a little fast is no step
 *
 * A test that plays with the wall clock has time pass when it moves it on: then it shows what it should.
 * A machine that was asleep has a clock that goes on by hours, in which nothing was possible: likewise.
 */
import type { Host } from "./host.ts";

/** Less than this is told to nobody. */
const STEP_MS_MIN = 500;

/** Whether the wall clock was set: see the head of this file. One for each engine. */
export class ClockSteps {
  /** More than this between two looks is worth a look at the other clock. */
  static readonly SUSPICIOUS_MS = 1000;
  /** Is told of each step, before anybody sees the new time. Set once. */
  onStep: (stepMs: number) => void = () => {};
  private readonly host: Host;
  /** Both clocks at one instant. */
  private wallMs: number;
  private steadyUs: number;

  constructor(host: Host, nowMs: number) {
    this.host = host;
    this.wallMs = nowMs;
    this.steadyUs = host.monotonicUs();
  }

  /** The clock shows what it would not, had nobody done anything to it. */
  look(nowMs: number): void {
    const before = this.wallMs;
    const passedMs = (this.host.monotonicUs() - this.steadyUs) / 1000;
    this.follow(nowMs);
    const stepMs = Math.round(nowMs - before - passedMs);
    if (stepMs > 0 && this.host.isTimePlayed?.() === true) return;
    if (Math.abs(stepMs) >= STEP_MS_MIN) this.onStep(stepMs);
  }

  /** Now it is right. */
  follow(nowMs: number): void {
    this.wallMs = nowMs;
    this.steadyUs = this.host.monotonicUs();
  }
}
