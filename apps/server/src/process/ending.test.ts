import { describe, expect, test } from "vitest";
import { Ending } from "./ending.ts";

/** An ending, and what came of it. `rest()` is the disk's answer, `wait()` lets the time pass. */
function endingWith(isAtRest: boolean) {
  const done: string[] = [];
  let rest = () => {};
  let wait = () => {};
  let isSettled = isAtRest;
  const ending = new Ending({
    isSettled: () => isSettled,
    settled: () =>
      new Promise((resolve) => {
        rest = () => {
          isSettled = true;
          resolve();
        };
      }),
    hurry: () => done.push("hurries"),
    exit: (code) => done.push(`exit ${code}`),
    kill: () => done.push("kill"),
    warn: (message) => done.push(message),
    after: (delayMs, action) => {
      done.push(`waits ${delayMs}`);
      wait = action;
    },
  });
  return { ending, done, rest: () => rest(), wait: () => wait() };
}

describe("the end", () => {
  test("comes at once when the disk is at rest", () => {
    const { ending, done } = endingWith(true);
    ending.begin(3);
    ending.begin(1);
    expect(done).toEqual(["exit 3"]);
  });

  test("waits for a disk that is at work", async () => {
    const { ending, done, rest } = endingWith(false);
    ending.begin(0);
    expect(done).toEqual(["waits 3000"]);
    rest();
    await Promise.resolve();
    expect(done.at(-1)).toBe("exit 0");
  });

  test("does not wait for ever", () => {
    const { ending, done, wait } = endingWith(false);
    ending.begin(0);
    wait();
    expect(done.slice(1)).toEqual([
      "The disk does not answer, for 3 seconds: this process kills itself.",
      "kill",
    ]);
  });

  test("comes at once when a second signal does", () => {
    const { ending, done } = endingWith(true);
    ending.insist();
    expect(done).toEqual(["You insist... exiting now.", "hurries", "exit 1"]);
  });

  test("waits then no longer than a disk takes that is well, whatever the end was to be", async () => {
    const { ending, done, rest } = endingWith(false);
    ending.begin(0);
    ending.insist();
    expect(done.slice(1)).toEqual(["You insist... exiting now.", "hurries", "waits 1000"]);
    rest();
    await Promise.resolve();
    expect(done.at(-1)).toBe("exit 1");
    expect(done).not.toContain("exit 0");
  });

  test.each([
    { what: "in a second", again: false, reason: "a second signal" },
    { what: "and a third signal comes", again: true, reason: "a third signal" },
  ])("comes by force when the disk does not answer $what", ({ again, reason }) => {
    const { ending, done, wait } = endingWith(false);
    ending.insist();
    if (again) ending.insist();
    else wait();
    expect(done.slice(-2)).toEqual([
      `The disk does not answer, and ${reason} has come: this process kills itself.`,
      "kill",
    ]);
  });
});
