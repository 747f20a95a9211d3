import { halfReadStream } from "@kv/testing";
import { expect, test } from "vitest";

test("XREAD gives what is behind an ID, of each stream that has some", () => {
  const kv = halfReadStream();
  expect(kv.send("XREAD", "COUNT", 1, "STREAMS", "none", "k", 0, "1-1")).toEqual([
    ["k", [["2-2", ["f", "2-2"]]]],
  ]);
  expect(kv.send("XREAD", "STREAMS", "k", "+")).toEqual([["k", [["3-3", ["f", "3-3"]]]]]);
  expect(kv.send("XREAD", "STREAMS", "k", "$")).toBe(null);
});

test("XREADGROUP gives what is new, and again what is pending for the consumer", () => {
  const kv = halfReadStream();
  const read = (consumer: string, id: string) =>
    kv.send("XREADGROUP", "GROUP", "g", consumer, "STREAMS", "k", id);
  expect(read("d", ">")).toEqual([["k", [["3-3", ["f", "3-3"]]]]]);
  expect(read("d", ">")).toBe(null);
  kv.send("XDEL", "k", "3-3");
  expect(read("d", "0")).toEqual([["k", [["3-3", null]]]]);
  expect(read("c", "1-1")).toEqual([["k", [["2-2", ["f", "2-2"]]]]]);
});

test("XREAD and XREADGROUP refuse what does not fit together", () => {
  const kv = halfReadStream();
  const unbalanced = (name: string, sign: string) =>
    kv.error(
      `ERR Unbalanced '${name}' list of streams: for each stream key an ID or '${sign}' must be specified.`,
    );
  expect(kv.send("XREAD", "STREAMS", "k", "l", "0")).toEqual(unbalanced("xread", "$"));
  expect(kv.send("XREADGROUP", "GROUP", "g", "c", "STREAMS", "k", "l", ">")).toEqual(
    unbalanced("xreadgroup", ">"),
  );
  expect(kv.send("XREADGROUP", "GROUP", "h", "c", "STREAMS", "k", ">")).toEqual(
    kv.error("NOGROUP No such key 'k' or consumer group 'h' in XREADGROUP with GROUP option"),
  );
  expect(kv.send("XREAD", "STREAMS", "k", ">")).toEqual(
    kv.error(
      "ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> <consumer> option.",
    ),
  );
  expect(kv.send("XREAD", "STREAMS", "text", "0")).toEqual(
    kv.error("WRONGTYPE Operation against a key holding the wrong kind of value"),
  );
});
