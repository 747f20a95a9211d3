/**
 * `oom-score-adj`: which processes Linux ends first when memory runs out. The scores are for a
 * primary, a replica and a background job; there are no background processes here.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { systemErrorText } from "./system-error.ts";

const path = "/proc/self/oom_score_adj";

export class OomScore {
  /** The score that the process was started with; known once it has been changed. */
  #initial: number | undefined;

  /** Returns why it could not be set. */
  apply(mode: string, score: number): string | undefined {
    if (mode === "no" && this.#initial === undefined) return undefined;
    try {
      this.#initial ??= Number(readFileSync(path, "latin1"));
      const wanted =
        mode === "no" ? this.#initial : mode === "absolute" ? score : this.#initial + score;
      writeFileSync(path, String(Math.max(-1000, Math.min(1000, wanted))));
      return undefined;
    } catch (error) {
      return systemErrorText(error);
    }
  }
}
