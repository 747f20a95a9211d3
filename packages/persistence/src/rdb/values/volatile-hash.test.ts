/** Hashes of which fields expire, as bytes: what Redis 7.4 writes, what nobody should, and what we do. */

import {
  bytesOf,
  type Database,
  ElementVisitor,
  eachElement,
  HashValue,
  Keyspace,
  keyIndex,
  kindOfEntry,
  NONE,
  type Ref,
} from "@kv/core";
import { describe, expect, test } from "vitest";
import { bytesOfText, LIMITS, textOfBytes } from "../../keyspace-contents.ts";
import { RdbString } from "../input.ts";
import { ObjectReader } from "../object.ts";
import { dumpPayload, readPayload } from "../payload.ts";

const T = 1_700_000_000_000;

/** Eight bytes, the lowest first. */
function moment(value: number): number[] {
  return [...new Uint8Array(BigUint64Array.of(BigInt(value)).buffer)];
}

/** A number of eight bytes as a length, the highest first. */
function wide(value: number): number[] {
  return [0x81, ...moment(value).reverse()];
}

function text(value: string): number[] {
  return [value.length, ...bytesOfText(value)];
}

/** Elements of a listpack: short strings, and integers of 64 bits. */
function listpack(...elements: (string | number)[]): number[] {
  const body = elements.flatMap((each) =>
    typeof each === "number"
      ? each === 0
        ? [0, 1]
        : [0xf4, ...moment(each), 9]
      : [0x80 | each.length, ...bytesOfText(each), each.length + 1],
  );
  const bytes = 6 + body.length + 1;
  const count = elements.length;
  return [bytes, 0, 0, 0, count & 255, count >> 8, ...body, 0xff];
}

function packed(...elements: (string | number)[]): number[] {
  const bytes = listpack(...elements);
  return [0x40 | (bytes.length >> 8), bytes.length & 255, ...bytes];
}

class Fields extends ElementVisitor {
  readonly found: [string, string, number][] = [];
  element(): void {}
  pair(): void {
    const { text: name, value } = this;
    this.found.push([
      textOfBytes(name.bytes, name.start, name.end),
      textOfBytes(value.bytes, value.start, value.end),
      this.expiryMs === -1 ? -1 : this.expiryMs - T,
    ]);
  }
}

function keyOf(name: string): RdbString {
  const bytes = bytesOfText(name);
  const key = new RdbString();
  key.set(bytes, new DataView(bytes.buffer), 0, bytes.length);
  return key;
}

/** What a payload of these bytes makes; its version and checksum are not looked at. */
function load(bytes: number[], entriesMax = 128) {
  const keyspace = new Keyspace({ random32: () => 3, arena: { segmentBytes: 2 ** 20 } });
  const database = keyspace.databases[0] as Database;
  const limits = { ...LIMITS, hash: { ...LIMITS.hash, listpackEntriesMax: entriesMax } };
  const reader = new ObjectReader(keyspace, limits);
  const payload = Uint8Array.from([...bytes, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
  const before = keyspace.arena.usedBytes;
  const problem = readPayload(reader, keyOf("key"), payload, 0, payload.length);
  if (problem !== "") {
    expect(keyspace.arena.usedBytes).toBe(before);
    return { problem, fields: [], encoding: "", entry: NONE as Ref, keyspace, database };
  }
  const entry = reader.store(database, keyOf("key"), -1, 0);
  keyspace.check();
  new HashValue(keyspace.arena, 1).attach(entry).check();
  expect(
    textOfBytes(bytesOf(keyspace.arena, entry), keyIndex(keyspace.arena, entry)).slice(0, 3),
  ).toBe("key");
  const fields = new Fields();
  eachElement(keyspace.arena, entry, fields);
  const encoding = kindOfEntry(keyspace.arena, entry).encodingName;
  return { problem, fields: fields.found.sort(), encoding, entry, keyspace, database };
}

const triples = packed("a", "1", T + 5, "b", "2", T + 9, "c", "3", 0);
const expected = [
  ["a", "1", 5],
  ["b", "2", 9],
  ["c", "3", -1],
];

describe("a hash of which fields expire", () => {
  test.each([
    { name: "a listpack", bytes: [25, ...moment(T + 5), ...triples] },
    { name: "a listpack of before the release", bytes: [23, ...triples] },
    {
      name: "fields",
      bytes: [
        24,
        ...moment(T + 5),
        3,
        5,
        ...text("b"),
        ...text("2"),
        0,
        ...text("c"),
        ...text("3"),
        1,
        ...text("a"),
        ...text("1"),
      ],
    },
    {
      name: "fields of before the release",
      bytes: [
        22,
        3,
        ...wide(T + 9),
        ...text("b"),
        ...text("2"),
        0,
        ...text("c"),
        ...text("3"),
        ...wide(T + 5),
        ...text("a"),
        ...text("1"),
      ],
    },
  ])("is read from $name, into either form", ({ bytes }) => {
    for (const [entriesMax, encoding] of [
      [128, "listpackex"],
      [2, "hashtable"],
    ] as const) {
      const loaded = load(bytes, entriesMax);
      expect(loaded.fields).toEqual(expected);
      expect(loaded.encoding).toBe(encoding);
      expect(loaded.database.fieldExpiries.earliestMs).toBe(T + 5);
      expect(loaded.database.fieldExpiries.earliest).toBe(loaded.entry);
    }
  });

  test("is written as Redis 7.4 writes it, under version 12", () => {
    const small = load([23, ...triples]);
    const payload = dumpPayload(small.keyspace.arena, small.entry);
    expect([...payload.slice(0, 9)]).toEqual([25, ...moment(T + 5)]);
    expect(load([...payload.slice(0, -10)]).fields).toEqual(expected);
    expect([...payload.slice(-10, -8)]).toEqual([12, 0]);
    const large = load([23, ...triples], 2);
    const other = dumpPayload(large.keyspace.arena, large.entry);
    expect([...other.slice(0, 10)]).toEqual([24, ...moment(T + 5), 3]);
    expect([...other.slice(-10, -8)]).toEqual([12, 0]);
    expect(load([...other.slice(0, -10)]).fields).toEqual(expected);
  });

  test("without such a field any more is written as any Redis reads it", () => {
    const none = load([25, ...moment(0), ...packed("a", "x", 0, "b", "y", 0)]);
    expect(none.encoding).toBe("listpackex");
    expect(none.database.fieldExpiries.count).toBe(0);
    const payload = dumpPayload(none.keyspace.arena, none.entry);
    expect([...payload.slice(0, -8)]).toEqual([
      4,
      2,
      ...text("a"),
      ...text("x"),
      ...text("b"),
      ...text("y"),
      10,
      0,
    ]);
  });

  test.each([
    { why: "ends early", bytes: [25, ...moment(T + 5), ...triples.slice(0, -3)] },
    { why: "ends before its earliest expiry does", bytes: [24, 1, 2, 3] },
    {
      why: "has an earliest expiry below zero",
      bytes: [24, 255, 255, 255, 255, 255, 255, 255, 255, 1, 1, ...text("a"), ...text("1")],
    },
    { why: "has pairs, no triples", bytes: [25, ...moment(T), ...packed("a", "1", "b", "2")] },
    { why: "has a text for an expiry", bytes: [25, ...moment(T), ...packed("a", "1", "x")] },
    { why: "has an expiry below zero", bytes: [25, ...moment(T), ...packed("a", "1", -5)] },
    { why: "has an expiry beyond all", bytes: [25, ...moment(T), ...packed("a", "1", 2 ** 48)] },
    {
      why: "is in no order",
      bytes: [25, ...moment(T), ...packed("a", "1", T + 9, "b", "2", T + 5)],
    },
    {
      why: "has one that expires behind one that does not",
      bytes: [25, ...moment(T), ...packed("a", "1", 0, "b", "2", T)],
    },
    { why: "names a field twice", bytes: [25, ...moment(T), ...packed("a", "1", T, "a", "2", 0)] },
    {
      why: "names a field twice, one by one",
      bytes: [24, ...moment(T), 2, 1, ...text("a"), ...text("1"), 0, ...text("a"), ...text("2")],
    },
    {
      why: "has an expiry beyond all, one by one",
      bytes: [24, ...moment(T), 1, ...wide(2 ** 48), ...text("a"), ...text("1")],
    },
    { why: "is empty", bytes: [25, ...moment(T), ...packed()] },
    { why: "is empty, one by one", bytes: [24, ...moment(T), 0] },
  ])("is refused when it $why", ({ bytes }) => {
    for (const entriesMax of [128, 0]) expect(load(bytes, entriesMax).problem).not.toBe("");
  });
});
