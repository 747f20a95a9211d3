import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import { temporaryFolder } from "../testing/server-process.ts";
import { Watchdog } from "./watchdog.ts";

const expired = "--- WATCHDOG TIMER EXPIRED ---";

/** A watchdog that writes to a file in a folder of its own. Failures of its thread fail the test. */
function watchdogIn(folder: string, { hz = 50, logLevel = "notice", patienceMs = 5000 } = {}) {
  const file = join(folder, "log");
  const failures: Error[] = [];
  const watchdog = new Watchdog({
    logFile: () => file,
    logLevel: () => logLevel,
    hz: () => hz,
    patienceMs,
    failed: (error) => failures.push(error),
  });
  const logged = () => (existsSync(file) ? readFileSync(file, "utf8") : "");
  const reports = () => logged().split(expired).length - 1;
  return { watchdog, failures, logged, reports, [Symbol.dispose]: () => watchdog.setPeriod(0) };
}

const rest = (durationMs: number) => new Promise((resolve) => setTimeout(resolve, durationMs));

async function beatFor(watchdog: Watchdog, durationMs: number): Promise<void> {
  for (const endMs = performance.now() + durationMs; performance.now() < endMs; await rest(10)) {
    watchdog.beat();
  }
}

function turnInCircles(isOver: () => boolean): number {
  let rounds = 0;
  for (const endMs = performance.now() + 10_000; !isOver() && performance.now() < endMs; ) rounds++;
  return rounds;
}

describe("Watchdog", () => {
  test("a hang is reported while it lasts, once, with the stack of whoever hangs", async () => {
    using folder = temporaryFolder();
    using watched = watchdogIn(folder.path);
    const { watchdog, logged, reports, failures } = watched;
    watchdog.setPeriod(300);
    await beatFor(watchdog, 800);
    expect(reports()).toBe(0);
    turnInCircles(() => logged().includes("--------\n\n"));
    expect(reports()).toBe(1);
    const seconds = "\\(\\d{10}\\) ";
    expect(logged()).toMatch(
      new RegExp(
        `^${process.pid}:signal-handler ${seconds}\n${expired}\n\n------ STACK TRACE ------\n` +
          `[\\s\\S]*    at turnInCircles \\(file:///\\S+/watchdog\\.test\\.ts:\\d+:\\d+\\)\n[\\s\\S]*` +
          `\n${process.pid}:signal-handler ${seconds}--------\n\n$`,
      ),
    );
    turnInCircles(() => reports() > 1 || performance.now() % 1000 > 900);
    expect(reports()).toBe(1);
    // The next one is another.
    await beatFor(watchdog, 200);
    turnInCircles(() => reports() > 1);
    expect(reports()).toBe(2);
    expect(failures).toEqual([]);
  });

  test("a thread that waits has a stack", async () => {
    using folder = temporaryFolder();
    using watched = watchdogIn(folder.path);
    const { watchdog, logged } = watched;
    watchdog.setPeriod(300);
    await beatFor(watchdog, 500);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 3000);
    expect(logged()).toMatch(/ {4}at \S+ \(\S+watchdog\.test\.ts:/);
  });

  test("a thread in a system call has none", async () => {
    using folder = temporaryFolder();
    using watched = watchdogIn(folder.path, { patienceMs: 200 });
    const { watchdog, logged } = watched;
    watchdog.setPeriod(300);
    await beatFor(watchdog, 500);
    spawnSync(process.execPath, ["-e", "setTimeout(() => {}, 2500)"]);
    await beatFor(watchdog, 100);
    expect(logged()).toContain("(none: the server does not stop, it may be in a system call)\n");
    expect(logged()).toMatch(/--------\n\n$/);
  });

  test("nothing is said while loglevel is nothing, nor after the period is 0", async () => {
    using folder = temporaryFolder();
    using silent = watchdogIn(folder.path, { logLevel: "nothing" });
    silent.watchdog.setPeriod(100);
    await rest(1000);
    expect(silent.logged()).toBe("");
    using stopped = watchdogIn(folder.path);
    stopped.watchdog.setPeriod(400);
    stopped.watchdog.setPeriod(0);
    await rest(800);
    expect(stopped.logged()).toBe("");
  });

  test.each([
    { wanted: 50, hz: 10, period: 200 },
    { wanted: 250, hz: 10, period: 250 },
    { wanted: 250, hz: 1, period: 2000 },
    { wanted: 0, hz: 10, period: 0 },
  ])("a period of $wanted at hz $hz is $period", ({ wanted, hz, period }) => {
    using folder = temporaryFolder();
    using watched = watchdogIn(folder.path, { hz });
    expect(watched.watchdog.setPeriod(wanted)).toBe(period);
  });

  test("where there is no thread to be had nobody watches, and somebody is told", () => {
    using folder = temporaryFolder();
    using watched = watchdogIn(folder.path);
    vi.spyOn(process, "getBuiltinModule").mockImplementationOnce(() => {
      throw new Error("Worker initialization failure: EAGAIN");
    });
    expect(watched.watchdog.setPeriod(300)).toBe(0);
    expect(watched.failures.map((error) => error.message)).toEqual([
      "Worker initialization failure: EAGAIN",
    ]);
    expect(watched.watchdog.setPeriod(300)).toBe(300);
  });

  test("a log that cannot be written is no error, of this thread or the other", async () => {
    using watched = watchdogIn("/nowhere");
    watched.watchdog.setPeriod(100);
    await rest(600);
    expect(watched.failures).toEqual([]);
  });
});
