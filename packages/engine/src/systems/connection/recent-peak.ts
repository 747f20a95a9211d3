/** RecentPeak: the largest of the values that were noted in the last eight seconds. */

const SLOT_COUNT = 8;
const SLOT_MS = 1000;

/** A maximum that is forgotten after a while: one slot for each second. */
export class RecentPeak {
  private readonly peaks = new Float64Array(SLOT_COUNT);
  /** The second that each slot is about. */
  private readonly seconds = new Float64Array(SLOT_COUNT).fill(Number.NEGATIVE_INFINITY);

  note(value: number, nowMs: number): void {
    const second = Math.floor(nowMs / SLOT_MS);
    const slot = second % SLOT_COUNT;
    if (this.seconds[slot] !== second) {
      this.seconds[slot] = second;
      this.peaks[slot] = 0;
    }
    if (value > (this.peaks[slot] as number)) this.peaks[slot] = value;
  }

  at(nowMs: number): number {
    const oldest = Math.floor(nowMs / SLOT_MS) - SLOT_COUNT;
    let most = 0;
    for (let slot = 0; slot < SLOT_COUNT; slot++)
      if ((this.seconds[slot] as number) > oldest)
        most = Math.max(most, this.peaks[slot] as number);
    return most;
  }
}
