import { harness } from "@kv/testing";
import { expect, test } from "vitest";

test.each([
  { name: "set", request: ["SET", "k", "new", "EX", 100] },
  { name: "setex", request: ["SETEX", "k", 100, "new"] },
  { name: "psetex", request: ["PSETEX", "k", 100, "new"] },
  { name: "getex", request: ["GETEX", "k", "PX", 100] },
])("$name refuses an end before 1970, which no log could tell again", ({ name, request }) => {
  const kv = harness();
  kv.send("SET", "k", "old");
  kv.host.nowMs = -100_000_000;
  expect(kv.send(...request)).toEqual(kv.error(`ERR invalid expire time in '${name}' command`));
  expect(kv.send("GET", "k")).toBe("old");
  kv.host.nowMs = -50;
  expect(kv.send("SET", "k", "new", "PX", 100)).toBe("OK");
  expect(kv.send("PEXPIRETIME", "k")).toBe(50);
});
