/**
 * What was acknowledged is there after whatever happens to the disk, the process and the power.
 *
 * One story is told again and again: a server starts, writes, rewrites its log, saves, is turned off and on
 * again. Each operation of the disk in turn fails, or is the last one before the process is killed or the
 * power goes. Every command of the story appends its number to a list, so the list tells how much of it is
 * there: 1, 2, 3, ... without a gap.
 */
import { endingPort } from "@kv/engine";
import { MemoryStorage, type PowerLoss } from "@kv/persistence/testing";
import { describe, expect, test } from "vitest";
import { type Harness, type HarnessOptions, harness } from "./harness.ts";

type Policy = "always" | "everysec";

const START_MS = 1_700_000_000_000;

/** A server on a disk, and how much it has promised. */
class Story {
  /** Commands that were sent, and those that were answered. */
  sent = 0;
  acknowledged = 0;
  /** Of those, how many had been answered so long ago that a power failure must not take them. */
  safe = 0;
  nowMs = START_MS;
  readonly disk: MemoryStorage;
  readonly policy: Policy;
  readonly config: HarnessOptions["config"];

  constructor(disk: MemoryStorage, policy: Policy, config: HarnessOptions["config"] = {}) {
    this.disk = disk;
    this.policy = policy;
    this.config = config;
  }

  /** Undefined: it did not start, which only a disk that fails may cause. */
  async start(disk = this.disk): Promise<Harness | undefined> {
    const kv = harness({
      config: { appendonly: true, appendfsync: this.policy, ...this.config },
      disk,
      hasScripts: false,
    });
    kv.host.nowMs = this.nowMs;
    return (await kv.engine.load()) ? kv : undefined;
  }

  /** True: it was acknowledged. */
  write(kv: Harness): boolean {
    const number = this.sent + 1;
    const reply = kv.send("RPUSH", "list", number);
    if (this.disk.isDead) {
      this.sent = number;
      return false;
    }
    if (typeof reply === "number") {
      this.sent = number;
      this.acknowledged = number;
    } else if (reply === undefined) this.sent = number; // Nobody was told.
    if (this.policy === "always") this.safe = this.acknowledged;
    return typeof reply === "number";
  }

  /** So much time that what was acknowledged before is on disk. */
  async wait(kv: Harness): Promise<void> {
    if (this.disk.isDead) return;
    const { acknowledged } = this;
    for (let i = 0; i < 3; i++) {
      kv.clock.advance(1100);
      this.nowMs += 1100;
      for (let turn = 0; turn < 20; turn++) await Promise.resolve();
      kv.engine.turn();
    }
    // A disk that fails promises nothing; then writes are refused.
    if (this.disk.isDead) return;
    if (/aof_last_write_status:ok/.test(kv.send("INFO", "persistence") as string))
      this.safe = acknowledged;
  }

  async turns(kv: Harness): Promise<void> {
    for (let turn = 0; turn < 40 && kv.host.exitCode === null; turn++) {
      kv.engine.turn();
      await Promise.resolve();
    }
  }

  /** In good order, as a signal has it: with a final save that takes its turns. False: refused. */
  async end(kv: Harness): Promise<boolean> {
    let mayExit = false;
    kv.engine.of(endingPort).begin({ save: "default" }, (decided) => {
      mayExit = decided;
    });
    await this.turns(kv);
    return mayExit;
  }

  /** All of it, until the end or until the server has ended. */
  async tell(): Promise<void> {
    let kv = await this.start();
    if (kv === undefined) return;
    const isOver = () => kv === undefined || kv.host.exitCode !== null || this.disk.isDead;
    for (let i = 0; i < 3; i++) this.write(kv);
    await this.wait(kv);
    if (isOver()) return;
    kv.send("BGREWRITEAOF");
    // Whatever its steps are, something is written and synced between any two of them.
    for (let i = 0; i < 32 && !isOver(); i++) {
      this.write(kv);
      kv.clock.advance(1100);
      this.nowMs += 1100;
      await Promise.resolve();
    }
    await this.turns(kv);
    if (isOver()) return;
    kv.send("BGSAVE");
    this.write(kv);
    await this.turns(kv);
    if (isOver()) return;
    this.write(kv);
    await this.wait(kv);
    if (isOver() || !(await this.end(kv))) return;
    await kv.engine.settled();
    kv = await this.start();
    if (kv === undefined) return;
    this.write(kv);
    kv.send("BGREWRITEAOF");
    await this.turns(kv);
    if (isOver()) return;
    this.write(kv);
    await this.wait(kv);
  }

  /** What another server finds on the disk, or on a copy of it; `goesOn`: and can work with. */
  async found(disk = this.disk, goesOn = true): Promise<number> {
    disk.fault = undefined;
    disk.failsFrom = undefined;
    disk.dies = undefined;
    const kv = await this.start(disk);
    if (kv === undefined) throw new Error("it does not start any more");
    const list = kv.send("LRANGE", "list", 0, -1) as string[];
    expect(list).toEqual(list.map((_, index) => `${index + 1}`));
    kv.check();
    if (!goesOn) return list.length;
    kv.send("RPUSH", "list", "more");
    const again = await this.start(disk);
    expect(again?.send("LINDEX", "list", -1)).toBe("more");
    return list.length;
  }
}

const error = { code: "EIO", message: "Input/output error" };
/** Each way of syncing with other directives beside it. */
const ways: [Policy, NonNullable<HarnessOptions["config"]>][] = [
  ["always", {}],
  ["everysec", { "aof-use-rdb-preamble": false, "aof-timestamp-enabled": true, save: "1 1" }],
];

/** Tells the story once for each operation of the disk that it takes. */
async function forEachOperation(
  policy: Policy,
  config: HarnessOptions["config"],
  tell: (story: Story, at: number) => Promise<void>,
): Promise<void> {
  const whole = new Story(new MemoryStorage(), policy, config);
  await whole.tell();
  expect(whole.acknowledged).toBe(39);
  expect(await whole.found()).toBe(39);
  for (let at = 1; at <= whole.disk.operations.length; at++) {
    const story = new Story(new MemoryStorage(), policy, config);
    try {
      await tell(story, at);
    } catch (problem) {
      const { operations } = story.disk;
      const around = operations.slice(Math.max(0, at - 4), at + 3).join(" ");
      throw new Error(`operation ${at} (${around}): ${(problem as Error).message}`, {
        cause: problem,
      });
    }
  }
}

describe.each(ways)("appendfsync %s", (policy, config) => {
  test("one operation of the disk fails", { timeout: 300_000 }, async () => {
    await forEachOperation(policy, config, async (story, at) => {
      story.disk.fault = { at, ...error };
      await story.tell();
      const found = await story.found();
      expect(found).toBeGreaterThanOrEqual(story.acknowledged);
      expect(found).toBeLessThanOrEqual(story.sent);
    });
  });

  const losses: PowerLoss[] = [
    {},
    { keepsNames: true, keptBytes: (bytes) => bytes >> 1 },
    { keepsNames: true, zeros: true },
  ];
  test("the process is killed between two operations, or the power goes", {
    timeout: 300_000,
  }, async () => {
    await forEachOperation(policy, config, async (story, at) => {
      story.disk.dies = at;
      await story.tell();
      const killed = await story.found(story.disk.copy(), at % 4 === 0);
      expect(killed).toBeGreaterThanOrEqual(story.acknowledged);
      expect(killed).toBeLessThanOrEqual(story.sent);
      for (const [index, loss] of losses.entries()) {
        const disk = story.disk.copy();
        disk.powerLoss(loss);
        const found = await story.found(disk, at % 4 === index + 1);
        expect(found, `loss ${index}`).toBeGreaterThanOrEqual(story.safe);
        expect(found, `loss ${index}`).toBeLessThanOrEqual(story.sent);
      }
    });
  });
});
