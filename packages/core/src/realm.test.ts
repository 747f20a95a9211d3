import { runInNewContext } from "node:vm";
import { describe, expect, test } from "vitest";
import { createKeyspace, getBytes, putBytes, removeKey } from "./plain-access.ts";
import { isBytes, isError, isRangeError } from "./realm.ts";

/** What `text` is in a context that has classes of its own. */
const foreign = (text: string): unknown => runInNewContext(text);

describe("of another realm", () => {
  test("bytes are bytes, and nothing else is", () => {
    expect(foreign("new Uint8Array(3)") instanceof Uint8Array).toBe(false);
    expect(isBytes(foreign("new Uint8Array(3)"))).toBe(true);
    expect(isBytes(foreign("new (class Mine extends Uint8Array {})(3)"))).toBe(true);
    for (const text of ["new Uint16Array(3)", "new ArrayBuffer(3)", "[1, 2]", "'text'", "null"])
      expect([text, isBytes(foreign(text))]).toEqual([text, false]);
    expect(isBytes({ [Symbol.toStringTag]: "Uint8Array", length: 3 })).toBe(false);
  });

  test("errors are errors, and those of a limit are", () => {
    expect(foreign("new Error('no')") instanceof Error).toBe(false);
    expect(isError(foreign("new Error('no')"))).toBe(true);
    expect(isError(foreign("new (class Mine extends TypeError {})('no')"))).toBe(true);
    expect(isError(foreign("({ message: 'no', stack: '' })"))).toBe(false);
    expect(isError(null)).toBe(false);

    expect(isRangeError(foreign("try { new Uint8Array(2 ** 53 - 1) } catch (e) { e }"))).toBe(true);
    expect(isRangeError(foreign("new TypeError('no')"))).toBe(false);
    expect(isRangeError({ name: "RangeError" })).toBe(false);
  });

  test("bytes are taken as keys and values", () => {
    const [database] = createKeyspace().databases;
    const key = foreign("Uint8Array.of(107, 101, 121)") as Uint8Array;
    putBytes(database, key, foreign("Uint8Array.of(0, 255)") as Uint8Array);
    expect(getBytes(database, new TextEncoder().encode("key"), 0)).toEqual(Uint8Array.of(0, 255));
    expect(getBytes(database, key, 0)).toEqual(Uint8Array.of(0, 255));
    expect(removeKey(database, key, 0)).toBe(true);
  });
});
