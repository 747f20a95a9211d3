/** A snapshot as commands: what is written, to the byte, and what it shares with every snapshot. */
import { Keyspace } from "@kv/core";
import { withoutRoom } from "@kv/core/testing";
import { ReplyParser } from "@kv/resp";
import { describe, expect, test } from "vitest";
import {
  bytesOfText,
  putField,
  putString,
  removeField,
  removeKey,
  textOfBytes,
} from "../keyspace-contents.ts";
import { BackgroundSave, type SaveOptions, saveNow, writeSnapshot } from "../save.ts";
import { MemoryStorage } from "../testing.ts";
import { CommandSnapshot, type CommandSnapshotOptions } from "./command-snapshot.ts";

const FACTS = { redisVersion: "7.2.5", nowMs: 1_700_000_000_000, usedMemoryBytes: 1 };
const LATER_MS = 1_800_000_000_123;

function emptyKeyspace(): Keyspace {
  return new Keyspace({ random32: () => 0x5eed, arena: { segmentBytes: 2 ** 20 } });
}

/** The commands that these bytes are, each as its words. */
function commandsIn(text: string): string[][] {
  const parser = new ReplyParser({ strings: "latin1" });
  parser.feed(bytesOfText(`${text}+END\r\n`));
  const commands: string[][] = [];
  for (let next = parser.next(); next !== undefined; next = parser.next())
    commands.push(next as string[]);
  expect(commands.pop()).toBe("END");
  return commands;
}

/** A snapshot and what it has written so far. */
function begin(keyspace: Keyspace, options: CommandSnapshotOptions = {}) {
  const told = { text: "", parts: 0 };
  const snapshot = new CommandSnapshot(
    keyspace,
    (bytes, start, end) => {
      told.text += textOfBytes(bytes, start, end);
      told.parts++;
    },
    options,
  );
  return { snapshot, told };
}

/** Everything, as commands. */
function written(keyspace: Keyspace, options?: CommandSnapshotOptions): string {
  const { snapshot, told } = begin(keyspace, options);
  while (!snapshot.step(100));
  return told.text;
}

describe("a data set as commands", () => {
  test("is what a client would send", () => {
    const keyspace = emptyKeyspace();
    putString(keyspace.databases[0], "k", "42", LATER_MS);
    putField(keyspace.databases[15], "h", "f", "\r\n");
    expect(written(keyspace)).toBe(
      "*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n" +
        "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$2\r\n42\r\n" +
        "*3\r\n$9\r\nPEXPIREAT\r\n$1\r\nk\r\n$13\r\n1800000000123\r\n" +
        "*2\r\n$6\r\nSELECT\r\n$2\r\n15\r\n" +
        "*4\r\n$5\r\nHMSET\r\n$1\r\nh\r\n$1\r\nf\r\n$2\r\n\r\n\r\n",
    );
  });

  test("of an empty keyspace is nothing", () => {
    expect(written(emptyKeyspace())).toBe("");
  });

  test("begins with the time if asked, then the libraries of functions", () => {
    const keyspace = emptyKeyspace();
    putString(keyspace.databases[0], "", "");
    const code = "#!lua name=one\nreturn 1";
    const text = written(keyspace, {
      timestampMs: 1_700_000_000_999,
      functions: [bytesOfText(code)],
    });
    const line = "#TS:1700000000\r\n";
    expect(text.slice(0, line.length)).toBe(line);
    expect(commandsIn(text.slice(line.length))).toEqual([
      ["FUNCTION", "LOAD", code],
      ["SELECT", "0"],
      ["SET", "", ""],
    ]);
  });

  test.each([1, 63, 64, 65, 128, 1000])("tells %d fields, up to 64 in a command", (count) => {
    for (const wholeElementsMax of [10, 10_000]) {
      const keyspace = emptyKeyspace();
      keyspace.cuts.wholeElementsMax = wholeElementsMax;
      const [database] = keyspace.databases;
      for (let i = 0; i < count; i++) putField(database, "h", `f${i}`, `v${i}`);
      const [select, ...commands] = commandsIn(written(keyspace, { chunkBytes: 100 }));
      expect(select).toEqual(["SELECT", "0"]);
      const counts = commands.map((words) => (words.length - 2) / 2);
      const full = new Array<number>(Math.ceil(count / 64) - 1).fill(64);
      expect(counts).toEqual([...full, count - 64 * full.length]);
      const fields = new Map<string, string>();
      for (const [name, key, ...words] of commands) {
        expect([name, key]).toEqual(["HMSET", "h"]);
        for (let i = 0; i < words.length; i += 2) fields.set(words[i], words[i + 1]);
      }
      expect(fields).toEqual(new Map(Array.from({ length: count }, (_, i) => [`f${i}`, `v${i}`])));
    }
  });

  test("is one stretch for each large value, whatever changes before its turn", () => {
    const keyspace = emptyKeyspace();
    keyspace.cuts.wholeElementsMax = 10;
    const [database] = keyspace.databases;
    const keys = ["a", "b", "c"];
    for (const key of keys)
      for (let i = 0; i < 200; i++) putField(database, key, `f${i}`, `${key}${i}`);
    putString(database, "s", "before");
    const { snapshot, told } = begin(keyspace);
    for (let round = 0; !snapshot.step(20); round++) {
      for (const key of keys) {
        putField(database, key, `f${(round * 37) % 200}`, "after");
        removeField(database, key, `f${(round * 53) % 200}`);
      }
      if (round === 2) putString(database, "s", "after");
      if (round === 3) removeKey(database, "b");
    }
    const [, ...commands] = commandsIn(told.text);
    const order = commands.map(([, key]) => key);
    expect(order.filter((key, i) => key !== order[i - 1]).sort()).toEqual(["a", "b", "c", "s"]);
    for (const key of keys) {
      const own = commands.filter((words) => words[1] === key);
      expect(own.map((words) => words.length)).toEqual([130, 130, 130, 18]);
      const words = own.flatMap((each) => each.slice(2));
      const pairs = Array.from({ length: 200 }, (_, i) => `${words[2 * i]}=${words[2 * i + 1]}`);
      const before = Array.from({ length: 200 }, (_, i) => `f${i}=${key}${i}`);
      expect(pairs.sort()).toEqual(before.sort());
    }
    expect(commands.find(([, key]) => key === "s")).toEqual(["SET", "s", "before"]);
  });

  test("waits for a slow sink, but not with what is about to change", () => {
    const keyspace = emptyKeyspace();
    const [database] = keyspace.databases;
    for (let i = 0; i < 1000; i++) putString(database, `key:${i}`, "before");
    const { snapshot, told } = begin(keyspace, { pendingBytesMax: 1000, chunkBytes: 100 });
    for (let i = 0; i < 100; i++) expect(snapshot.step(10)).toBe(false);
    const reached = snapshot.pendingBytes;
    expect([reached > 1000, reached < 3000]).toEqual([true, true]);
    for (let i = 0; i < 1000; i++) putString(database, `key:${i}`, "after");
    expect(snapshot.pendingBytes).toBeGreaterThan(reached);
    while (!snapshot.step(10)) snapshot.written(snapshot.pendingBytes);
    expect([snapshot.takenCount, snapshot.totalCount]).toEqual([1000, 1000]);
    expect(snapshot.fileBytes).toBe(told.text.length);
    const [, ...commands] = commandsIn(told.text);
    expect(new Set(commands.map(([name, , value]) => `${name} ${value}`))).toEqual(
      new Set(["SET before"]),
    );
    expect(commands.length).toBe(1000);
  });

  test("that is given up writes nothing more", () => {
    const keyspace = emptyKeyspace();
    const [database] = keyspace.databases;
    for (let i = 0; i < 1000; i++) putString(database, `key:${i}`, "before");
    const { snapshot, told } = begin(keyspace, { chunkBytes: 100 });
    snapshot.step(100);
    snapshot.abort();
    const { parts } = told;
    for (let i = 0; i < 1000; i++) putString(database, `key:${i}`, "after");
    expect([snapshot.step(100), snapshot.isDone, told.parts]).toEqual([true, true, parts]);
    expect(keyspace.cuts.running).toEqual([]);
    keyspace.check();
  });

  test("that finds no room for what changes meanwhile says so, and lets the change be", () => {
    const keyspace = emptyKeyspace();
    keyspace.cuts.wholeElementsMax = 10;
    const [database] = keyspace.databases;
    for (let i = 0; i < 200; i++) putField(database, "h", `f${i}`, "before");
    const reasons: Error[] = [];
    const { snapshot, told } = begin(keyspace, {
      chunkBytes: 100,
      onFailed: (reason) => reasons.push(reason),
    });
    for (let i = 0; i < 3; i++) snapshot.step(16);
    expect(
      withoutRoom(keyspace.arena, 1, true, () => {
        for (let i = 0; i < 200 && reasons.length === 0; i++) removeField(database, "h", `f${i}`);
      }),
    ).toBe(true);
    const { parts } = told;
    expect([reasons.length, snapshot.isDone, snapshot.step(10)]).toEqual([1, true, true]);
    putField(database, "h", "f0", "after");
    expect([told.parts, keyspace.cuts.running, keyspace.arena.holds.size]).toEqual([parts, [], 0]);
    keyspace.check();
  });
});

describe("saving", () => {
  const OPTIONS: SaveOptions = {
    name: "appendonly.aof.1.base.aof",
    temporaryName: "temp-9.aof",
    facts: FACTS,
    format: "commands",
  };

  test("writes commands when asked to, beside the loop and at once", async () => {
    const keyspace = emptyKeyspace();
    for (let i = 0; i < 500; i++) putString(keyspace.databases[3], `key:${i}`, `${i}`);
    // The order of the keys depends on the slices.
    const saved = (bytes: Uint8Array | undefined) =>
      commandsIn(textOfBytes(bytes ?? new Uint8Array()))
        .map((words) => words.join(" "))
        .sort();
    const expected = ["SELECT 3", ...Array.from({ length: 500 }, (_, i) => `SET key:${i} ${i}`)];

    const parts: number[] = [];
    const sink = (bytes: Uint8Array, start: number, end: number) =>
      parts.push(...bytes.subarray(start, end));
    writeSnapshot(keyspace, sink, { facts: FACTS }, "commands");
    expect(saved(Uint8Array.from(parts))).toEqual(expected.sort());

    const later = new MemoryStorage();
    const save = new BackgroundSave(keyspace, later.later, OPTIONS);
    while (!save.step(50)) await Promise.resolve();
    expect(await save.result).toMatchObject({ ok: true, fileBytes: parts.length });
    expect(saved(later.contents(OPTIONS.name))).toEqual(expected);

    const now = new MemoryStorage();
    expect(saveNow(keyspace, now.now, OPTIONS)).toMatchObject({ ok: true });
    expect(saved(now.contents(OPTIONS.name))).toEqual(expected);
  });
});
