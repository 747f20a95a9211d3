import { describe, expect, test } from "vitest";
import { Distinct } from "../distinct.ts";
import { RdbType } from "../format.ts";
import { RdbInput } from "../input.ts";
import { skipValue, valueEndOf } from "./form-table.ts";

/** Bytes of a chunk behind a value: enough that no glance at its last string is beyond the end. */
const BEHIND = new Array<number>(8).fill(0);

function bytesOf(...parts: readonly (number | string | readonly number[])[]): number[] {
  return parts.flatMap((part) =>
    typeof part === "string" ? [part.length, ...new TextEncoder().encode(part)] : part,
  );
}

const zeros = (count: number) => new Array<number>(count).fill(0);
/** An empty listpack, as a string. */
const LISTPACK = [7, 7, 0, 0, 0, 0, 0, 0xff];
/** "aaaaaaaa", compressed. */
const COMPRESSED = [0xc3, 4, 8, 0, 97, 0xa0, 0];

const values: readonly { name: string; type: number; bytes: number[] }[] = [
  { name: "a string", type: RdbType.STRING, bytes: bytesOf("hello") },
  {
    name: "a longer string",
    type: RdbType.STRING,
    bytes: [0x41, 0x03, ...new Array<number>(0x103).fill(120)],
  },
  { name: "a compressed string", type: RdbType.STRING, bytes: COMPRESSED },
  { name: "an integer", type: RdbType.STRING, bytes: [0xc2, 1, 2, 3, 4] },
  { name: "a packed hash", type: RdbType.HASH_LISTPACK, bytes: LISTPACK },
  { name: "a set", type: RdbType.SET, bytes: bytesOf(3, "a", COMPRESSED, [0xc0, 7]) },
  { name: "a hash", type: RdbType.HASH, bytes: bytesOf(2, "f", "v", "g", "w") },
  { name: "a sorted set", type: RdbType.ZSET_2, bytes: bytesOf(1, "member", zeros(8)) },
  {
    name: "a list",
    type: RdbType.LIST_QUICKLIST_2,
    bytes: bytesOf(2, 2, LISTPACK, 1, "large"),
  },
];

function inputOf(bytes: readonly number[]): RdbInput {
  const input = new RdbInput();
  const chunk = Uint8Array.from(bytes);
  input.attach(chunk, new DataView(chunk.buffer), 0, chunk.length);
  return input;
}

describe("a glance at a value", () => {
  test.each(values)("tells the end of $name, as whoever reads all of it", ({ type, bytes }) => {
    const input = inputOf([...bytes, ...BEHIND]);
    for (const _status of skipValue(input, type, new Distinct())) expect.unreachable();
    expect(input.at).toBe(bytes.length);
    expect(valueEndOf(type)?.(input.bytes, 0, input.end)).toBe(bytes.length);
  });

  test.each(values)("does not go on where $name is cut", ({ type, bytes }) => {
    for (let length = 0; length < bytes.length; length++) {
      const { bytes: chunk } = inputOf(bytes.slice(0, length));
      expect(valueEndOf(type)?.(chunk, 0, length)).toBeGreaterThanOrEqual(length);
    }
  });

  test("is not cast at streams, which have too many parts for it to pay", () => {
    expect(valueEndOf(RdbType.STREAM_LISTPACKS_3)).toBe(undefined);
  });

  test("ends at collections of many elements", () => {
    const members = Array.from({ length: 100 }, (_, at) => `m${at}`);
    const chunk = Uint8Array.from(bytesOf([0x40, 100], ...members, BEHIND));
    expect(valueEndOf(RdbType.SET)?.(chunk, 0, chunk.length)).toBeGreaterThan(chunk.length);
  });
});
