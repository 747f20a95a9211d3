/**
 * Rates: commands, input and output per second as INFO shows them, as the mean of the last 16
 * samples, one a tenth of a second.
 */
import type { Engine } from "./engine.ts";

const SAMPLE_COUNT = 16;
const SAMPLE_PERIOD_MS = 100;

class Rate {
  private readonly samples = new Float64Array(SAMPLE_COUNT);
  private index = 0;
  private last = 0;

  sample(total: number, elapsedMs: number): void {
    this.samples[this.index] = elapsedMs > 0 ? ((total - this.last) * 1000) / elapsedMs : 0;
    this.index = (this.index + 1) % SAMPLE_COUNT;
    this.last = total;
  }

  get perSecond(): number {
    let sum = 0;
    for (const sample of this.samples) sum += sample;
    return Math.max(0, sum / SAMPLE_COUNT);
  }
}

export class Rates {
  readonly commands = new Rate();
  readonly inputBytes = new Rate();
  readonly outputBytes = new Rate();
  readonly loopTurns = new Rate();
  readonly loopMicroseconds = new Rate();
  private readonly engine: Engine;
  private lastMs = 0;

  constructor(engine: Engine) {
    this.engine = engine;
  }

  sample(nowMs: number): void {
    const elapsedMs = nowMs - this.lastMs;
    if (elapsedMs >= 0 && elapsedMs < SAMPLE_PERIOD_MS) return;
    this.lastMs = nowMs;
    const { stats } = this.engine;
    this.commands.sample(stats.commandsProcessed, elapsedMs);
    this.inputBytes.sample(stats.inputBytes, elapsedMs);
    this.outputBytes.sample(stats.outputBytes, elapsedMs);
    this.loopTurns.sample(stats.loopTurns, elapsedMs);
    this.loopMicroseconds.sample(stats.loopMicroseconds, elapsedMs);
  }
}
