/** Whether a server is at rest: memory that it needs for work alone is given back then. */

/** So many commands a second are rest yet: somebody asks whether all is well. */
const REST_COMMANDS_MAX = 1000;
/** After so long of it a server is at rest. */
const REST_MS = 2000;

export class Rest {
  /** The start is work, too. */
  #commandCount = Number.NEGATIVE_INFINITY;
  #busyMs = 0;

  /** Once a second, with the commands that have run by then: whether there have been few for long enough. */
  isAt(nowMs: number, commandCount: number): boolean {
    if (commandCount - this.#commandCount > REST_COMMANDS_MAX) this.#busyMs = nowMs;
    this.#commandCount = commandCount;
    return nowMs - this.#busyMs >= REST_MS;
  }
}
