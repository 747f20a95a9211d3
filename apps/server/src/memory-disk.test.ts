import { StorageError } from "@kv/persistence";
import { describe, expect, test } from "vitest";
import { MemoryDisk } from "./memory-disk.ts";
import { pattern } from "./testing/echo-traffic.ts";

/** All bytes of a file, read in pieces that fit no chunk. */
function contents(disk: MemoryDisk, name: string): Uint8Array | undefined {
  const reader = disk.now.open(name);
  if (reader === undefined) return undefined;
  const bytes = new Uint8Array(reader.sizeBytes);
  for (let at = 0, count = -1; count !== 0; at += count) {
    count = reader.read(bytes.subarray(at, at + 700));
  }
  return bytes;
}

describe("files in memory", () => {
  test("have the bytes that were written, also when the buffer is used again", () => {
    const disk = new MemoryDisk();
    const writer = disk.now.create("dump.rdb");
    const buffer = pattern(1000).slice();
    writer.write(buffer, 0, 1000);
    buffer.fill(0);
    writer.write(pattern(3000), 1000, 3000);
    expect(contents(disk, "dump.rdb")).toEqual(pattern(3000));
    expect(contents(disk, "other")).toBe(undefined);
  });

  test("are the same beside the event loop", async () => {
    const { now, later } = new MemoryDisk();
    const writer = await later.here().create("a");
    await writer.write(pattern(500), 0, 500);
    expect(now.list()).toEqual(["a"]);
    const reader = await later.open("a");
    expect(reader?.sizeBytes).toBe(500);
    const bytes = new Uint8Array(600);
    expect(await reader?.read(bytes)).toBe(500);
    expect(await reader?.read(bytes)).toBe(0);
    expect(bytes.subarray(0, 500)).toEqual(pattern(500));
  });

  test("take another's name, and stay with who reads them", () => {
    const disk = new MemoryDisk();
    disk.now.create("dump.rdb").write(pattern(10), 0, 10);
    const reader = disk.now.open("dump.rdb");
    disk.now.create("temp").write(pattern(20), 0, 20);
    disk.now.rename("temp", "dump.rdb");
    expect(disk.now.list()).toEqual(["dump.rdb"]);
    expect(reader?.read(new Uint8Array(30))).toBe(10);
    expect(disk.now.open("dump.rdb")?.sizeBytes).toBe(20);
    disk.now.remove("dump.rdb");
    disk.now.remove("dump.rdb");
    expect(disk.now.list()).toEqual([]);
    expect(() => disk.now.rename("none", "x")).toThrow(StorageError);
  });
});
