import { execFileSync } from "node:child_process";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { constants, tmpdir } from "node:os";
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

  test("names need not be text", async () => {
    if (process.platform !== "linux") return console.log("no such names here: not tested");
    const name = "d\xffmp\xc3.rdb";
    const path = Buffer.from(join(folder, name), "latin1");
    expect(
      saveFileNow(now, { name, temporaryName: "t\xfe" }, (write) => write(bytes, 0, 9)),
    ).toEqual({
      ok: true,
      fileBytes: 9,
    });
    expect(readFileSync(path).length).toBe(9);
    const save = new SaveFile(later.here(), { name, temporaryName: "t\xfd" });
    save.write(bytes, 0, 99);
    save.complete();
    expect(await save.result).toEqual({ ok: true, fileBytes: 99 });
    expect(readFileSync(path).length).toBe(99);
    const file = now.open(name);
    expect(file?.sizeBytes).toBe(99);
    file?.close();
    const other = await later.open(name);
    expect(other?.sizeBytes).toBe(99);
    await other?.close();
    expect(await later.list()).toContain(name);
    expect(now.list().filter((each) => each.startsWith("t"))).not.toContain("t\xfd");
    await later.remove(name);
    expect(now.list()).not.toContain(name);
  });

  test("stays with its folder when that gets another name", async () => {
    if (process.platform !== "linux") return console.log("no paths to open folders: not tested");
    const before = join(folder, "before");
    const after = join(folder, "after");
    mkdirSync(before);
    const names = { name: "dump", temporaryName: "temp" };
    const good = new SaveFile(nodeStorage(before).here(), names);
    good.write(bytes, 0, 1000);
    renameSync(before, after);
    good.write(bytes, 1000, 2000);
    good.complete();
    expect(await good.result).toEqual({ ok: true, fileBytes: 2000 });
    expect(readdirSync(after)).toEqual(["dump"]);
    // What fails or is given up leaves nothing there, either.
    const bad = new SaveFile(nodeStorage(after).here(), names);
    bad.write(bytes, 0, 1000);
    renameSync(after, before);
    bad.abort();
    expect(await bad.result).toMatchObject({ ok: false, step: "aborted" });
    expect(readdirSync(before)).toEqual(["dump"]);
    // A folder that is gone is an error, and nothing hangs on it.
    const lost = new SaveFile(nodeStorage(before).here(), names);
    // Its temporary file may come while the folder is being emptied.
    rmSync(before, { recursive: true, maxRetries: 10 });
    lost.complete();
    expect(await lost.result).toMatchObject({ ok: false, error: { code: "ENOENT" } });
  });

  test("opens no more folders than it gives back", async () => {
    if (process.platform !== "linux") return console.log("no /proc: not tested here");
    const count = () => readdirSync("/proc/self/fd").length;
    const start = count();
    for (let i = 0; i < 20; i++) {
      const save = new SaveFile(later.here(), { name: "again", temporaryName: "temp-again" });
      if (i % 2 === 0) save.complete();
      else save.abort();
      await save.result;
    }
    expect(count()).toBeLessThan(start + 5);
  });

  test.each(["FIFO", "device", "folder"])(
    "opens no %s, and does not wait for one",
    async (what) => {
      if (process.platform === "win32") return console.log("none of these here: not tested");
      const name = `special-${what}`;
      if (what === "FIFO") execFileSync("mkfifo", [join(folder, name)]);
      if (what === "device") symlinkSync("/dev/zero", join(folder, name));
      if (what === "folder") mkdirSync(join(folder, name));
      const refusal = what === "folder" ? "EISDIR" : "EINVAL";
      expect(() => now.open(name)).toThrow(expect.objectContaining({ code: refusal }));
      await expect(later.open(name)).rejects.toMatchObject({ code: refusal });
      expect(() => now.create(name)).toThrow(StorageError);
      await expect(later.create(name)).rejects.toBeInstanceOf(StorageError);
    },
  );

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
    // The runtime knows no such error, and calls it so, or UNKNOWN.
    const quota = {
      code: "Unknown system error -122",
      errno: -constants.errno.EDQUOT,
      message: "",
    };
    expect(storageErrorOf(quota)).toMatchObject({ code: "EDQUOT", message: "Disk quota exceeded" });
    const stale = { code: "UNKNOWN", errno: -constants.errno.ESTALE, message: "UNKNOWN: unknown" };
    expect(storageErrorOf(stale)).toMatchObject({ code: "ESTALE", message: "Stale file handle" });
    expect(() => storageErrorOf(new TypeError("ours"))).toThrow(TypeError);
  });
});
