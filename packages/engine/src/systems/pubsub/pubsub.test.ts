import { ArenaFullError } from "@kv/core";
import { type Harness, harness } from "@kv/testing";
import { describe, expect, test } from "vitest";
import { pubsubPort } from "./subscriptions.ts";

describe("channels and patterns", () => {
  test("a message goes to everybody who listens, by name and by pattern", () => {
    const kv = harness();
    const byName = kv.client();
    const byPattern = kv.client();
    expect(byName.send("SUBSCRIBE", "news", "other")).toEqual(["subscribe", "news", 1]);
    expect(byName.pushed()).toEqual([["subscribe", "other", 2]]);
    expect(byPattern.send("PSUBSCRIBE", "n?ws")).toEqual(["psubscribe", "n?ws", 1]);
    expect(kv.send("PUBLISH", "news", "hello")).toBe(2);
    expect(byName.pushed()).toEqual([["message", "news", "hello"]]);
    expect(byPattern.pushed()).toEqual([["pmessage", "n?ws", "news", "hello"]]);
    expect(kv.send("PUBLISH", "NEWS", "hello")).toBe(0);
  });

  test("a client that listens twice gets it twice", () => {
    const kv = harness();
    const other = kv.client();
    other.send("SUBSCRIBE", "a");
    other.send("PSUBSCRIBE", "a", "*");
    other.pushed();
    expect(kv.send("PUBLISH", "a", "x")).toBe(3);
    expect(other.pushed()).toEqual([
      ["message", "a", "x"],
      ["pmessage", "a", "a", "x"],
      ["pmessage", "*", "a", "x"],
    ]);
  });

  test("names and messages are any bytes", () => {
    const kv = harness();
    const other = kv.client();
    for (const name of ["", "\0\xff\r\n", "__proto__", "constructor"]) {
      other.send("SUBSCRIBE", name);
      expect(kv.send("PUBLISH", name, `<${name}>`)).toBe(1);
      expect(other.pushed()).toEqual([["message", name, `<${name}>`]]);
    }
    expect(other.send("UNSUBSCRIBE", "toString")).toEqual(["unsubscribe", "toString", 4]);
  });

  test("messages of one pipeline arrive in order", () => {
    const kv = harness();
    const other = kv.client();
    other.send("SUBSCRIBE", "a");
    const count = 5000;
    kv.self.sendBytes("PUBLISH a x\r\n".repeat(count));
    expect(other.pushed()).toHaveLength(count);
  });

  test("a subscriber of RESP2 may do little, one of RESP3 anything", () => {
    const kv = harness();
    kv.send("SUBSCRIBE", "a");
    expect(kv.send("GET", "k")).toBe(
      kv.error(
        "ERR Can't execute 'get': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context",
      ),
    );
    expect(kv.send("PING", "x")).toEqual(["pong", "x"]);
    kv.send("UNSUBSCRIBE");
    expect(kv.send("PING")).toBe("PONG");
    const kv3 = harness({ resp: 3 });
    kv3.send("SUBSCRIBE", "a");
    expect(kv3.send("GET", "k")).toBe(null);
    expect(kv3.self.pushed()).toEqual([["subscribe", "a", 1]]);
  });

  test("UNSUBSCRIBE ends what is named, or all", () => {
    const kv = harness();
    const names = ["a", "b", "c"];
    kv.send("SUBSCRIBE", ...names);
    kv.self.pushed();
    expect(kv.send("UNSUBSCRIBE", "b")).toEqual(["unsubscribe", "b", 2]);
    expect(kv.send("UNSUBSCRIBE", "b")).toEqual(["unsubscribe", "b", 2]);
    expect(kv.send("UNSUBSCRIBE")).toEqual(["unsubscribe", "a", 1]);
    expect(kv.self.pushed()).toEqual([["unsubscribe", "c", 0]]);
    expect(kv.send("UNSUBSCRIBE")).toEqual(["unsubscribe", null, 0]);
    expect(kv.engine.of(pubsubPort).bytesOf(kv.self.client as never)).toBe(0);
  });
});

describe("shard channels", () => {
  test("are a world of their own", () => {
    const kv = harness();
    const other = kv.client();
    other.send("SUBSCRIBE", "a");
    expect(other.send("SSUBSCRIBE", "a")).toEqual(["ssubscribe", "a", 1]);
    expect(kv.send("SPUBLISH", "a", "x")).toBe(1);
    expect(other.pushed()).toEqual([["smessage", "a", "x"]]);
    expect(kv.send("PUBSUB", "SHARDCHANNELS")).toEqual(["a"]);
    expect(kv.send("PUBSUB", "SHARDNUMSUB", "a", "b")).toEqual(["a", 1, "b", 0]);
    other.send("SUNSUBSCRIBE");
    expect(kv.send("PUBSUB", "SHARDCHANNELS")).toEqual([]);
    expect(kv.send("PUBSUB", "CHANNELS")).toEqual(["a"]);
  });
});

describe("a client's own messages", () => {
  const message = ">3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\nx\r\n";

  test("follow the reply to PUBLISH", () => {
    const kv = harness({ resp: 3 });
    kv.send("SUBSCRIBE", "a");
    kv.self.takeRaw();
    kv.self.sendBytes("PUBLISH a x\r\nPING\r\n");
    expect(kv.self.takeRaw()).toBe(`:1\r\n${message}+PONG\r\n`);
  });

  test("follow the whole reply to EXEC", () => {
    const kv = harness({ resp: 3 });
    kv.send("SUBSCRIBE", "a");
    kv.self.takeRaw();
    kv.self.sendBytes("MULTI\r\nPUBLISH a x\r\nPING\r\nEXEC\r\nPING\r\n");
    expect(kv.self.takeRaw()).toBe(
      `+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n:1\r\n+PONG\r\n${message}+PONG\r\n`,
    );
  });

  test("keyspace events are such messages", () => {
    const kv = harness({ resp: 3 });
    kv.send("SUBSCRIBE", "__keyevent@0__:set");
    kv.self.pushed();
    expect(kv.send("SET", "k", "v")).toBe("OK");
    expect(kv.self.pushed()).toEqual([["message", "__keyevent@0__:set", "k"]]);
  });
});

describe("inside MULTI", () => {
  test("SUBSCRIBE and PSUBSCRIBE are allowed, SSUBSCRIBE is not", () => {
    const kv = harness();
    kv.send("MULTI");
    kv.send("SUBSCRIBE", "a");
    kv.send("PSUBSCRIBE", "b");
    kv.send("SSUBSCRIBE", "c");
    expect(kv.send("EXEC")).toEqual([
      ["subscribe", "a", 1],
      ["psubscribe", "b", 2],
      kv.error("ERR SSUBSCRIBE isn't allowed for a DENY BLOCKING client"),
    ]);
    expect(kv.send("PING")).toEqual(["pong", ""]);
  });
});

describe("PUBSUB", () => {
  test("tells who listens to what", () => {
    const kv = harness();
    const others = [kv.client(), kv.client()];
    for (const other of others) other.send("SUBSCRIBE", "a");
    others[0]?.send("SUBSCRIBE", "b");
    for (const other of others) other.send("PSUBSCRIBE", "x*");
    expect(kv.send("PUBSUB", "CHANNELS")).toEqual(["a", "b"]);
    expect(kv.send("PUBSUB", "CHANNELS", "[^a]")).toEqual(["b"]);
    expect(kv.send("PUBSUB", "NUMSUB", "a", "b", "c")).toEqual(["a", 2, "b", 1, "c", 0]);
    expect(kv.send("PUBSUB", "NUMPAT")).toBe(1);
    others[0]?.destroy();
    expect(kv.send("PUBSUB", "NUMSUB", "a", "b")).toEqual(["a", 1, "b", 0]);
    others[1]?.destroy();
    expect(kv.send("PUBSUB", "NUMPAT")).toBe(0);
  });

  test("HELP has a line for every subcommand", () => {
    const kv = harness();
    const lines = kv.send("PUBSUB", "HELP") as string[];
    expect(lines).toHaveLength(1 + 2 * 6);
  });
});

test("a subscriber that does not read is closed at its limit, while others go on", () => {
  const kv = harness({
    config: {
      "client-output-buffer-limit": {
        pubsub: { hardBytes: 100_000, softBytes: 0, softSeconds: 0 },
      },
    },
  });
  const slow = kv.client();
  const quick = kv.client();
  for (const each of [slow, quick]) each.send("SUBSCRIBE", "a");
  quick.pushed();
  slow.isStuck = true;
  const message = "x".repeat(10_000);
  for (let i = 0; i < 20; i++) kv.send("PUBLISH", "a", message);
  expect(slow.closed).toBe(true);
  expect(quick.pushed()).toHaveLength(20);
  expect(kv.engine.stats.outputLimitDisconnections).toBe(1);
});

test("a flood within one pipeline does not gather in memory until its end", () => {
  const kv = harness({
    config: {
      "client-output-buffer-limit": {
        pubsub: { hardBytes: 200_000, softBytes: 0, softSeconds: 0 },
      },
    },
  });
  const slow = kv.client();
  slow.send("SUBSCRIBE", "a");
  slow.isStuck = true;
  kv.self.sendBytes(`PUBLISH a ${"x".repeat(10_000)}\r\n`.repeat(100));
  const receivers = kv.self.pushed();
  expect(receivers).toHaveLength(100);
  expect(receivers.filter((count) => count === 1).length).toBeLessThan(50);
});

describe("names that are kept", () => {
  test.each(["SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE"])(
    "of %s are in used memory with every byte, and gone with the client",
    (command) => {
      const kv = harness();
      const other = kv.client();
      const before = usedArena(kv);
      for (let index = 0; index < 40; index++)
        other.send(command, `${index}${"x".repeat(250_000)}`);
      const grown = usedArena(kv) - before;
      expect(grown).toBeGreaterThan(10_000_000);
      expect(grown).toBeLessThan(11_000_000);
      const cost = kv.engine.of(pubsubPort).bytesOf(other.client as never);
      expect(cost / grown).toBeGreaterThan(0.9);
      expect(cost / grown).toBeLessThan(1.1);
      kv.send("INFO", "memory");
      expect(kv.engine.memory.usedBytes).toBeGreaterThan(10_000_000);
      other.destroy();
      expect(usedArena(kv)).toBe(before);
    },
  );

  test("are ended in the order in which they began, each confirmed, also when there are many", () => {
    const kv = harness();
    const names = Array.from({ length: 20_000 }, (_, index) => `channel:${index}`);
    kv.send("SUBSCRIBE", ...names);
    kv.self.pushed();
    kv.self.sendBytes("UNSUBSCRIBE\r\n");
    expect(kv.self.pushed()).toEqual(
      names.map((name, index) => ["unsubscribe", name, names.length - 1 - index]),
    );
    expect(kv.engine.of(pubsubPort).channels.names.nameCount).toBe(0);
  });

  test("are all kept or none when there is no room for one of them", () => {
    const kv = harness();
    kv.send("SUBSCRIBE", "old");
    const { arena } = kv.engine.keyspace;
    const alloc = arena.alloc.bind(arena);
    let left = 7;
    arena.alloc = (bytes) => {
      if (left-- === 0) throw new ArenaFullError("refused by the test");
      return alloc(bytes);
    };
    expect(kv.send("SUBSCRIBE", "a", "b", "c", "d")).toBe(
      kv.error("OOM command not allowed when used memory > 'maxmemory'."),
    );
    expect(left).toBeLessThan(0);
    expect(kv.client().send("PUBSUB", "CHANNELS")).toEqual(["old"]);
    expect(kv.send("SUBSCRIBE", "a")).toEqual(["subscribe", "a", 2]);
    kv.engine.of(pubsubPort).channels.names.check();
  });
});

describe("who gets a message", () => {
  test("gets it in the order of the subscriptions", () => {
    const kv = harness();
    const [a, b, c] = [kv.client(), kv.client(), kv.client()];
    for (const client of [b, c, a, b]) client.send("SUBSCRIBE", "news");
    b.send("UNSUBSCRIBE", "news");
    b.send("SUBSCRIBE", "news");
    const order: string[] = [];
    const { output } = kv.engine;
    const pushWriter = output.pushWriter.bind(output);
    output.pushWriter = (client) => {
      order.push(client.connection.address);
      return pushWriter(client);
    };
    expect(kv.send("PUBLISH", "news", "x")).toBe(3);
    expect(order).toEqual([c, a, b].map((client) => client.address));
  });

  test("may be closed by it, with its pattern, and the others get theirs", () => {
    const kv = harness({
      config: {
        "client-output-buffer-limit": {
          pubsub: { hardBytes: 100_000, softBytes: 0, softSeconds: 0 },
        },
      },
    });
    const [slow, quick] = [kv.client(), kv.client()];
    quick.send("PSUBSCRIBE", "a");
    slow.send("PSUBSCRIBE", "*", "a*");
    slow.send("SUBSCRIBE", "a");
    quick.send("PSUBSCRIBE", "?");
    quick.pushed();
    slow.isStuck = true;
    const message = "x".repeat(70_000);
    for (let i = 0; i < 5; i++) kv.send("PUBLISH", "a", message);
    expect(slow.closed).toBe(true);
    expect(quick.pushed()).toHaveLength(10);
    expect(kv.send("PUBSUB", "NUMPAT")).toBe(2);
    expect(kv.send("PUBSUB", "NUMSUB", "a")).toEqual(["a", 0]);
  });

  test("is found by the lower half of its id when four billion clients have come before it", () => {
    const kv = harness();
    kv.engine.clients.nextId = 2 ** 32 + 7;
    const late = kv.client();
    expect(late.send("CLIENT", "ID")).toBe(2 ** 32 + 7);
    late.send("SUBSCRIBE", "a");
    expect(kv.send("PUBLISH", "a", "x")).toBe(1);
    expect(late.pushed()).toEqual([["message", "a", "x"]]);
  });

  test("gets keyspace events of keys of any length and any bytes", () => {
    const kv = harness();
    const other = kv.client();
    other.send("PSUBSCRIBE", "__key*__:*");
    const before = usedArena(kv);
    for (const key of ["", "\0\xff", "x".repeat(4090), "y".repeat(300_000)]) {
      kv.send("SET", key, 1);
      expect(other.pushed()).toEqual([
        ["pmessage", "__key*__:*", `__keyspace@0__:${key}`, "set"],
        ["pmessage", "__key*__:*", "__keyevent@0__:set", key],
      ]);
      kv.send("DEL", key);
      other.pushed();
    }
    expect(usedArena(kv)).toBe(before);
  });
});

function usedArena({ engine }: Harness): number {
  return engine.keyspace.arena.usedBytes;
}

test("a subscriber of shard channels is one of the class pubsub", () => {
  const kv = harness({ config: { "client-output-buffer-limit": "pubsub 10000 0 0" } as never });
  const client = kv.client();
  client.send("SSUBSCRIBE", "s");
  client.isStuck = true;
  kv.send("SPUBLISH", "s", "x".repeat(20_000));
  expect(client.closed).toBe(true);
});
