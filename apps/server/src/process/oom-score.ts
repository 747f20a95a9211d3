/**
 * `oom-score-adj`: which processes Linux ends first when memory runs out. The scores are for a
 * primary, a replica and a background job; there are no background processes here.
 *
 * While it is off the system's value is left alone, whoever changed it; what it was before it was
 * turned on comes back when it is turned off.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { systemErrorText } from "./system-error.ts";

export class OomScore {
  readonly #path: string;
  /** The value before ours; undefined while it is off. */
  #before: number | undefined;

  constructor(path = "/proc/self/oom_score_adj") {
    this.#path = path;
  }

  /** Returns a line for the log when it cannot be set. */
  apply(mode: string, score: number): string | undefined {
    let wanted: number;
    if (mode === "no") {
      if (this.#before === undefined) return undefined;
      wanted = this.#before;
      this.#before = undefined;
    } else {
      try {
        this.#before ??= Number.parseInt(readFileSync(this.#path, "latin1"), 10);
      } catch (error) {
        return `Unable to read oom_score_adj: ${systemErrorText(error)}`;
      }
      wanted = mode === "absolute" ? score : this.#before + score;
    }
    try {
      writeFileSync(this.#path, `${Math.max(-1000, Math.min(1000, wanted))}\n`);
      return undefined;
    } catch (error) {
      return `Unable to write oom_score_adj: ${systemErrorText(error)}`;
    }
  }
}

/** Only a privileged process may lower its score, as one that changes its role would have to. */
export function mayNeedPrivilege(scores: readonly number[]): boolean {
  return scores.some((score, index) => index > 0 && score < (scores[index - 1] as number));
}
