/** Runs the same script through a client library against both servers and compares what it saw. */
import { expect } from "vitest";
import type { Both } from "./both-servers.ts";

/** What a script saw, step by step; an error counts as its message. */
export class Journal {
  readonly entries: [step: string, seen: unknown][] = [];

  readonly note = async (step: string, action: () => unknown): Promise<void> => {
    try {
      this.entries.push([step, await action()]);
    } catch (error) {
      this.entries.push([step, `error: ${(error as Error).message}`]);
    }
  };
}

export type Script = (port: number, journal: Journal) => Promise<void>;

export async function sameOnBoth(both: Both, script: Script): Promise<Journal> {
  const theirs = new Journal();
  const ours = new Journal();
  await script(both.redis.port, theirs);
  await script(both.ours.port, ours);
  expect(ours.entries).toEqual(theirs.entries);
  return ours;
}

/** Reply of a command without order, in one order. */
export const inOrder = (values: readonly unknown[]) => [...values].sort();

export const pause = (durationMs: number) =>
  new Promise<void>((resolve) => setTimeout(resolve, durationMs));

/** Waits until something holds, for twenty seconds at most. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  for (const endMs = performance.now() + 20_000; performance.now() < endMs; await pause(20))
    if (await holds()) return;
  throw new Error("waited for twenty seconds");
}
