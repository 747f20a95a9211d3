import { CommandTable, dataCommands, keysOf } from "@kv/commands";
import fc from "fast-check";
import { expect, test } from "vitest";
import { type AclRequest, RequestKeys, SPAN_NUMBERS } from "./request.ts";

const { all } = new CommandTable(dataCommands);

function requestOf(words: readonly string[]): AclRequest {
  return {
    argc: words.length,
    length: (index) => words[index]?.length ?? 0,
    is: (index, word) => words[index]?.toUpperCase() === word,
    text: (index) => words[index] ?? "",
    bytes: Uint8Array.from(words.join(""), (character) => character.charCodeAt(0)),
    start: (index) => words.slice(0, index).join("").length,
    end: (index) => words.slice(0, index + 1).join("").length,
  };
}

/** Bits of KeyAccess, found in another way than the code does. */
const accessOf = (flags: readonly string[]) =>
  (flags.includes("access") ? 1 : 0) | (/insert|delete|update/.test(flags.join()) ? 2 : 0);

test("the keys of a request are where its command's specs say, also by the short way", () => {
  const keys = new RequestKeys();
  const word = fc.constantFrom("a", "b", "0", "1", "2", "-1", "GET", "STORE", "KEYS", "");
  fc.assert(
    fc.property(fc.constantFrom(...all), fc.array(word, { maxLength: 9 }), (row, rest) => {
      const words = [...row.fullName.split("|"), ...rest];
      const request = requestOf(words);
      keys.point(row, request);
      const length = keys.find();
      expect(keys.find()).toBe(length);
      const { command } = row;
      const specified = command.getKeys ? command.getKeys(request) : keysOf(command.keys, request);
      const expected = (specified ?? [])
        .filter(({ flags }) => !flags.includes("not_key"))
        .flatMap(({ index, count, step, flags }) => [index, count, step, accessOf(flags)]);
      expect(keys.spans.slice(0, length), words.join(" ")).toEqual(expected);
      expect(length % SPAN_NUMBERS).toBe(0);
    }),
    { numRuns: 3000 },
  );
});
