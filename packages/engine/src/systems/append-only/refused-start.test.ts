/** A start that the disk refuses says of what: "Permission denied" alone sends an operator searching. */
import { StorageError } from "@kv/persistence";
import { harness } from "@kv/testing";
import { expect, test } from "vitest";

const denied = () => {
  throw new StorageError("EACCES", "Permission denied");
};

/** The log of a start on files of an earlier run, where `operation` on one of them is refused. */
async function refusedStart(operation: "open" | "append", file: string): Promise<string[]> {
  const config = { appendonly: true };
  const earlier = harness({ config });
  await earlier.engine.load();
  earlier.send("SET", "k", "v");
  earlier.engine.turn();

  const kv = harness({ config, disk: earlier.host.disk });
  const storage = kv.host.syncStorage;
  const { folder } = storage;
  storage.folder = (name) => {
    const found = folder(name);
    const plain = found[operation].bind(found);
    const refuses = (name: string) => (name === file ? denied() : plain(name));
    return { ...found, [operation]: refuses };
  };
  expect(await kv.engine.load()).toBe(false);
  return kv.log;
}

test.each([
  {
    operation: "open",
    file: "appendonly.aof.manifest",
    told: "Fatal error: can't open the AOF manifest file appendonlydir/appendonly.aof.manifest for reading",
  },
  {
    operation: "open",
    file: "appendonly.aof.1.base.rdb",
    told: "Fatal error: can't open the append log file appendonly.aof.1.base.rdb for reading",
  },
  {
    operation: "open",
    file: "appendonly.aof.1.incr.aof",
    told: "Fatal error: can't open the append log file appendonly.aof.1.incr.aof for reading",
  },
  {
    operation: "append",
    file: "appendonly.aof.1.incr.aof",
    told: "Can't open the append-only file appendonly.aof.1.incr.aof",
  },
] as const)("$operation of $file", async ({ operation, file, told }) => {
  expect(await refusedStart(operation, file)).toContain(`${told}: Permission denied`);
});

test("the folder", async () => {
  const kv = harness({ config: { appendonly: true } });
  kv.host.syncStorage.makeFolder = denied;
  expect(await kv.engine.load()).toBe(false);
  const told = "Can't open or create append-only dir appendonlydir: Permission denied";
  expect(kv.log.at(-1)).toBe(told);
});

test("the first file", async () => {
  const kv = harness({ config: { appendonly: true } });
  kv.host.disk.failsFrom = {
    at: kv.host.disk.operations.length + 3,
    code: "EROFS",
    message: "Read-only file system",
  };
  expect(await kv.engine.load()).toBe(false);
  const told = "Can't create the AOF base file appendonly.aof.1.base.rdb: Read-only file system";
  expect(kv.log.at(-1)).toBe(told);
});

test("one that is tried again and again leaves no files, at whatever step it fails", async () => {
  const config = { appendonly: true };
  const whole = harness({ config });
  await whole.engine.load();
  const { length } = whole.host.disk.operations;
  expect(length).toBeGreaterThan(8);
  for (let at = 1; at <= length; at++) {
    const kv = harness({ config });
    const { disk } = kv.host;
    const names = () => disk.now.folder("appendonlydir").list();
    disk.fault = { at, code: "ENOSPC", message: "No space left on device" };
    const hasStarted = await kv.engine.load();
    const isNamed = disk.contents("appendonlydir/appendonly.aof.manifest") !== undefined;
    if (at > 1 && !isNamed) expect(names(), disk.operations.join(" ")).toEqual([]);
    const next = harness({ config, disk });
    expect(await next.engine.load(), next.log.join("\n")).toBe(true);
    expect(names()).toEqual(
      expect.arrayContaining(["appendonly.aof.1.base.rdb", "appendonly.aof.1.incr.aof"]),
    );
    expect(names(), `step ${at}, ${hasStarted}`).toHaveLength(3);
  }
});
