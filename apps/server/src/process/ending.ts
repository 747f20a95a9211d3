/**
 * Ending: the last thing that a process does, once nothing is left to save and nobody is served.
 *
 *      begin(0) -> the disk is at rest -> exit
 *             |        or comes to rest -> exit
 *             |        or does not, for three seconds -> SIGKILL to ourselves
 *      insist(), a second signal -> the final save is given up
 *             |  the disk is at rest, or comes to rest within a second -> exit 1
 *             |  or does not, or it is insisted once more -> SIGKILL to ourselves
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
  /** The save that the end waits for is wanted no more: its temporary file goes. */
  hurry(): void;
  exit(code: number): void;
  kill(): void;
  warn(message: string): void;
  after(delayMs: number, action: () => void): void;
}

/** So long the disk may take to come to rest. */
const DISK_PATIENCE_MS = 3000;
/** And where somebody has asked twice: for one that is well this is enough to finish what it is at. */
const HURRY_PATIENCE_MS = 1000;

export class Ending {
  hasBegun = false;
  #isInsisted = false;
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
    after(DISK_PATIENCE_MS, () => this.#kill(`for ${DISK_PATIENCE_MS / 1000} seconds`));
    void settled().then(() => {
      if (!this.#isInsisted) exit(code);
    });
  }

  /** Somebody has asked twice. */
  insist(): void {
    const { isSettled, settled, hurry, exit, warn, after } = this.#actions;
    warn("You insist... exiting now.");
    this.hasBegun = true;
    const isOnceMore = this.#isInsisted;
    this.#isInsisted = true;
    hurry();
    if (isSettled()) {
      exit(1);
      return;
    }
    if (isOnceMore) {
      this.#kill("and a third signal has come");
      return;
    }
    after(HURRY_PATIENCE_MS, () => this.#kill("and a second signal has come"));
    void settled().then(() => exit(1));
  }

  /** No exit code any more, but an end. */
  #kill(reason: string): void {
    const { warn, kill } = this.#actions;
    warn(`The disk does not answer, ${reason}: this process kills itself.`);
    kill();
  }
}
