/**
 * Ending: the last thing that a process does, once nothing is left to save and nobody is served.
 *
 *      begin(0) -> the disk is at rest -> exit
 *             |        or comes to rest -> exit
 *             |        or does not, for three seconds -> SIGKILL to ourselves
 *      insist(), a second signal -> exit, or SIGKILL if the disk is not at rest
 *
 * What the disk still works at then is of no use: a save that was given up, the reading of a file. But the
 * runtime does not end a process whose threads are in the middle of it, and one that hangs on a disk
 * would be waited for for ever, deaf to all signals but one.
 */

/** What is ended. Tests give something else than the process. */
export interface EndingActions {
  /** True when the disk has nothing to do for us; the promise resolves when it has not. */
  isSettled(): boolean;
  settled(): Promise<void>;
  exit(code: number): void;
  kill(): void;
  warn(message: string): void;
  after(delayMs: number, action: () => void): void;
}

/** So long the disk may take to come to rest. */
const diskPatienceMs = 3000;

export class Ending {
  hasBegun = false;
  readonly #actions: EndingActions;

  constructor(actions: EndingActions) {
    this.#actions = actions;
  }

  /** Ends with this code, now or soon. A second call changes nothing. */
  begin(code: number): void {
    const { isSettled, settled, exit, after } = this.#actions;
    if (this.hasBegun) return;
    this.hasBegun = true;
    if (isSettled()) {
      exit(code);
      return;
    }
    after(diskPatienceMs, () => this.#kill(`for ${diskPatienceMs / 1000} seconds`));
    void settled().then(() => exit(code));
  }

  /** Somebody has asked twice. */
  insist(): void {
    const { isSettled, exit, warn } = this.#actions;
    warn("You insist... exiting now.");
    this.hasBegun = true;
    if (isSettled()) exit(1);
    else this.#kill("and a second signal has come");
  }

  /** No exit code any more, but an end. */
  #kill(reason: string): void {
    const { warn, kill } = this.#actions;
    warn(`The disk does not answer, ${reason}: this process kills itself.`);
    kill();
  }
}
