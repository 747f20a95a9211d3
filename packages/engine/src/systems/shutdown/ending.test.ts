/** Shutdowns that wait: for replicas, and for the end of a script. */
import { type Harness, type HarnessOptions, harness } from "@kv/testing";
import { describe, expect, test } from "vitest";
import { EngineState } from "../../kernel/situation.ts";
import { shutdownWaitsPort } from "../../module/ports.ts";
import { endingPort } from "./ending.ts";

const settle = async () => {
  for (let turn = 0; turn < 10; turn++) await Promise.resolve();
};
const FAILED = "ERR Errors trying to SHUTDOWN. Check logs.";

/** A server with one that reads slowly, as a replica does. */
function withSlowReader(options: HarnessOptions = {}) {
  const kv = harness(options);
  const reader = { isBehind: true, tellShutdown: () => void kv.host.log("notice", "told") };
  kv.engine.of(shutdownWaitsPort).slowReaders.push(reader);
  return { kv, reader };
}

/** The cron comes, so much later. */
async function later(kv: Harness, durationMs: number): Promise<void> {
  kv.host.advance(durationMs);
  kv.engine.cron();
  for (let turn = 0; turn < 4; turn++) {
    kv.engine.turn();
    await settle();
  }
}

const left = (kv: Harness) =>
  /shutdown_in_milliseconds:(\d+)\r\n/.exec(kv.send("INFO", "server") as string)?.[1];

test("a signal ends the server with the next cron, and until then it can be taken back", async () => {
  const kv = harness();
  const decided: boolean[] = [];
  const signal = () =>
    kv.engine.of(endingPort).begin({ save: "nosave", signal: "SIGTERM" }, (mayExit) => {
      decided.push(mayExit);
    });
  signal();
  expect(decided).toEqual([]);
  expect(kv.send("SHUTDOWN", "ABORT")).toBe("OK");
  await later(kv, 100);
  expect(decided).toEqual([false]);
  signal();
  await later(kv, 100);
  expect(decided).toEqual([false, true]);
  expect(kv.log).toContain("Shutdown manually aborted.");
});

describe("a shutdown that waits for replicas", () => {
  test("ends when they have everything; writes are held until then", async () => {
    const { kv, reader } = withSlowReader();
    const [asking, writing] = [kv.client(), kv.client()];
    expect(left(kv)).toBe(undefined);
    expect(asking.send("SHUTDOWN")).toBe(undefined);
    expect(Number(left(kv))).toBeGreaterThan(9990);
    expect(writing.send("SET", "k", "v")).toBe(undefined);
    expect(kv.send("GET", "k")).toBe(null);
    await later(kv, 4000);
    expect(Number(left(kv))).toBeLessThanOrEqual(6000);
    expect(kv.host.exitCode).toBe(null);
    reader.isBehind = false;
    await later(kv, 100);
    expect(kv.host.exitCode).toBe(0);
    expect(kv.engine.keyspace.keyCount).toBe(0);
    expect(kv.log.filter((line) => /shut|exit|told|requested/.test(line))).toEqual([
      "User requested shutdown...",
      "Waiting for replicas before shutting down.",
      "told",
      "Redis is now ready to exit, bye bye...",
    ]);
  });

  test("ends when time is up", async () => {
    const { kv } = withSlowReader({ config: { "shutdown-timeout": 3 } });
    kv.client().send("SHUTDOWN");
    await later(kv, 2900);
    expect(kv.host.exitCode).toBe(null);
    await later(kv, 200);
    expect(kv.host.exitCode).toBe(0);
  });

  test.each([
    { what: "shutdown-timeout 0", timeout: 0, words: [] },
    { what: "NOW", timeout: 10, words: ["NOW"] },
  ])("does not wait with $what", async ({ timeout, words }) => {
    const { kv } = withSlowReader({ config: { "shutdown-timeout": timeout } });
    kv.client().send("SHUTDOWN", ...words);
    await settle();
    expect(kv.host.exitCode).toBe(0);
  });

  test("ABORT takes it back: whoever asked hears of it, and what was held goes on", async () => {
    const { kv } = withSlowReader();
    const [first, second, writing] = [kv.client(), kv.client(), kv.client()];
    first.send("SHUTDOWN", "NOSAVE");
    second.send("SHUTDOWN");
    writing.send("SET", "k", "v");
    let decided: boolean | undefined;
    kv.engine.of(endingPort).begin({ save: "default", signal: "SIGTERM" }, (mayExit) => {
      decided = mayExit;
    });
    expect(kv.send("SHUTDOWN", "ABORT")).toBe("OK");
    await settle();
    kv.engine.turn();
    expect(decided).toBe(false);
    expect([first.receive(), second.receive()]).toEqual([kv.error(FAILED), kv.error(FAILED)]);
    expect(writing.receive()).toBe("OK");
    expect(first.send("PING")).toBe("PONG");
    expect(kv.log).toContain("Shutdown manually aborted.");
    expect(kv.send("SHUTDOWN", "ABORT")).toBe(kv.error("ERR No shutdown in progress."));
    await later(kv, 20_000);
    expect(kv.host.exitCode).toBe(null);
  });

  test("one that cannot save leaves a server that goes on", async () => {
    const { kv, reader } = withSlowReader({ config: { save: "3600 1" } });
    const [asking, writing] = [kv.client(), kv.client()];
    asking.send("SHUTDOWN");
    writing.send("SET", "k", "v");
    kv.host.disk.failsFrom = { at: 1, code: "ENOSPC", message: "No space left on device" };
    reader.isBehind = false;
    await later(kv, 100);
    expect(kv.host.exitCode).toBe(null);
    expect(asking.receive()).toBe(kv.error(FAILED));
    kv.engine.turn();
    expect(writing.receive()).toBe("OK");
    asking.sendBytes("CLIENT REPLY SKIP\r\nSHUTDOWN\r\nPING\r\n");
    await later(kv, 100);
    expect(asking.pushed()).toEqual(["PONG"]);
  });

  test("a client that has gone is not told, and changes nothing", async () => {
    const { kv } = withSlowReader();
    const asking = kv.client();
    asking.send("SHUTDOWN");
    asking.destroy();
    expect(kv.send("SHUTDOWN", "ABORT")).toBe("OK");
    await settle();
    expect(kv.send("PING")).toBe("PONG");
  });

  test("neither CLIENT UNPAUSE nor the end of a pause lets writes go on", async () => {
    const { kv } = withSlowReader();
    const [asking, reading, writing] = [kv.client(), kv.client(), kv.client()];
    kv.send("CLIENT", "PAUSE", 5000, "ALL");
    reading.send("GET", "k");
    asking.send("SHUTDOWN");
    await later(kv, 0);
    expect(asking.receive()).toBe(undefined); // Held by the pause, as everything is.
    await later(kv, 5001);
    expect(reading.receive()).toBe(null);
    expect(Number(left(kv))).toBeGreaterThan(9000);
    kv.send("CLIENT", "PAUSE", 100, "ALL");
    reading.send("GET", "k");
    writing.send("SET", "k", "v");
    await later(kv, 101);
    expect(reading.receive()).toBe(null);
    expect(writing.receive()).toBe(undefined);
    expect(kv.send("CLIENT", "UNPAUSE")).toBe("OK");
    await later(kv, 0);
    expect(writing.receive()).toBe(undefined);
    expect(kv.send("SHUTDOWN", "ABORT")).toBe("OK");
    await later(kv, 0);
    expect(writing.receive()).toBe("OK");
  });
});

describe("a signal in the middle of a script", () => {
  function busy() {
    const kv = harness({ config: { save: "3600 1" } });
    kv.engine.situation.setUnusual(EngineState.BUSY, true);
    const answers: boolean[] = [];
    const signal = () =>
      kv.engine
        .of(endingPort)
        .begin({ save: "default", signal: "SIGTERM" }, (mayExit) => answers.push(mayExit));
    return { kv, answers, signal };
  }

  test("waits for its end: what half of it did is not saved", async () => {
    const { kv, answers, signal } = busy();
    signal();
    signal();
    await later(kv, 60_000);
    expect(answers).toEqual([]);
    expect(kv.host.disk.contents("dump.rdb")).toBe(undefined);
    kv.engine.situation.setUnusual(EngineState.BUSY, false);
    await later(kv, 100);
    expect(answers).toEqual([true, true]);
    expect(kv.host.disk.contents("dump.rdb")).not.toBe(undefined);
  });

  test("SHUTDOWN NOSAVE ends it at once, SHUTDOWN ABORT takes it back", async () => {
    const aborted = busy();
    aborted.signal();
    expect(aborted.kv.send("SHUTDOWN", "ABORT")).toBe("OK");
    expect(aborted.answers).toEqual([false]);
    aborted.kv.engine.situation.setUnusual(EngineState.BUSY, false);
    await later(aborted.kv, 100);
    expect(aborted.kv.host.exitCode).toBe(null);

    const ended = busy();
    ended.signal();
    ended.kv.client().send("SHUTDOWN", "NOSAVE");
    await settle();
    expect(ended.answers).toEqual([true]);
    expect(ended.kv.host.exitCode).toBe(0);
    expect(ended.kv.host.disk.contents("dump.rdb")).toBe(undefined);
  });

  test("whoever closes the server all the same saves nothing of it", () => {
    const { kv } = busy();
    expect(kv.engine.shutdown({ save: "save", force: true })).toBe(true);
    expect(kv.host.disk.contents("dump.rdb")).toBe(undefined);
  });
});
