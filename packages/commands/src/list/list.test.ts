import { harness } from "@kv/testing";
import { describe, expect, test } from "vitest";
import { errors } from "../call/errors.ts";

const range = (count: number, of = (index: number) => `${index}`) =>
  Array.from({ length: count }, (_, index) => of(index));

describe("LPUSH and RPUSH", () => {
  test("add one after the other, and tell", () => {
    const kv = harness();
    expect(kv.send("RPUSH", "l", "a", 12, "c")).toBe(3);
    expect(kv.send("LPUSH", "l", "x", "y")).toBe(5);
    expect(kv.send("LRANGE", "l", 0, -1)).toEqual(["y", "x", "a", "12", "c"]);
    expect(kv.events).toEqual(["rpush l", "lpush l"]);
    expect(kv.propagated).toEqual([
      ["RPUSH", "l", "a", "12", "c"],
      ["LPUSH", "l", "x", "y"],
    ]);
  });

  test("with X change only what is there", () => {
    const kv = harness();
    expect(kv.send("LPUSHX", "l", "a")).toBe(0);
    expect(kv.send("EXISTS", "l")).toBe(0);
    expect(kv.propagated).toEqual([]);
    kv.send("RPUSH", "l", "a");
    expect(kv.send("RPUSHX", "l", "b", "c")).toBe(3);
  });
});

describe("LPOP and RPOP", () => {
  test("take the key with the last element, before anybody hears of it", () => {
    const kv = harness();
    kv.send("RPUSH", "l", "a", "b", "c");
    kv.events.length = 0;
    expect(kv.send("LPOP", "l")).toBe("a");
    expect(kv.send("RPOP", "l", 5)).toEqual(["c", "b"]);
    expect(kv.events).toEqual(["lpop l", "rpop l", "del l"]);
    expect(kv.send("LPOP", "l")).toBe(null);
    expect(kv.send("LPOP", "l", 2)).toBe(null);
  });

  test("of none change nothing", () => {
    const kv = harness();
    kv.send("RPUSH", "l", "a");
    kv.propagated.length = 0;
    expect(kv.send("LPOP", "l", 0)).toEqual([]);
    expect(kv.propagated).toEqual([]);
    expect(kv.send("LPOP", "l", -1)).toBe(errors.mustBePositive);
  });
});

describe("a list of many nodes", () => {
  test("is read anywhere", () => {
    const kv = harness();
    const all = range(6000, (index) => `element ${index}`);
    kv.send("RPUSH", "l", ...all);
    expect(kv.send("OBJECT", "ENCODING", "l")).toBe("quicklist");
    for (const index of [0, 1, 2999, 3000, 5998, 5999, -1, -6000])
      expect(kv.send("LINDEX", "l", index)).toBe(all.at(index));
    expect(kv.send("LINDEX", "l", 6000)).toBe(null);
    expect(kv.send("LRANGE", "l", 1000, 4999)).toEqual(all.slice(1000, 5000));
    expect(kv.send("LPOS", "l", "element 4321")).toBe(4321);
    expect(kv.send("LPOS", "l", "element 4321", "RANK", -1, "MAXLEN", 1000)).toBe(null);
    expect(kv.send("RPOP", "l", 3)).toEqual(["element 5999", "element 5998", "element 5997"]);
  });

  test("is changed anywhere, and is a listpack again when little is left", () => {
    const kv = harness();
    const all = range(6000, (index) => `element ${index}`);
    kv.send("RPUSH", "l", ...all);
    expect(kv.send("LSET", "l", 3000, "set")).toBe("OK");
    expect(kv.send("LINSERT", "l", "BEFORE", "set", "inserted")).toBe(6001);
    expect(kv.send("LREM", "l", 0, "element 10")).toBe(1);
    expect(kv.send("LTRIM", "l", 2990, 3009)).toBe("OK");
    const expected = [...all.slice(2991, 3000), "inserted", "set", ...all.slice(3001, 3010)];
    expect(kv.send("LRANGE", "l", 0, -1)).toEqual(expected);
    // One node, and not half full.
    expect(kv.send("LTRIM", "l", -1, -1)).toBe("OK");
    expect(kv.send("OBJECT", "ENCODING", "l")).toBe("listpack");
    kv.check();
  });

  test("holds elements larger than a node beside small ones", () => {
    const kv = harness();
    const large = "x".repeat(20_000);
    kv.send("RPUSH", "l", "a", large, "b");
    expect(kv.send("LSET", "l", 0, large)).toBe("OK");
    expect(kv.send("LINSERT", "l", "AFTER", "b", large)).toBe(4);
    expect(kv.send("LPOS", "l", large, "COUNT", 0)).toEqual([0, 1, 3]);
    expect(kv.send("LREM", "l", -2, large)).toBe(2);
    expect(kv.send("LRANGE", "l", 0, -1)).toEqual([large, "b"]);
    kv.check();
  });
});

describe("LTRIM", () => {
  test("tells of nothing that it removed, too, and then does not go out", () => {
    const kv = harness();
    kv.send("RPUSH", "l", "a", "b");
    kv.events.length = 0;
    kv.propagated.length = 0;
    expect(kv.send("LTRIM", "l", 0, -1)).toBe("OK");
    expect(kv.events).toEqual(["ltrim l"]);
    expect(kv.propagated).toEqual([]);
    expect(kv.send("LTRIM", "l", 5, 1)).toBe("OK");
    expect(kv.events).toEqual(["ltrim l", "ltrim l", "del l"]);
  });
});

describe("LMOVE", () => {
  test("moves from list to list: the arrival is told first", () => {
    const kv = harness();
    kv.send("RPUSH", "l", "a", "b");
    kv.events.length = 0;
    expect(kv.send("LMOVE", "l", "m", "RIGHT", "LEFT")).toBe("b");
    expect(kv.send("RPOPLPUSH", "l", "m")).toBe("a");
    expect(kv.events).toEqual(["lpush m", "rpop l", "lpush m", "rpop l", "del l"]);
    expect(kv.send("LRANGE", "m", 0, -1)).toEqual(["a", "b"]);
  });

  test("rotates a list, whatever it is", () => {
    const kv = harness();
    for (const words of [["a"], ["a", "b", "c"], ["a", "x".repeat(9000), "c"], range(3000)]) {
      kv.send("DEL", "l");
      kv.send("RPUSH", "l", ...words);
      const encoding = kv.send("OBJECT", "ENCODING", "l");
      expect(kv.send("LMOVE", "l", "l", "LEFT", "RIGHT")).toBe(words[0]);
      expect(kv.send("LRANGE", "l", 0, -1)).toEqual([...words.slice(1), words[0]]);
      expect(kv.send("LMOVE", "l", "l", "RIGHT", "LEFT")).toBe(words[0]);
      expect(kv.send("LMOVE", "l", "l", "LEFT", "LEFT")).toBe(words[0]);
      expect(kv.send("LMOVE", "l", "l", "RIGHT", "RIGHT")).toBe(words.at(-1));
      expect(kv.send("LRANGE", "l", 0, -1)).toEqual(words);
      expect(kv.send("OBJECT", "ENCODING", "l")).toBe(encoding);
    }
    kv.check();
  });

  test("changes nothing when the destination is no list", () => {
    const kv = harness();
    kv.send("SET", "s", 1);
    kv.send("RPUSH", "l", "a");
    expect(kv.send("LMOVE", "l", "s", "LEFT", "LEFT")).toBe(errors.wrongType);
    expect(kv.send("LRANGE", "l", 0, -1)).toEqual(["a"]);
    expect(kv.send("LMOVE", "none", "s", "LEFT", "LEFT")).toBe(null);
  });
});

describe("what waits goes out as what does not", () => {
  test.each([
    { words: ["BLPOP", "none", "l", 0], reply: ["l", "1"], as: ["LPOP", "l"] },
    { words: ["BRPOP", "l", 0], reply: ["l", "5"], as: ["RPOP", "l"] },
    {
      words: ["BLMPOP", 0, 2, "none", "l", "LEFT", "COUNT", 9],
      reply: ["l", ["1", "2", "3", "4", "5"]],
      as: ["LPOP", "l", "5"],
    },
    { words: ["LMPOP", 1, "l", "RIGHT"], reply: ["l", ["5"]], as: ["RPOP", "l", "1"] },
    {
      words: ["BLMOVE", "l", "m", "LEFT", "RIGHT", 0],
      reply: "1",
      as: ["LMOVE", "l", "m", "LEFT", "RIGHT"],
    },
    { words: ["BRPOPLPUSH", "l", "m", 0], reply: "5", as: ["RPOPLPUSH", "l", "m"] },
  ])("$words", ({ words, reply, as }) => {
    const kv = harness();
    kv.send("RPUSH", "l", 1, 2, 3, 4, 5);
    kv.propagated.length = 0;
    expect(kv.send(...words)).toEqual(reply);
    expect(kv.propagated).toEqual([as]);
  });
});

describe("DEBUG", () => {
  test("tells of the nodes, and sets what is a node of its own", () => {
    const kv = harness();
    kv.send("CONFIG", "SET", "list-max-listpack-size", 3, "list-compress-depth", 1);
    expect(kv.send("DEBUG", "QUICKLIST-PACKED-THRESHOLD", "10b")).toBe("OK");
    kv.send("RPUSH", "l", "a", "b", "c", "d", "0123456789");
    expect(kv.send("DEBUG", "OBJECT", "l")).toContain(
      " ql_nodes:3 ql_avg_node:1.67 ql_listpack_max:3 ql_compressed:1 ql_uncompressed_size:36",
    );
    expect(kv.send("DEBUG", "QUICKLIST", "l")).toBe("Quicklist structure printed on stdout");
    expect(kv.send("DEBUG", "LISTPACK", "l")).toHaveProperty(
      "reply",
      "ERR Not a listpack encoded object.",
    );
    for (const size of ["x", "-1", "5gb", "1.5"])
      expect(kv.send("DEBUG", "QUICKLIST-PACKED-THRESHOLD", size)).toHaveProperty(
        "reply",
        "ERR argument must be a memory value bigger than 1 and smaller than 4gb",
      );
    expect(kv.send("DEBUG", "QUICKLIST-PACKED-THRESHOLD", 0)).toBe("OK");
  });
});
