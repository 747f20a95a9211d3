import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Arena } from "./arena.ts";
import {
  append,
  checkListpack,
  createListpack,
  deleteAt,
  find,
  first,
  insertAt,
  insertPairAt,
  ListpackValue,
  last,
  listpackBytes,
  listpackCount,
  listpackFromBytes,
  next,
  prepend,
  previous,
  readAt,
  replaceAt,
  seek,
  settle,
  validateListpack,
} from "./listpack.ts";

/** One character is one byte. */
function latin1(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

function text(bytes: Uint8Array): string {
  let out = "";
  for (const byte of bytes) out += String.fromCharCode(byte);
  return out;
}

/** A listpack in an arena of its own, driven by element number and text. */
function listpack(...elements: string[]) {
  const arena = new Arena({ segmentBytes: 2 ** 20 });
  const value = new ListpackValue();
  let lp = createListpack(arena);
  // Values come from the middle of a larger buffer, as arguments do.
  const given = (element: string) => latin1(`1${element}1`);
  const end = (bytes: Uint8Array) => bytes.length - 1;
  const self = {
    arena,
    value,
    get ref() {
      return lp;
    },
    set ref(ref: number) {
      lp = ref;
    },
    append(element: string) {
      const bytes = given(element);
      lp = append(arena, lp, bytes, 1, end(bytes));
    },
    prepend(element: string) {
      const bytes = given(element);
      lp = prepend(arena, lp, bytes, 1, end(bytes));
    },
    insert(index: number, element: string) {
      const bytes = given(element);
      const offset = seek(arena, lp, index);
      lp = insertAt(arena, lp, offset, bytes, 1, end(bytes));
      return self.read(offset);
    },
    appendPair(one: string, two: string) {
      const bytes = given(one + two);
      const middle = 1 + one.length;
      const at = listpackBytes(arena, lp) - 1;
      lp = insertPairAt(arena, lp, at, bytes, 1, middle, bytes, middle, end(bytes));
    },
    replace(index: number, element: string) {
      const bytes = given(element);
      const offset = seek(arena, lp, index);
      lp = replaceAt(arena, lp, offset, bytes, 1, end(bytes));
      return self.read(offset);
    },
    remove(index: number, count?: number) {
      const offset = seek(arena, lp, index);
      lp = deleteAt(arena, lp, offset, count);
      const after = settle(arena, lp, offset);
      return after === 0 ? undefined : self.read(after);
    },
    find(element: string, stride = 1) {
      const bytes = given(element);
      const offset = find(arena, lp, bytes, 1, end(bytes), stride);
      return offset === 0 ? undefined : self.read(offset);
    },
    read(offset: number) {
      readAt(arena, lp, offset, value);
      expect(value.view.buffer).toBe(value.bytes.buffer);
      return text(value.bytes.subarray(value.start, value.end));
    },
    forwards() {
      const out: string[] = [];
      for (let at = first(arena, lp); at !== 0; at = next(arena, lp, at)) out.push(self.read(at));
      return out;
    },
    backwards() {
      const out: string[] = [];
      for (let at = last(arena, lp); at !== 0; at = previous(arena, lp, at))
        out.push(self.read(at));
      return out;
    },
    raw() {
      const from = (lp & 0x7ffffff) << 3;
      return (arena.bytes[lp >>> 27] as Uint8Array).slice(from, from + listpackBytes(arena, lp));
    },
  };
  for (const element of elements) self.append(element);
  return self;
}

/** Element texts that meet each other, and one of each encoding and size class around its limits. */
const EDGES = [
  ..."0 127 128 -1 4095 4096 -4096 -4097 32767 32768 -32768 -32769 8388607 8388608".split(" "),
  ..."-8388608 -8388609 2147483647 2147483648 -2147483648 -2147483649".split(" "),
  ..."9223372036854775807 9223372036854775808 -9223372036854775808 -0 01 1x".split(" "),
];
const LENGTHS = [0, 1, 61, 62, 63, 64, 125, 126, 127, 128, 4094, 4095, 4096, 16377, 16378, 16379];
const anyElement = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom("a", "b", "7", "12", "-12", "hello", "") },
  { weight: 3, arbitrary: fc.constantFrom(...EDGES) },
  { weight: 1, arbitrary: fc.constantFrom(...LENGTHS).map((length) => "x".repeat(length)) },
);

describe("listpack", () => {
  test("is laid out as the header's example says", () => {
    const hex = Array.from(listpack("hi", "-5").raw(), (b) => b.toString(16).padStart(2, "0"));
    expect(hex.join(" ")).toBe("0e 00 00 00 02 00 82 68 69 03 df fb 02 ff");
    expect(listpack().raw()).toEqual(Uint8Array.of(7, 0, 0, 0, 0, 0, 255));
  });

  test("agrees with an array under every operation", () => {
    const index = fc.integer({ min: -12, max: 12 });
    const step = fc.oneof(
      fc.record({ what: fc.constantFrom("append", "prepend", "find"), element: anyElement }),
      fc.record({ what: fc.constantFrom("insert", "replace", "seek"), index, element: anyElement }),
      fc.record({ what: fc.constant("pair"), element: anyElement, second: anyElement }),
      fc.record({ what: fc.constant("remove"), index, count: fc.integer({ min: 0, max: 3 }) }),
    ) as fc.Arbitrary<{
      what: string;
      element: string;
      second: string;
      index: number;
      count: number;
    }>;
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const lp = listpack();
        const model: string[] = [];
        for (const { what, element, second, index, count } of steps) {
          const place = index < 0 ? model.length + index : index;
          const exists = place >= 0 && place < model.length;
          if (what === "append") {
            lp.append(element);
            model.push(element);
          }
          if (what === "prepend") {
            lp.prepend(element);
            model.unshift(element);
          }
          if (what === "pair") {
            lp.appendPair(element, second);
            model.push(element, second);
          }
          if (what === "find") {
            expect(lp.find(element)).toBe(model.includes(element) ? element : undefined);
            const isField = model.some((other, i) => i % 2 === 0 && other === element);
            expect(lp.find(element, 2)).toBe(isField ? element : undefined);
          }
          if (what === "seek") expect(seek(lp.arena, lp.ref, index) !== 0).toBe(exists);
          if (what === "insert" && exists) {
            expect(lp.insert(index, element)).toBe(element);
            model.splice(place, 0, element);
          }
          if (what === "replace" && exists) {
            expect(lp.replace(index, element)).toBe(element);
            model[place] = element;
          }
          if (what === "remove" && exists) {
            model.splice(place, count);
            expect(lp.remove(index, count)).toBe(model[place]);
          }
          checkListpack(lp.arena, lp.ref);
          expect(lp.arena.blockCount).toBe(1);
          expect(listpackCount(lp.arena, lp.ref)).toBe(model.length);
          expect(lp.forwards()).toEqual(model);
          expect(lp.backwards()).toEqual(model.toReversed());
        }
        lp.arena.check();
      }),
      { numRuns: 300 },
    );
  });

  test.each(EDGES)("stores %s and gives it back", (element) => {
    const lp = listpack(element);
    expect(lp.forwards()).toEqual([element]);
    const big = /^(0|-?[1-9]\d*)$/.test(element) ? BigInt(element) : 2n ** 64n;
    const isInteger = BigInt.asIntN(64, big) === big;
    expect(lp.value.isInteger).toBe(isInteger);
    const { hi, lo } = lp.value;
    expect((BigInt(hi) << 32n) | BigInt(lo >>> 0)).toBe(isInteger ? big : 0n);
    expect(lp.find(element)).toBe(element);
    expect(lp.find(`${element}0`)).toBe(undefined);
  });

  test("finds a number that a foreign writer stored as a string", () => {
    const bytes = Uint8Array.of(11, 0, 0, 0, 1, 0, 0x82, 0x34, 0x32, 3, 255);
    expect(validateListpack(bytes, 0, bytes.length, true)).toBe(true);
    const lp = listpack();
    lp.ref = listpackFromBytes(lp.arena, bytes, 0, bytes.length);
    expect(lp.find("42")).toBe("42");
    expect(lp.find("4")).toBe(undefined);
  });

  test("counts past 65,534 elements by walking, and knows the count again after deletions", () => {
    const lp = listpack();
    for (let i = 0; i < 65_536; i++) lp.append("1");
    expect(lp.raw().slice(4, 6)).toEqual(Uint8Array.of(255, 255));
    expect(listpackCount(lp.arena, lp.ref)).toBe(65_536);
    expect(seek(lp.arena, lp.ref, 65_536)).toBe(0);
    expect(lp.read(seek(lp.arena, lp.ref, 65_535))).toBe("1");
    lp.remove(0, 3);
    expect(lp.raw().slice(4, 6)).toEqual(Uint8Array.of(255, 255));
    expect(listpackCount(lp.arena, lp.ref)).toBe(65_533);
    expect(lp.raw().slice(4, 6)).toEqual(Uint8Array.of(253, 255));
    checkListpack(lp.arena, lp.ref);
  });

  test("a pair may pass the highest count that fits", () => {
    const lp = listpack();
    for (let i = 0; i < 65_534; i++) lp.append("1");
    expect(lp.raw().slice(4, 6)).toEqual(Uint8Array.of(254, 255));
    lp.appendPair("2", "3");
    expect(listpackCount(lp.arena, lp.ref)).toBe(65_536);
    expect(lp.read(first(lp.arena, lp.ref))).toBe("1");
    checkListpack(lp.arena, lp.ref);
  });

  test("a value must not lie in the listpack that is to store it", () => {
    const lp = listpack("some text");
    readAt(lp.arena, lp.ref, first(lp.arena, lp.ref), lp.value);
    const { bytes, start, end } = lp.value;
    expect(() => append(lp.arena, lp.ref, bytes, start, end)).toThrow("does not lie in");
  });
});

describe("validateListpack", () => {
  const sample = () =>
    listpack(
      "hi",
      "-5",
      "70000",
      "x".repeat(200),
      "9223372036854775807",
      "-100000",
      "",
      "300",
    ).raw();

  test("accepts what the functions wrote, wherever it lies", () => {
    const bytes = sample();
    const padded = new Uint8Array(bytes.length + 9).fill(0xf0);
    padded.set(bytes, 5);
    expect(validateListpack(padded, 5, 5 + bytes.length, true)).toBe(true);
    expect(validateListpack(padded, 5, 5 + bytes.length, false)).toBe(true);
  });

  test.each([
    ["nothing", []],
    ["too short for a header", [6, 0, 0, 0, 0, 255]],
    ["another length", [8, 0, 0, 0, 0, 0, 255]],
    ["no end byte", [7, 0, 0, 0, 0, 0, 254]],
    ["a count that is too high", [9, 0, 0, 0, 2, 0, 1, 1, 255]],
    ["a count that is too low", [9, 0, 0, 0, 0, 0, 1, 1, 255]],
    ["a wrong backlen", [9, 0, 0, 0, 1, 0, 1, 2, 255]],
    ["an unknown encoding", [9, 0, 0, 0, 1, 0, 0xf5, 1, 255]],
    ["an end byte inside", [9, 0, 0, 0, 0, 0, 255, 1, 255]],
    ["a string past the end", [9, 0, 0, 0, 1, 0, 0x83, 1, 255]],
    ["a string head past the end", [8, 0, 0, 0, 1, 0, 0xe1, 255]],
    ["a huge string", [13, 0, 0, 0, 1, 0, 0xf0, 255, 255, 255, 255, 1, 255]],
    ["an integer past the end", [9, 0, 0, 0, 1, 0, 0xf4, 1, 255]],
    ["a backlen over the end byte", [8, 0, 0, 0, 1, 0, 1, 255]],
  ])("refuses %s", (_why, bytes) => {
    // Behind the range lies what would make sense of the reading on.
    const padded = Uint8Array.from([...bytes, 9, 1, 1, 1, 1, 255]);
    expect(validateListpack(padded, 0, bytes.length, true)).toBe(false);
  });

  test("mutated bytes are refused or can be used", () => {
    const change = fc.record({
      at: fc.nat(),
      to: fc.oneof(fc.nat(255), fc.constantFrom(255, 0xf0)),
    });
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 3 }), (changes) => {
        const bytes = sample();
        for (const { at, to } of changes) bytes[at % bytes.length] = to;
        if (!validateListpack(bytes, 0, bytes.length, true)) return;
        const lp = listpack();
        lp.arena.free(lp.ref);
        lp.ref = listpackFromBytes(lp.arena, bytes, 0, bytes.length);
        const elements = lp.forwards();
        expect(elements.length).toBe(listpackCount(lp.arena, lp.ref));
        expect(lp.backwards()).toEqual(elements.toReversed());
        for (const element of elements) lp.find(element);
        while (elements.pop() !== undefined) lp.remove(0);
        checkListpack(lp.arena, lp.ref);
      }),
      { numRuns: 3000 },
    );
  });

  test("never reads outside the range", () => {
    const whole = sample();
    const piece = fc.oneof(
      fc.uint8Array({ maxLength: 12 }),
      // What is left of good elements when the end comes too early.
      fc.nat({ max: whole.length - 7 }).map((length) => whole.slice(6, 6 + length)),
      fc.nat({ max: 400 }).map((length) => Uint8Array.from([0xe0 | (length >> 8), length & 255])),
    );
    const zeros = fc.nat({ max: 300 }).map((length) => new Uint8Array(length));
    fc.assert(
      fc.property(fc.array(fc.oneof(piece, piece, zeros), { maxLength: 5 }), (pieces) => {
        const body = pieces.flatMap((bytes) => [...bytes]);
        const bytes = Uint8Array.from([0, 0, 0, 0, 255, 255, ...body, 255]);
        new DataView(bytes.buffer).setUint32(0, bytes.length, true);
        let outside = 0;
        const guarded = new Proxy(bytes, {
          get(target, property) {
            if (property === "length") return target.length;
            if (!(Number(property) < target.length)) outside++;
            return target[Number(property)];
          },
        });
        validateListpack(guarded, 0, bytes.length, true);
        expect(outside).toBe(0);
      }),
      { numRuns: 3000 },
    );
  });

  test.each([
    ["a long string's backlen", [0xe0, 200, ...new Array<number>(200).fill(1)]],
    ["a 32-bit length", [0xf0]],
    ["a 12-bit length", [0xe1]],
    ["a 64-bit integer", [0xf4, 1, 2, 3]],
  ])("does not look for %s behind the end", (_what, body) => {
    const bytes = Uint8Array.from([7 + body.length, 0, 0, 0, 1, 0, ...body, 255]);
    const reads: number[] = [];
    const guarded = new Proxy(bytes, {
      get(target, property) {
        if (property !== "length") reads.push(Number(property));
        return property === "length" ? target.length : target[Number(property)];
      },
    });
    expect(validateListpack(guarded, 0, bytes.length, true)).toBe(false);
    expect(Math.max(...reads)).toBeLessThan(bytes.length);
  });
});
