import { ArenaFullError } from "@kv/core";
import { type Harness, harness } from "@kv/testing";
import { describe, expect, test } from "vitest";
import { expiryPort } from "../expiry/expiry.ts";
import { trackingPort } from "./tracking.ts";

const invalidate = (...keys: string[]) => ["invalidate", keys];

describe("a RESP3 client that tracks", () => {
  test("hears once that a key it has read changed", () => {
    const kv = harness({ resp: 3 });
    const other = kv.client();
    expect(kv.send("CLIENT", "TRACKING", "ON")).toBe("OK");
    kv.send("MGET", "a", "b");
    other.send("SET", "a", 1);
    other.send("SET", "a", 2);
    other.send("SET", "c", 1);
    expect(kv.self.pushed()).toEqual([invalidate("a")]);
    kv.send("GET", "a");
    other.send("DEL", "a");
    expect(kv.self.pushed()).toEqual([invalidate("a")]);
  });

  test("hears of its own changes, behind the reply and outside of EXEC", () => {
    const kv = harness({ resp: 3 });
    kv.send("CLIENT", "TRACKING", "ON");
    kv.send("GET", "k");
    kv.self.takeRaw();
    kv.self.sendBytes("SET k 1\r\nGET k\r\nMULTI\r\nSET k 2\r\nPING\r\nEXEC\r\nPING\r\n");
    const message = ">2\r\n$10\r\ninvalidate\r\n*1\r\n$1\r\nk\r\n";
    expect(kv.self.takeRaw()).toBe(
      `+OK\r\n${message}$1\r\n1\r\n+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n+OK\r\n+PONG\r\n${message}+PONG\r\n`,
    );
  });

  test("hears what it did to its own keys behind all else that its command caused", () => {
    const kv = harness({ resp: 3, config: { "notify-keyspace-events": "E$" } });
    const other = kv.client();
    other.send("CLIENT", "TRACKING", "ON", "REDIRECT", kv.send("CLIENT", "ID") as number);
    kv.send("CLIENT", "TRACKING", "ON");
    kv.send("PSUBSCRIBE", "*");
    kv.send("MGET", "a", "b");
    other.send("GET", "b");
    kv.self.pushed();
    kv.send("MSET", "a", 1, "b", 1);
    const event = (key: string) => ["pmessage", "*", "__keyevent@0__:set", key];
    const own = [invalidate("a"), invalidate("b")];
    expect(kv.self.pushed()).toEqual([event("a"), invalidate("b"), event("b"), ...own]);
  });

  test("that waits hears at once what its own look has expired, and nobody else hears it", () => {
    const kv = harness({ resp: 3 });
    const waiting = kv.client();
    kv.engine.of(expiryPort).isActive = false;
    waiting.send("CLIENT", "TRACKING", "ON");
    kv.send("SET", "k", "v", "PX", 10);
    waiting.send("GET", "k");
    kv.clock.advance(100);
    waiting.sendBytes("BLPOP k 0\r\n");
    expect(waiting.pushed()).toEqual([invalidate("k")]);
    expect(kv.send("PING")).toBe("PONG");
    expect(kv.self.pushed()).toEqual([]);
  });

  test("knows while it waits that there is nothing, until there is something", () => {
    const kv = harness({ resp: 3 });
    const other = kv.client();
    kv.send("CLIENT", "TRACKING", "ON");
    kv.self.sendBytes("XREAD BLOCK 0 STREAMS k $\r\n");
    other.send("XADD", "k", "1-1", "f", "v");
    expect(kv.self.pushed()).toEqual([invalidate("k"), expect.anything()]);
    other.send("DEL", "k");
    expect(kv.self.pushed()).toEqual([invalidate("k")]);
  });

  test("reads inside EXEC count", () => {
    const kv = harness({ resp: 3 });
    const other = kv.client();
    kv.send("CLIENT", "TRACKING", "ON");
    kv.send("MULTI");
    kv.send("GET", "a");
    kv.send("HGETALL", "b");
    kv.send("EXEC");
    other.send("MSET", "a", 1, "b", 1);
    expect(kv.self.pushed()).toEqual([invalidate("a"), invalidate("b")]);
  });

  test("hears of expired keys and of flushes", () => {
    const kv = harness({ resp: 3 });
    kv.send("CLIENT", "TRACKING", "ON");
    kv.send("SET", "k", "v", "PX", 10);
    kv.send("GET", "k");
    kv.clock.advance(1000);
    expect(kv.self.pushed()).toEqual([invalidate("k")]);
    kv.client().send("FLUSHALL");
    expect(kv.self.pushed()).toEqual([["invalidate", null]]);
    expect(kv.send("FLUSHDB")).toBe("OK");
    expect(kv.self.pushed()).toEqual([["invalidate", null]]);
  });

  test("hears of a key evicted for its command before the reply to it", () => {
    const kv = harness({ resp: 3 });
    kv.send("CLIENT", "TRACKING", "ON");
    kv.send("SET", "big", "x".repeat(100_000));
    kv.send("GET", "big");
    kv.engine.config.configSet([["maxmemory-policy", "allkeys-random"]]);
    kv.self.takeRaw();
    kv.engine.memory.evictor.settings.maxmemoryBytes = 1;
    kv.engine.memory.settingsChanged();
    kv.self.sendBytes("SET k v\r\n");
    expect(kv.self.takeRaw()).toMatch(/^>2\r\n\$10\r\ninvalidate\r\n\*1\r\n\$3\r\nbig\r\n[-+]/);
  });

  test("PUBLISH, SUBSCRIBE and writes are not reads", () => {
    const kv = harness({ resp: 3 });
    kv.send("CLIENT", "TRACKING", "ON");
    kv.send("SSUBSCRIBE", "a");
    kv.send("SET", "b", 1);
    expect(kv.engine.of(trackingPort).keyCount).toBe(0);
  });
});

describe("NOLOOP", () => {
  test("spares the client what it did itself", () => {
    const kv = harness({ resp: 3 });
    const other = kv.client();
    kv.send("CLIENT", "TRACKING", "ON", "NOLOOP");
    kv.send("MGET", "a", "b");
    kv.send("SET", "a", 1);
    other.send("SET", "b", 1);
    expect(kv.self.pushed()).toEqual([invalidate("b")]);
  });

  test("but not what the server removed on the way of its command", () => {
    const kv = harness({ resp: 3 });
    const other = kv.client();
    kv.engine.of(expiryPort).isActive = false;
    kv.send("CLIENT", "TRACKING", "ON", "NOLOOP");
    other.send("SET", "timed", 1, "PX", 10);
    kv.send("GET", "timed");
    kv.clock.advance(100);
    expect(kv.send("SCAN", 0)).toEqual(["0", []]);
    expect(kv.self.pushed()).toEqual([invalidate("timed")]);
    other.send("SET", "large", "x".repeat(100_000));
    kv.send("STRLEN", "large");
    kv.send("CONFIG", "SET", "maxmemory-policy", "allkeys-lru", "maxmemory", "50kb");
    kv.send("SET", "small", 1);
    expect(kv.self.pushed()).toEqual([invalidate("large")]);
  });

  test("in BCAST mode as well, but not for what expired under its hands", () => {
    const kv = harness({ resp: 3 });
    kv.send("CLIENT", "TRACKING", "ON", "BCAST", "NOLOOP");
    kv.send("SET", "a", 1, "PX", 10);
    expect(kv.self.pushed()).toEqual([]);
    kv.engine.of(expiryPort).isActive = false;
    kv.clock.advance(100);
    expect(kv.send("GET", "a")).toBe(null);
    expect(kv.self.pushed()).toEqual([invalidate("a")]);
  });
});

test("SWAPDB says nothing: names are all that is tracked", () => {
  const kv = harness({ resp: 3 });
  const other = kv.client();
  other.send("SET", "k", 1);
  kv.send("CLIENT", "TRACKING", "ON");
  kv.send("GET", "k");
  other.send("SWAPDB", 0, 1);
  expect(kv.self.pushed()).toEqual([]);
  other.send("SET", "k", 2);
  expect(kv.self.pushed()).toEqual([invalidate("k")]);
});

describe("OPTIN and OPTOUT", () => {
  test("OPTIN: only what follows CACHING YES is remembered", () => {
    const kv = harness({ resp: 3 });
    kv.send("CLIENT", "TRACKING", "ON", "OPTIN");
    kv.send("GET", "a");
    kv.send("CLIENT", "CACHING", "YES");
    kv.send("GET", "b");
    kv.send("GET", "c");
    kv.send("CLIENT", "CACHING", "YES");
    kv.send("MULTI");
    kv.send("GET", "d");
    kv.send("GET", "e");
    kv.send("EXEC");
    kv.client().send("MSET", "a", 1, "b", 1, "c", 1, "d", 1, "e", 1);
    expect(kv.self.pushed()).toEqual(["b", "d", "e"].map((key) => invalidate(key)));
  });

  test("CACHING lasts as long as what follows it waits", () => {
    const kv = harness({ resp: 3 });
    const other = kv.client();
    kv.send("CLIENT", "TRACKING", "ON", "OPTIN");
    kv.send("CLIENT", "CACHING", "YES");
    kv.self.sendBytes("XREAD BLOCK 0 STREAMS k $\r\n");
    other.send("XADD", "k", "1-1", "f", "v");
    other.send("DEL", "k");
    expect(kv.self.pushed()).toEqual([invalidate("k"), expect.anything(), invalidate("k")]);
    kv.send("CLIENT", "CACHING", "YES");
    kv.self.sendBytes("BLPOP l 0\r\nGET a\r\n");
    other.send("CLIENT", "UNBLOCK", kv.self.client?.id as number);
    other.send("SET", "a", 1);
    expect(kv.self.pushed()).toEqual([null, null]);
  });

  test("a refused command uses CACHING up, another CLIENT command does not", () => {
    const kv = harness({ resp: 3 });
    kv.send("CLIENT", "TRACKING", "ON", "OPTIN");
    for (const refused of [["NOPE"], ["GET"], ["CLIENT", "NOPE"]]) {
      kv.send("CLIENT", "CACHING", "YES");
      kv.send(...refused);
      kv.send("GET", "a");
    }
    kv.send("CLIENT", "CACHING", "YES");
    kv.send("CLIENT", "ID", "x");
    kv.send("CLIENT", "ID");
    kv.send("GET", "b");
    kv.client().send("MSET", "a", 1, "b", 1);
    expect(kv.self.pushed()).toEqual([invalidate("b")]);
  });

  test("OPTOUT: only what follows CACHING NO is not", () => {
    const kv = harness({ resp: 3 });
    kv.send("CLIENT", "TRACKING", "ON", "OPTOUT");
    kv.send("GET", "a");
    kv.send("CLIENT", "CACHING", "NO");
    kv.send("GET", "b");
    kv.send("GET", "c");
    kv.client().send("MSET", "a", 1, "b", 1, "c", 1);
    expect(kv.self.pushed()).toEqual(["a", "c"].map((key) => invalidate(key)));
  });
});

describe("BCAST", () => {
  test("tells of every key with the prefixes, once a turn and in order", () => {
    const kv = harness({ resp: 3 });
    const other = kv.client();
    kv.send("CLIENT", "TRACKING", "ON", "BCAST", "PREFIX", "user:", "PREFIX", "x");
    other.sendBytes("SET user:2 1\r\nSET user:1 1\r\nSET user:2 2\r\nSET y 1\r\nSET x1 1\r\n");
    expect(kv.self.pushed()).toEqual([invalidate("user:1", "user:2"), invalidate("x1")]);
    other.send("SET", "y", 1);
    expect(kv.self.pushed()).toEqual([]);
    expect(kv.engine.of(trackingPort).prefixCount).toBe(2);
  });

  test("without a prefix, of every key, and of flushes", () => {
    const kv = harness({ resp: 3 });
    kv.send("CLIENT", "TRACKING", "ON", "BCAST");
    kv.client().send("SET", "any", 1);
    kv.client().send("FLUSHALL");
    expect(kv.self.pushed()).toEqual([invalidate("any"), ["invalidate", null]]);
  });

  test("prefixes of one client must not overlap, those of two may", () => {
    const kv = harness({ resp: 3 });
    const other = kv.client();
    const overlap = (a: string, what: string, b: string) =>
      kv.error(
        `ERR Prefix '${a}' overlaps with ${what} '${b}'. Prefixes for a single client must not overlap.`,
      );
    const bcast = ["CLIENT", "TRACKING", "ON", "BCAST"];
    expect(kv.send(...bcast, "PREFIX", "a", "PREFIX", "foo", "PREFIX", "fo")).toEqual(
      overlap("foo", "another provided prefix", "fo"),
    );
    expect(kv.send("CLIENT", "GETREDIR")).toBe(-1);
    kv.send(...bcast, "PREFIX", "foo");
    expect(kv.send(...bcast, "PREFIX", "foobar")).toEqual(
      overlap("foobar", "an existing prefix", "foo"),
    );
    expect(other.send(...bcast, "PREFIX", "foobar")).toBe("OK");
  });

  test("a client that leaves takes its prefixes along", () => {
    const kv = harness({ resp: 3 });
    const other = kv.client();
    other.send("CLIENT", "TRACKING", "ON", "BCAST", "PREFIX", "a", "PREFIX", "b");
    kv.send("CLIENT", "TRACKING", "ON", "BCAST", "PREFIX", "b");
    expect(kv.engine.of(trackingPort).prefixCount).toBe(2);
    other.destroy();
    expect(kv.engine.of(trackingPort).prefixCount).toBe(1);
    kv.send("CLIENT", "TRACKING", "OFF");
    expect(kv.engine.of(trackingPort)).toMatchObject({
      prefixCount: 0,
      clientCount: 0,
      isOn: false,
    });
  });
});

describe("REDIRECT", () => {
  test("a RESP2 client has its messages sent to a subscribed one", () => {
    const kv = harness();
    const listener = kv.client();
    listener.send("SUBSCRIBE", "__redis__:invalidate");
    expect(kv.send("CLIENT", "TRACKING", "ON", "REDIRECT", 2)).toBe("OK");
    expect(kv.send("CLIENT", "GETREDIR")).toBe(2);
    kv.send("GET", "k");
    expect(kv.send("SET", "k", 1)).toBe("OK");
    kv.send("FLUSHALL");
    expect(kv.self.pushed()).toEqual([]);
    expect(listener.pushed()).toEqual([
      ["message", "__redis__:invalidate", ["k"]],
      ["message", "__redis__:invalidate", null],
    ]);
  });

  test("of what the client does itself comes when its command or transaction is over", () => {
    const kv = harness({ config: { "notify-keyspace-events": "E$" } });
    const other = kv.client();
    const listener = kv.client();
    listener.send("SUBSCRIBE", "__redis__:invalidate", "news", "__keyevent@0__:set");
    kv.send("CLIENT", "TRACKING", "ON", "REDIRECT", 3);
    const event = (key: string) => ["message", "__keyevent@0__:set", key];
    const gone = (key: string) => ["message", "__redis__:invalidate", [key]];
    listener.pushed();
    kv.send("MGET", "a", "b");
    kv.send("MSET", "a", 1, "b", 1);
    expect(listener.pushed()).toEqual([event("a"), event("b"), gone("a"), gone("b")]);
    kv.send("GET", "a");
    other.send("SET", "a", 1);
    expect(listener.pushed()).toEqual([gone("a"), event("a")]);
    kv.send("GET", "a");
    kv.self.sendBytes("MULTI\r\nSET a 1\r\nPUBLISH news m\r\nEXEC\r\nPUBLISH news n\r\n");
    const news = (text: string) => ["message", "news", text];
    expect(listener.pushed()).toEqual([event("a"), news("m"), gone("a"), news("n")]);
  });

  test("tells of a flush in the order in which clients came, of one's own last", () => {
    const kv = harness();
    const other = kv.client();
    const listener = kv.client();
    listener.send("SUBSCRIBE", "__redis__:invalidate");
    listener.pushed();
    other.send("CLIENT", "TRACKING", "ON", "REDIRECT", 3);
    kv.send("HELLO", 3);
    kv.send("CLIENT", "TRACKING", "ON", "REDIRECT", 3);
    const flushed = (none: string) =>
      `*3\r\n$7\r\nmessage\r\n$20\r\n__redis__:invalidate\r\n${none}\r\n`;
    listener.takeRaw();
    kv.client().send("FLUSHALL");
    expect(listener.takeRaw()).toBe(flushed("_") + flushed("$-1"));
    kv.send("FLUSHALL");
    expect(listener.takeRaw()).toBe(flushed("$-1") + flushed("_"));
  });

  test("to one that does not read and is over its limit closes it, and nobody else", () => {
    const kv = harness({ config: { "client-output-buffer-limit": "pubsub 64kb 0 0" } });
    const listener = kv.client();
    listener.send("SUBSCRIBE", "__redis__:invalidate");
    kv.send("CLIENT", "TRACKING", "ON", "REDIRECT", 2);
    const key = "k".repeat(20_000);
    const keys = ["a", "b", "c", "d"].map((letter) => letter + key);
    kv.send("MGET", ...keys);
    expect(kv.send("DEL", ...keys)).toBe(0);
    expect(kv.send("MSET", ...keys.flatMap((each) => [each, 1]))).toBe("OK");
    expect(listener.closed).toBe(true);
    expect(kv.send("INFO", "stats")).toMatch(/client_output_buffer_limit_disconnections:1\r\n/);
  });

  test("one that does not listen gets nothing, for it would take it for replies", () => {
    const kv = harness();
    const listener = kv.client();
    kv.send("CLIENT", "TRACKING", "ON", "REDIRECT", 2);
    kv.send("GET", "k");
    kv.send("SET", "k", 1);
    expect(listener.pushed()).toEqual([]);
  });

  test("a RESP3 client is told when the other one is gone", () => {
    const kv = harness({ resp: 3 });
    const listener = kv.client();
    kv.send("CLIENT", "TRACKING", "ON", "REDIRECT", 2);
    kv.send("GET", "k");
    listener.destroy();
    kv.send("SET", "k", 1);
    expect(kv.self.pushed()).toEqual([["tracking-redir-broken", 2]]);
    expect(kv.send("CLIENT", "TRACKINGINFO")).toEqual(
      new Map<string, unknown>([
        ["flags", new Set(["on", "broken_redirect"])],
        ["redirect", 2],
        ["prefixes", []],
      ]),
    );
    expect(kv.send("CLIENT", "INFO")).toMatch(/ flags=tR .* redir=2 /);
  });
});

describe("the table", () => {
  test("counts keys, and pairs of key and client", () => {
    const kv = harness({ resp: 3 });
    const other = kv.client();
    for (const each of [kv.self, other]) {
      each.send("CLIENT", "TRACKING", "ON");
      each.send("MGET", "a", "b");
    }
    other.send("GET", "c");
    expect(kv.engine.of(trackingPort)).toMatchObject({ clientCount: 2, keyCount: 3, itemCount: 5 });
    kv.send("SET", "a", 1);
    expect(kv.engine.of(trackingPort)).toMatchObject({ keyCount: 2, itemCount: 3 });
    other.destroy();
    kv.send("SET", "b", 1);
    expect(kv.self.pushed()).toEqual([invalidate("a"), invalidate("b")]);
  });

  test("holds at most tracking-table-max-keys, and tells whose keys it forgets", () => {
    const kv = harness({ resp: 3, config: { "tracking-table-max-keys": 10 } });
    kv.send("CLIENT", "TRACKING", "ON");
    for (let i = 0; i < 30; i++) kv.send("GET", `k${i}`);
    expect(kv.engine.of(trackingPort).keyCount).toBe(10);
    const forgotten = kv.self.pushed();
    expect(new Set(forgotten.map((push) => (push as [string, string[]])[1][0])).size).toBe(20);
  });

  test("tells a client with NOLOOP as well what is forgotten for want of room", () => {
    const kv = harness({ resp: 3 });
    kv.send("CLIENT", "TRACKING", "ON", "NOLOOP");
    kv.send("MGET", "a", "b");
    kv.send("CONFIG", "SET", "tracking-table-max-keys", 1);
    expect(kv.self.pushed()).toHaveLength(1);
    expect(kv.engine.of(trackingPort).keyCount).toBe(1);
  });

  test("a lowered limit is reached step by step", () => {
    const kv = harness({ resp: 3 });
    kv.send("CLIENT", "TRACKING", "ON");
    kv.send("MGET", ...Array.from({ length: 1000 }, (_, i) => `k${i}`));
    kv.engine.config.configSet([["tracking-table-max-keys", "1"]]);
    const counts: number[] = [];
    for (let i = 0; i < 6; i++) {
      kv.send("PING");
      counts.push(kv.engine.of(trackingPort).keyCount);
    }
    expect(counts).toEqual([900, 700, 400, 1, 1, 1]);
  });

  test("and also when nobody says anything", () => {
    const kv = harness({ resp: 3 });
    kv.send("CLIENT", "TRACKING", "ON");
    kv.send("MGET", ...Array.from({ length: 300 }, (_, i) => `k${i}`));
    kv.send("CONFIG", "SET", "tracking-table-max-keys", 1);
    kv.clock.advance(500);
    expect(kv.engine.of(trackingPort).keyCount).toBe(1);
    expect(kv.self.pushed()).toHaveLength(299);
  });

  test("is empty when nobody tracks, and changes cost nothing again", () => {
    const kv = harness({ resp: 3 });
    kv.send("CLIENT", "TRACKING", "ON");
    kv.send("GET", "k");
    kv.send("CLIENT", "TRACKING", "OFF");
    expect(kv.engine.of(trackingPort)).toMatchObject({ isOn: false, keyCount: 0, itemCount: 0 });
    expect(kv.engine.effects.attends).toBe(false);
  });
});

describe("what is kept for caches", () => {
  const usedBytes = ({ engine }: Harness) => engine.keyspace.arena.usedBytes;

  test("is in used memory with every byte, and gone when nobody tracks any more", () => {
    const kv = harness({ resp: 3 });
    const other = kv.client();
    const before = usedBytes(kv);
    other.send("CLIENT", "TRACKING", "ON");
    for (let index = 0; index < 4; index++) other.send("GET", `${index}${"x".repeat(2 ** 20)}`);
    const grown = usedBytes(kv) - before;
    expect(grown).toBeGreaterThan(4 * 2 ** 20);
    expect(grown).toBeLessThan(4.4 * 2 ** 20);
    other.destroy();
    expect(usedBytes(kv)).toBe(before);
  });

  test("of any number is forgotten by a flush a slice at a time", () => {
    const kv = harness({ resp: 3 });
    const before = usedBytes(kv);
    kv.send("CLIENT", "TRACKING", "ON");
    kv.send("MGET", ...Array.from({ length: 20_000 }, (_, index) => `key:${index}`));
    expect(kv.engine.of(trackingPort).keyCount).toBe(20_000);
    kv.client().send("FLUSHALL");
    expect(kv.engine.of(trackingPort).keyCount).toBe(0);
    while (kv.engine.keyspace.lazyFree.pendingCount > 0) kv.engine.turn();
    expect(usedBytes(kv)).toBe(before);
  });

  test("names keys of any length and any bytes", () => {
    const kv = harness({ resp: 3 });
    const other = kv.client();
    const keys = ["", "\0\xff\r\n", "x".repeat(200_000)];
    kv.send("CLIENT", "TRACKING", "ON");
    kv.send("MGET", ...keys);
    for (const key of keys) other.send("SET", key, 1);
    expect(kv.self.pushed()).toEqual(keys.map((key) => invalidate(key)));
    kv.send("CLIENT", "TRACKING", "OFF");
    kv.send("CLIENT", "TRACKING", "ON", "BCAST", "PREFIX", "xx");
    for (const key of keys) other.send("SET", key, 2);
    expect(kv.self.pushed()).toEqual([invalidate("x".repeat(200_000))]);
  });

  test("that finds no room is told to be worthless at once", () => {
    const kv = harness({ resp: 3 });
    const other = kv.client();
    kv.send("CLIENT", "TRACKING", "ON");
    kv.send("GET", "a");
    const { arena } = kv.engine.keyspace;
    const { alloc } = arena;
    arena.alloc = () => {
      throw new ArenaFullError("refused by the test");
    };
    expect(kv.send("GET", "b")).toBe(null);
    expect(kv.self.pushed()).toEqual([invalidate("b")]);
    arena.alloc = alloc;
    other.send("MSET", "a", 1, "b", 1);
    expect(kv.self.pushed()).toEqual([invalidate("a")]);
  });
});

describe("what BCAST clients have to hear", () => {
  test("is sent early when the names of a turn are long", () => {
    const kv = harness({ resp: 3 });
    const other = kv.client();
    kv.send("CLIENT", "TRACKING", "ON", "BCAST");
    const key = (index: number) => `${index}${"x".repeat(2 ** 20)}`;
    other.sendBytes(
      [3, 1, 2, 0, 5].map((index) => `*2\r\n$4\r\nINCR\r\n$1048577\r\n${key(index)}\r\n`).join(""),
    );
    expect(kv.self.pushed()).toEqual([
      invalidate(key(0), key(1), key(2), key(3)),
      invalidate(key(5)),
    ]);
    expect(kv.engine.of(trackingPort).prefixCount).toBe(1);
  });

  test("is each prefix's keys in the order of bytes, for each prefix and client", () => {
    const kv = harness({ resp: 3 });
    const [first, second] = [kv.client(), kv.client()];
    first.send("CLIENT", "TRACKING", "ON", "BCAST", "PREFIX", "user:", "PREFIX", "z");
    second.send("CLIENT", "TRACKING", "ON", "BCAST", "PREFIX", "u", "NOLOOP");
    kv.self.sendBytes(
      "SET user:2 x\r\nSET u x\r\nSET user:10 x\r\nSET v x\r\nSET \xff x\r\nSET uz x\r\n",
    );
    expect(first.pushed()).toEqual([invalidate("user:10", "user:2")]);
    expect(second.pushed()).toEqual([invalidate("u", "user:10", "user:2", "uz")]);
    second.send("MSET", "u1", 1, "u2", 1);
    kv.send("SET", "u2", 2);
    expect(second.pushed()).toEqual([invalidate("u2")]);
  });

  test("is told key by key when there is no room to gather it", () => {
    const kv = harness({ resp: 3 });
    const other = kv.client();
    other.send("SET", "a", 1);
    other.send("SET", "b", 1);
    kv.send("CLIENT", "TRACKING", "ON", "BCAST");
    const { arena } = kv.engine.keyspace;
    const { alloc } = arena;
    arena.alloc = () => {
      throw new ArenaFullError("refused by the test");
    };
    other.sendBytes("DEL b\r\nDEL a\r\n");
    expect(kv.self.pushed()).toEqual([invalidate("b"), invalidate("a")]);
    arena.alloc = alloc;
    other.sendBytes("SET b 1\r\nSET a 1\r\n");
    expect(kv.self.pushed()).toEqual([invalidate("a", "b")]);
  });

  test("may close one of them, with its prefix, and the others hear the rest", () => {
    const kv = harness({
      resp: 3,
      config: { "client-output-buffer-limit": "normal 100000 0 0" } as never,
    });
    const [slow, quick] = [kv.client(), kv.client()];
    slow.send("CLIENT", "TRACKING", "ON", "BCAST", "PREFIX", "a", "PREFIX", "b");
    quick.send("CLIENT", "TRACKING", "ON", "BCAST", "PREFIX", "a", "PREFIX", "c");
    slow.isStuck = true;
    const keys = ["a", "b", "c"].map((name) => name.repeat(70_000));
    kv.self.sendBytes(keys.map((key) => `*2\r\n$4\r\nINCR\r\n$70000\r\n${key}\r\n`).join(""));
    expect(slow.closed).toBe(true);
    expect(quick.pushed()).toEqual([invalidate(keys[0] as string), invalidate(keys[2] as string)]);
    expect(kv.engine.of(trackingPort).prefixCount).toBe(2);
  });

  test("overlapping prefixes are found among many, and named as Redis names them", () => {
    const kv = harness({ resp: 3 });
    const many = Array.from({ length: 3000 }, (_, index) => ["PREFIX", `p${index}:`]).flat();
    expect(kv.send("CLIENT", "TRACKING", "ON", "BCAST", ...many)).toBe("OK");
    expect(kv.engine.of(trackingPort).prefixCount).toBe(3000);
    const attempt = (...prefixes: string[]) =>
      kv.send("CLIENT", "TRACKING", "ON", "BCAST", ...prefixes.flatMap((each) => ["PREFIX", each]));
    const overlap = (one: string, what: string, other: string) =>
      kv.error(
        `ERR Prefix '${one}' overlaps with ${what} '${other}'. Prefixes for a single client must not overlap.`,
      );
    expect(attempt("q", "p7:x", "p8")).toBe(overlap("p7:x", "an existing prefix", "p7:"));
    expect(attempt("r", "q2", "s", "q", "q1")).toBe(overlap("q2", "another provided prefix", "q"));
    expect(attempt("r", "")).toBe(overlap("r", "another provided prefix", ""));
    expect(attempt("t", "t")).toBe(overlap("t", "another provided prefix", "t"));
    expect(kv.engine.of(trackingPort).prefixCount).toBe(3000);
    expect(
      (kv.send("CLIENT", "TRACKINGINFO") as Map<string, string[]>).get("prefixes")?.slice(0, 3),
    ).toEqual(["p0:", "p1000:", "p1001:"]);
  });
});
