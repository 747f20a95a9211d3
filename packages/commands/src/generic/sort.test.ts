import { Chance, harness } from "@kv/testing";
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

  test("numbers by size, texts with ALPHA, either way round; a part of them with LIMIT", () => {
    const kv = harness();
    kv.send("RPUSH", "l", 10, 9, "1e1", -1, "9.5");
    expect(kv.send("SORT", "l")).toEqual(["-1", "9", "9.5", "10", "1e1"]);
    expect(kv.send("SORT", "l", "DESC")).toEqual(["1e1", "10", "9.5", "9", "-1"]);
    expect(kv.send("SORT", "l", "ALPHA")).toEqual(["-1", "10", "1e1", "9", "9.5"]);
    expect(kv.send("SORT", "l", "LIMIT", 1, 2)).toEqual(["9", "9.5"]);
    expect(kv.send("SORT", "l", "LIMIT", 9, 2)).toEqual([]);
    kv.send("RPUSH", "l", "x");
    expect(kv.send("SORT", "l")).toEqual(
      kv.error("ERR One or more scores can't be converted into double"),
    );
  });

  test("with LIMIT it is a part of what it is without", () => {
    for (let seed = 1; seed <= 6; seed++) {
      const chance = new Chance(seed);
      const kv = harness();
      const count = chance.of([200, 3000]);
      const numbers = Array.from({ length: count }, () => chance.below(chance.of([5, 1e6])));
      kv.send("RPUSH", "l", ...numbers.map(String));
      for (const options of [[], ["DESC"], ["ALPHA"], ["BY", "w_*"], ["BY", "w_*", "ALPHA"]]) {
        const whole = kv.send("SORT", "l", ...options) as string[];
        for (let tries = 0; tries < 6; tries++) {
          const start = chance.of([0, chance.below(count)]);
          const wanted = chance.of([0, 1, 10, chance.below(count)]);
          expect(kv.send("SORT", "l", ...options, "LIMIT", start, wanted), `seed ${seed}`).toEqual(
            whole.slice(start, start + wanted),
          );
        }
      }
    }
  });

  test("agrees with a model on many elements of every kind", () => {
    for (let seed = 1; seed <= 8; seed++) {
      const chance = new Chance(seed);
      const kv = harness();
      // Few different ones, long beginnings that are alike, and such as differ in length alone.
      const word = () =>
        chance.of(["", "same start "]) + "ab".repeat(chance.below(5)) + chance.below(30);
      const words = Array.from({ length: 700 }, word);
      const numbers = Array.from({ length: 700 }, () => String((chance.below(400) - 200) / 4));
      kv.send("RPUSH", "words", ...words);
      kv.send("RPUSH", "numbers", ...numbers);
      kv.send("SADD", "members", ...words);
      kv.send("ZADD", "scored", ...words.flatMap((each) => [chance.below(5), each]));
      const byText = (one: string, other: string) => (one < other ? -1 : one > other ? 1 : 0);
      const byNumber = (one: string, other: string) => Number(one) - Number(other);
      const members = [...new Set(words)].sort(byText);
      expect(kv.send("SORT", "words", "ALPHA")).toEqual([...words].sort(byText));
      expect(kv.send("SORT", "members", "ALPHA", "DESC")).toEqual([...members].reverse());
      expect(kv.send("SORT_RO", "scored", "ALPHA", "LIMIT", 3, 9)).toEqual(members.slice(3, 12));
      expect((kv.send("SORT", "numbers") as string[]).map(Number)).toEqual(
        [...numbers].sort(byNumber).map(Number),
      );
      expect(kv.send("SORT", "words", "BY", "nosort", "DESC", "LIMIT", 5, 300)).toEqual(
        [...words].reverse().slice(5, 305),
      );
      expect(kv.send("SORT", "words", "ALPHA", "STORE", "d")).toBe(700);
      expect(kv.send("LRANGE", "d", 0, -1)).toEqual([...words].sort(byText));
    }
  });

  test("weights and values come from other keys; who has no weight weighs nothing", () => {
    const kv = harness();
    kv.send("RPUSH", "l", "a", "b", "c");
    kv.send(
      "MSET",
      "w_a",
      3,
      "w_b",
      -1,
      "n_a",
      "A",
      "n_b",
      "B".repeat(100),
      "n_c",
      "B".repeat(101),
    );
    kv.send("HSET", "o_a", "f", 1);
    kv.send("HSET", "o_c", "f", 2);
    expect(kv.send("SORT", "l", "BY", "w_*")).toEqual(["b", "c", "a"]);
    expect(kv.send("SORT", "l", "BY", "n_*", "ALPHA", "DESC")).toEqual(["c", "b", "a"]);
    expect(kv.send("SORT", "l", "BY", "o_*->f", "GET", "#", "GET", "w_*")).toEqual([
      "b",
      "-1",
      "a",
      "3",
      "c",
      null,
    ]);
    expect(kv.send("SORT", "l", "BY", "o_*->f", "GET", "w_*", "STORE", "d")).toBe(3);
    expect(kv.send("LRANGE", "d", 0, -1)).toEqual(["-1", "3", ""]);
    // A key that is met on the way and whose time has passed is none, and goes.
    kv.send("PEXPIRE", "w_a", 1);
    kv.host.advance(2);
    kv.events.length = 0;
    expect(kv.send("SORT_RO", "l", "BY", "w_*", "GET", "w_*")).toEqual(["-1", null, null]);
    expect(kv.events).toEqual(["expired w_a"]);
  });

  test("stores empty elements for what is not there, wherever the last found one was", () => {
    const kv = harness();
    kv.send("RPUSH", "l", 1, 2, 3, 4, 5, 6, 7, 8);
    // Sooner or later the list that is stored comes to lie where the value found before was.
    for (let length = 1; length <= 300; length++) {
      kv.send("DEL", "d");
      kv.send("SET", "there_8", "v".repeat(length));
      expect(kv.send("SORT", "l", "GET", "there_*", "LIMIT", 7, 1)).toHaveLength(1);
      kv.send("DEL", "there_8");
      expect(kv.send("SORT", "l", "GET", "none_*", "GET", "none", "STORE", "d")).toBe(16);
    }
    expect(kv.send("LRANGE", "d", 0, -1)).toEqual(Array.from({ length: 16 }, () => ""));
  });

  test("stores over whatever the key held, and a set in an order that is the same everywhere", () => {
    const kv = harness();
    kv.send("SADD", "s", "c", "a", "b");
    kv.send("SET", "d", "x", "EX", 100);
    kv.events.length = 0;
    expect(kv.send("SORT", "s", "BY", "nosort", "STORE", "d")).toBe(3);
    expect(kv.send("LRANGE", "d", 0, -1)).toEqual(["a", "b", "c"]);
    expect(kv.send("TTL", "d")).toBe(-1);
    expect(kv.events).toEqual(["sortstore d"]);
    expect(kv.send("OBJECT", "ENCODING", "d")).toBe("listpack");
    expect(kv.send("SORT", "s", "ALPHA", "LIMIT", 0, 0, "STORE", "d")).toBe(0);
    expect(kv.events).toEqual(["sortstore d", "del d"]);
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

describe("fields whose time has passed", () => {
  test.each([512, 0])("are not there for BY and GET (listpacks of up to %d)", (entries) => {
    const kv = harness({ config: { "hash-max-listpack-entries": entries } });
    kv.send("DEBUG", "SET-ACTIVE-EXPIRE", 0);
    kv.send("RPUSH", "l", 1, 2, 3);
    for (const [id, weight] of Object.entries({ 1: 30, 2: 20, 3: 10 }))
      kv.send("HSET", `h${id}`, "weight", weight, "name", `n${id}`);
    kv.send("HPEXPIRE", "h1", 10, "FIELDS", 2, "weight", "name");
    kv.send("HPEXPIRE", "h3", 10, "FIELDS", 1, "name");
    kv.clock.advance(11);
    kv.events.length = 0;
    kv.propagated.length = 0;
    expect(kv.send("SORT_RO", "l", "BY", "h*->weight")).toEqual(["1", "3", "2"]);
    expect(kv.events).toEqual(["hexpired h1"]);
    kv.send("SORT", "l", "BY", "nosort", "GET", "h*->name", "STORE", "out");
    expect(kv.send("LRANGE", "out", 0, -1)).toEqual(["", "n2", ""]);
    // Who follows finds the same: the fields go before the command does.
    expect(kv.events.slice(1)).toEqual(["hexpired h1", "del h1", "hexpired h3", "sortstore out"]);
    expect(kv.propagated.filter(([name]) => name !== "MULTI" && name !== "EXEC")).toEqual([
      ["HDEL", "h1", "weight"],
      ["HDEL", "h1", "name"],
      ["HDEL", "h3", "name"],
      ["SORT", "l", "BY", "nosort", "GET", "h*->name", "STORE", "out"],
    ]);
    kv.check();
  });

  test("stay, unseen, on a replica", () => {
    const kv = harness();
    kv.send("DEBUG", "SET-ACTIVE-EXPIRE", 0);
    kv.send("RPUSH", "l", 1);
    kv.send("HSET", "h1", "name", "n", "other", "o");
    kv.send("HPEXPIRE", "h1", 10, "FIELDS", 1, "name");
    kv.send("REPLICAOF", "nowhere", 1);
    kv.clock.advance(11);
    expect(kv.send("SORT_RO", "l", "BY", "nosort", "GET", "h*->name")).toEqual([null]);
    expect(kv.send("HLEN", "h1")).toBe(2);
  });
});
