import { latin1Bytes } from "@kv/resp";
import { describe, expect, test } from "vitest";
import { hexOf, xxh3 } from "./xxh3.ts";

/** Bytes 3, 10, 17 ... at some place of a larger buffer. */
function digestOf(length: number, before: number): string {
  const bytes = new Uint8Array(before + length + 9).fill(77);
  for (let i = 0; i < length; i++) bytes[before + i] = i * 7 + 3;
  return hexOf(xxh3(new DataView(bytes.buffer), before, before + length));
}

describe("XXH3 with 64 bits", () => {
  // Each way of hashing at both of its ends, as the reference implementation has it.
  test.each([
    [0, "2d06800538d394c2"],
    [1, "13e608bc156defed"],
    [2, "1c9074b93943b86c"],
    [3, "a9088dda485b481c"],
    [4, "6d9253b16c8b1ed3"],
    [7, "8e8291ad89127e2e"],
    [8, "60539db630471163"],
    [9, "feff668361d723a8"],
    [15, "9ec169f4a98231c1"],
    [16, "b8c859b0f030b585"],
    [17, "714a04408e79b80f"],
    [32, "19ff4ee1d6ba1a55"],
    [33, "3e44983ad21679c8"],
    [64, "287eb1fa9e4be2c1"],
    [65, "829218de4d798646"],
    [96, "f084e7cfbc624743"],
    [97, "1daa83271a8e7b7c"],
    [128, "67425a03650261bf"],
    [129, "c664bf3311c6abc4"],
    [143, "8b313780705af3a7"],
    [144, "606a17fa700bb932"],
    [240, "64556dc6b462a6cf"],
    [241, "8beadd3a8874fe17"],
    [255, "b67b6637a76e6c39"],
    [256, "3c38817f6d79c0da"],
    [257, "2a300c3495738ea6"],
    [512, "f58202b8d9019d1d"],
    [1023, "d26986a0b85dcc44"],
    [1024, "9b81661c641c72b1"],
    [1025, "806c2072ed713576"],
    [1088, "2f8781e01841f0da"],
    [2048, "abe604813ba62ed1"],
    [2049, "55aed42c9f1554b6"],
    [5000, "799aaddd7339581d"],
  ])("of %i bytes", (length, expected) => {
    expect(digestOf(length, 0)).toBe(expected);
    expect(digestOf(length, 5)).toBe(expected);
  });

  test("of words whose products carry", () => {
    for (const [text, expected] of [
      ["\xff".repeat(8), "5111c7e47d784413"],
      ["\xff".repeat(16), "722a202f07a4b313"],
      ["\xff".repeat(200), "332ec33c7661eb58"],
      ["\xff".repeat(300), "a6eb8a92d637e066"],
      ["\xff".repeat(3000), "249e48f91dc8526a"],
      ["\0".repeat(3), "eb5d658bb22f286b"],
      ["\0".repeat(240), "053f07444f70da08"],
      ["\0".repeat(1500), "19d4af2f8438eae4"],
    ] as const) {
      const bytes = latin1Bytes(text);
      expect(hexOf(xxh3(new DataView(bytes.buffer), 0, bytes.length))).toBe(expected);
    }
  });
});
