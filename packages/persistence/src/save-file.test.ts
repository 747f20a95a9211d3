import { InvariantError } from "@kv/core";
import { describe, expect, test } from "vitest";
import { bytesOfText, textOfBytes } from "./keyspace-contents.ts";
import { SaveFile, type SaveResult, saveFileNow } from "./save-file.ts";
import type { Storage } from "./storage.ts";
import { type Fault, MemoryStorage } from "./testing.ts";

const NAMES = { name: "dump.rdb", temporaryName: "temp-1.rdb" };
const OLD = "the old file";
const NEW = ["the new ", "file, ", "whole"];

type Save = (storage: MemoryStorage) => Promise<SaveResult>;

const now: Save = async (storage) =>
  saveFileNow(storage.now, NAMES, (write) => {
    for (const part of NEW) write(bytesOfText(part), 0, part.length);
  });

const beside: Save = (storage) => {
  const save = new SaveFile(storage.later, { ...NAMES, syncEveryBytes: 10 });
  for (const part of NEW) save.write(bytesOfText(part), 0, part.length);
  save.complete();
  return save.result;
};

function diskWithOldFile(): MemoryStorage {
  const storage = new MemoryStorage();
  storage.put("dump.rdb", bytesOfText(OLD));
  return storage;
}

function text(storage: MemoryStorage): string | undefined {
  const bytes = storage.contents("dump.rdb");
  return bytes === undefined ? undefined : textOfBytes(bytes);
}

const full = (at: number): Fault => ({ at, code: "ENOSPC", message: "No space left on device" });

describe.each([
  { how: "while everybody waits", save: now },
  { how: "beside the event loop", save: beside },
])("a file saved $how", ({ save }) => {
  test("takes the place of the old one and survives a power failure", async () => {
    const storage = diskWithOldFile();
    expect(await save(storage)).toEqual({ ok: true, fileBytes: NEW.join("").length });
    storage.powerLoss();
    expect(text(storage)).toBe(NEW.join(""));
    expect(storage.now.list()).toEqual(["dump.rdb"]);
  });

  test("leaves the old one alone when any one operation fails", async () => {
    const rehearsal = diskWithOldFile();
    await save(rehearsal);
    const total = rehearsal.operations.length;
    expect(total).toBeGreaterThanOrEqual(8);
    for (let at = 1; at <= total; at++) {
      const storage = diskWithOldFile();
      storage.fault = full(at);
      const result = await save(storage);
      expect(result).toMatchObject({ ok: false, error: { code: "ENOSPC" } });
      // Only behind the renaming is it the new file that stands there.
      const isRenamed = rehearsal.operations[at - 1] === "sync-folder";
      expect(text(storage)).toBe(isRenamed ? NEW.join("") : OLD);
      expect(storage.now.list()).toEqual(["dump.rdb"]);
    }
  });

  test("is old or new, never a part, when the disk dies and the power goes", async () => {
    const rehearsal = diskWithOldFile();
    await save(rehearsal);
    const total = rehearsal.operations.length;
    for (let at = 1; at <= total; at++) {
      for (const keepsNames of [false, true]) {
        const storage = diskWithOldFile();
        storage.failsFrom = full(at);
        await save(storage);
        storage.powerLoss({ keepsNames });
        expect([OLD, NEW.join("")]).toContain(text(storage));
      }
    }
  });

  test("says at what it failed", async () => {
    const storage = diskWithOldFile();
    storage.fault = full(2);
    const result = await save(storage);
    expect(result).toMatchObject({ step: "write", error: { message: "No space left on device" } });
  });
});

describe("a save beside the event loop", () => {
  test("reports chunks as written, also those that a failure made needless", async () => {
    const storage = diskWithOldFile();
    storage.fault = full(3);
    let written = 0;
    const save = new SaveFile(storage.later, {
      ...NAMES,
      onWritten: (byteCount) => {
        written += byteCount;
      },
    });
    for (let i = 0; i < 5; i++) save.write(bytesOfText("12345"), 0, 5);
    expect((await save.result).ok).toBe(false);
    save.write(bytesOfText("12345"), 0, 5);
    expect(written).toBe(30);
  });

  test("can be given up", async () => {
    const storage = diskWithOldFile();
    const save = new SaveFile(storage.later, NAMES);
    save.write(bytesOfText("part"), 0, 4);
    save.abort();
    expect(await save.result).toMatchObject({ ok: false, step: "aborted" });
    expect(text(storage)).toBe(OLD);
    expect(storage.now.list()).toEqual(["dump.rdb"]);
  });
});

test.each(["sync", "close"])(
  "a save that is given up during its %s does not take the name",
  async (call) => {
    const storage = diskWithOldFile();
    let save: SaveFile | undefined;
    const slow: Storage = {
      ...storage.later,
      create: async (name) => {
        const writer = await storage.later.create(name);
        const aborting = (each: string, action: () => Promise<void>) => async () => {
          if (each === call) save?.abort();
          await action();
        };
        return {
          write: writer.write,
          sync: aborting("sync", writer.sync),
          close: aborting("close", writer.close),
        };
      },
    };
    save = new SaveFile(slow, NAMES);
    save.write(bytesOfText("stale"), 0, 5);
    save.complete();
    expect(await save.result).toMatchObject({ ok: false, step: "aborted" });
    expect(text(storage)).toBe(OLD);
    expect(storage.now.list()).toEqual(["dump.rdb"]);
  },
);

test("a mistake of ours is not taken for a full disk", () => {
  const storage = diskWithOldFile();
  const mistaken = () =>
    saveFileNow(storage.now, NAMES, () => {
      throw new InvariantError("a promise was broken");
    });
  expect(mistaken).toThrow(InvariantError);
});
