import { latin1Bytes } from "@kv/resp";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { hash, murmurHash64 } from "./murmur-hash.ts";

const M = 0xc6a4a7935bd1e995n;
const wrap = (value: bigint) => BigInt.asUintN(64, value);

/** The definition, in whole 64-bit numbers. */
function defined(bytes: Uint8Array): bigint {
  let state = 0xadc83b19n ^ wrap(BigInt(bytes.length) * M);
  let at = 0;
  for (; at + 8 <= bytes.length; at += 8) {
    let word = 0n;
    for (let i = 7; i >= 0; i--) word = (word << 8n) | BigInt(bytes[at + i] as number);
    word = wrap(word * M);
    word = wrap((word ^ (word >> 47n)) * M);
    state = wrap((state ^ word) * M);
  }
  if (at < bytes.length) {
    let word = 0n;
    for (let i = bytes.length - 1; i >= at; i--) word = (word << 8n) | BigInt(bytes[i] as number);
    state = wrap((state ^ word) * M);
  }
  state = wrap((state ^ (state >> 47n)) * M);
  return state ^ (state >> 47n);
}

describe("MurmurHash64A in words of 32 bits", () => {
  test("is the hash as it is defined", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), fc.nat(3), (bytes, before) => {
        const padded = new Uint8Array(before + bytes.length + 3).fill(255);
        padded.set(bytes, before);
        murmurHash64(padded, before, before + bytes.length);
        const got = (BigInt(hash.hi >>> 0) << 32n) | BigInt(hash.lo >>> 0);
        expect(got).toBe(defined(bytes));
      }),
      { numRuns: 2000 },
    );
  });

  test("of bits that carry as far as they can", () => {
    for (const text of ["\xff".repeat(8), "\xff".repeat(15), "\0".repeat(16), "\x80".repeat(7)]) {
      const bytes = latin1Bytes(text);
      murmurHash64(bytes, 0, bytes.length);
      expect((BigInt(hash.hi >>> 0) << 32n) | BigInt(hash.lo >>> 0)).toBe(defined(bytes));
    }
  });
});
