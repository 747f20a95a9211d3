/** A rewrite that takes the place of a file of which a sync has failed. */
import { type AppendFile, type Storage, StorageError } from "@kv/persistence";
import { latin1, latin1Bytes } from "@kv/resp";
import { type Harness, type HarnessOptions, harness } from "@kv/testing";
import { expect, test } from "vitest";
import type { Client } from "../../kernel/client.ts";
import { appendOnlyPort } from "./append-only.ts";

/** A server with a key in its log, of which a sync has just failed. */
async function broken(): Promise<Harness> {
  const kv = harness({ config: { appendonly: true } });
  await kv.engine.load();
  const { disk } = kv.host;
  kv.send("SET", "a", 1);
  kv.send("SET", "short", 1, "PX", 10_000);
  disk.fault = { at: disk.operations.length + 1, code: "EIO", message: "Input/output error" };
  kv.clock.advance(1100);
  await Promise.resolve();
  await kv.engine.settled();
  expect(kv.engine.of(appendOnlyPort).writer.isBroken).toBe(true);
  return kv;
}

const rewritten = (kv: Harness) => kv.until(() => !kv.engine.of(appendOnlyPort).isRewriting);

const manifestOf = (kv: Harness) =>
  latin1(kv.host.disk.contents("appendonlydir/appendonly.aof.manifest") ?? new Uint8Array(0));

const logNumbers = (kv: Harness) => [...(manifestOf(kv).match(/\d+(?=\.incr)/g) ?? [])];

/** As the disk is, it makes another server's data set. */
async function expectFound(kv: Harness): Promise<void> {
  const next = harness({ config: { appendonly: true }, disk: kv.host.disk.copy() });
  expect(await next.engine.load(), next.log.join("\n")).toBe(true);
  expect(next.send("DEBUG", "DIGEST")).toBe(kv.send("DEBUG", "DIGEST"));
}

/** More than there are promises until the instant of the new base. */
const STEPS = 40;

test("what waited at its instant is in the base, and is not done again behind it", async () => {
  const kv = harness({ config: { appendonly: true } });
  await kv.engine.load();
  const { disk } = kv.host;
  const keys = Array.from({ length: STEPS }, (_, step) => `key-${step}-`);
  for (const key of keys) kv.send("SET", key, 1, "PX", 10);
  kv.send("DEBUG", "SET-ACTIVE-EXPIRE", 0);
  disk.fault = { at: disk.operations.length + 1, code: "EIO", message: "Input/output error" };
  kv.clock.advance(1100);
  await Promise.resolve();
  await kv.engine.settled();
  const log = kv.engine.of(appendOnlyPort);
  expect(log.writer.isBroken).toBe(true);
  kv.clock.advance(1100);
  // Whoever reads a key whose time has passed removes it: no refusal stops that. It waits for the turn's end.
  const reader = kv.client().client as Client;
  for (const key of keys) {
    const bytes = latin1Bytes(`GET ${key}\r\n`);
    kv.engine.receive(reader, bytes, new DataView(bytes.buffer), 0, bytes.length);
    await Promise.resolve();
  }
  await kv.until(() => !log.isRewriting);
  const base = Buffer.from(disk.contents("appendonlydir/appendonly.aof.2.base.rdb") ?? []).toString(
    "latin1",
  );
  const behind = Buffer.from(
    disk.contents("appendonlydir/appendonly.aof.2.incr.aof") ?? [],
  ).toString("latin1");
  const inBase = keys.filter((key) => base.includes(key));
  expect(inBase.length).toBeGreaterThan(0);
  expect(inBase.length).toBeLessThan(STEPS);
  expect(keys.filter((key) => behind.includes(key))).toEqual(inBase);
});

/** Operations of the log's folder on files whose names begin so fail, until it is taken back. */
function refuseLater(kv: Harness, operation: "create" | "remove", beginning: string): () => void {
  const { storage } = kv.host;
  const { folder } = storage;
  storage.folder = (name) => {
    const real = folder(name);
    const refusing = (file: string, mode?: number) => {
      if (file.startsWith(beginning)) throw new StorageError("ENOSPC", "No space left on device");
      return operation === "create" ? real.create(file, mode) : real.remove(file);
    };
    const changed: Storage = Object.assign({}, real, {
      [operation]: async (file: string, mode?: number) => refusing(file, mode),
      here: () => changed,
    });
    return changed;
  };
  return () => {
    storage.folder = folder;
  };
}

test("rewrites that fail one after the other leave no file each", async () => {
  const kv = await broken();
  const takeBack = refuseLater(kv, "create", "temp-rewriteaof-bg-");
  const attempts = async (count: number) => {
    for (let time = 0; time < count; time++) {
      kv.clock.advance(1100);
      await rewritten(kv);
    }
  };
  await attempts(5);
  expect(kv.engine.of(appendOnlyPort).failuresInARow).toBe(5);
  expect(logNumbers(kv)).toEqual(["1", "2"]);
  await expectFound(kv);
  // A key whose time has passed goes although writes are refused, and its removal is logged.
  kv.clock.advance(10_000);
  expect(kv.send("EXISTS", "short")).toBe(0);
  await attempts(3);
  expect(logNumbers(kv)).toEqual(["1", "2", "3"]);
  takeBack();
  await attempts(1);
  expect(logNumbers(kv)).toEqual(["3"]);
  expect(kv.send("SET", "b", 1)).toBe("OK");
  await expectFound(kv);
});

test("it is replaced although its old files cannot be removed, which the log tells", async () => {
  const kv = await broken();
  const takeBack = refuseLater(kv, "remove", "appendonly.aof.1.incr");
  kv.clock.advance(1100);
  await rewritten(kv);
  expect(kv.log).toContain(
    "Old files of the AOF cannot be removed: appendonly.aof.1.incr.aof: No space left on device",
  );
  expect(kv.engine.of(appendOnlyPort).lastRewriteOk).toBe(true);
  expect(kv.send("SET", "b", 1)).toBe("OK");
  expect(manifestOf(kv)).toBe(
    "file appendonly.aof.2.base.rdb seq 2 type b\nfile appendonly.aof.1.incr.aof seq 1 type h\nfile appendonly.aof.2.incr.aof seq 2 type i\n",
  );
  await expectFound(kv);
  takeBack();
  kv.send("BGREWRITEAOF");
  await rewritten(kv);
  expect(manifestOf(kv)).not.toMatch(/type h/);
  expect(kv.host.disk.contents("appendonlydir/appendonly.aof.1.incr.aof")).toBe(undefined);
});

/** A server whose log files can be told to refuse what they are asked, from the first of them on. */
async function withStaleFile(config: HarnessOptions["config"] = {}) {
  const kv = harness({ config: { appendonly: true, ...config } });
  const { syncStorage } = kv.host;
  const { folder } = syncStorage;
  let refused: readonly string[] = [];
  let concerned = "";
  syncStorage.folder = (name) => {
    const real = folder(name);
    const append = (file: string): AppendFile => {
      const opened = real.append(file);
      return new Proxy(opened, {
        get(target, property) {
          if (file.includes(concerned) && refused.includes(String(property)))
            return () => {
              throw new StorageError("ESTALE", "Stale file handle");
            };
          return Reflect.get(target, property);
        },
      });
    };
    return { ...real, append };
  };
  await kv.engine.load();
  return {
    kv,
    refuse(files: ".1.incr" | ".incr", ...operations: string[]) {
      concerned = files;
      refused = operations;
    },
  };
}

test.each([
  { what: "writes", operations: ["write"], hasRoom: true },
  { what: "writes, also without room for a base", operations: ["write"], hasRoom: false },
  { what: "writes and syncs", operations: ["write", "syncNow", "sync"], hasRoom: false },
])("a rewrite takes the place of a file that refuses $what", async ({ operations, hasRoom }) => {
  const { kv, refuse } = await withStaleFile();
  kv.send("SELECT", 3);
  kv.send("SET", "before", 1);
  refuse(".1.incr", ...operations);
  expect(kv.send("INCR", "waits")).toBe(1);
  const misconf = kv.error("MISCONF Errors writing to the AOF file: Stale file handle");
  expect(kv.send("INCR", "refused")).toEqual(misconf);
  if (!hasRoom) {
    // What waits for the old file is in the next one, whatever becomes of the new base.
    const takeBack = refuseLater(kv, "create", "temp-rewriteaof-bg-");
    kv.send("BGREWRITEAOF");
    await rewritten(kv);
    expect(kv.engine.of(appendOnlyPort).lastRewriteOk).toBe(false);
    await expectFound(kv);
    takeBack();
    kv.clock.advance(1100);
  }
  kv.send("BGREWRITEAOF");
  await rewritten(kv);
  expect(kv.send("INCR", "waits")).toBe(2);
  expect(kv.send("INFO", "persistence")).toMatch(/aof_last_write_status:ok/);
  expect(logNumbers(kv)).toHaveLength(1);
  await expectFound(kv);
});

test("where no file takes what waits it is tried again, and is there once", async () => {
  const { kv, refuse } = await withStaleFile();
  kv.send("INCR", "before");
  refuse(".incr", "write");
  kv.send("INCR", "waits");
  const waiting = kv.engine.of(appendOnlyPort).writer.bufferedBytes;
  for (let time = 0; time < 3; time++) {
    kv.send("BGREWRITEAOF");
    await rewritten(kv);
    expect(kv.log.at(-1)).toMatch(/terminated with error: the present file cannot be synced/);
    expect(kv.engine.of(appendOnlyPort).writer.bufferedBytes).toBe(waiting);
  }
  expect(logNumbers(kv)).toEqual(["1", "2"]);
  refuse(".incr");
  kv.clock.advance(1100);
  expect(kv.send("INCR", "waits")).toBe(2);
  await expectFound(kv);
});
