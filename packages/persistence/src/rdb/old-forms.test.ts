import { Encoding, encodingOf, Keyspace, ListpackValue } from "@kv/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { contentsOf, LIMITS, textOfBytes } from "../keyspace-contents.ts";
import { RdbType } from "./format.ts";
import { RdbInput, RdbString, Status } from "./input.ts";
import { ObjectReader } from "./object.ts";
import { littleEndian, ziplistOf, zipmapOf } from "./old-forms.ts";
import { ZiplistWalk } from "./ziplist.ts";
import { ZipmapWalk } from "./zipmap.ts";

function elementsOf(ziplist: Uint8Array): string[] | undefined {
  const walk = new ZiplistWalk(ziplist, new DataView(ziplist.buffer), 0, ziplist.length);
  const element = new ListpackValue();
  const elements: string[] = [];
  while (walk.next(element)) {
    elements.push(textOfBytes(element.bytes, element.start, element.end));
  }
  return walk.isWhole() ? elements : undefined;
}

function pairsOf(zipmap: Uint8Array): [string, string][] | undefined {
  const walk = new ZipmapWalk(zipmap, new DataView(zipmap.buffer), 0, zipmap.length);
  const pairs: [string, string][] = [];
  while (walk.next()) {
    pairs.push([
      textOfBytes(zipmap, walk.fieldStart, walk.fieldEnd),
      textOfBytes(zipmap, walk.valueStart, walk.valueEnd),
    ]);
  }
  return walk.isWhole() ? pairs : undefined;
}

const newKeyspace = () => new Keyspace({ random32: () => 7, arena: { segmentBytes: 65536 } });

/** What a hash stored as `packed` becomes: its fields, "empty" or the reason why it is refused. */
function hashFrom(type: number, packed: Uint8Array, keyspace = newKeyspace()): unknown {
  const blocks = keyspace.arena.blockCount;
  const reader = new ObjectReader(keyspace, LIMITS);
  const value = Uint8Array.from([0x80, ...littleEndian(packed.length, 4).reverse(), ...packed]);
  const input = new RdbInput();
  input.attach(value, new DataView(value.buffer), 0, value.length);
  const key = new RdbString();
  key.set(value, new DataView(value.buffer), 0, 1);
  const status = reader.begin(input, type, key);
  if (status !== Status.OK) {
    expect(keyspace.arena.blockCount).toBe(blocks);
    return status === Status.EMPTY ? "empty" : input.failure;
  }
  reader.store(keyspace.databases[0], key, -1, 0);
  keyspace.check();
  return [...contentsOf(keyspace).values()][0].value;
}

const integers = fc.constantFrom(
  "0",
  "1",
  "12",
  "13",
  "-1",
  "127",
  "-128",
  "128",
  "-129",
  "32767",
  "-32768",
  "32768",
  "8388607",
  "-8388608",
  "8388608",
  "2147483647",
  "-2147483648",
  "2147483648",
  "9223372036854775807",
  "-9223372036854775808",
);
const texts = fc.oneof(
  integers,
  fc.string({ maxLength: 10, unit: "binary-ascii" }),
  fc.constantFrom("x".repeat(63), "x".repeat(64), "y".repeat(253), "z".repeat(300)),
);
const pairs = fc.uniqueArray(fc.tuple(texts, texts), {
  selector: ([name]) => name,
  maxLength: 12,
});
const sorted = (all: [string, string][]) =>
  all.slice().sort(([one], [other]) => (one < other ? -1 : 1));

describe("a ziplist", () => {
  test("is read element by element", () => {
    fc.assert(
      fc.property(fc.array(texts, { maxLength: 20 }), (elements) => {
        expect(elementsOf(ziplistOf(elements))).toEqual(elements);
      }),
    );
  });

  test("may hold strings of 16 KiB and more", () => {
    const long = "l".repeat(20_000);
    expect(elementsOf(ziplistOf([long, "1", long]))).toEqual([long, "1", long]);
  });

  test("becomes a hash", () => {
    fc.assert(
      fc.property(pairs, (all) => {
        const hash = hashFrom(RdbType.HASH_ZIPLIST, ziplistOf(all.flat()));
        expect(hash).toEqual(all.length === 0 ? "empty" : sorted(all));
      }),
    );
  });

  test.each([
    { name: "ziplist", type: RdbType.HASH_ZIPLIST, packed: ziplistOf(["f", "x".repeat(300)]) },
    { name: "zipmap", type: RdbType.HASH_ZIPMAP, packed: zipmapOf([["f", "x".repeat(300)]]) },
  ])("with a long value: a $name is as Redis makes of it", ({ name, type, packed }) => {
    const keyspace = newKeyspace();
    hashFrom(type, packed, keyspace);
    const [database] = keyspace.databases;
    const key = new Uint8Array([0x80]);
    const entry = database.findKey(key, new DataView(key.buffer), 0, 1);
    const expected = name === "ziplist" ? Encoding.LISTPACK : Encoding.HASHTABLE;
    expect(encodingOf(keyspace.arena, entry)).toBe(expected);
  });

  test.each([
    { why: "a field without value", packed: ziplistOf(["a", "1", "b"]) },
    { why: "a field twice", packed: ziplistOf(["a", "1", "a", "2"]) },
    { why: "nothing at all", packed: new Uint8Array(0) },
  ])("with $why is refused", ({ packed }) => {
    const refusal = "Hash ziplist integrity check failed.";
    expect(hashFrom(RdbType.HASH_ZIPLIST, packed)).toBe(refusal);
  });

  test("is refused when an element lies about the one before it", () => {
    const lying = ziplistOf(["a", "1"]);
    lying[13] += 1;
    expect(elementsOf(lying)).toBe(undefined);
  });

  test("is refused when cut, and survives any change of its bytes", () => {
    const whole = ziplistOf(["field", "value", "n", "12345", "long", "x".repeat(300), "z", "0"]);
    for (let length = 0; length < whole.length; length++) {
      expect(elementsOf(whole.slice(0, length))).toBe(undefined);
    }
    for (let at = 0; at < whole.length; at++) {
      for (const change of [1, 2, 0x40, 0x80, 0xff]) {
        const changed = whole.slice();
        changed[at] ^= change;
        hashFrom(RdbType.HASH_ZIPLIST, changed); // Must come back, whatever it says.
      }
    }
  });
});

describe("a zipmap", () => {
  test("is read pair by pair, free bytes and all", () => {
    fc.assert(
      fc.property(pairs, fc.nat(4), (all, free) => {
        expect(pairsOf(zipmapOf(all, free))).toEqual(all.length === 0 ? undefined : all);
      }),
    );
  });

  test("becomes a hash", () => {
    fc.assert(
      fc.property(pairs, (all) => {
        const hash = hashFrom(RdbType.HASH_ZIPMAP, zipmapOf(all));
        const refusal = "Zipmap integrity check failed.";
        expect(hash).toEqual(all.length === 0 ? refusal : sorted(all));
      }),
    );
  });

  test("with a field twice is refused", () => {
    const twice = zipmapOf([
      ["a", "1"],
      ["a", "2"],
    ]);
    expect(hashFrom(RdbType.HASH_ZIPMAP, twice)).toBe("Hash zipmap with dup elements");
    const cut = twice.slice(0, -1);
    expect(hashFrom(RdbType.HASH_ZIPMAP, cut)).toBe("Zipmap integrity check failed.");
  });

  test("is refused when cut, and survives any change of its bytes", () => {
    const whole = zipmapOf(
      [
        ["field", "value"],
        ["long", "x".repeat(300)],
        ["z", ""],
      ],
      2,
    );
    for (let length = 0; length < whole.length; length++) {
      expect(pairsOf(whole.slice(0, length))).toBe(undefined);
    }
    for (let at = 0; at < whole.length; at++) {
      for (const change of [1, 2, 0x40, 0x80, 0xff]) {
        const changed = whole.slice();
        changed[at] ^= change;
        hashFrom(RdbType.HASH_ZIPMAP, changed);
      }
    }
  });
});
