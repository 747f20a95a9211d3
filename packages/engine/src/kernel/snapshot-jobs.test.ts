import { FakeHost } from "@kv/testing";
import { describe, expect, test } from "vitest";
import { Due } from "./due.ts";
import { type SnapshotJob, SnapshotJobs } from "./snapshot-jobs.ts";
import { Stats } from "./stats.ts";

/** A cut of so many keys, each of which takes 20 microseconds. */
class Job implements SnapshotJob {
  pendingBytes = 0;
  slices = 0;
  private readonly host: FakeHost;
  left: number;

  constructor(host: FakeHost, keys: number) {
    this.host = host;
    this.left = keys;
  }

  get isDone(): boolean {
    return this.left === 0;
  }

  step(keyCount: number): boolean {
    const count = Math.min(keyCount, this.left);
    this.left -= count;
    this.host.advance((count * 20) / 1000);
    return this.isDone;
  }
}

function jobsOf(host: FakeHost) {
  const stats = new Stats();
  return { stats, jobs: new SnapshotJobs(host, stats) };
}

describe("snapshot jobs", () => {
  test("have slices in turns, and are done one like the other", () => {
    const host = new FakeHost(1);
    const { jobs } = jobsOf(host);
    const [one, two] = [new Job(host, 1000), new Job(host, 1000)];
    jobs.add(one);
    jobs.add(two);
    while (jobs.slice() !== Due.NEVER) expect(Math.abs(one.left - two.left)).toBeLessThan(100);
    expect([one.isDone, two.isDone]).toEqual([true, true]);
  });

  test("a slice is short while clients are served, and leaves them a pause", () => {
    const host = new FakeHost(1);
    const { jobs, stats } = jobsOf(host);
    const job = new Job(host, 100_000);
    jobs.add(job);
    const took = (commands: number) => {
      stats.commandsProcessed += commands;
      const startMs = host.nowMs;
      const due = jobs.slice();
      return { us: Math.round((host.nowMs - startMs) * 1000), due };
    };
    expect(took(0)).toMatchObject({ due: Due.SOON });
    expect(took(0).us).toBeGreaterThan(900);
    expect(took(100)).toMatchObject({ due: Due.LATER });
    expect(took(100).us).toBeLessThan(500);
  });

  test("who waits for its reader gets none, and does not hold up the next", () => {
    const host = new FakeHost(1);
    const { jobs } = jobsOf(host);
    const [stuck, ready] = [new Job(host, 1000), new Job(host, 1000)];
    stuck.pendingBytes = 2 ** 30;
    jobs.add(stuck);
    jobs.add(ready);
    while (jobs.slice() !== Due.NEVER);
    expect([stuck.left, ready.left]).toEqual([1000, 0]);
    stuck.pendingBytes = 0;
    while (jobs.slice() !== Due.NEVER);
    expect(stuck.isDone).toBe(true);
  });

  test("one that was taken away gets no more", () => {
    const host = new FakeHost(1);
    const { jobs } = jobsOf(host);
    const job = new Job(host, 1000);
    jobs.add(job);
    jobs.remove(job);
    expect(jobs.slice()).toBe(Due.NEVER);
    expect(job.left).toBe(1000);
  });
});
