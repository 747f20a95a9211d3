/** The save of a shutdown: what happens beside it (nothing), and what it comes to. */
import { type Harness, type HarnessOptions, harness } from "@kv/testing";
import { describe, expect, test } from "vitest";
import { dataSetFilePort } from "../../module/ports.ts";

const settle = async () => {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
};

/** So much later: the cron comes once, and turns go on. */
async function later(kv: Harness, durationMs: number): Promise<void> {
  kv.host.advance(durationMs);
  kv.engine.cron();
  for (let turn = 0; turn < 8; turn++) {
    kv.engine.turn();
    await settle();
  }
}

/** A server with ten keys, each of which takes a second to be saved. */
function slow(config: HarnessOptions["config"] = {}): Harness {
  const kv = harness({ config: { save: "3600 1", "rdb-key-save-delay": 1_000_000, ...config } });
  for (let number = 0; number < 10; number++) kv.send("SET", `k${number}`, "old");
  return kv;
}

/** What a server that starts on the same disk has under the key. */
async function afterwards(kv: Harness, key: string): Promise<unknown> {
  const next = harness({ disk: kv.host.disk.copy() });
  expect(await next.engine.load()).toBe(true);
  return next.send("GET", key);
}

const saves = (kv: Harness) => kv.log.filter((line) => /final RDB|DB saved/.test(line));
const FAILED = "ERR Errors trying to SHUTDOWN. Check logs.";

describe("while the final save is under way", () => {
  test("nobody is served, and nothing changes by itself", async () => {
    const kv = slow();
    const [asking, writing] = [kv.client(), kv.client()];
    kv.send("PEXPIRE", "k1", 500);
    const keyCount = kv.engine.keyspace.keyCount;
    asking.send("SHUTDOWN");
    await later(kv, 1000);
    expect(kv.host.exitCode).toBe(null);
    expect(writing.send("SET", "k2", "new")).toBe(undefined);
    expect(writing.send("SHUTDOWN", "ABORT")).toBe(undefined);
    const newcomer = kv.client();
    expect(newcomer.send("PING")).toBe(undefined);
    expect([writing.paused, newcomer.paused]).toEqual([true, true]);
    await later(kv, 5000);
    expect(kv.engine.keyspace.keyCount).toBe(keyCount);
    expect(kv.host.exitCode).toBe(null);
    await later(kv, 5000);
    expect(kv.host.exitCode).toBe(0);
    expect([writing.receive(), newcomer.receive()]).toEqual([undefined, undefined]);
    expect(saves(kv)).toEqual([
      "Saving the final RDB snapshot before exiting.",
      "DB saved on disk",
    ]);
    expect(await afterwards(kv, "k2")).toBe("old");
    expect(kv.host.disk.now.list()).toEqual(["dump.rdb"]);
  });

  test("a failure lets everybody go on where they were", async () => {
    const kv = slow();
    const [asking, writing, blocked, gone] = [kv.client(), kv.client(), kv.client(), kv.client()];
    blocked.send("BLPOP", "list", 5);
    asking.send("SHUTDOWN");
    await later(kv, 1000);
    writing.send("SET", "k2", "new");
    gone.destroy();
    kv.host.disk.failsFrom = { at: 1, code: "ENOSPC", message: "No space left on device" };
    await later(kv, 10_000);
    kv.host.disk.failsFrom = undefined;
    expect(kv.host.exitCode).toBe(null);
    await later(kv, 0);
    expect(asking.receive()).toBe(kv.error(FAILED));
    expect(writing.receive()).toBe("OK");
    expect([asking.paused, writing.paused]).toEqual([false, false]);
    expect(blocked.receive()).toBe(null); // Its time was up meanwhile.
    expect(kv.log).toContain("Error trying to save the DB, can't exit.");
    expect(writing.send("SHUTDOWN", "ABORT")).toBe(kv.error("ERR No shutdown in progress."));
    kv.config.assign("rdb-key-save-delay", 0);
    kv.client().send("SHUTDOWN");
    await later(kv, 20_000);
    expect(kv.host.exitCode).toBe(0);
    expect(await afterwards(kv, "k2")).toBe("new");
  });

  test("whoever does not want to wait gets rid of it, and of its temporary file", async () => {
    const kv = slow();
    kv.send("SET", "k1", "new");
    kv.client().send("SHUTDOWN");
    await later(kv, 3000);
    expect(kv.host.disk.now.list()).toEqual([expect.stringMatching(/^temp-\d+-\d+\.rdb$/)]);
    kv.engine.hurry();
    expect(kv.host.disk.now.list()).toEqual([]);
    await later(kv, 20_000);
    expect(kv.engine.isSettled).toBe(true);
    expect(kv.host.disk.now.list()).toEqual([]); // Nobody saves in its place.
  });

  test("what changes all the same is saved as well, at once", async () => {
    const kv = slow();
    kv.client().send("SHUTDOWN");
    await later(kv, 3000);
    kv.engine.situation.dirty++;
    await later(kv, 20_000);
    expect(kv.host.exitCode).toBe(0);
    expect(saves(kv)).toEqual([
      "Saving the final RDB snapshot before exiting.",
      "Saving the final RDB snapshot before exiting.",
      "DB saved on disk",
    ]);
    expect(await afterwards(kv, "k1")).toBe("old");
  });

  test("so is a data set that has taken the place of the one that was being saved", async () => {
    const kv = slow();
    kv.client().send("SHUTDOWN");
    await later(kv, 3000);
    kv.engine.of(dataSetFilePort).abortBackground();
    await later(kv, 0);
    expect(kv.host.exitCode).toBe(0);
    expect(saves(kv)).toHaveLength(3);
    expect(await afterwards(kv, "k1")).toBe("old");
  });
});
