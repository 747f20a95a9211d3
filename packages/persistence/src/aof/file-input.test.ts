import { Keyspace } from "@kv/core";
import { ArgVector, encodeRequest, latin1, latin1Bytes } from "@kv/resp";
import { Chance } from "@kv/testing";
import { describe, expect, test } from "vitest";
import { FileLoader } from "../file-loader.ts";
import { type Contents, contentsOf, LIMITS, putString } from "../keyspace-contents.ts";
import { writeSnapshot } from "../save.ts";
import { AofFileInput } from "./file-input.ts";

const FACTS = { redisVersion: "7.2.5", nowMs: 1_700_000_000_000, usedMemoryBytes: 1 };

function emptyKeyspace(): Keyspace {
  return new Keyspace({ random32: () => 0xc0ffee, arena: { segmentBytes: 2 ** 17 } });
}

/** Reads a file, in chunks that `nextLength` gives the lengths of. */
function readFile(file: Uint8Array, nextLength: () => number = () => file.length) {
  const keyspace = emptyKeyspace();
  const input = new AofFileInput(new FileLoader(keyspace, { limits: LIMITS }));
  const batch = new ArgVector();
  const commands: string[] = [];
  const offsets: number[] = [];
  for (let at = 0; at < file.length; ) {
    const chunk = file.slice(at, at + nextLength());
    let isFull = input.read(chunk, new DataView(chunk.buffer), 0, chunk.length, batch);
    for (;;) {
      for (let i = 0; i < batch.commandCount; i++) {
        commands.push(latin1(batch.bytes, batch.requestStart[i], batch.requestEnd[i]));
        offsets.push(input.commands.commandOffset(i));
      }
      batch.clear();
      if (!isFull) break;
      isFull = input.more(batch);
    }
    at += chunk.length;
  }
  const damage = input.finish();
  const contents: Contents = contentsOf(keyspace);
  return { commands, offsets, damage, contents, input };
}

const keyspace = emptyKeyspace();
for (let i = 0; i < 12; i++) putString(keyspace.databases[i % 3], `key:${i}`, "x".repeat(i * 9));
const parts: Uint8Array[] = [];
writeSnapshot(keyspace, (bytes, start, end) => parts.push(bytes.slice(start, end)), {
  facts: FACTS,
});
const snapshot = new Uint8Array(Buffer.concat(parts));
const tail = ["SELECT 0", "MULTI", "SET a 1", "EXEC"].map((line) =>
  encodeRequest(line.split(" ").map((word) => latin1Bytes(word))),
);
const whole = new Uint8Array(Buffer.concat([snapshot, ...tail]));
const chance = new Chance(Number(process.env.KV_SEED ?? 1));

describe("a snapshot with commands behind it", () => {
  test("is loaded, and the commands are read, whatever the chunks", () => {
    for (const most of [1, 2, 6, 50, 4000]) {
      const read = readFile(whole, () => 1 + chance.below(most));
      expect(read.damage).toBe(undefined);
      expect(read.input.hasSnapshot).toBe(true);
      expect(read.contents).toEqual(contentsOf(keyspace));
      expect(read.commands).toEqual(tail.map((command) => latin1(command)));
      expect(read.offsets[0]).toBe(snapshot.length);
      expect(read.offsets[3]).toBe(whole.length - tail[3].length);
    }
  });

  test("cut at any byte ends in the snapshot, or is truncated in the commands", () => {
    for (let size = 1; size < whole.length; size++) {
      const { damage, input, commands } = readFile(whole.subarray(0, size), () => 500);
      if (size < 5) expect(damage).toEqual({ kind: "format", offset: 0, safeOffset: 0 });
      else if (size < snapshot.length) {
        expect(damage).toMatchObject({ kind: "snapshot", safeOffset: 0 });
        expect(input.snapshotError?.message).toMatch(/ -> Unexpected EOF/);
      } else {
        const end = snapshot.length + tail[0].length;
        const isGood = size === snapshot.length || size === end;
        const safeOffset = size < end ? snapshot.length : end;
        if (isGood) expect(damage).toBe(undefined);
        else expect(damage).toMatchObject({ kind: "truncated", safeOffset });
      }
      if (size < snapshot.length) expect(commands).toEqual([]);
    }
  });

  test("whose snapshot is damaged gives no commands", () => {
    const damaged = whole.slice();
    damaged[snapshot.length - 1] ^= 1; // Of the checksum.
    const { damage, commands, input } = readFile(damaged, () => 100);
    expect(damage?.kind).toBe("snapshot");
    expect(input.snapshotError?.message).toMatch(/^Wrong RDB checksum/);
    expect(commands).toEqual([]);
  });
});

describe("a file without a snapshot", () => {
  test("has commands from its first byte on", () => {
    const file = new Uint8Array(Buffer.concat(tail));
    for (const most of [1, 2, 6, 4000]) {
      const read = readFile(file, () => 1 + chance.below(most));
      expect(read.damage).toBe(undefined);
      expect(read.input.hasSnapshot).toBe(false);
      expect(read.commands).toEqual(tail.map((command) => latin1(command)));
      expect(read.offsets[0]).toBe(0);
    }
  });

  test.each([
    { text: "", damage: undefined },
    { text: "#TS:1\r\n", damage: undefined },
    { text: "\0", damage: { kind: "zeros", offset: 0, safeOffset: 0 } },
    { text: "\0".repeat(5000), damage: { kind: "zeros", offset: 0, safeOffset: 0 } },
    { text: `${"\0".repeat(5000)}x`, damage: { kind: "format", offset: 0, safeOffset: 0 } },
    { text: "*", damage: { kind: "truncated", offset: 0, safeOffset: 0 } },
    { text: "PING\r\n", damage: { kind: "format", offset: 0, safeOffset: 0 } },
    { text: "REDI", damage: { kind: "format", offset: 0, safeOffset: 0 } },
  ])("or whatever else it has: $damage.kind", ({ text, damage }) => {
    for (const length of [1, 3, 6000])
      expect(readFile(latin1Bytes(text), () => length).damage).toEqual(damage);
  });
});
