import { Keyspace } from "@kv/core";
import { describe, expect, test } from "vitest";
import { contentsOf, LIMITS, putField, putString } from "./keyspace-contents.ts";
import { loadFile, loadFileNow } from "./load-file.ts";
import { RdbLoader } from "./rdb/load.ts";
import { BackgroundSave, type SaveOptions, saveNow } from "./save.ts";
import type { Storage } from "./storage.ts";
import { MemoryStorage } from "./testing.ts";

const OPTIONS: SaveOptions = {
  name: "dump.rdb",
  temporaryName: "temp-9.rdb",
  facts: { redisVersion: "7.2.5", nowMs: 1_700_000_000_000, usedMemoryBytes: 1 },
  chunkBytes: 256,
};

function keyspaceOf(count: number): Keyspace {
  const keyspace = new Keyspace({ random32: () => 5, arena: { segmentBytes: 2 ** 20 } });
  for (let i = 0; i < count; i++) putString(keyspace.databases[i % 2], `key:${i}`, `value ${i}`);
  putField(keyspace.databases[0], "hash", "f", "v");
  return keyspace;
}

function loaderOf(): { keyspace: Keyspace; loader: RdbLoader } {
  const keyspace = keyspaceOf(0);
  keyspace.flush(false);
  return { keyspace, loader: new RdbLoader(keyspace, { limits: LIMITS }) };
}

/** What the file holds. */
function saved(storage: MemoryStorage): ReturnType<typeof contentsOf> {
  const { keyspace, loader } = loaderOf();
  expect(loadFileNow(storage.now, "dump.rdb", loader)).toBe("loaded");
  return contentsOf(keyspace);
}

describe("a background save", () => {
  test("saves the instant of its beginning while writes go on", async () => {
    const storage = new MemoryStorage();
    const keyspace = keyspaceOf(1000);
    const expected = contentsOf(keyspace);
    const save = new BackgroundSave(keyspace, storage.later, OPTIONS);
    for (let round = 0; !save.step(50); round++) {
      putString(keyspace.databases[0], `key:${round * 20}`, "changed");
      putString(keyspace.databases[1], `new:${round}`, "born later");
      await Promise.resolve();
    }
    expect(await save.result).toMatchObject({ ok: true, fileBytes: save.snapshot.fileBytes });
    expect(save.snapshot.pendingBytes).toBe(0);
    storage.powerLoss();
    expect(saved(storage)).toEqual(expected);
  });

  test("waits for a disk that is slow", async () => {
    const storage = new MemoryStorage();
    const keyspace = keyspaceOf(1000);
    let release = () => {};
    const stuck = new Promise<void>((resolve) => {
      release = resolve;
    });
    const slow: Storage = {
      ...storage.later,
      create: async (name) => {
        await stuck;
        return storage.later.create(name);
      },
    };
    const save = new BackgroundSave(keyspace, slow, { ...OPTIONS, pendingBytesMax: 2000 });
    for (let i = 0; i < 100; i++) expect(save.step(50)).toBe(false);
    expect(save.snapshot.pendingBytes).toBeLessThan(5000);
    release();
    while (!save.step(50)) await Promise.resolve();
    expect(await save.result).toMatchObject({ ok: true });
    expect(saved(storage)).toEqual(contentsOf(keyspace));
  });

  test("that fails ends the snapshot and keeps the old file", async () => {
    const storage = new MemoryStorage();
    const keyspace = keyspaceOf(1000);
    expect(saveNow(keyspace, storage.now, OPTIONS).ok).toBe(true);
    const before = saved(storage);
    putString(keyspace.databases[0], "more", "x");
    const at = storage.operations.length + 5;
    storage.failsFrom = { at, code: "ENOSPC", message: "No space left on device" };
    const save = new BackgroundSave(keyspace, storage.later, OPTIONS);
    while (!save.step(10)) await Promise.resolve();
    expect(await save.result).toMatchObject({ ok: false, step: "write" });
    expect(keyspace.cuts.running).toEqual([]);
    expect(save.snapshot.pendingBytes).toBeLessThanOrEqual(256);
    storage.failsFrom = undefined;
    expect(saved(storage)).toEqual(before);
  });

  test("can be given up", async () => {
    const storage = new MemoryStorage();
    const keyspace = keyspaceOf(100);
    const save = new BackgroundSave(keyspace, storage.later, OPTIONS);
    save.step(10);
    save.abort();
    expect(save.step(10)).toBe(true);
    expect(await save.result).toMatchObject({ ok: false, step: "aborted" });
    expect(storage.now.list()).toEqual([]);
    expect(keyspace.cuts.running).toEqual([]);
  });
});

describe("SAVE", () => {
  test("that fails leaves no snapshot behind", () => {
    const storage = new MemoryStorage();
    const keyspace = keyspaceOf(1000);
    storage.failsFrom = { at: 4, code: "EIO", message: "Input/output error" };
    const result = saveNow(keyspace, storage.now, OPTIONS);
    expect(result).toMatchObject({ ok: false, error: { message: "Input/output error" } });
    expect(keyspace.cuts.running).toEqual([]);
  });
});

describe("loading a file", () => {
  test("comes up for air and tells how far it is", async () => {
    const storage = new MemoryStorage();
    const keyspace = keyspaceOf(100);
    putString(keyspace.databases[0], "long", "ab1".repeat(700_000));
    saveNow(keyspace, storage.now, { ...OPTIONS, compress: false });
    const { keyspace: target, loader } = loaderOf();
    const seen: number[] = [];
    const result = await loadFile(storage.later, "dump.rdb", loader, (loadedBytes, sizeBytes) => {
      expect(loadedBytes).toBeLessThanOrEqual(sizeBytes);
      seen.push(sizeBytes);
    });
    expect(result).toBe("loaded");
    expect(seen.length).toBe(9);
    expect(contentsOf(target)).toEqual(contentsOf(keyspace));
  });

  test("says when there is none, and when it is damaged", async () => {
    const storage = new MemoryStorage();
    const pause = () => {};
    expect(loadFileNow(storage.now, "dump.rdb", loaderOf().loader)).toBe("missing");
    expect(await loadFile(storage.later, "dump.rdb", loaderOf().loader, pause)).toBe("missing");
    storage.put("dump.rdb", Uint8Array.of(1, 2, 3));
    expect(loadFileNow(storage.now, "dump.rdb", loaderOf().loader)).toBe("failed");
    expect(await loadFile(storage.later, "dump.rdb", loaderOf().loader, pause)).toBe("failed");
  });
});
