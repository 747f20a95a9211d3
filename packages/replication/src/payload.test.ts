/** A data set among the bytes of a primary, however they are cut. */
import { latin1, latin1Bytes } from "@kv/resp";
import { Chance } from "@kv/testing";
import { describe, expect, test } from "vitest";
import { Payload } from "./payload.ts";

/** What came of these pieces. */
function fed(pieces: readonly string[]) {
  let data = "";
  let begun: [number, string] | null = null;
  let ends = 0;
  let rest = "";
  const payload = new Payload({
    begin: (byteCount, mark) => {
      begun = [byteCount, mark];
    },
    take: (bytes, start, end) => {
      expect(end).toBeGreaterThan(start);
      data += latin1(bytes, start, end);
    },
    end: () => {
      ends++;
    },
  });
  const buffer = new Uint8Array(4096);
  for (const piece of pieces) {
    // In the middle of a buffer that is used for all of them.
    buffer.fill(0x2a);
    buffer.set(latin1Bytes(piece), 7);
    const end = 7 + piece.length;
    const after = payload.isDone ? 7 : payload.feed(buffer, 7, end);
    if (payload.error !== "") break;
    rest += latin1(buffer, after, end);
  }
  return { data, begun, ends, rest, error: payload.error };
}

const mark = "0123456789abcdef0123456789abcdef01234567";

/** Marks that are nearly there, and a few other bytes. */
function nearly(chance: Chance): string {
  let text = "";
  const count = chance.below(8);
  for (let part = 0; part < count; part++) {
    const length = chance.below(mark.length);
    text += chance.of([mark.slice(0, length), mark.slice(length), "\n", "$", `${mark.slice(1)}0`]);
  }
  // The mark itself is in no data set.
  return text.replaceAll(mark, "");
}

/** The text in pieces, the last of which is at least so long. */
function cut(chance: Chance, text: string, most: number): string[] {
  const pieces: string[] = [];
  for (let at = 0; at < text.length; ) {
    const length = 1 + chance.below(chance.of([1, 3, most]));
    pieces.push(text.slice(at, at + length));
    at += length;
  }
  return pieces;
}

describe("Payload", () => {
  test("with a length: what follows is not of it", () => {
    const chance = new Chance(1);
    for (let run = 0; run < 2000; run++) {
      const body = nearly(chance);
      const keepAlive = "\n".repeat(chance.below(3));
      const rest = chance.of(["", "*1\r\n$4\r\nPING\r\n", "\n\n"]);
      const text = `${keepAlive}$${body.length}\r\n${body}${rest}`;
      const expected = { data: body, begun: [body.length, ""], ends: 1, rest, error: "" };
      expect(fed(cut(chance, text, 200)), `run ${run}`).toEqual(expected);
    }
  });

  test("with a mark: however it is cut, and whatever looks like one", () => {
    const chance = new Chance(2);
    for (let run = 0; run < 5000; run++) {
      const body = nearly(chance);
      // One that ends as the mark begins would be another data set.
      if (`${body}${mark}`.indexOf(mark) !== body.length) continue;
      const text = `${"\n".repeat(chance.below(3))}$EOF:${mark}\r\n${body}${mark}`;
      const expected = { data: body, begun: [-1, mark], ends: 1, rest: "", error: "" };
      expect(fed(cut(chance, text, 200)), `run ${run}`).toEqual(expected);
    }
  });

  test("with a mark in the middle it goes on: nobody says anything behind it unasked", () => {
    const text = `$EOF:${mark}\r\nabc${mark}def`;
    expect(fed([text])).toMatchObject({ data: `abc${mark}def`.slice(0, 6), ends: 0 });
    expect(fed([`$EOF:${mark}\r\nabc`, mark]).ends).toBe(1);
  });

  test.each([
    ["an error", "-ERR no\r\n", "MASTER aborted replication with an error: ERR no"],
    ["words", "hello\r\n", /^Bad protocol .* \(we received 'hello'\)/],
    ["a command", "*1\r\n", /^Bad protocol/],
    ["no number", "$\r\n", /^Bad protocol/],
    ["a negative number", "$-1\r\n", /^Bad protocol/],
    ["a number with a sign", "$+1\r\n", /^Bad protocol/],
    ["a fraction", "$1.5\r\n", /^Bad protocol/],
    ["more than can be counted", "$1000000000000000\r\n", /^Bad protocol/],
    ["half a mark", `$EOF:${mark.slice(1)}\r\n`, /^Bad protocol/],
    ["more than a mark", `$EOF:${mark}0\r\n`, /^Bad protocol/],
    ["a line without end", "$1".repeat(3000), /^Bad protocol/],
  ])("refuses %s", (_what, text, error) => {
    const chance = new Chance(3);
    for (const pieces of [[text.slice(0, 3000)], [...text], cut(chance, text, 9)]) {
      const came = fed(pieces);
      expect(came.error).toMatch(error);
      expect(came.error.length).toBeLessThan(200);
      expect(came.begun).toBe(null);
    }
  });

  test("of no bytes at all", () => {
    expect(fed(["$0\r\n"])).toMatchObject({ data: "", begun: [0, ""], ends: 1 });
    expect(fed([`$EOF:${mark}\r\n${mark}`])).toMatchObject({ data: "", ends: 1 });
  });
});
