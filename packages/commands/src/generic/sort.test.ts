import { harness } from "@kv/testing";
import { describe, expect, test } from "vitest";
import { keysOf } from "../declare/key-spec.ts";
import { sort, sortRo } from "./sort.ts";

describe("SORT", () => {
  test.each(["SORT", "SORT_RO"])("%s: nothing sorts to nothing", (name) => {
    const kv = harness();
    expect(kv.send(name, "none")).toEqual([]);
    expect(kv.send(name, "none", "BY", "w_*", "LIMIT", 0, 5, "GET", "#", "DESC", "ALPHA")).toEqual(
      [],
    );
  });

  test.each(["SORT", "SORT_RO"])("%s: options are read before the key", (name) => {
    const kv = harness();
    kv.send("SET", "s", 1);
    expect(kv.send(name, "s", "LIMIT", 1)).toEqual(kv.error("ERR syntax error"));
    expect(kv.send(name, "s", "LIMIT", "x", 1)).toEqual(
      kv.error("ERR value is not an integer or out of range"),
    );
    expect(kv.send(name, "s")).toEqual(
      kv.error("WRONGTYPE Operation against a key holding the wrong kind of value"),
    );
  });

  test("storing nothing removes what was there", () => {
    const kv = harness();
    kv.send("SET", "d", 1);
    kv.events.length = 0;
    expect(kv.send("SORT", "none", "STORE", "d")).toBe(0);
    expect(kv.send("EXISTS", "d")).toBe(0);
    expect(kv.events).toEqual(["del d"]);
    // Even if its time has passed: it goes by the command.
    kv.send("SET", "d", 1, "PX", 1);
    kv.host.advance(2);
    kv.events.length = 0;
    kv.send("SORT", "none", "STORE", "d");
    expect(kv.events).toEqual(["del d"]);
    expect(kv.send("SORT_RO", "none", "STORE", "d")).toEqual(kv.error("ERR syntax error"));
  });

  test("the keys are the one that is sorted and the last to store in", () => {
    const words = ["SORT", "k", "LIMIT", "0", "STORE", "STORE", "a", "BY", "STORE", "STORE", "b"];
    const request = {
      argc: words.length,
      length: (index: number) => (words[index] as string).length,
      is: (index: number, word: string) => words[index]?.toUpperCase() === word,
      text: (index: number) => words[index] as string,
    };
    expect(sort.getKeys?.(request)?.map(({ index }) => index)).toEqual([1, 10]);
    expect(sortRo.getKeys?.(request)?.map(({ index }) => index)).toEqual([1]);
    expect(keysOf(sort.keys, request)?.map(({ index }) => index)).toEqual([1]);
  });
});
