import { harness } from "@kv/testing";
import { expect, test } from "vitest";

test("x", () => {
  const kv = harness();
  expect(kv.send("RPUSH", "l", "a", 12, "c")).toBe(3);
  expect(kv.send("LRANGE", "l", 0, -1)).toEqual(["a", "12", "c"]);
  for (let i = 0; i < 5000; i++) kv.send("LPUSH", "l", `v${i}`);
  kv.engine.keyspace.check();
  expect(kv.send("OBJECT", "ENCODING", "l")).toBe("quicklist");
  expect((kv.send("LRANGE", "l", 0, -1) as string[]).length).toBe(5003);
  expect(kv.send("LINDEX", "l", 2000)).toBe("v2999");
  expect(kv.send("DEBUG", "RELOAD")).toBe("OK");
  expect(kv.send("LINDEX", "l", 2000)).toBe("v2999");
  for (let i = 0; i < 5000; i++) expect(kv.send("LPOP", "l")).toBe(`v${4999 - i}`);
  expect(kv.send("OBJECT", "ENCODING", "l")).toBe("listpack");
  expect(kv.send("LREM", "l", 0, 12)).toBe(1);
  expect(kv.send("LPOS", "l", "c")).toBe(1);
  expect(kv.send("LINSERT", "l", "before", "c", "x")).toBe(3);
  expect(kv.send("LMOVE", "l", "l", "left", "right")).toBe("a");
  expect(kv.send("LMOVE", "l", "m", "left", "right")).toBe("x");
  expect(kv.send("LRANGE", "l", 0, -1)).toEqual(["c", "a"]);
  expect(kv.send("LTRIM", "l", 1, -1)).toBe("OK");
  expect(kv.send("RPOP", "l", 5)).toEqual(["a"]);
  expect(kv.send("EXISTS", "l")).toBe(0);
});
