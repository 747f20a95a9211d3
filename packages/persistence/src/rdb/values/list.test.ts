import { Encoding, encodingOf, Keyspace, kindOfEntry, NONE } from "@kv/core";
import { describe, expect, test } from "vitest";
import { bytesOfText, contentsOf, LIMITS } from "../../keyspace-contents.ts";
import { RdbType } from "../format.ts";
import { RdbInput, RdbString, Status } from "../input.ts";
import { ObjectReader } from "../object.ts";
import { ziplistOf } from "../old-forms.ts";

type Piece = number | string | Uint8Array;

function joined(pieces: readonly Piece[]): Uint8Array {
  return Uint8Array.from(
    pieces.flatMap((piece) =>
      typeof piece === "number"
        ? [piece]
        : [...(typeof piece === "string" ? bytesOfText(piece) : piece)],
    ),
  );
}

/** A string of the file: its length and its bytes. */
const stringOf = (bytes: Uint8Array): number[] => [
  0x80,
  ...[24, 16, 8, 0].map((shift) => (bytes.length >>> shift) & 255),
  ...bytes,
];

const short = (text: string): Uint8Array =>
  joined([text.length + 9, 0, 0, 0, 1, 0, 0x80 | text.length, text, text.length + 1, 255]);
const emptyListpack = joined([7, 0, 0, 0, 0, 0, 255]);

/** What the value becomes: its elements and how they are kept, or why it is refused. */
function read(type: number, pieces: readonly Piece[], fill = -2): unknown {
  const keyspace = new Keyspace({ random32: () => 7, arena: { segmentBytes: 65536 } });
  const value = joined(["k", ...pieces]);
  const blocks = keyspace.arena.blockCount;
  const view = new DataView(value.buffer);
  const limits = { ...LIMITS, list: { fill, compressDepth: 1, plainBytesMin: 0 } };
  const reader = new ObjectReader(keyspace, limits);
  const input = new RdbInput();
  const key = new RdbString();
  // The bytes come one by one, and what has been read before is gone by then.
  let status: Status = Status.MORE;
  let hasBegun = false;
  let from = 1;
  for (let end = 1; end <= value.length; end++) {
    key.set(value, view, 0, 1);
    input.attach(value, view, from, end);
    status = hasBegun ? reader.more(input) : reader.begin(input, type, key);
    if (status === Status.PART) {
      hasBegun = true;
      input.moveMark();
      status = reader.more(input);
    }
    if (status !== Status.MORE) break;
    if (hasBegun) from = input.mark;
  }
  if (status !== Status.OK) {
    reader.discard();
    expect(keyspace.arena.blockCount).toBe(blocks);
    if (status === Status.EMPTY) return "empty";
    return status === Status.BAD ? input.failure : "more";
  }
  key.set(value, view, 0, 1);
  const [database] = keyspace.databases;
  const entry = reader.store(database, key, -1, 0);
  expect(entry).not.toBe(NONE);
  kindOfEntry(keyspace.arena, entry).check(keyspace.arena, entry);
  const isListpack = encodingOf(keyspace.arena, entry) === Encoding.LISTPACK;
  return [isListpack ? "listpack" : "quicklist", contentsOf(keyspace).get("0:k")?.value];
}

describe("a list is read from", () => {
  test("its elements", () => {
    expect(read(RdbType.LIST, [2, 1, "a", 0xc0, 5])).toEqual(["listpack", ["a", "5"]]);
    expect(read(RdbType.LIST, [3, 1, "a", 1, "b", 1, "c"], 2)).toEqual([
      "quicklist",
      ["a", "b", "c"],
    ]);
    expect(read(RdbType.LIST, [0])).toBe("empty");
  });

  test("a ziplist", () => {
    const elements = ["a", "12", "x".repeat(300), "-70000"];
    const value = stringOf(ziplistOf(elements));
    expect(read(RdbType.LIST_ZIPLIST, value)).toEqual(["listpack", elements]);
    expect(read(RdbType.LIST_ZIPLIST, value, 2)).toEqual(["quicklist", elements]);
    expect(read(RdbType.LIST_ZIPLIST, stringOf(ziplistOf([])))).toBe("empty");
    expect(read(RdbType.LIST_ZIPLIST, [3, "abc"])).toBe("List ziplist integrity check failed.");
  });

  test("ziplists", () => {
    const node = (...elements: string[]) => joined(stringOf(ziplistOf(elements)));
    expect(read(RdbType.LIST_QUICKLIST, [3, node("a", "b"), node(), node("c")])).toEqual([
      "listpack",
      ["a", "b", "c"],
    ]);
    expect(read(RdbType.LIST_QUICKLIST, [2, node(), node()])).toBe("empty");
    expect(read(RdbType.LIST_QUICKLIST, [2, node("a"), 3, "abc"])).toBe(
      "Ziplist integrity check failed.",
    );
  });

  test("nodes", () => {
    const node = (text: string) => joined([2, ...stringOf(short(text))]);
    expect(read(RdbType.LIST_QUICKLIST_2, [1, node("a")])).toEqual(["listpack", ["a"]]);
    expect(read(RdbType.LIST_QUICKLIST_2, [2, node("a"), node("b")])).toEqual([
      "quicklist",
      ["a", "b"],
    ]);
    expect(read(RdbType.LIST_QUICKLIST_2, [2, node("a"), 1, 3, "big"])).toEqual([
      "quicklist",
      ["a", "big"],
    ]);
    expect(read(RdbType.LIST_QUICKLIST_2, [1, 1, 3, "big"])).toEqual(["quicklist", ["big"]]);
    const empty = joined([2, ...stringOf(emptyListpack)]);
    expect(read(RdbType.LIST_QUICKLIST_2, [2, empty, node("b")])).toEqual(["listpack", ["b"]]);
    expect(read(RdbType.LIST_QUICKLIST_2, [2, empty, empty])).toBe("empty");
    expect(read(RdbType.LIST_QUICKLIST_2, [0])).toBe("empty");
  });

  test.each([
    { why: "a container that does not exist", value: [1, 3, 1, "a"], says: "Quicklist integrity" },
    { why: "a malformed listpack", value: [1, 2, 3, "abc"], says: "Listpack integrity" },
    { why: "an empty node", value: [1, 1, 0], says: "A node of a list is an empty string" },
    { why: "fewer nodes than it says", value: [2, 1, 1, "a"], says: "more" },
    { why: "four billion nodes and none", value: [0x80, 255, 255, 255, 255], says: "more" },
  ])("nothing with $why", ({ value, says }) => {
    expect(read(RdbType.LIST_QUICKLIST_2, value)).toContain(says);
  });
});
