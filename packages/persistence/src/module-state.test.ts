/** Nothing of a keyspace stays behind in modules when nobody holds it any more. */
import {
  type Arena,
  copyValue,
  Defragmenter,
  entryMemory,
  freeCopy,
  getBytes,
  Keyspace,
  Membership,
  putBytes,
} from "@kv/core";
import { collectGarbage } from "@kv/testing";
import { expect, test } from "vitest";
import { RdbCheck } from "./check-rdb.ts";
import { FileLoader } from "./file-loader.ts";
import {
  bytesOfText,
  contentsOf,
  LIMITS,
  putField,
  putString,
  removeField,
} from "./keyspace-contents.ts";
import { RdbString } from "./rdb/input.ts";
import { ObjectReader } from "./rdb/object.ts";
import { dumpPayload, readPayload } from "./rdb/payload.ts";
import { writeSnapshot } from "./save.ts";

/** Everything that can be done to a keyspace, done to two that nobody has afterwards. */
function lives(): WeakRef<Arena>[] {
  const keyspace = new Keyspace({ random32: () => 5, arena: { segmentBytes: 2 ** 20 } });
  const { arena, databases } = keyspace;
  const [database] = databases;
  putBytes(database, bytesOfText("plain"), bytesOfText("text".repeat(300)));
  getBytes(database, bytesOfText("plain"), 0);
  for (let i = 0; i < 300; i++) putString(database, `key:${i}`, `${i}`.repeat(i % 300), 9e12);
  for (let i = 0; i < 300; i++) putField(database, "large", `f${i}`, `${i}`.repeat(i));
  for (let i = 0; i < 20; i++) putField(database, "small", `f${i}`, "x");
  removeField(database, "large", "f7");
  removeField(database, "small", "f7");
  const parts: number[] = [];
  const facts = { redisVersion: "7.2.5", nowMs: 0, usedMemoryBytes: 1 };
  const sink = (bytes: Uint8Array, start: number, end: number) => {
    for (let i = start; i < end; i++) parts.push(bytes[i]);
  };
  writeSnapshot(keyspace, sink, { facts });
  const other = new Keyspace({ random32: () => 6, arena: { segmentBytes: 2 ** 20 } });
  const loader = new FileLoader(other, { limits: LIMITS });
  const file = Uint8Array.from(parts);
  loader.feed(file, 0, file.length);
  expect(loader.finish()).toBeUndefined();
  const check = new RdbCheck("f", 0, () => {});
  check.feed(file, 0, file.length);
  expect(check.finish()).toBe(true);
  expect(contentsOf(other).size).toBe(contentsOf(keyspace).size);
  const reader = new ObjectReader(other, LIMITS);
  database.dict.eachEntry((entry) => {
    const payload = dumpPayload(arena, entry);
    const key = new RdbString();
    const name = bytesOfText("restored");
    key.set(name, new DataView(name.buffer), 0, name.length);
    expect(readPayload(reader, key, payload, 0, payload.length)).toBe("");
    reader.discard();
    entryMemory(arena, entry, 5);
    freeCopy(arena, entry, copyValue(arena, entry));
  });
  const members = new Membership(arena, () => 7, keyspace.lazyFree);
  const name = bytesOfText("name");
  members.add(1, name, new DataView(name.buffer), 0, name.length);
  const defragmenter = new Defragmenter(keyspace);
  while (!defragmenter.step(1000));
  keyspace.flush(true);
  while (keyspace.lazyFree.step(100));
  return [new WeakRef(arena), new WeakRef(other.arena)];
}

test("an arena that nobody holds is garbage, and all its memory with it", async () => {
  const arenas = lives();
  // A WeakRef holds on until the turn in which it was made is over.
  for (let i = 0; i < 5; i++) {
    await new Promise((resolve) => setImmediate(resolve));
    collectGarbage();
  }
  expect(arenas.map((each) => each.deref())).toEqual([undefined, undefined]);
});
