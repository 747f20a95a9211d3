import { encodeRequest, latin1 } from "@kv/resp";
import { harness } from "@kv/testing";
import { expect, test } from "vitest";

/** More than the look-ahead takes for small. */
const MANY = 9000;

/** Requests one behind the other. */
function pipeline(requests: readonly string[][]): string {
  return requests.map((words) => latin1(encodeRequest(words))).join("");
}

test("a pipeline on large values answers what its commands answer one by one", () => {
  const kv = harness();
  for (let i = 0; i < MANY; i += 500) {
    const numbers = Array.from({ length: 500 }, (_, each) => i + each);
    kv.send("HSET", "h", ...numbers.flatMap((each) => [`f${each}`, `v${each}`]));
    kv.send("SADD", "s", ...numbers.map((each) => `m${each}`));
    kv.send("ZADD", "z", ...numbers.flatMap((each) => [each, `m${each}`]));
  }
  kv.send("SET", "text", "x");
  const requests = [
    ["HGET", "h", "f7"],
    ["HGET", "h", "f8999"],
    ["HGET", "h", "none"],
    ["HMGET", "h", "f1", "none", "f2"],
    ["HSET", "h", "new", "1", "f7", "w7"],
    ["HGET", "h", "f7"],
    ["HGET", "h"],
    ["HGET", "text", "f7"],
    ["HGET", "missing", "f7"],
    ["SISMEMBER", "s", "m8999"],
    ["SREM", "s", "m8999"],
    ["SISMEMBER", "s", "m8999"],
    ["ZSCORE", "z", "m8999"],
    ["ZADD", "z", "NX", "5", "m8999"],
    ["ZADD", "z", "1.5", "m8999", "2"],
    ["NOSUCH", "h", "f7"],
    ["DEL", "h"],
    ["HGET", "h", "f7"],
    ["HSET", "h", "f7", "1"],
    ["HGET", "h", "f7"],
  ];
  const expected = [
    "v7",
    "v8999",
    null,
    ["v1", null, "v2"],
    1,
    "w7",
    kv.error("ERR wrong number of arguments for 'hget' command"),
    kv.error("WRONGTYPE Operation against a key holding the wrong kind of value"),
    null,
    1,
    1,
    0,
    "8999",
    0,
    kv.error("ERR syntax error"),
    kv.error("ERR unknown command 'NOSUCH', with args beginning with: 'h' 'f7' "),
    1,
    null,
    1,
    "1",
  ];
  // Of the key of the first request is read ahead what all of them will look up.
  kv.self.sendBytes(pipeline(requests));
  expect(requests.map(() => kv.self.receive())).toEqual(expected);
  for (const words of [
    ["SISMEMBER", "s", "m1"],
    ["ZSCORE", "z", "m1"],
    ["HGET", "text", "f"],
    ["ZADD", "z", "1"],
  ]) {
    kv.self.sendBytes(pipeline([words, words, words]));
    const replies = [kv.self.receive(), kv.self.receive(), kv.self.receive()];
    expect(replies).toEqual(replies.map(() => kv.send(...words)));
  }
});
