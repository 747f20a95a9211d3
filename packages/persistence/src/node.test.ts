import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { nodeStorage, nodeSyncStorage, storageErrorOf } from "./node.ts";
import { SaveFile, saveFileNow } from "./save-file.ts";
import { StorageError } from "./storage.ts";

const folder = mkdtempSync(join(tmpdir(), "kv-storage-"));
afterAll(() => rmSync(folder, { recursive: true }));

const now = nodeSyncStorage(folder);
const later = nodeStorage(folder);
const bytes = Uint8Array.from({ length: 100_000 }, (_, i) => i * 7);

describe("the storage of a server", () => {
  test("saves and reads, while everybody waits", () => {
    const names = { name: "now", temporaryName: "temp-now" };
    const result = saveFileNow(now, names, (write) => {
      write(bytes, 0, 1000);
      write(bytes, 1000, bytes.length);
    });
    expect(result).toEqual({ ok: true, fileBytes: bytes.length });
    expect(new Uint8Array(readFileSync(join(folder, "now")))).toEqual(bytes);
    const file = now.open("now");
    expect(file?.sizeBytes).toBe(bytes.length);
    expect(file?.read(new Uint8Array(60_000))).toBe(60_000);
    expect(file?.read(new Uint8Array(60_000))).toBe(40_000);
    expect(file?.read(new Uint8Array(60_000))).toBe(0);
    file?.close();
    expect(now.list()).toContain("now");
    expect(now.list()).not.toContain("temp-now");
  });

  test("may stay where it was while the working directory changes", async () => {
    const startFolder = process.cwd();
    process.chdir(folder);
    try {
      const storage = nodeStorage(".").here();
      const save = new SaveFile(storage, { name: "stays", temporaryName: "temp-stays" });
      save.write(bytes, 0, bytes.length);
      process.chdir(startFolder);
      save.complete();
      expect(await save.result).toMatchObject({ ok: true });
      expect(now.list()).toContain("stays");
    } finally {
      process.chdir(startFolder);
    }
  });

  test("names are bytes, whatever they say", () => {
    const name = Buffer.from("dämp€.rdb", "utf8").toString("latin1");
    now.create(name).close();
    expect(readdirSync(folder)).toContain("dämp€.rdb");
    expect(now.list()).toContain(name);
    now.remove(name);
    expect(now.open(name)).toBeUndefined();
  });

  test("saves and reads, beside the event loop", async () => {
    const save = new SaveFile(later, { name: "later", temporaryName: "temp-later" });
    save.write(bytes, 0, 50_000);
    await new Promise((resolve) => setImmediate(resolve));
    save.write(bytes, 50_000, bytes.length);
    save.complete();
    expect(await save.result).toEqual({ ok: true, fileBytes: bytes.length });
    const file = await later.open("later");
    const target = new Uint8Array(200_000);
    expect(await file?.read(target)).toBe(bytes.length);
    expect(target.subarray(0, bytes.length)).toEqual(bytes);
    await file?.close();
    expect(await later.list()).toContain("later");
  });

  test("a file that is not there is no error", async () => {
    expect(now.open("missing")).toBe(undefined);
    expect(await later.open("missing")).toBe(undefined);
    now.remove("missing");
    await later.remove("missing");
  });

  test("removes files", async () => {
    writeFileSync(join(folder, "one"), "");
    writeFileSync(join(folder, "two"), "");
    now.remove("one");
    await later.remove("two");
    expect(now.list()).not.toContain("one");
    expect(now.list()).not.toContain("two");
  });

  test("speaks of errors as the C library does", async () => {
    const lost = nodeSyncStorage(join(folder, "no-such-folder"));
    expect(() => lost.create("x")).toThrow(new StorageError("ENOENT", "No such file or directory"));
    await expect(nodeStorage(join(folder, "no-such-folder")).create("x")).rejects.toMatchObject({
      code: "ENOENT",
      message: "No such file or directory",
    });
    await expect(later.rename("missing", "x")).rejects.toBeInstanceOf(StorageError);
    const full = Object.assign(new Error("ENOSPC: no space left on device, write"), {
      code: "ENOSPC",
    });
    expect(storageErrorOf(full)).toMatchObject({ message: "No space left on device" });
    const broken = Object.assign(new Error("EIO: i/o error, fsync"), { code: "EIO" });
    expect(storageErrorOf(broken)).toMatchObject({ message: "Input/output error" });
    expect(() => storageErrorOf(new TypeError("ours"))).toThrow(TypeError);
  });
});
