import { readFileSync } from "node:fs";
import fc from "fast-check";
import { expect, test, vi } from "vitest";
import wabt from "wabt";
import { latin1Bytes } from "../testing.ts";
import { bulk } from "./bulk.ts";
import { compressPlainly, decompressPlainly } from "./lzf-plain.ts";

const GUARD = 0xee;

test("the module is what bulk.wat says (`vitest --update` writes it anew)", async () => {
  const source = readFileSync(new URL("./bulk.wat", import.meta.url), "utf8");
  const { parseWat } = await wabt();
  const { buffer } = parseWat("bulk.wat", source, { bulk_memory: true }).toBinary({});
  const lines = Buffer.from(buffer)
    .toString("hex")
    .match(/.{1,96}/g);
  const text = `/** bulk.wat in binary, two digits for each byte. Made by bulk.test.ts. */
export const bulkModuleHex = \`
${lines?.join("\n")}
\`.replaceAll("\\n", "");
`;
  await expect(text).toMatchFileSnapshot("./bulk-module.ts");
});

const routines = () => bulk() ?? expect.fail("there is no WebAssembly here");

/** Bytes that repeat themselves, near and far, and bytes that do not. */
const pieces = fc
  .array(
    fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc
        .tuple(fc.integer({ min: 0, max: 3 }), fc.nat(600))
        .map(([byte, count]) => new Uint8Array(count).fill(byte)),
      fc.constantFrom("the quick brown fox", "abcabcabc", "\0\0\0\0").map(latin1Bytes),
    ),
    { maxLength: 60 },
  )
  .map((parts) => Uint8Array.from(parts.flatMap((part) => [...part])));

/** A view over a copy of the bytes with others around them, so that a routine that strays is found out. */
function viewInside(bytes: Uint8Array, before: number, after: number): DataView {
  const room = new Uint8Array(before + bytes.length + after).fill(GUARD);
  room.set(bytes, before);
  return new DataView(room.buffer);
}

const all = (view: DataView) => new Uint8Array(view.buffer);

test("what is compressed here is compressed so by JavaScript, whatever the room for it", () => {
  fc.assert(
    fc.property(pieces, fc.nat(20), fc.nat(4200), (bytes, before, room) => {
      const source = viewInside(bytes, before, 3);
      const [here, there] = [
        new DataView(new ArrayBuffer(5000)),
        new DataView(new ArrayBuffer(5000)),
      ];
      const end = before + bytes.length;
      const after = routines().compress(source, before, end, here, before, before + room);
      expect(after).toBe(compressPlainly(source, before, end, there, before, before + room));
      if (after === -1) return;
      expect(all(here).subarray(before, after)).toEqual(all(there).subarray(before, after));
      expect(
        all(here)
          .subarray(after)
          .every((byte) => byte === 0),
      ).toBe(true);
      const unpacked = viewInside(new Uint8Array(bytes.length), 0, 9);
      expect(routines().decompress(here, before, after, unpacked, bytes.length)).toBe(true);
      expect(all(unpacked).subarray(0, bytes.length)).toEqual(bytes);
      expect(
        all(unpacked)
          .subarray(bytes.length)
          .every((byte) => byte === GUARD),
      ).toBe(true);
    }),
    { numRuns: 500 },
  );
});

test("64 KiB of anything fit, and what they become", () => {
  const length = 64 * 1024;
  const random = Uint8Array.from({ length }, (_, i) => Math.imul(i + 1, 0x9e3779b1) >>> 24);
  for (const bytes of [random, new Uint8Array(length)]) {
    expect(routines().fits(length)).toBe(true);
    const [here, there] = [
      new DataView(new ArrayBuffer(70_000)),
      new DataView(new ArrayBuffer(70_000)),
    ];
    const source = viewInside(bytes, 0, 0);
    const after = routines().compress(source, 0, length, here, 0, 70_000);
    expect(after).toBe(compressPlainly(source, 0, length, there, 0, 70_000));
    expect(all(here)).toEqual(all(there));
    const unpacked = viewInside(new Uint8Array(length), 0, 0);
    if (after > length) continue;
    expect(routines().decompress(here, 0, after, unpacked, length)).toBe(true);
    expect(all(unpacked)).toEqual(bytes);
  }
  expect(routines().fits(length + 1)).toBe(false);
});

test("bytes that nobody compressed are refused as by JavaScript, and nothing else is touched", () => {
  const control = fc.oneof(fc.nat(255), fc.constantFrom(0, 1, 31, 32, 33, 0xe0, 0xff));
  fc.assert(
    fc.property(fc.array(control, { maxLength: 60 }), fc.nat(700), (parts, length) => {
      const source = viewInside(Uint8Array.from(parts), 5, 5);
      const [here, there] = [0, 0].map(() => viewInside(new Uint8Array(length), 0, 9)) as [
        DataView,
        DataView,
      ];
      const isRight = routines().decompress(source, 5, 5 + parts.length, here, length);
      expect(isRight).toBe(decompressPlainly(source, 5, 5 + parts.length, there, length));
      if (isRight) expect(all(here)).toEqual(all(there));
      expect(
        all(here)
          .subarray(length)
          .every((byte) => byte === GUARD),
      ).toBe(true);
    }),
    { numRuns: 3000 },
  );
});

test("where bytes were seen is forgotten before positions run out", () => {
  const bytes = latin1Bytes("abcdefgh".repeat(2000));
  const source = viewInside(bytes, 0, 0);
  const [here, there] = [
    new DataView(new ArrayBuffer(20_000)),
    new DataView(new ArrayBuffer(20_000)),
  ];
  const sizes = new Set<number>();
  // 140,000 times 16,000 bytes are more than 2^31.
  for (let i = 0; i < 140_000; i++)
    sizes.add(routines().compress(source, 0, bytes.length, here, 0, 20_000));
  expect([...sizes]).toEqual([compressPlainly(source, 0, bytes.length, there, 0, 20_000)]);
  expect(all(here)).toEqual(all(there));
});

test("where there is no WebAssembly, JavaScript makes the same", async () => {
  vi.stubGlobal("WebAssembly", undefined);
  vi.resetModules();
  const { compress, decompress } = await import("./lzf.ts");
  const { bulk: bulkThere } = await import("./bulk.ts");
  const bytes = latin1Bytes("to be or not to be, that is the question".repeat(5));
  const source = viewInside(bytes, 0, 0);
  const [here, there] = [new DataView(new ArrayBuffer(300)), new DataView(new ArrayBuffer(300))];
  const end = compress(source, 0, bytes.length, there, 0, 300);
  expect(bulkThere()).toBe(null);
  vi.unstubAllGlobals();
  expect(end).toBe(routines().compress(source, 0, bytes.length, here, 0, 300));
  expect(all(there)).toEqual(all(here));
  const unpacked = viewInside(new Uint8Array(bytes.length), 0, 0);
  expect(decompress(there, 0, end, unpacked, bytes.length)).toBe(true);
  expect(all(unpacked)).toEqual(bytes);
});
