/**
 * A format is one entry in formats.ts: saving, loading and checking find it there. The list has a
 * second one here, which is an RDB file behind a word of its own.
 */
import { Keyspace } from "@kv/core";
import { describe, expect, test, vi } from "vitest";
import { checkFile } from "./check-file.ts";
import { FileLoader } from "./file-loader.ts";
import { type FormatName, formats, type SnapshotFormat } from "./formats.ts";
import { bytesOfText, contentsOf, LIMITS, putField, putString } from "./keyspace-contents.ts";
import { loadFile, loadFileNow } from "./load-file.ts";
import { BackgroundSave, saveNow } from "./save.ts";
import { formatContract, MemoryStorage } from "./testing.ts";

vi.mock("./formats.ts", async (original) => {
  const real = await original<typeof import("./formats.ts")>();
  const { rdb } = real.formats;
  const word = Uint8Array.from("wrapped", (letter) => letter.charCodeAt(0));
  const wrapped: SnapshotFormat = {
    signatureBytes: word.length,
    recognises: (bytes, start, end) =>
      end - start >= word.length && word.every((byte, i) => bytes[start + i] === byte),
    load(keyspace, options) {
      const inner = rdb.load(keyspace, options);
      let left = word.length;
      return new Proxy(inner, {
        get(target, name) {
          if (name !== "feed") {
            const value: unknown = Reflect.get(target, name);
            return typeof value === "function" ? value.bind(target) : value;
          }
          return (bytes: Uint8Array, start: number, end: number) => {
            const passed = Math.min(left, end - start);
            left -= passed;
            return target.feed(bytes, start + passed, end);
          };
        },
      });
    },
    snapshot(keyspace, sink, options) {
      sink(word, 0, word.length);
      return rdb.snapshot(keyspace, sink, options);
    },
    check(_storage, name, _nowMs, print) {
      print(`${name} is wrapped`);
      return true;
    },
  };
  return { ...real, formats: { rdb, wrapped } };
});

const OPTIONS = {
  name: "dump",
  temporaryName: "temp",
  facts: { redisVersion: "7.2.5", nowMs: 0, usedMemoryBytes: 1 },
};
const WRAPPED = "wrapped" as FormatName;

function filled(): Keyspace {
  const keyspace = new Keyspace({ random32: () => 5, arena: { segmentBytes: 2 ** 20 } });
  putString(keyspace.databases[0], "text", "hello");
  for (let i = 0; i < 300; i++) putField(keyspace.databases[1], "hash", `f${i}`, `${i}`);
  return keyspace;
}

function loaded(storage: MemoryStorage): ReturnType<typeof contentsOf> {
  const keyspace = new Keyspace({ random32: () => 6, arena: { segmentBytes: 2 ** 20 } });
  const loader = new FileLoader(keyspace, { limits: LIMITS });
  expect(loadFileNow(storage.now, "dump", loader)).toBe("loaded");
  expect(loader.loadedCount).toBe(2);
  return contentsOf(keyspace);
}

describe("a second format", () => {
  test("is in the list here", () => {
    expect(Object.keys(formats)).toEqual(["rdb", "wrapped"]);
  });

  test.each(["rdb", "wrapped"] as FormatName[])("%s is written when asked for", async (format) => {
    for (const isLater of [false, true]) {
      const storage = new MemoryStorage();
      const keyspace = filled();
      const options = { ...OPTIONS, format };
      if (isLater) {
        const save = new BackgroundSave(keyspace, storage.later, options);
        while (!save.step(10));
        expect(await save.result).toMatchObject({ ok: true });
      } else {
        expect(saveNow(keyspace, storage.now, options).ok).toBe(true);
      }
      const file = storage.contents("dump") as Uint8Array;
      const word = format === "rdb" ? "REDIS" : "wrapped";
      expect(file.subarray(0, word.length)).toEqual(bytesOfText(word));
      expect(loaded(storage)).toEqual(contentsOf(keyspace));
    }
  });

  test("is found by its first bytes, wherever the chunks are cut", () => {
    for (const format of ["rdb", "wrapped"] as FormatName[]) {
      const storage = new MemoryStorage();
      const keyspace = filled();
      saveNow(keyspace, storage.now, { ...OPTIONS, format });
      const file = storage.contents("dump") as Uint8Array;
      for (let cut = 0; cut < 20; cut++) {
        const target = new Keyspace({ random32: () => 7 });
        const loader = new FileLoader(target, { limits: LIMITS });
        for (let at = loader.feed(file, 0, cut); at < file.length; )
          at = loader.feed(file, at, file.length);
        expect(loader.finish()).toBeUndefined();
        expect([loader.isDone, target.keyCount]).toEqual([true, 2]);
      }
    }
  });

  test("is checked in its own way", () => {
    const storage = new MemoryStorage();
    const lines: string[] = [];
    const print = (line: string) => lines.push(line);
    saveNow(filled(), storage.now, { ...OPTIONS, format: WRAPPED });
    expect(checkFile(storage.now, "dump", 0, print)).toBe(true);
    expect(lines).toEqual(["dump is wrapped"]);
    saveNow(filled(), storage.now, OPTIONS);
    expect(checkFile(storage.now, "dump", 0, print)).toBe(true);
    expect(lines.at(-4)).toContain("RDB looks OK");
    expect(checkFile(storage.now, "none", 0, print)).toBeUndefined();
  });

  test("what nobody recognises is refused as an RDB file would be", async () => {
    const storage = new MemoryStorage();
    for (const text of ["", "RED", "no format of ours"]) {
      const file = storage.now.create("dump");
      file.write(bytesOfText(text), 0, text.length);
      file.close();
      const loader = new FileLoader(new Keyspace({ random32: () => 5 }), { limits: LIMITS });
      expect(await loadFile(storage.later, "dump", loader, () => {})).toBe("failed");
      expect(loader.error?.reason).toBe(
        text.length < 9
          ? "Unexpected EOF reading RDB file"
          : "Wrong signature trying to load DB from file",
      );
    }
  });

  test.each(formatContract(formats[WRAPPED]))("$name", ({ run }) => run());
});
