/**
 * Kept: what commands keep from one run to the next, one for each engine.
 *
 *     const windows = new Kept((call) => new Windows(call.keyspace)); // beside the command
 *     const { hash } = windows.of(call);                              // while it runs
 *
 * Declarations are shared by all engines of a process and live as long as the process does. A
 * window on an arena, or a buffer that grows with its use, must not hang on to one of them: the
 * engine that is closed would never be freed, and two engines would share what is in it. So it is
 * made for a Call when first asked for, and goes when the Call goes.
 *
 * Plain numbers that one run writes before it reads them need no such care.
 */
import type { Call } from "./call.ts";

/** A `T` for each engine: see the head of this file. */
export class Kept<T> {
  /** Slots given out so far: one for each Kept of the process, as modules load. */
  private static count = 0;
  private readonly slot = Kept.count++;
  private readonly make: (call: Call) => T;

  /** `make` is run once for each Call. */
  constructor(make: (call: Call) => T) {
    this.make = make;
  }

  /** The one that belongs to the call's engine. */
  of(call: Call): T {
    const known = call.kept[this.slot];
    // What is in the slot is what `make` gave.
    return known === undefined ? this.made(call) : (known as T);
  }

  private made(call: Call): T {
    const made = this.make(call);
    // No holes: reading the slots stays quick.
    while (call.kept.length <= this.slot) call.kept.push(undefined);
    call.kept[this.slot] = made;
    return made;
  }
}
