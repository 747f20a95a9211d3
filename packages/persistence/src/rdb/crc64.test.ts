import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Crc64 } from "./crc64.ts";

/** The textbook: one bit at a time, over one big number. */
function slowly(bytes: Uint8Array): bigint {
  let sum = 0n;
  for (const byte of bytes) {
    sum ^= BigInt(byte);
    for (let bit = 0; bit < 8; bit++) {
      sum = (sum & 1n) === 1n ? (sum >> 1n) ^ 0x95ac9329ac4bc9b5n : sum >> 1n;
    }
  }
  return sum;
}

describe("CRC-64", () => {
  test("gives the check value of the Jones polynomial", () => {
    const crc = new Crc64();
    crc.update(new TextEncoder().encode("123456789"), 0, 9);
    expect(crc.toString()).toBe("e9c6d914c4b8d9ca");
  });

  test("of nothing is 0", () => {
    expect(new Crc64().toString()).toBe("0");
  });

  test("agrees with the bitwise definition, in whatever pieces the bytes come", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), fc.nat(400), (bytes, at) => {
        const cut = Math.min(at, bytes.length);
        const crc = new Crc64();
        crc.update(bytes, 0, cut);
        crc.update(bytes, cut, bytes.length);
        expect(crc.toString()).toBe(slowly(bytes).toString(16));
        const plain = new Crc64();
        plain.updatePlainly(bytes, 0, bytes.length);
        expect(plain.toString()).toBe(crc.toString());
        crc.reset();
        expect(crc.lo).toBe(0);
      }),
    );
  });

  test("agrees with it over more than is summed in one go", () => {
    const bytes = Uint8Array.from({ length: 200_000 }, (_, i) => Math.imul(i, 0x9e3779b1) >>> 24);
    const crc = new Crc64();
    crc.update(bytes, 3, bytes.length);
    expect(crc.toString()).toBe(slowly(bytes.subarray(3)).toString(16));
  });
});
