import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { temporaryFolder } from "../testing/server-process.ts";
import { mayNeedPrivilege, OomScore } from "./oom-score.ts";

const folder = temporaryFolder();
afterAll(() => folder[Symbol.dispose]());

/** A score in a file that stands for the system's. */
function scoreAt(value: number) {
  const path = join(folder.path, "oom_score_adj");
  const set = (to: number) => writeFileSync(path, `${to}\n`);
  set(value);
  return { score: new OomScore(path), read: () => Number(readFileSync(path, "latin1")), set };
}

describe("OomScore", () => {
  test("adds to what was there, or says it all, and gives it back when it is turned off", () => {
    const { score, read } = scoreAt(100);
    expect(score.apply("yes", 200)).toBe(undefined);
    expect(read()).toBe(300);
    expect(score.apply("absolute", 250)).toBe(undefined);
    expect(read()).toBe(250);
    expect(score.apply("no", 250)).toBe(undefined);
    expect(read()).toBe(100);
  });

  test("leaves the value alone while it is off", () => {
    const { score, read, set } = scoreAt(100);
    score.apply("yes", 200);
    score.apply("no", 200);
    set(50); // Somebody else's.
    expect(score.apply("no", 300)).toBe(undefined);
    expect(read()).toBe(50);
    score.apply("yes", 7);
    expect(read()).toBe(57);
    score.apply("no", 7);
    expect(read()).toBe(50);
  });

  test("says what failed", () => {
    const score = new OomScore(join(folder.path, "nowhere", "oom_score_adj"));
    expect(score.apply("no", 1)).toBe(undefined);
    expect(score.apply("yes", 1)).toBe("Unable to read oom_score_adj: No such file or directory");
  });

  test.each([
    [[0, 200, 800], false],
    [[-10, 0, 0], false],
    [[10, 0, 0], true],
    [[0, 5, 4], true],
  ])("scores %j may need privilege: %s", (scores, needed) => {
    expect(mayNeedPrivilege(scores)).toBe(needed);
  });
});
