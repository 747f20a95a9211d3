import { harness } from "@kv/testing";
import { describe, expect, test } from "vitest";
import { errors } from "../call/errors.ts";

describe("HSET, HMSET, HSETNX", () => {
  test("HSET tells how many fields are new", () => {
    const kv = harness();
    expect(kv.send("HSET", "h", "a", 1, "b", 2)).toBe(2);
    expect(kv.send("HSET", "h", "a", 3, "c", 4, "c", 5)).toBe(1);
    expect(kv.send("HGETALL", "h")).toEqual(["a", "3", "b", "2", "c", "5"]);
    expect(kv.events).toEqual(["hset h", "hset h"]);
    expect(kv.propagated).toEqual([
      ["HSET", "h", "a", "1", "b", "2"],
      ["HSET", "h", "a", "3", "c", "4", "c", "5"],
    ]);
  });

  test("HMSET says OK, HSETNX sets only what is missing", () => {
    const kv = harness();
    expect(kv.send("HMSET", "h", "a", 1)).toBe("OK");
    expect(kv.send("HSETNX", "h", "a", 2)).toBe(0);
    expect(kv.send("HSETNX", "h", "b", 3)).toBe(1);
    expect(kv.send("HMGET", "h", "a", "b", "none")).toEqual(["1", "3", null]);
    expect(kv.send("HSETNX", "new", "f", "v")).toBe(1);
    expect(kv.events).toEqual(["hset h", "hset h", "hset new"]);
  });

  test("a field without a value is refused before the key is looked at", () => {
    const kv = harness();
    kv.send("SET", "s", "v");
    for (const name of ["hset", "hmset"]) {
      const error = kv.error(`ERR wrong number of arguments for '${name}' command`);
      expect(kv.send(name, "s", "a", 1, "b")).toEqual(error);
      expect(kv.send(name, "s", "a", 1)).toBe(errors.wrongType);
    }
  });

  test("a hash becomes a table by its fields' number or length", () => {
    const kv = harness({
      config: { "hash-max-listpack-entries": 3, "hash-max-listpack-value": 5 },
    });
    kv.send("HSET", "many", "a", 1, "b", 2, "c", 3);
    expect(kv.send("OBJECT", "ENCODING", "many")).toBe("listpack");
    kv.send("HSET", "many", "d", 4);
    expect(kv.send("OBJECT", "ENCODING", "many")).toBe("hashtable");
    kv.send("HSET", "long", "a", "12345");
    expect(kv.send("OBJECT", "ENCODING", "long")).toBe("listpack");
    kv.send("HSET", "long", "a", "123456");
    expect(kv.send("OBJECT", "ENCODING", "long")).toBe("hashtable");
    kv.check();
  });

  test("so many pairs that a listpack could not hold them make a table, new or not", () => {
    const kv = harness({ config: { "hash-max-listpack-entries": 3 } });
    const encoding = (key: string) => kv.send("OBJECT", "ENCODING", key);
    kv.send("HSET", "three", "a", 1, "a", 2, "a", 3);
    expect(encoding("three")).toBe("listpack");
    kv.send("HSET", "four", "a", 1, "a", 2, "a", 3, "a", 4);
    expect(encoding("four")).toBe("hashtable");
    expect(kv.send("HGETALL", "four")).toEqual(["a", "4"]);
    kv.send("HMSET", "three", "a", 1, "a", 2, "a", 3, "a", 4);
    expect(encoding("three")).toBe("hashtable");
    kv.send("HSETEX", "timed", "EX", 10, "FIELDS", 4, "a", 1, "b", 2, "a", 3, "b", 4);
    expect(kv.send("HMGET", "timed", "a", "b")).toEqual(["3", "4"]);
    expect(encoding("timed")).toBe("hashtable");
    kv.check();
  });

  test("every pair counts as a change, and every field removed", () => {
    const kv = harness();
    kv.send("HSET", "h", "a", 1, "b", 2, "c", 3);
    expect(kv.engine.situation.dirty).toBe(3);
    kv.send("HDEL", "h", "a", "b", "none");
    expect(kv.engine.situation.dirty).toBe(5);
  });
});
