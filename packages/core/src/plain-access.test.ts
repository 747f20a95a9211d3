import { describe, expect, test } from "vitest";
import type { KeyspaceOptions } from "./keyspace/keyspace.ts";
import { createKeyspace, getBytes, putBytes, removeKey } from "./plain-access.ts";
import { latin1Bytes } from "./testing.ts";

const KEY = latin1Bytes("key");

/** What a caller without types may pass. */
function anything<T>(value: unknown): T {
  return value as T;
}

describe("a keyspace made without options", () => {
  test("works, and has sixteen databases", () => {
    const { databases } = createKeyspace();
    expect(databases.length).toBe(16);
    for (let i = 0; i < 1000; i++)
      putBytes(databases[3], latin1Bytes(`k${i}`), latin1Bytes(`${i}`));
    expect(getBytes(databases[3], latin1Bytes("k77"), 0)).toEqual(latin1Bytes("77"));
    expect(databases[3].random()).not.toBe(0);
    databases[3].check();
  });

  test("is the same each time, and its numbers are spread", () => {
    const [one, other] = [createKeyspace(), createKeyspace()];
    expect(one.seed).toBe(other.seed);
    const numbers = Array.from({ length: 1000 }, () => one.random32());
    expect(new Set(numbers).size).toBe(1000);
    expect(numbers.every((each) => each === (each | 0))).toBe(true);
    expect(Math.abs(numbers.filter((each) => each < 0).length - 500)).toBeLessThan(60);
  });

  test.each<[string, unknown, string]>([
    ["options", 5, "options must be an object, not a number"],
    ["options", null, "options must be an object, not null"],
    ["a count", { databaseCount: "4" }, "databaseCount must be a number, not a string"],
    ["random32", { random32: 7 }, "random32 must be a function, not a number"],
    ["arena", { arena: true }, "arena must be an object, not a boolean"],
  ])("refuses %s of another type", (_name, options, message) => {
    expect(() => createKeyspace(anything<KeyspaceOptions>(options))).toThrow(
      new TypeError(message),
    );
  });

  test.each([0, -1, 1.5, 2 ** 31, Number.POSITIVE_INFINITY])(
    "refuses %d databases",
    (databaseCount) => {
      expect(() => createKeyspace({ databaseCount })).toThrow(RangeError);
    },
  );
});

describe("wrong arguments are named, and change nothing", () => {
  const keyspace = createKeyspace();
  const [database] = keyspace.databases;

  test.each<[string, () => unknown, string]>([
    [
      "a text as value",
      () => putBytes(database, KEY, anything("text")),
      "value must be a Uint8Array, not a string",
    ],
    [
      "a text as key",
      () => putBytes(database, anything("key"), KEY),
      "key must be a Uint8Array, not a string",
    ],
    [
      "no value",
      () => putBytes(database, KEY, anything(undefined)),
      "value must be a Uint8Array, not undefined",
    ],
    [
      "an array",
      () => putBytes(database, KEY, anything([1, 2])),
      "value must be a Uint8Array, not an array",
    ],
    [
      "other bytes",
      () => putBytes(database, KEY, anything(new Int16Array(2))),
      "value must be a Uint8Array, not an object (Int16Array)",
    ],
    [
      "a keyspace",
      () => putBytes(anything(keyspace), KEY, KEY),
      "database must be one of a keyspace's databases, not an object (Keyspace)",
    ],
    [
      "a date",
      () => putBytes(database, KEY, KEY, anything("soon")),
      "expiryMs must be a number, not a string",
    ],
    [
      "no number",
      () => putBytes(database, KEY, KEY, Number.NaN),
      "expiryMs must be a number, not NaN",
    ],
    [
      "no time",
      () => getBytes(database, KEY, anything(undefined)),
      "nowMs must be a number, not undefined",
    ],
    [
      "a text to get",
      () => getBytes(database, anything("key"), 0),
      "key must be a Uint8Array, not a string",
    ],
    [
      "a null to remove",
      () => removeKey(database, anything(null), 0),
      "key must be a Uint8Array, not null",
    ],
    [
      "nothing",
      () => removeKey(anything(undefined), KEY, 0),
      "database must be one of a keyspace's databases, not undefined",
    ],
  ])("%s", (_name, call, message) => {
    const before = keyspace.arena.usedBytes;
    expect(call).toThrow(new TypeError(message));
    expect([keyspace.keyCount, keyspace.arena.usedBytes]).toEqual([0, before]);
  });

  test.each([2 ** 53, -(2 ** 53), 1e300, Number.NEGATIVE_INFINITY])("a time of %d", (expiryMs) => {
    expect(() => putBytes(database, KEY, KEY, expiryMs)).toThrow(
      new RangeError(`expiryMs must be a time within 2^53 ms of 1970, not ${expiryMs}`),
    );
    expect(keyspace.keyCount).toBe(0);
  });

  test.each([-1, -0.5, -2, -(2 ** 53) + 1])("a key of the time %d is past", (expiryMs) => {
    putBytes(database, KEY, KEY, expiryMs);
    expect(getBytes(database, KEY, 0)).toBe(null);
    expect(removeKey(database, KEY, -(2 ** 53))).toBe(true);
  });

  test("of a time the whole milliseconds count, and Infinity is none", () => {
    putBytes(database, KEY, KEY, 1000.9);
    expect(getBytes(database, KEY, 1000)).toEqual(KEY);
    expect(getBytes(database, KEY, 1000.5)).toBe(null);
    putBytes(database, KEY, KEY, Number.POSITIVE_INFINITY);
    expect(getBytes(database, KEY, 1e300)).toEqual(KEY);
    let timed = 0;
    database.expires.eachEntry(() => timed++);
    expect(timed).toBe(0);
    expect(removeKey(database, KEY, 0)).toBe(true);
  });

  test("right ones are taken: subarrays, empty ones, the past", () => {
    const bytes = latin1Bytes("xxkeyyy");
    putBytes(database, bytes.subarray(2, 5), new Uint8Array(0), 1000);
    expect(getBytes(database, KEY, 1000)).toEqual(new Uint8Array(0));
    expect(getBytes(database, KEY, 1001)).toBe(null);
    expect(removeKey(database, KEY, 1001)).toBe(false);
    putBytes(database, KEY, KEY);
    expect(removeKey(database, KEY, Number.POSITIVE_INFINITY)).toBe(true);
  });
});
