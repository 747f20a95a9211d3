import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Arena, ArenaFullError, NONE } from "../../memory/arena.ts";
import { append, createListpack, listpackBytes } from "../../memory/listpack.ts";
import {
  byteIndex,
  bytesOf,
  Encoding,
  encodingOf,
  expiryMs,
  setEncoding,
  setValueRef,
  valueRef,
} from "../../table/entry.ts";
import { kindOfEntry } from "../kind-table.ts";
import { copyValue, entryMemory, freeEntry } from "../value.ts";
import { createHash, HashValue } from "./hash-value.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const LIMITS = { listpackEntriesMax: 512, listpackValueBytesMax: 64 };

/** A field or value in the middle of other bytes, as arguments are. */
function given(text: string) {
  const bytes = encoder.encode(`0${text}0`);
  return { bytes, view: new DataView(bytes.buffer), start: 1, end: bytes.length - 1 };
}

function hash(limits = LIMITS, segmentBytes = 2 ** 22) {
  const arena = new Arena({ segmentBytes });
  const entry = createHash(arena, 0, encoder.encode("key"), 0, 3);
  const value = new HashValue(arena, 7).attach(entry);
  const valueText = () =>
    decoder.decode(value.valueBytes.subarray(value.valueStart, value.valueEnd));
  const fieldText = () =>
    decoder.decode(value.fieldBytes.subarray(value.fieldStart, value.fieldEnd));
  return {
    arena,
    entry,
    value,
    limits,
    fieldText,
    valueText,
    get encoding() {
      return kindOfEntry(arena, entry).encodingName;
    },
    set(field: string, text: string) {
      const f = given(field);
      const v = given(text);
      return value.set(f.bytes, f.view, f.start, f.end, v.bytes, v.start, v.end, this.limits);
    },
    get(field: string) {
      const f = given(field);
      return value.find(f.bytes, f.view, f.start, f.end) ? valueText() : undefined;
    },
    delete(field: string) {
      const f = given(field);
      return value.delete(f.bytes, f.view, f.start, f.end);
    },
    all() {
      const out: [string, string][] = [];
      for (value.rewind(); value.next(); ) out.push([fieldText(), valueText()]);
      return out;
    },
  };
}

function random32(seed: number) {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return state ^ (state >>> 15);
  };
}

const anyField = fc.constantFrom(..."abcdefgh", "1", "12", "-7", "01", "", "f".repeat(65));
const anyValue = fc.oneof(
  fc.constantFrom("", "x", "1", "-300", "70000", "hello world"),
  fc.constantFrom(63, 64, 65, 1000, 1023, 1024, 1025, 1100, 5000).map((n) => "v".repeat(n)),
);
const steps = fc.array(
  fc.record({ field: anyField, value: anyValue, what: fc.constantFrom("set", "set", "delete") }),
  { maxLength: 40 },
);

describe("HashValue", () => {
  test.each([
    ["stays a listpack", { listpackEntriesMax: 512, listpackValueBytesMax: 10_000 }, "listpack"],
    ["is a table from the start", { listpackEntriesMax: 0, listpackValueBytesMax: 0 }, "hashtable"],
    ["changes on the way", { listpackEntriesMax: 5, listpackValueBytesMax: 64 }, undefined],
  ])("agrees with a Map: %s", (_case, limits, encoding) => {
    fc.assert(
      fc.property(steps, (list) => {
        const h = hash(limits);
        const empty = { used: h.arena.usedBytes, blocks: h.arena.blockCount };
        const model = new Map<string, string>();
        for (const { field, value, what } of list) {
          if (what === "set") expect(h.set(field, value)).toBe(!model.has(field));
          else expect(h.delete(field)).toBe(model.has(field));
          if (what === "set") model.set(field, value);
          else model.delete(field);
          h.value.check();
          // Another window sees the same: all state is in the arena.
          h.value.attach(h.entry);
          expect(h.value.length).toBe(model.size);
          expect(h.get(field)).toBe(model.get(field));
          expect(h.get("absent")).toBe(undefined);
          expect(new Map(h.all())).toEqual(model);
          expect(h.all().length).toBe(model.size);
          if (h.encoding === "listpack") expect(h.all()).toEqual([...model]);
        }
        if (encoding !== undefined && model.size > 0) expect(h.encoding).toBe(encoding);
        expect(entryMemory(h.arena, h.entry, 0)).toBe(h.arena.usedBytes);
        for (const field of model.keys()) expect(h.delete(field)).toBe(true);
        expect(h.value.length).toBe(0);
        h.arena.check();
        if (h.encoding === "listpack") expect(h.arena.usedBytes).toBe(empty.used);
        freeEntry(h.arena, h.entry);
        expect(h.arena.blockCount).toBe(0);
      }),
      { numRuns: 150 },
    );
  });

  test("becomes a table at the entry too many, and never a listpack again", () => {
    const h = hash();
    for (let i = 0; i < 512; i++) h.set(`f${i}`, String(i));
    expect(h.encoding).toBe("listpack");
    h.set("f7", "changed");
    expect(h.encoding).toBe("listpack");
    h.set("one more", "x");
    expect(h.encoding).toBe("hashtable");
    expect(h.get("f7")).toBe("changed");
    expect(h.get("f511")).toBe("511");
    for (let i = 0; i < 512; i++) h.delete(`f${i}`);
    expect(h.encoding).toBe("hashtable");
    expect(h.all()).toEqual([["one more", "x"]]);
    h.value.check();
  });

  test.each([
    ["field", "f".repeat(65), "v"],
    ["value", "f", "v".repeat(65)],
  ])("becomes a table at a %s over 64 bytes", (_what, field, value) => {
    const h = hash();
    h.set("f".repeat(64), "v".repeat(64));
    expect(h.encoding).toBe("listpack");
    h.set(field, value);
    expect(h.encoding).toBe("hashtable");
    expect(h.get("f".repeat(64))).toBe("v".repeat(64));
    expect(h.get(field)).toBe(value);
  });

  test("the text of a number that was just read may be set elsewhere, even when that converts", () => {
    const h = hash();
    h.set("number", "123456");
    h.set("last", "777");
    expect(h.get("number")).toBe("123456");
    const { bytes, start, end } = h.value.value;
    const f = given("f".repeat(65)); // Too long for a listpack: the conversion reads all pairs.
    h.value.set(f.bytes, f.view, f.start, f.end, bytes, start, end, LIMITS);
    expect(h.encoding).toBe("hashtable");
    expect(h.get("f".repeat(65))).toBe("123456");
  });

  test("a scan of a table returns every lasting field while others come and go", () => {
    const h = hash({ listpackEntriesMax: 0, listpackValueBytesMax: 64 });
    for (let i = 0; i < 2000; i++) h.set(`stay${i}`, String(i));
    const seen = new Map<string, string>();
    let round = 0;
    let cursor = 0;
    do {
      cursor = h.value.scan(cursor, 50);
      while (h.value.next()) seen.set(h.fieldText(), h.valueText());
      for (let i = 0; i < 100; i++) {
        if (round % 2 === 0) h.set(`go${i}`, "x");
        else h.delete(`go${i}`);
      }
      round++;
    } while (cursor !== 0);
    expect(round).toBeGreaterThan(10);
    for (let i = 0; i < 2000; i++) expect(seen.get(`stay${i}`)).toBe(String(i));
  });

  test("a scan of a listpack is one part", () => {
    const h = hash();
    h.set("a", "1");
    h.set("b", "2");
    expect(h.value.scan(0, 1)).toBe(0);
    const seen: string[] = [];
    while (h.value.next()) seen.push(h.fieldText());
    expect(seen).toEqual(["a", "b"]);
  });

  test.each([0, 512])("random reaches every field (at most %i in a listpack)", (entries) => {
    const h = hash({ listpackEntriesMax: entries, listpackValueBytesMax: 64 });
    const next32 = random32(5);
    expect(h.value.random(next32)).toBe(false);
    for (let i = 0; i < 20; i++) h.set(`f${i}`, String(i));
    const seen = new Set<string>();
    for (let i = 0; i < 2000; i++) {
      expect(h.value.random(next32)).toBe(true);
      expect(h.fieldText()).toBe(`f${h.valueText()}`);
      seen.add(h.fieldText());
    }
    expect(seen.size).toBe(20);
  });

  test.each([0, 512])("a copy is independent (at most %i in a listpack)", (entries) => {
    const h = hash({ listpackEntriesMax: entries, listpackValueBytesMax: 64 });
    for (const [field, value] of [
      ["a", "1"],
      ["b", "v".repeat(entries === 0 ? 3000 : 30)],
    ] as const)
      h.set(field, value);
    const twin = createHash(h.arena, 0, encoder.encode("twin"), 0, 4);
    h.arena.free(valueRef(h.arena, twin));
    setValueRef(h.arena, twin, copyValue(h.arena, h.entry));
    setEncoding(h.arena, twin, encodingOf(h.arena, h.entry));
    const before = h.all();
    h.set("a", "changed");
    h.delete("b");
    h.value.attach(twin).check();
    expect(h.all().sort()).toEqual(before.sort());
    freeEntry(h.arena, twin);
    freeEntry(h.arena, h.entry);
    expect(h.arena.blockCount).toBe(0);
  });

  test("a field of a table costs its header, its text and its slot", () => {
    const h = hash({ listpackEntriesMax: 0, listpackValueBytesMax: 64 });
    for (let i = 0; i < 10_000; i++) h.set(`field:${i + 10_000}`, `value:${i + 10_000}`);
    // 16 + 11 + 11 bytes are a block of 40; a slot takes 11 to 21.
    expect(h.arena.usedBytes / 10_000).toBeLessThan(40 + 21.5);
  });

  test("when the arena is full, the hash is what it was and nothing is lost", () => {
    const next32 = random32(3);
    let failedAsTable = 0;
    let failedAsListpack = 0;
    for (let pages = 200; pages < 600; pages += 9) {
      const arena = new Arena({ segmentBytes: pages * 4096, limitBytes: pages * 4096 });
      const entry = createHash(arena, 0, encoder.encode("key"), 0, 3);
      const value = new HashValue(arena, 7).attach(entry);
      const limits = { listpackEntriesMax: 300, listpackValueBytesMax: 2000 };
      let count = 0;
      const add = () => {
        const f = given(`f${count}`);
        const v = given("v".repeat((next32() >>> 0) % 300 === 0 ? 1500 : (next32() >>> 0) % 60));
        value.set(f.bytes, f.view, 1, f.end, v.bytes, 1, v.end, limits);
        count++;
      };
      expect(() => {
        for (;;) add();
      }).toThrow(ArenaFullError);
      value.attach(entry).check();
      arena.check();
      expect(entryMemory(arena, entry, 0)).toBe(arena.usedBytes);
      // The field that failed may be in the listpack: it was too many only for the conversion.
      expect(value.length - count).toBeLessThanOrEqual(1);
      if (encodingOf(arena, entry) === Encoding.HASHTABLE) failedAsTable++;
      else failedAsListpack++;
    }
    expect(failedAsTable).toBeGreaterThan(0);
    expect(failedAsListpack).toBeGreaterThan(0);
  });
});

describe("HashValue.load", () => {
  /** The bytes of a listpack of these elements. */
  function pack(...elements: string[]) {
    const arena = new Arena({ segmentBytes: 2 ** 20 });
    let lp = createListpack(arena);
    for (const element of elements) {
      const { bytes, start, end } = given(element);
      lp = append(arena, lp, bytes, start, end);
    }
    const at = byteIndex(lp);
    return bytesOf(arena, lp).slice(at, at + listpackBytes(arena, lp));
  }
  /** Field "5" as an integer and, against the rules, as a string. */
  function textAndNumber() {
    const bytes = pack("5", "a", "x", "b");
    bytes[bytes.indexOf(0x78)] = 0x35;
    return bytes;
  }
  const many = (count: number) => Array.from({ length: count * 2 }, (_, i) => `e${i}`);

  test.each([1, 16, 17, 512, 513])("takes %i fields as they are", (count) => {
    const h = hash();
    freeEntry(h.arena, h.entry);
    const bytes = pack(...many(count));
    const entry = h.value.load(0, bytes, 0, 3, 5000, bytes, 0, bytes.length, LIMITS);
    h.value.check();
    expect(h.value.length).toBe(count);
    expect(expiryMs(h.arena, entry)).toBe(5000);
    expect(h.get("e0")).toBe("e1");
    const encoding = encodingOf(h.arena, entry);
    expect(encoding).toBe(count > 512 ? Encoding.HASHTABLE : Encoding.LISTPACK);
    freeEntry(h.arena, entry);
    expect(h.arena.blockCount).toBe(0);
  });

  test.each([
    ["nothing", pack()],
    ["a field without a value", pack("a", "1", "b")],
    ["a field twice", pack("a", "1", "a", "2")],
    ["a number twice", pack("5", "1", "6", "2", "5", "3")],
    ["a field twice among many", pack(...many(40), "e10", "x")],
    ["an empty field twice", pack("", "1", "b", "2", "", "3")],
    ["a field that is text and a number", textAndNumber()],
    ["a field twice beside a number", pack("a", "1", "7", "2", "a", "3")],
    ["torn bytes", pack("a", "1").slice(0, -1)],
  ])("refuses %s", (_why, bytes) => {
    const h = hash();
    freeEntry(h.arena, h.entry);
    expect(h.value.load(0, bytes, 0, 3, -1, bytes, 0, bytes.length, LIMITS)).toBe(NONE);
    expect(h.arena.blockCount).toBe(0);
  });
});
