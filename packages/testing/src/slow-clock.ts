/** For tests of what takes long: a host whose clock moves when it is looked at, and turns of the loop. */
import type { Harness } from "./harness.ts";

/** From now on each look at the clock takes a tenth of a millisecond. */
export function slowClock(kv: Harness): void {
  let nowUs = 0;
  kv.host.monotonicUs = () => {
    nowUs += 100;
    return nowUs;
  };
}

/** So many turns of the event loop: what waits for one, promises too, goes on. */
export async function turns(kv: Harness, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    kv.engine.turn();
    await new Promise((resolve) => setImmediate(resolve));
  }
}
