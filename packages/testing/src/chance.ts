/** Chance: the random decisions of a test, repeatable from a seed. */

/**
 * The seed that the variable `name` of the environment has, else the one of the commit (KV_COMMIT_SEED, which CI
 * sets: a commit is tested alike wherever that is done, and each commit otherwise), else any one.
 */
export function drawnSeed(name: string): number {
  return Number(process.env[name] ?? process.env.KV_COMMIT_SEED ?? Date.now() % 1_000_000);
}

/** Numbers from a seed, the same in every run. */
export class Chance {
  private state: number;

  constructor(seed: number) {
    this.state = seed | 0;
  }

  /** A whole number from 0 to count - 1. */
  below(count: number): number {
    this.state = (this.state + 0x9e3779b9) | 0;
    let z = this.state;
    z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
    z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
    return ((z ^ (z >>> 16)) >>> 0) % count;
  }

  of<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)] as T;
  }

  /** True in `percent` of the cases. */
  percent(percent: number): boolean {
    return this.below(100) < percent;
  }
}
