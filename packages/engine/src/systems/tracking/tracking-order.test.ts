import { harness } from "@kv/testing";
import { expect, test } from "vitest";

/** What somebody hears who caches the keys and listens to their events, in order. */
function heard(setUp: string[], keys: string[], ...command: (string | number)[]): string {
  const kv = harness({ resp: 3, config: { "notify-keyspace-events": "EAn" } });
  const other = kv.client();
  other.send(...setUp);
  kv.send("CLIENT", "TRACKING", "ON");
  kv.send("EXISTS", ...keys);
  kv.send("PSUBSCRIBE", "*");
  kv.self.pushed();
  other.send(...command);
  const pushed = kv.self.pushed() as [string, string, string, string][];
  return pushed
    .map(([kind, key, channel, message]) =>
      kind === "invalidate" ? `gone ${key}` : `${channel.split(":")[1]} ${message}`,
    )
    .join(", ");
}

const list = ["RPUSH", "k", "a", "b"];
const set = ["SADD", "k", "a"];
const sortedSet = ["ZADD", "k", "1", "a"];

test("Redis publishes the events of what takes elements away before it tells caches", () => {
  expect(heard(list, ["k"], "LPOP", "k")).toBe("lpop k, gone k");
  expect(heard(list, ["k"], "LPOP", "k", 2)).toBe("lpop k, del k, gone k");
  expect(heard(list, ["k"], "LTRIM", "k", 0, 0)).toBe("ltrim k, gone k");
  expect(heard(list, ["k"], "LREM", "k", 0, "a")).toBe("lrem k, gone k");
  expect(heard(set, ["k"], "SPOP", "k")).toBe("spop k, del k, gone k");
  expect(heard(sortedSet, ["k"], "ZPOPMIN", "k")).toBe("zpopmin k, del k, gone k");
  expect(heard(sortedSet, ["k"], "ZREM", "k", "a")).toBe("zrem k, del k, gone k");
});

test("and of XADD and XTRIM, too", () => {
  const stream = ["XADD", "k", "1-1", "f", "v"];
  expect(heard(stream, ["k"], "XADD", "k", "MAXLEN", 1, "2-1", "f", "v")).toBe(
    "xadd k, xtrim k, gone k",
  );
  expect(heard(stream, ["k"], "XTRIM", "k", "MAXLEN", 0)).toBe("xtrim k, gone k");
});

test("but tells caches first of most other changes", () => {
  expect(heard(list, ["k"], "RPUSH", "k", "c")).toBe("gone k, rpush k");
  expect(heard(set, ["k"], "SREM", "k", "a")).toBe("gone k, srem k, del k");
  expect(heard(sortedSet, ["k"], "ZREMRANGEBYRANK", "k", 0, -1)).toBe(
    "gone k, zremrangebyrank k, del k",
  );
});

test("and of both keys where a value moves", () => {
  expect(heard(list, ["k", "to"], "RENAME", "k", "to")).toBe(
    "new to, gone k, gone to, rename_from k, rename_to to",
  );
  expect(heard(set, ["k", "to"], "SMOVE", "k", "to", "a")).toBe(
    "srem k, del k, new to, gone k, gone to, sadd to",
  );
  expect(heard(list, ["k", "to"], "LMOVE", "k", "to", "LEFT", "LEFT")).toBe(
    "new to, gone to, lpush to, lpop k, gone k",
  );
});

test("and of a key whose time has passed behind its event, of one that is evicted before it", () => {
  const kv = harness({ resp: 3, config: { "notify-keyspace-events": "EA" } });
  const other = kv.client();
  kv.send("CLIENT", "TRACKING", "ON");
  kv.send("PSUBSCRIBE", "*");
  const gone = ["invalidate", ["k"]];
  other.send("SET", "k", "v", "PX", 5);
  kv.send("GET", "k");
  kv.self.pushed();
  kv.clock.advance(10);
  other.send("GET", "k");
  expect(kv.self.pushed()).toEqual([["pmessage", "*", "__keyevent@0__:expired", "k"], gone]);
  other.send("SET", "k", "v");
  kv.send("GET", "k");
  kv.self.pushed();
  other.send("CONFIG", "SET", "maxmemory-policy", "allkeys-lru", "maxmemory", 1);
  expect(kv.self.pushed()).toEqual([gone, ["pmessage", "*", "__keyevent@0__:evicted", "k"]]);
});

test("a broadcast goes through the prefixes in the order of bytes, however they were named", () => {
  const kv = harness({ resp: 3 });
  const other = kv.client();
  const prefixes = ["u", "s", "l", "z"];
  kv.send("CLIENT", "TRACKING", "ON", "BCAST", ...prefixes.flatMap((each) => ["PREFIX", each]));
  other.send("MSET", "z1", 1, "s2", 2, "u3", 3, "s1", 4, "l5", 5);
  expect(kv.self.pushed()).toEqual([
    ["invalidate", ["l5"]],
    ["invalidate", ["s1", "s2"]],
    ["invalidate", ["u3"]],
    ["invalidate", ["z1"]],
  ]);
});

test("one message of a turn, behind what was asked for by whoever went on in it", () => {
  const kv = harness({ resp: 3 });
  const waiting = kv.client();
  kv.send("CLIENT", "TRACKING", "ON", "BCAST");
  waiting.sendBytes("BLMOVE a b LEFT RIGHT 0\r\nSET c 1\r\nFLUSHALL\r\nSET d 1\r\n");
  kv.client().send("RPUSH", "a", 1);
  expect(kv.self.pushed()).toEqual([
    ["invalidate", null],
    ["invalidate", ["a", "b", "c", "d"]],
  ]);
});
