/**
 * Commands that make a consumer because they are asked for one. Logs and replicas have it, too: Redis
 * left out consumers that were given nothing (mended by its pull request 14963).
 */
import { halfReadStream } from "@kv/testing";
import { expect, test } from "vitest";

const made = (consumer: string) => ["XGROUP", "CREATECONSUMER", "k", "g", consumer];

test.each([
  { what: "nothing new", words: ["XREADGROUP", "GROUP", "g", "n", "STREAMS", "k", ">"] },
  { what: "and waits", words: ["XREADGROUP", "GROUP", "g", "n", "BLOCK", 0, "STREAMS", "k", ">"] },
  { what: "no history", words: ["XREADGROUP", "GROUP", "g", "n", "STREAMS", "k", "0"] },
  { what: "nothing pending", words: ["XAUTOCLAIM", "k", "g", "n", 0, "9"] },
  { what: "nothing idle", words: ["XCLAIM", "k", "g", "n", 100_000, "1-1"] },
])("a consumer that is given nothing is propagated: $words.0, $what", ({ words }) => {
  const kv = halfReadStream();
  kv.send("XREADGROUP", "GROUP", "g", "c", "STREAMS", "k", ">");
  kv.propagated.length = 0;
  kv.send(...words);
  expect(kv.propagated).toEqual([made("n")]);
});

test("one that is given something follows from that", () => {
  const kv = halfReadStream();
  kv.propagated.length = 0;
  kv.send("XREADGROUP", "GROUP", "g", "n", "STREAMS", "k", ">");
  kv.send("XAUTOCLAIM", "k", "g", "m", 0, "0", "COUNT", 1);
  kv.send("XCLAIM", "k", "g", "o", 0, "1-1");
  const names = kv.propagated.map((words) => words.slice(0, 2).join(" "));
  expect(names).not.toContain("XGROUP CREATECONSUMER");
  expect(names).toContain("XCLAIM k");
});

test("one that acknowledges nothing is propagated beside what it was given", () => {
  const kv = halfReadStream();
  kv.propagated.length = 0;
  kv.send("XREADGROUP", "GROUP", "g", "n", "NOACK", "STREAMS", "k", ">");
  expect(kv.propagated).toContainEqual(made("n"));
});
