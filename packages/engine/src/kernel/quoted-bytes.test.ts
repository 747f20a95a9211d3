import { latin1, latin1Bytes } from "@kv/resp";
import { describe, expect, test } from "vitest";
import { QUOTED_BYTES_MAX, writeQuoted } from "./quoted-bytes.ts";

function quoted(text: string): string {
  const bytes = latin1Bytes(`<${text}>`);
  const target = new Uint8Array(text.length * QUOTED_BYTES_MAX + 2);
  const end = writeQuoted(target, 1, bytes, 1, bytes.length - 1);
  expect(end).toBeLessThan(target.length);
  expect(target.subarray(end).every((byte) => byte === 0)).toBe(true);
  return latin1(target, 1, end);
}

describe("quoted bytes", () => {
  test.each([
    ["plain text, 'single' quotes", "plain text, 'single' quotes"],
    ['"', '\\"'],
    ["\\", "\\\\"],
    ["\x07\b\t\n\r", "\\a\\b\\t\\n\\r"],
    ["\0\x0b\x1f\x7f\x80\xff", "\\x00\\x0b\\x1f\\x7f\\x80\\xff"],
    [" ~", " ~"],
    ["", ""],
  ])("%j is shown as %j", (text, shown) => {
    expect(quoted(text)).toBe(shown);
  });
});
