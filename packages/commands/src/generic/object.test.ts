import { harness } from "@kv/testing";
import { describe, expect, test } from "vitest";

describe("OBJECT", () => {
  test.each([
    { value: "0", encoding: "int", refcount: 2147483647 },
    { value: "9999", encoding: "int", refcount: 2147483647 },
    { value: "10000", encoding: "int", refcount: 1 },
    { value: "-1", encoding: "int", refcount: 1 },
    { value: "4294967296", encoding: "int", refcount: 1 },
    { value: "x".repeat(44), encoding: "embstr", refcount: 1 },
    { value: "x".repeat(45), encoding: "raw", refcount: 1 },
  ])("$value is $encoding, with $refcount references", ({ value, encoding, refcount }) => {
    const kv = harness();
    kv.send("SET", "k", value);
    expect(kv.send("OBJECT", "ENCODING", "k")).toBe(encoding);
    expect(kv.send("OBJECT", "REFCOUNT", "k")).toBe(refcount);
  });

  test.each(["ENCODING", "REFCOUNT", "IDLETIME", "FREQ"])("%s of no key is null", (question) => {
    const kv = harness();
    expect(kv.send("OBJECT", question, "none")).toBe(null);
    expect(kv.events).toEqual([]);
  });

  test("IDLETIME counts seconds since the last use and is none itself", () => {
    const kv = harness();
    kv.send("SET", "k", "v");
    kv.clock.advance(5000);
    expect(kv.send("OBJECT", "IDLETIME", "k")).toBe(5);
    kv.clock.advance(2000);
    expect(kv.send("OBJECT", "IDLETIME", "k")).toBe(7);
    kv.send("GET", "k");
    expect(kv.send("OBJECT", "IDLETIME", "k")).toBe(0);
  });

  test.each([
    ["SET", "k", "v", "NX"],
    ["HSET", "k", "f", "v"],
    ["RESTORE", "k", 0, "anything"],
    ["COPY", "other", "k"],
    ["MOVE", "k", 1],
  ])("a look for writing is a use even where it comes to nothing: %s", (...words) => {
    const kv = harness();
    for (const key of ["other", "k"]) kv.send("SET", key, "v");
    kv.send("COPY", "k", "k", "DB", 1);
    kv.clock.advance(5000);
    kv.send(...words);
    kv.send("SELECT", words[0] === "MOVE" ? 1 : 0);
    expect(kv.send("OBJECT", "IDLETIME", "k")).toBe(0);
  });

  test("one command counts as one use", () => {
    const kv = harness({ config: { "maxmemory-policy": "allkeys-lfu", "lfu-log-factor": 0 } });
    const used = (...words: (string | number)[]) => {
      const before = kv.send("OBJECT", "FREQ", "k") as number;
      kv.send(...words);
      return (kv.send("OBJECT", "FREQ", "k") as number) - before;
    };
    kv.send("SET", "k", 5);
    expect(used("SET", "k", 6)).toBe(1);
    expect(used("INCR", "k")).toBe(1);
    expect(used("INCRBYFLOAT", "k", 1)).toBe(1);
    // What is no integer yet is replaced by one.
    expect(used("INCR", "k")).toBe(1);
    kv.send("CLIENT", "NO-TOUCH", "ON");
    expect(used("SET", "k", 6)).toBe(0);
  });

  test("FREQ needs a policy that counts", () => {
    const kv = harness();
    kv.send("SET", "k", "v");
    expect(kv.send("OBJECT", "FREQ", "k")).toEqual(
      kv.error(
        "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust.",
      ),
    );
  });

  test("HELP names every subcommand", () => {
    const kv = harness();
    const lines = kv.send("OBJECT", "HELP") as unknown as string[];
    expect(lines.filter((line) => /^[A-Z]+( <key>)?$/.test(line))).toEqual([
      "ENCODING <key>",
      "FREQ <key>",
      "IDLETIME <key>",
      "REFCOUNT <key>",
      "HELP",
    ]);
  });
});
