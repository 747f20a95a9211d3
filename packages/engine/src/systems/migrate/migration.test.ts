import type { Connection, Dialed, DialTarget } from "@kv/engine";
import { latin1Bytes, ReplyParser } from "@kv/resp";
import { type Harness, harness } from "@kv/testing";
import { describe, expect, test } from "vitest";

/** A server whose every word the test says, and whose every word it hears. */
class Target implements Connection {
  readonly address = "10.0.0.2:6379";
  readonly localAddress = "10.0.0.1:40000";
  readonly fileDescriptor = 9;
  readonly isLocal = false;
  readonly isUnix = false;
  /** Set by tests of a server that reads slowly. */
  pendingBytes = 0;
  isGone = false;
  readonly dialed: Dialed;
  private readonly parser = new ReplyParser({ strings: "latin1" });

  constructor(dialed: Dialed) {
    this.dialed = dialed;
  }

  get heldBytes(): number {
    return this.pendingBytes;
  }

  send(bytes: Uint8Array, start: number, end: number): boolean {
    this.parser.feed(bytes.slice(start, end));
    return true;
  }

  give(bytes: Uint8Array): void {
    this.send(bytes, 0, bytes.length);
  }

  /** The first two words of each request that it has got since the last time. */
  heard(): string[] {
    const requests: string[] = [];
    for (let each = this.parser.next(); each !== undefined; each = this.parser.next())
      requests.push((each as string[]).slice(0, 2).join(" "));
    return requests;
  }

  /** Says it, a line at a time. */
  says(text: string): void {
    for (const line of text.split(/(?<=\n)/)) this.saysAtOnce(line);
  }

  saysAtOnce(text: string): void {
    const bytes = latin1Bytes(text);
    this.dialed.received(bytes, new DataView(bytes.buffer), 0, bytes.length);
  }

  cut(): void {
    this.dialed.closed("Connection reset by peer");
  }

  destroy(): void {
    this.isGone = true;
  }

  end(): void {
    this.isGone = true;
  }

  whenDrained(): void {}
  pause(): void {}
  resume(): void {}
}

/** A server that moves keys to whatever answers its calls. */
class Mover {
  readonly kv: Harness;
  readonly dialed: { to: DialTarget; dialed: Dialed; isAbandoned: boolean }[] = [];

  constructor(config = {}) {
    this.kv = harness({ config });
    this.kv.host.network = {
      dial: (to, dialed) => {
        const call = { to, dialed, isAbandoned: false };
        this.dialed.push(call);
        return { abandon: () => void (call.isAbandoned = true) };
      },
    };
    this.kv.send("MSET", "a", 1, "b", 2, "c", 3);
    this.kv.propagated.length = 0;
  }

  /** Asks for keys to be moved; with `options` behind the timeout of a second. */
  move(keys: string[], index = 0, ...options: string[]): void {
    const words = ["MIGRATE", "10.0.0.2", 6379, "", index, 1000, ...options, "KEYS", ...keys];
    expect(this.kv.send(...words)).toBe(undefined);
  }

  /** The call is answered, and the connection there. */
  answers(): Target {
    const { dialed } = this.dialed.at(-1) as { dialed: Dialed };
    const target = new Target(dialed);
    dialed.opened(target);
    return target;
  }

  /** What the client is answered, if it is. */
  get answer(): unknown {
    const { engine, host } = this.kv;
    for (let woken = -1; woken !== host.wakeCount; ) {
      woken = host.wakeCount;
      engine.turn();
    }
    const reply = this.kv.self.receive();
    return reply instanceof Error && "reply" in reply ? reply.reply : reply;
  }

  get keys(): unknown {
    return (this.kv.client().send("KEYS", "*") as string[]).sort();
  }
}

const writing = "IOERR error or timeout writing to target instance";
const reading = "IOERR error or timeout reading to target instance";
const connecting = "IOERR error or timeout connecting to the client";
const told = (text: string) => `ERR Target instance replied with error: ${text}`;

describe("what goes to the target", () => {
  test("no key before AUTH and SELECT are answered", () => {
    const mover = new Mover();
    mover.move(["a", "b"], 3, "AUTH", "word");
    const target = mover.answers();
    expect(target.heard()).toEqual(["AUTH word", "SELECT 3"]);
    target.says("+OK\r\n");
    expect(target.heard()).toEqual([]);
    target.says("+O");
    target.says("K\r");
    expect(target.heard()).toEqual([]);
    target.says("\n");
    expect(target.heard()).toEqual(["RESTORE a", "RESTORE b"]);
    target.says("+OK\r\n+OK\r\n");
    expect(mover.answer).toBe("OK");
    expect(mover.keys).toEqual(["c"]);
  });

  test("not all keys at once", () => {
    const mover = new Mover();
    // Nothing that a payload could be made shorter by.
    let state = 1;
    const value = Uint8Array.from({ length: 600_000 }, () => {
      state = (Math.imul(state, 1664525) + 1013904223) | 0;
      return state >>> 24;
    });
    for (const index of [0, 1, 2]) mover.kv.send("SET", `large:${index}`, value);
    mover.move(["large:0", "large:1", "large:2", "a"]);
    const target = mover.answers();
    expect(target.heard()).toHaveLength(2);
    target.says("+OK\r\n");
    expect(target.heard()).toHaveLength(1);
    target.says("+OK\r\n+OK\r\n");
    expect(target.heard()).toEqual(["RESTORE a"]);
    target.says("+OK\r\n");
    expect(mover.answer).toBe("OK");
  });

  test("a key that has expired is passed over", () => {
    const mover = new Mover();
    mover.kv.send("PEXPIRE", "a", 5);
    mover.move(["a", "b"]);
    mover.kv.host.advance(10);
    const target = mover.answers();
    expect(target.heard()).toEqual(["RESTORE b"]);
    target.says("+OK\r\n");
    expect(mover.answer).toBe("OK");
  });
});

describe("whatever goes wrong, no key is lost", () => {
  /** Where the connection can be when it is cut, and what is moved by then. */
  const points = [
    { why: "before it is there", says: null, keys: ["a", "b", "c"], error: writing },
    { why: "before AUTH is answered", says: "", keys: ["a", "b", "c"], error: reading },
    { why: "before SELECT is answered", says: "+OK\r\n", keys: ["a", "b", "c"], error: reading },
    { why: "before a key", says: "+OK\r\n+OK\r\n", keys: ["a", "b", "c"], error: reading },
    { why: "in an answer", says: "+OK\r\n+OK\r\n+OK", keys: ["a", "b", "c"], error: reading },
    { why: "behind one key", says: "+OK\r\n+OK\r\n+OK\r\n", keys: ["b", "c"], error: reading },
    {
      why: "behind two keys",
      says: "+OK\r\n+OK\r\n+OK\r\n+OK\r\n-BUS",
      keys: ["c"],
      error: reading,
    },
  ];

  test.each(points)("cut $why", ({ says, keys, error }) => {
    const mover = new Mover();
    mover.move(["a", "b", "c"], 3, "AUTH", "word");
    if (says === null) mover.dialed[0]?.dialed.closed("Connection refused");
    else {
      const target = mover.answers();
      target.says(says);
      target.cut();
    }
    expect(mover.answer).toBe(error);
    expect(mover.keys).toEqual(keys);
    const gone = ["a", "b", "c"].filter((key) => !keys.includes(key));
    expect(mover.kv.propagated).toEqual(gone.length === 0 ? [] : [["DEL", ...gone]]);
    expect(mover.kv.send("SET", "a", "free again")).toBe("OK");
  });

  test.each(points)("silent $why", ({ says, keys, error }) => {
    const mover = new Mover();
    mover.move(["a", "b", "c"], 3, "AUTH", "word");
    const target = says === null ? null : mover.answers();
    target?.says(says ?? "");
    mover.kv.clock.advance(900);
    expect(mover.answer).toBe(undefined);
    mover.kv.clock.advance(200);
    expect(mover.answer).toBe(says === null ? connecting : error);
    expect(mover.keys).toEqual(keys);
    expect(mover.dialed[0]?.isAbandoned).toBe(true);
  });

  test("the time counts from the last progress, be it a byte that comes or one that leaves", () => {
    const mover = new Mover();
    mover.move(["a", "b"]);
    const target = mover.answers();
    mover.kv.clock.advance(900);
    target.says("+OK\r\n");
    target.pendingBytes = 50;
    mover.kv.clock.advance(900);
    target.pendingBytes = 20;
    mover.kv.clock.advance(900);
    expect(mover.answer).toBe(undefined);
    mover.kv.clock.advance(200);
    expect(mover.answer).toBe(writing);
    expect(mover.keys).toEqual(["b", "c"]);
  });

  test.each([0, -5])("a timeout of %s is one second", (timeoutMs) => {
    const mover = new Mover();
    mover.kv.send("MIGRATE", "10.0.0.2", 6379, "a", 0, timeoutMs);
    mover.answers();
    mover.kv.clock.advance(900);
    expect(mover.answer).toBe(undefined);
    mover.kv.clock.advance(200);
    expect(mover.answer).toBe(reading);
  });

  test.each([
    { says: "-NOAUTH log in\r\n-NOAUTH log in\r\n", error: told("NOAUTH log in") },
    { says: "+OK\r\n-ERR no database\r\n", error: told("ERR no database") },
  ])("a refusal before the keys: none is sent ($error)", ({ says, error }) => {
    const mover = new Mover();
    mover.move(["a"], 3, "AUTH", "word");
    const target = mover.answers();
    target.heard();
    target.says(says);
    expect(target.heard()).toEqual([]);
    expect(mover.answer).toBe(error);
    expect(mover.keys).toEqual(["a", "b", "c"]);
  });

  test("the first refusal of a key is told", () => {
    const mover = new Mover();
    mover.move(["a", "b", "c"]);
    mover.answers().says("-BUSYKEY there\r\n+OK\r\n-OOM full\r\n");
    expect(mover.answer).toBe(told("BUSYKEY there"));
    expect(mover.keys).toEqual(["a", "c"]);
  });

  test.each(["$2\r\nOK\r\n", ":1\r\n", "+PONG\r\n", "\n", "OK\r\n", "+OK\n", "x".repeat(70_000)])(
    "only +OK takes a key: %j is no answer",
    (says) => {
      const mover = new Mover();
      mover.move(["a"]);
      mover.answers().says(says);
      expect(mover.answer).toMatch(/^IOERR/);
      expect(mover.keys).toEqual(["a", "b", "c"]);
      expect(mover.dialed[0]?.isAbandoned).toBe(true);
    },
  );

  test.each([
    { how: "says", answer: "OK" },
    { how: "saysAtOnce", answer: reading },
  ] as const)("an answer too much is no answer to the next request ($how)", ({ how, answer }) => {
    const mover = new Mover();
    mover.move(["a"]);
    mover.answers()[how]("+OK\r\n+OK\r\n");
    expect(mover.answer).toBe(answer);
    expect(mover.keys).toEqual(["b", "c"]);
    mover.move(["b"]);
    expect(mover.dialed).toHaveLength(2);
    const next = mover.answers();
    next.says("-ERR not this one\r\n");
    expect(mover.answer).toBe(told("ERR not this one"));
  });

  test("a connection that was kept is tried anew only while it has said nothing", () => {
    const mover = new Mover();
    mover.move(["a"]);
    const first = mover.answers();
    first.says("+OK\r\n");
    expect(mover.answer).toBe("OK");
    mover.move(["b"]);
    first.cut();
    const second = mover.answers();
    expect(second.heard()).toEqual(["RESTORE b"]);
    second.says("+OK\r\n");
    expect(mover.answer).toBe("OK");
    mover.kv.send("MSET", "x", 1, "y", 2);
    mover.move(["x", "y"]);
    second.says("+OK\r\n");
    second.cut();
    expect(mover.answer).toBe(reading);
    expect(mover.dialed).toHaveLength(2);
    expect(mover.keys).toEqual(["c", "y"]);
  });

  test("two that move to one place do not mix", () => {
    const mover = new Mover();
    const other = mover.kv.client();
    mover.move(["a"]);
    const first = mover.answers();
    other.send("MIGRATE", "10.0.0.2", 6379, "b", 0, 1000);
    const second = mover.answers();
    second.says("-ERR no\r\n");
    first.says("+OK\r\n");
    expect(mover.answer).toBe("OK");
    expect(`${other.receive()}`).toContain("ERR no");
    expect(mover.keys).toEqual(["b", "c"]);
    // One of the two connections is kept.
    expect([first, second].filter((_, index) => mover.dialed[index]?.isAbandoned)).toHaveLength(1);
  });

  test("a client that goes takes its migration along", () => {
    const mover = new Mover();
    const { kv } = mover;
    const usedBytes = kv.engine.keyspace.arena.usedBytes;
    const other = kv.client();
    other.send("MIGRATE", "10.0.0.2", 6379, "", 0, 1000, "KEYS", "a", "b");
    const target = mover.answers();
    target.says("+OK\r\n");
    other.destroy();
    expect(mover.dialed[0]?.isAbandoned).toBe(true);
    target.says("+OK\r\n");
    expect(mover.keys).toEqual(["a", "b", "c"]);
    expect(kv.engine.keyspace.arena.usedBytes).toBe(usedBytes);
    expect(kv.send("SET", "a", 1)).toBe("OK");
  });

  test.each([
    ["TIMEOUT", reading],
    ["ERROR", "UNBLOCKED client unblocked via CLIENT UNBLOCK"],
  ])("CLIENT UNBLOCK %s ends it", (how, error) => {
    const mover = new Mover();
    mover.move(["a"]);
    mover.answers();
    const other = mover.kv.client();
    expect(other.send("CLIENT", "UNBLOCK", mover.kv.self.client?.id ?? 0, how)).toBe(1);
    expect(mover.answer).toBe(error);
    expect(mover.keys).toEqual(["a", "b", "c"]);
    expect(mover.dialed[0]?.isAbandoned).toBe(true);
  });

  test("who may not any more when the answer comes removes nothing", () => {
    const mover = new Mover();
    mover.move(["a"]);
    const target = mover.answers();
    mover.kv.client().send("ACL", "SETUSER", "default", "-migrate");
    target.says("+OK\r\n");
    expect(mover.answer).toMatch(/^NOPERM/);
    expect(mover.keys).toEqual(["a", "b", "c"]);
  });

  test("who has become a replica meanwhile leaves removing to its primary", () => {
    const mover = new Mover();
    mover.move(["a"]);
    const target = mover.answers();
    expect(mover.kv.client().send("REPLICAOF", "10.0.0.5", 6379)).toBe("OK");
    target.says("+OK\r\n");
    expect(mover.answer).toMatch(/^UNBLOCKED .* instance state changed/);
    expect(mover.kv.self.closed).toBe(true);
    expect(mover.keys).toEqual(["a", "b", "c"]);
    expect(mover.kv.propagated).toEqual([]);
  });

  test("a pause of writes holds the end", () => {
    const mover = new Mover();
    mover.move(["a"]);
    const target = mover.answers();
    mover.kv.client().send("CLIENT", "PAUSE", 500, "WRITE");
    target.says("+OK\r\n");
    expect(mover.answer).toBe(undefined);
    expect(mover.keys).toEqual(["a", "b", "c"]);
    mover.kv.clock.advance(700);
    expect(mover.answer).toBe("OK");
    expect(mover.keys).toEqual(["b", "c"]);
  });

  test("who wants no replies gets none, and its keys move", () => {
    const mover = new Mover();
    mover.kv.self.sendBytes("CLIENT REPLY SKIP\r\nMIGRATE 10.0.0.2 6379 a 0 1000\r\nPING\r\n");
    mover.answers().says("+OK\r\n");
    expect(mover.answer).toBe("PONG");
    expect(mover.keys).toEqual(["b", "c"]);
  });
});

describe("while a key is on its way", () => {
  const changed =
    "ERR A key has changed while it was being migrated: it stays here, and the target has what it was before";

  /** `a` has been sent, and the target has not answered yet. */
  function underWay(): { mover: Mover; kv: Harness; target: Target } {
    const mover = new Mover();
    mover.move(["a"]);
    return { mover, kv: mover.kv, target: mover.answers() };
  }

  test("all others are served, and readers find it", () => {
    const { kv, mover, target } = underWay();
    const other = kv.client();
    expect(other.send("GET", "a")).toBe("1");
    expect(other.send("SET", "b", "v")).toBe("OK");
    expect(other.send("EVAL", "return redis.call('INCR', KEYS[1])", 1, "n")).toBe(1);
    expect(other.send("MULTI")).toBe("OK");
    expect(other.send("SET", "c", "v")).toBe("QUEUED");
    expect(other.send("EXEC")).toEqual(["OK"]);
    target.says("+OK\r\n");
    expect(mover.answer).toBe("OK");
  });

  test.each([
    { words: ["SET", "a", "v"], answer: "OK" },
    { words: ["INCR", "a"], answer: 1 },
    { words: ["RENAME", "b", "a"], answer: "OK" },
    { words: ["DEL", "x", "a"], answer: 0 },
    { words: ["PEXPIRE", "a", "5"], answer: 0 },
    { words: ["EVAL", "return redis.call('INCR', KEYS[1])", "1", "a"], answer: 1 },
    { words: ["MIGRATE", "10.0.0.9", "1", "a", "0", "5"], answer: "NOKEY" },
  ])("$words waits until it has gone", ({ words, answer }) => {
    const { kv, mover, target } = underWay();
    const other = kv.client();
    expect(other.send(...words)).toBe(undefined);
    expect(other.send("PING")).toBe(undefined);
    target.says("+OK\r\n");
    expect(mover.answer).toBe("OK");
    expect(other.receive()).toBe(answer);
    expect(other.receive()).toBe("PONG");
  });

  test("or until it stays", () => {
    const { kv, mover, target } = underWay();
    const other = kv.client();
    other.send("INCR", "a");
    target.says("-ERR no\r\n");
    expect(mover.answer).toBe(told("ERR no"));
    expect(other.receive()).toBe(2);
  });

  test("a transaction that would change it waits as a whole", () => {
    const { kv, mover, target } = underWay();
    const other = kv.client();
    other.sendBytes("MULTI\r\nSET b x\r\nAPPEND a more\r\nGET a\r\n");
    expect(other.pushed()).toEqual(["OK", "QUEUED", "QUEUED", "QUEUED"]);
    expect(other.send("EXEC")).toBe(undefined);
    expect(kv.client().send("GET", "b")).toBe("2");
    target.says("+OK\r\n");
    expect(mover.answer).toBe("OK");
    expect(other.receive()).toEqual(["OK", 4, "more"]);
    expect(kv.send("GET", "b")).toBe("x");
  });

  test("whoever watches it is disturbed by its going", () => {
    const { kv, mover, target } = underWay();
    const other = kv.client();
    other.send("WATCH", "a");
    other.send("MULTI");
    other.send("GET", "a");
    target.says("+OK\r\n");
    expect(mover.answer).toBe("OK");
    expect(other.send("EXEC")).toBe(null);
  });

  test("the key of that name in another database is another key", () => {
    const { kv } = underWay();
    const other = kv.client();
    other.send("SELECT", 1);
    expect(other.send("SET", "a", "v")).toBe("OK");
  });

  test("copies hold nobody", () => {
    const mover = new Mover();
    mover.move(["a"], 0, "COPY");
    const target = mover.answers();
    expect(mover.kv.client().send("SET", "a", "new")).toBe("OK");
    target.says("+OK\r\n");
    expect(mover.answer).toBe("OK");
    expect(mover.kv.send("GET", "a")).toBe("new");
  });

  test("a script that changes it unannounced: it is not removed", () => {
    const { kv, mover, target } = underWay();
    expect(kv.client().send("EVAL", "return redis.call('INCR', 'a')", 0)).toBe(2);
    target.says("+OK\r\n");
    expect(mover.answer).toBe(changed);
    expect(kv.send("GET", "a")).toBe("2");
  });

  test("a change between the +OK and the answer counts, too", () => {
    const mover = new Mover();
    mover.move(["a", "b"]);
    const target = mover.answers();
    target.says("+OK\r\n");
    mover.kv.client().send("EVAL", "return redis.call('INCR', 'a')", 0);
    target.says("+OK\r\n");
    expect(mover.answer).toBe(changed);
    expect(mover.keys).toEqual(["a", "c"]);
    expect(mover.kv.propagated.at(-1)).toEqual(["DEL", "b"]);
  });

  test("somebody who waited and is served with it", () => {
    const mover = new Mover();
    const { kv } = mover;
    kv.send("RPUSH", "list", 1);
    const other = kv.client();
    other.send("BLMOVE", "source", "list", "LEFT", "RIGHT", 0);
    mover.move(["list"]);
    const target = mover.answers();
    kv.client().send("RPUSH", "source", 2);
    expect(other.receive()).toBe("2");
    target.says("+OK\r\n");
    expect(mover.answer).toBe(changed);
    expect(kv.send("LRANGE", "list", 0, -1)).toEqual(["1", "2"]);
  });

  test.each(["FLUSHALL", "FLUSHDB"])("%s: it has moved before, and a successor stays", (flush) => {
    const { kv, mover, target } = underWay();
    const other = kv.client();
    expect(other.send(flush)).toBe("OK");
    target.says("+OK\r\n");
    expect(mover.answer).toBe("OK");
    mover.kv.send("SET", "a", 1);
    mover.move(["a"]);
    other.send(flush);
    other.send("EVAL", "redis.call('SET', 'a', 'successor')", 0);
    target.says("+OK\r\n");
    expect(mover.answer).toBe(changed);
    expect(mover.kv.send("GET", "a")).toBe("successor");
  });

  test("SWAPDB brings another key of that name, which stays", () => {
    const { kv, mover, target } = underWay();
    const other = kv.client();
    other.send("SELECT", 1);
    other.send("SET", "a", "of 1");
    expect(other.send("SWAPDB", 0, 1)).toBe("OK");
    target.says("+OK\r\n");
    expect(mover.answer).toBe(changed);
    expect(kv.send("GET", "a")).toBe("of 1");
    expect(other.send("GET", "a")).toBe("1");
  });

  test("it expires: it has moved before", () => {
    const mover = new Mover();
    mover.kv.send("PEXPIRE", "a", 50);
    mover.move(["a"]);
    const target = mover.answers();
    mover.kv.clock.advance(200);
    target.says("+OK\r\n");
    expect(mover.answer).toBe("OK");
    expect(mover.keys).toEqual(["b", "c"]);
    expect(mover.kv.propagated).toEqual([
      ["PEXPIREAT", "a", expect.any(String)],
      ["DEL", "a"],
    ]);
  });

  test("nothing is left behind when it is over", () => {
    const { kv, mover, target } = underWay();
    target.says("+OK\r\n");
    expect(mover.answer).toBe("OK");
    expect(kv.engine.situation.unusual).toBe(0);
    kv.check();
  });

  test("a key that is named twice is moved once", () => {
    const mover = new Mover();
    mover.move(["a", "a"], 0, "REPLACE");
    mover.answers().says("+OK\r\n+OK\r\n");
    expect(mover.answer).toBe("OK");
    expect(mover.kv.propagated).toEqual([["DEL", "a"]]);
  });
});
