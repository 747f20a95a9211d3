import fc from "fast-check";
import { afterEach, describe, expect, test, vi } from "vitest";
import { SHORT_TEXT_MAX, shortText } from "./short-text.ts";

afterEach(() => {
  vi.unstubAllGlobals();
  vi.resetModules();
});

const reference = new TextDecoder("utf-8", { ignoreBOM: true });
/** Bytes in which sequences of UTF-8 are begun, cut and broken. */
const bytes = fc
  .array(
    fc.oneof(
      fc.constantFrom(0x41, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbb, 0xbf, 0xc0, 0xc1, 0xc3, 0xe0, 0xe2),
      fc.constantFrom(0xed, 0xef, 0xf0, 0xf1, 0xf4, 0xf5, 0xff),
      fc.integer({ min: 0, max: 127 }),
    ),
    { maxLength: 60 },
  )
  .map((values) => Uint8Array.from(values));

describe.each([
  ["with the decoders of the platform", true],
  ["where there are none", false],
])("text from bytes, %s", (_, hasBuffer) => {
  async function load() {
    vi.resetModules();
    if (!hasBuffer) vi.stubGlobal("Buffer", undefined);
    return import("./text.ts");
  }

  test("utf8 says what TextDecoder says, of invalid bytes and byte order marks too", async () => {
    const { utf8 } = await load();
    fc.assert(
      fc.property(bytes, fc.nat(5), fc.nat(5), (all, start, tail) => {
        const from = Math.min(start, all.length);
        const to = Math.max(from, all.length - tail);
        expect(utf8(all, from, to)).toBe(reference.decode(all.subarray(from, to)));
      }),
      { numRuns: 5000 },
    );
    expect(utf8(Uint8Array.of(0xef, 0xbb, 0xbf, 0x61))).toBe("\ufeffa");
    expect(utf8(new Uint8Array(100_000).fill(0x61))).toBe("a".repeat(100_000));
  });

  test("latin1 gives one character for each byte", async () => {
    const { latin1 } = await load();
    const all = Uint8Array.from({ length: 10_000 }, (_each, i) => i & 255);
    for (const count of [0, 1, 2, 16, 17, 33, 300, 5000]) {
      const text = latin1(all, 7, 7 + count);
      expect(Array.from(text, (c) => c.charCodeAt(0))).toEqual([...all.subarray(7, 7 + count)]);
    }
    expect(latin1(all, 9, 8)).toBe("");
  });
});

test("a short text is every byte's character, or nothing when one is not below the limit", () => {
  const all = Uint8Array.from({ length: 40 }, (_, i) => 60 + i);
  for (let count = 0; count <= SHORT_TEXT_MAX; count++) {
    const text = String.fromCharCode(...all.subarray(3, 3 + count));
    expect(shortText(all, 3, count, 256)).toBe(text);
    expect(shortText(all, 3, count, 128)).toBe(text);
    for (let at = 3; at < 3 + count; at++) {
      const other = all.slice();
      other[at] = 128 + at;
      expect(shortText(other, 3, count, 128)).toBeUndefined();
      expect(shortText(other, 3, count, 256)).toHaveLength(count);
    }
  }
});
