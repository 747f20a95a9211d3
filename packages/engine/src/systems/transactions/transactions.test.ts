import { harness } from "@kv/testing";
import { describe, expect, test } from "vitest";

const aborted = "EXECABORT Transaction discarded because of previous errors.";

test("a transaction that cannot run any more keeps nothing", () => {
  const kv = harness();
  const other = kv.client();
  other.send("MULTI");
  other.send("SET", "a", 1);
  other.send("NOPE");
  expect(other.send("SET", "b", 1)).toBe("QUEUED");
  expect(/id=2 .*multi=(\d+)/.exec(kv.send("CLIENT", "LIST") as string)?.[1]).toBe("1");
  expect(other.send("EXEC")).toBe(kv.error(aborted));
});

test("who closes itself inside EXEC hears nothing of what follows, but it runs", () => {
  const kv = harness();
  const self = kv.client();
  self.send("MULTI");
  self.send("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "no");
  self.send("SET", "k", "v");
  self.takeRaw();
  self.send("EXEC");
  expect(self.takeRaw()).toBe("*2\r\n:2\r\n");
  expect(self.closed).toBe(true);
  expect(kv.client().send("GET", "k")).toBe("v");
});

test("an EXEC that is refused counts as the error that it answers", () => {
  const kv = harness();
  kv.send("MULTI");
  expect(kv.send("EXEC", "x")).toBe(
    kv.error(
      "EXECABORT Transaction discarded because of: wrong number of arguments for 'exec' command",
    ),
  );
  expect(kv.send("INFO", "errorstats")).toBe("# Errorstats\r\nerrorstat_EXECABORT:count=1\r\n");
});

describe("MULTI and EXEC", () => {
  test("run what was queued, in order, with each its own reply", () => {
    const kv = harness();
    expect(kv.send("MULTI")).toBe("OK");
    expect(kv.send("SET", "k", "5")).toBe("QUEUED");
    expect(kv.send("INCR", "k")).toBe("QUEUED");
    expect(kv.send("HGET", "k", "f")).toBe("QUEUED");
    expect(kv.send("GET", "k")).toBe("QUEUED");
    expect(kv.send("EXEC")).toEqual([
      "OK",
      6,
      kv.error("WRONGTYPE Operation against a key holding the wrong kind of value"),
      "6",
    ]);
    expect(kv.send("EXEC")).toBe(kv.error("ERR EXEC without MULTI"));
  });

  test("an unknown command or a wrong number of words aborts it all", () => {
    const kv = harness();
    kv.send("MULTI");
    kv.send("SET", "k", "v");
    kv.send("NOSUCH");
    expect(kv.send("EXEC")).toBe(kv.error(aborted));
    kv.send("MULTI");
    kv.send("SET", "k", "v");
    expect(kv.send("GET")).toBe(kv.error("ERR wrong number of arguments for 'get' command"));
    expect(kv.send("EXEC")).toBe(kv.error(aborted));
    expect(kv.send("EXISTS", "k")).toBe(0);
  });

  test("does not nest, and DISCARD forgets", () => {
    const kv = harness();
    kv.send("MULTI");
    expect(kv.send("MULTI")).toBe(kv.error("ERR MULTI calls can not be nested"));
    kv.send("SET", "k", "v");
    expect(kv.send("DISCARD")).toBe("OK");
    expect(kv.send("DISCARD")).toBe(kv.error("ERR DISCARD without MULTI"));
    expect(kv.send("EXISTS", "k")).toBe(0);
  });

  test("SELECT inside it lasts", () => {
    const kv = harness();
    kv.send("MULTI");
    kv.send("SELECT", 3);
    kv.send("SET", "k", "three");
    kv.send("EXEC");
    expect(kv.send("GET", "k")).toBe("three");
    kv.send("SELECT", 0);
    expect(kv.send("GET", "k")).toBe(null);
  });

  test("queues more commands than one batch holds, inline ones too", () => {
    const kv = harness();
    kv.send("MULTI");
    for (let i = 0; i < 1000; i++)
      kv.self.sendBytes(i % 2 === 0 ? "incr k\r\n" : 'INCRBY k "2"\r\n');
    kv.self.pushed();
    const replies = kv.send("EXEC") as number[];
    expect(replies.length).toBe(1000);
    expect(replies.at(-1)).toBe(1500);
    expect(kv.propagated.length).toBe(1002);
    expect(kv.propagated.at(-2)).toEqual(["INCRBY", "k", "2"]);
  });
});

describe("WATCH", () => {
  test.each([
    { why: "the value was set", change: ["SET", "k", "w"] },
    { why: "the key was removed", change: ["DEL", "k"] },
    { why: "an expiry was set", change: ["EXPIRE", "k", "100"] },
    { why: "everything was flushed", change: ["FLUSHALL"] },
    { why: "the databases were swapped", change: ["SWAPDB", "0", "1"] },
    { why: "the key was renamed away", change: ["RENAME", "k", "other"] },
  ])("EXEC does nothing when $why", ({ change }) => {
    const kv = harness();
    kv.send("SET", "k", "v");
    expect(kv.send("WATCH", "k", "never")).toBe("OK");
    kv.client().send(...change);
    kv.send("MULTI");
    kv.send("SET", "mine", "v");
    expect(kv.send("EXEC")).toBe(null);
    expect(kv.send("EXISTS", "mine")).toBe(0);
  });

  test("a key that expires counts as changed, unless it had expired already", () => {
    const kv = harness();
    kv.send("DEBUG", "SET-ACTIVE-EXPIRE", 0);
    kv.send("SET", "k", "v", "PX", 10);
    kv.send("WATCH", "k");
    kv.clock.advance(20);
    kv.send("MULTI");
    kv.send("PING");
    expect(kv.send("EXEC")).toBe(null);
    kv.send("SET", "k", "v", "PX", 10);
    kv.clock.advance(20);
    kv.send("WATCH", "k");
    kv.client().send("GET", "k");
    kv.send("MULTI");
    kv.send("PING");
    expect(kv.send("EXEC")).toEqual(["PONG"]);
  });

  test("is over after EXEC, DISCARD and UNWATCH", () => {
    const kv = harness();
    const other = kv.client();
    for (const end of [["UNWATCH"], ["MULTI", "DISCARD"], ["MULTI", "EXEC"]]) {
      kv.send("WATCH", "k");
      for (const command of end) kv.send(command);
      other.send("INCR", "k");
      kv.send("MULTI");
      kv.send("PING");
      expect(kv.send("EXEC")).toEqual(["PONG"]);
    }
    kv.send("MULTI");
    expect(kv.send("WATCH", "k")).toBe(kv.error("ERR WATCH inside MULTI is not allowed"));
  });

  test("other keys and other databases do not matter", () => {
    const kv = harness();
    kv.send("WATCH", "k");
    const other = kv.client();
    other.send("SET", "k2", "v");
    other.send("SELECT", 1);
    other.send("SET", "k", "v");
    kv.send("MULTI");
    kv.send("PING");
    expect(kv.send("EXEC")).toEqual(["PONG"]);
  });
});

describe("what a transaction propagates", () => {
  test("is wrapped, so that it takes effect together", () => {
    const kv = harness();
    kv.send("MULTI");
    kv.send("SET", "a", "1");
    kv.send("GET", "a");
    kv.send("INCR", "a");
    kv.send("EXEC");
    expect(kv.propagated).toEqual([["MULTI"], ["SET", "a", "1"], ["INCR", "a"], ["EXEC"]]);
  });

  test("is nothing when nothing changed, and bare when it is one command", () => {
    const kv = harness();
    kv.send("MULTI");
    kv.send("GET", "a");
    kv.send("EXEC");
    expect(kv.propagated).toEqual([]);
    kv.send("MULTI");
    kv.send("SET", "a", "1");
    kv.send("EXEC");
    expect(kv.propagated).toEqual([["SET", "a", "1"]]);
  });

  test("a key found expired goes first", () => {
    const kv = harness();
    kv.send("DEBUG", "SET-ACTIVE-EXPIRE", 0);
    kv.send("SET", "k", "1", "PX", 5);
    kv.clock.advance(10);
    kv.propagated.length = 0;
    kv.send("INCR", "k");
    expect(kv.propagated).toEqual([["MULTI"], ["DEL", "k"], ["INCR", "k"], ["EXEC"]]);
    kv.send("SET", "k", "1", "PX", 5);
    kv.clock.advance(10);
    kv.propagated.length = 0;
    kv.send("GET", "k");
    expect(kv.propagated).toEqual([["DEL", "k"]]);
  });
});

test("CLIENT INFO tells of the transaction that it is a part of", () => {
  const kv = harness();
  const told = (line: unknown) => /flags=\w+|multi=\S+|cmd=\S+/g[Symbol.match](line as string);
  kv.send("MULTI");
  kv.send("CLIENT", "INFO");
  kv.send("PING");
  expect(kv.send("EXEC")).toEqual([expect.any(String), "PONG"]);
  kv.send("MULTI");
  kv.send("CLIENT", "INFO");
  const [line] = kv.send("EXEC") as [string];
  expect(told(line)).toEqual(["flags=x", "multi=1", "cmd=exec"]);
  expect(told(kv.send("CLIENT", "INFO"))).toEqual(["flags=N", "multi=-1", "cmd=client|info"]);
});

describe("a transaction that lasts", () => {
  test("is over when what stands behind it in the pipeline runs", () => {
    const kv = harness({ config: { "enable-debug-command": "yes" } });
    kv.send("SET", "k", "v", "PX", 200);
    kv.self.takeRaw();
    kv.self.sendBytes("MULTI\r\nDEBUG SLEEP 0.3\r\nEXEC\r\nGET k\r\n");
    expect(kv.self.takeRaw()).toBe("+OK\r\n+QUEUED\r\n*1\r\n+OK\r\n$-1\r\n");
  });

  test("gives nobody what has expired meanwhile", () => {
    const kv = harness({ config: { "enable-debug-command": "yes" } });
    const waiting = kv.client();
    waiting.send("BZPOPMIN", "z", 1);
    kv.self.sendBytes("MULTI\r\nZADD z 1 one\r\nPEXPIRE z 100\r\nDEBUG SLEEP 0.2\r\nEXEC\r\n");
    expect(waiting.receive()).toBe(undefined);
    kv.clock.advance(1000);
    expect(waiting.receive()).toBe(null);
  });
});
