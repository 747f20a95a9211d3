import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SHA1_BYTES, sha1 } from "./sha1.ts";

const hexOf = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

describe("sha1", () => {
  test("agrees with the platform's, whatever the length", () => {
    const out = new Uint8Array(SHA1_BYTES);
    for (let length = 0; length < 260; length++) {
      const bytes = Uint8Array.from({ length }, (_, index) => index * 7 + length);
      sha1(bytes, 0, length, out);
      expect(hexOf(out)).toBe(createHash("sha1").update(bytes).digest("hex"));
    }
  });

  test("reads only its part, and may write over it", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 30, maxLength: 200 }), fc.nat(9), (bytes, start) => {
        const end = bytes.length - start;
        const wanted = createHash("sha1").update(bytes.subarray(start, end)).digest("hex");
        sha1(bytes, start, end, bytes);
        expect(hexOf(bytes.subarray(0, SHA1_BYTES))).toBe(wanted);
      }),
    );
  });
});
