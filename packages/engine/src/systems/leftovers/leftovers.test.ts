import { type Harness, type HarnessOptions, harness } from "@kv/testing";
import { describe, expect, test } from "vitest";

const bytes = new Uint8Array(100);
/** As many milliseconds as it takes until the second look is due. */
const WAIT_MS = 120_001;

/** A server that finds these files. The process 77 is another one that runs. */
async function finding(names: readonly string[], config: HarnessOptions["config"] = {}) {
  const kv = harness({ config });
  kv.host.processes.add(77);
  for (const name of names) kv.host.disk.put(name, bytes);
  expect(await kv.engine.load()).toBe(true);
  return kv;
}

async function later(kv: Harness, durationMs: number): Promise<string[]> {
  kv.host.advance(durationMs);
  kv.engine.cron();
  await kv.engine.settled();
  return kv.host.disk.now.list();
}

describe("a temporary file that is there at the start", () => {
  test("is gone two minutes later, if its process is", async () => {
    const names = ["temp-55-1.rdb", "sync-55-1.rdb", "temp-sync-55-2.rdb", "temp-1.55-1.rdb.part"];
    const kv = await finding(names);
    expect(await later(kv, WAIT_MS - 1000)).toHaveLength(4);
    expect(await later(kv, 1000)).toEqual([]);
    expect(kv.log).toContain(
      "Removed sync-55-1.rdb, which a process that was killed has left behind",
    );
  });

  test("stays if its process is there, or somebody has written to it", async () => {
    const kv = await finding(["temp-55-1.rdb", "temp-77-1.rdb"]);
    kv.host.disk.put("temp-55-1.rdb", new Uint8Array(101));
    expect(await later(kv, WAIT_MS)).toEqual(["temp-55-1.rdb", "temp-77-1.rdb"]);
    expect(await later(kv, WAIT_MS)).toHaveLength(2);
  });

  test("is gone at once if it has our own number, and what we begin stays", async () => {
    const kv = await finding(["temp-4711-1.rdb", "sync-4711-3.rdb"]);
    expect(kv.host.disk.now.list()).toEqual([]);
    kv.host.disk.put("temp-4711-1.rdb", bytes);
    expect(await later(kv, WAIT_MS)).toEqual(["temp-4711-1.rdb"]);
  });

  test("stays where nobody can tell what runs, and where the disk does not let it go", async () => {
    const kv = await finding(["temp-55-1.rdb"]);
    (kv.host as { isProcess?: unknown }).isProcess = undefined;
    expect(await later(kv, WAIT_MS)).toEqual(["temp-55-1.rdb"]);
    const other = await finding(["temp-55-1.rdb"]);
    other.host.disk.failsFrom = { at: 1, code: "EACCES", message: "Permission denied" };
    expect(await later(other, WAIT_MS)).toEqual(["temp-55-1.rdb"]);
    expect(other.log.at(-1)).toMatch(/^temp-55-1.rdb, .* stays: Permission denied$/);
  });

  test("stays if it is no temporary file of ours, whatever it looks like", async () => {
    const names = ["mine.rdb", "temp-55.rdb"];
    expect(await later(await finding(names), WAIT_MS)).toEqual(names);
    const source = harness();
    source.send("SAVE");
    const kv = harness({ config: { dbfilename: "sync-55-1.rdb" } });
    kv.host.disk.put("sync-55-1.rdb", source.host.disk.contents("dump.rdb") as Uint8Array);
    expect(await kv.engine.load()).toBe(true);
    expect(await later(kv, WAIT_MS)).toEqual(["sync-55-1.rdb"]);
  });
});
