import { arg, type Command, command, keyRange, timeoutAt } from "@kv/commands";
import { NONE, Type } from "@kv/core";
import { encodeRequest } from "@kv/resp";
import { type Harness, harness, type TestClient } from "@kv/testing";
import { describe, expect, test } from "vitest";

/** TAKE key [key ...] timeout: the first string of these keys, which is deleted, or waits for one. */
const take: Command = command({
  name: "take",
  group: "string",
  since: "1.0.0",
  extension: "Waits for a string.",
  summary: "Deletes the first string of some keys and returns it, or waits for one.",
  complexity: "O(N)",
  arity: -3,
  flags: ["write", "blocking"],
  keys: [keyRange(1, -2, 1, "RW", "access", "delete")],
  args: [arg.many(arg.key("key")), arg.double("timeout")],
  run(call) {
    const untilMs = timeoutAt(call, call.argc - 1);
    for (let key = 1; key < call.argc - 1; key++) {
      const entry = call.writeTyped(key, Type.STRING);
      if (entry === NONE) continue;
      call.value.read(call.keyspace.arena, entry);
      const { bytes, view, start, end } = call.value;
      call.reply.bulkFrom(bytes, view, start, end);
      call.database.remove(entry, false);
      call.changed(key, "del", 4);
      call.propagateAs("DEL", call.text(key));
      return;
    }
    if (!call.mayWait) return call.reply.nullArray();
    call.waitFor({ firstKey: 1, keyCount: call.argc - 2, type: Type.STRING, untilMs });
  },
});

/** TAKEALL key timeout: as TAKE, and run anew as well when the key is gone. */
const watchLoss: Command = command({
  name: "takeorlose",
  group: "string",
  since: "1.0.0",
  extension: "Waits for a string or its end.",
  summary: "Returns a string that is 'x', waits while it is another, fails without one.",
  complexity: "O(1)",
  arity: 3,
  flags: ["readonly", "blocking"],
  keys: [keyRange(1, 1, 1, "RO", "access")],
  args: [arg.key("key"), arg.double("timeout")],
  run(call) {
    const untilMs = timeoutAt(call, 2);
    const entry = call.readTyped(1, Type.STRING);
    if (entry === NONE) return call.reply.error("NOKEY it is gone");
    call.value.read(call.keyspace.arena, entry);
    const { bytes, start, end } = call.value;
    if (end - start === 1 && bytes[start] === 120) return call.reply.ok();
    call.waitFor({ firstKey: 1, keyCount: 1, type: Type.STRING, untilMs, isLossAwaited: true });
  },
});

const waiting = { name: "waiting", commands: [take, watchLoss] };

function started(config = {}): { kv: Harness; a: TestClient; b: TestClient } {
  const kv = harness({ modules: [waiting], config });
  return { kv, a: kv.client(), b: kv.client() };
}

function info(kv: Harness, name: string): string | undefined {
  return new RegExp(`^${name}:(.*)\\r$`, "m").exec(kv.send("INFO", "clients") as string)?.[1];
}

describe("a client that waits", () => {
  test("is answered when the key comes, and goes on with what it sent meanwhile", () => {
    const { kv, a } = started();
    expect(a.send("TAKE", "k", 0)).toBe(undefined);
    expect(info(kv, "blocked_clients")).toBe("1");
    expect(info(kv, "total_blocking_keys")).toBe("1");
    expect(a.send("PING")).toBe(undefined);
    expect(kv.send("SET", "k", "v")).toBe("OK");
    expect(a.receive()).toBe("v");
    expect(a.receive()).toBe("PONG");
    expect(kv.send("EXISTS", "k")).toBe(0);
    expect(info(kv, "blocked_clients")).toBe("0");
    expect(info(kv, "total_blocking_keys")).toBe("0");
    expect(kv.propagated).toEqual([
      ["SET", "k", "v"],
      ["DEL", "k"],
    ]);
  });

  test("is served between two commands of one pipeline", () => {
    const { kv, a } = started();
    a.send("TAKE", "k", 0);
    kv.self.sendBytes("SET k 1\r\nEXISTS k\r\nSET k 2\r\nGET k\r\n");
    expect(kv.self.pushed()).toEqual(["OK", 0, "OK", "2"]);
    expect(a.receive()).toBe("1");
  });

  test("those who came first are served first, each once", () => {
    const { kv, a, b } = started();
    a.send("TAKE", "x", "k", 0);
    b.send("TAKE", "k", "x", 0);
    kv.send("SET", "k", "1");
    expect(a.receive()).toBe("1");
    expect(b.receive()).toBe(undefined);
    kv.send("SET", "x", "2");
    expect(b.receive()).toBe("2");
    kv.send("SET", "k", "3");
    expect(kv.send("GET", "k")).toBe("3");
  });

  test("keys are served in the order in which they changed, after the whole transaction", () => {
    const { kv, a, b } = started();
    a.send("TAKE", "one", "two", 0);
    b.send("TAKE", "two", 0);
    kv.send("MULTI");
    kv.send("SET", "two", "2");
    kv.send("SET", "one", "1");
    kv.send("GET", "two");
    expect(kv.send("EXEC")).toEqual(["OK", "OK", "2"]);
    // The keys of a request are looked at in its own order.
    expect(a.receive()).toBe("1");
    expect(b.receive()).toBe("2");
  });

  test("a key of another type, or of another database, is none", () => {
    const { kv, a } = started();
    a.send("TAKE", "k", 0);
    kv.send("HSET", "k", "f", "v");
    expect(a.receive()).toBe(undefined);
    kv.send("DEL", "k");
    kv.send("SELECT", 1);
    kv.send("SET", "k", "other");
    expect(a.receive()).toBe(undefined);
    kv.send("SWAPDB", 0, 1);
    expect(a.receive()).toBe("other");
  });

  test.each([
    ["RENAME", ["RENAME", "other", "k"]],
    ["COPY", ["COPY", "other", "k"]],
    ["MOVE", ["MOVE", "k", 0]],
  ])("%s brings a key, too", (name, words) => {
    const { kv, a } = started();
    a.send("TAKE", "k", 0);
    if (name === "MOVE") kv.send("SELECT", 1);
    kv.send("SET", name === "MOVE" ? "k" : "other", "v");
    kv.send(...words);
    expect(a.receive()).toBe("v");
  });

  test("in a transaction nobody waits", () => {
    const { kv } = started();
    kv.send("MULTI");
    kv.send("TAKE", "k", 0);
    expect(kv.send("EXEC")).toEqual([null]);
    expect(kv.send("TAKE", "k", 0)).toBe(undefined);
  });

  test("time is up to the millisecond", () => {
    const { kv, a, b } = started({ hz: 500 });
    a.send("TAKE", "k", "0.010");
    b.send("TAKE", "k", "0.0101");
    expect(info(kv, "clients_in_timeout_table")).toBe("2");
    kv.clock.advance(9);
    expect(a.receive()).toBe(undefined);
    kv.clock.advance(1);
    expect(a.receive()).toBe(null);
    expect(b.receive()).toBe(undefined);
    kv.clock.advance(1);
    expect(b.receive()).toBe(null);
    expect(info(kv, "clients_in_timeout_table")).toBe("0");
    expect(a.send("PING")).toBe("PONG");
    expect(kv.send("INFO", "commandstats")).toContain("cmdstat_take:calls=2,");
  });

  test("counts the time that it took until it waited, not that for which it did", () => {
    const kv = harness();
    for (const [name, ...request] of [
      ["blpop", "none", 1],
      ["bzpopmin", "none", 1],
      ["xread", "BLOCK", 1000, "STREAMS", "none", "$"],
    ]) {
      const waiting = kv.client();
      waiting.send(name as string, ...request);
      kv.clock.advance(1001);
      expect(waiting.receive()).toBeNull();
      expect(kv.send("INFO", "commandstats")).toMatch(
        new RegExp(`cmdstat_${name}:calls=1,usec=[1-9]\\d?,`),
      );
    }
  });

  test("counts what it took when it is over, and not at all when it has been refused or has gone", () => {
    const kv = harness();
    kv.send("ACL", "SETUSER", "reader", "on", "nopass", "+@all", "allkeys");
    const [refused, gone] = [kv.client(), kv.client()];
    refused.send("AUTH", "reader", "any");
    kv.send("CONFIG", "RESETSTAT");
    for (const waiting of [refused, gone]) waiting.send("BLPOP", "list", 0);
    gone.destroy();
    kv.send("ACL", "SETUSER", "reader", "resetkeys");
    kv.send("RPUSH", "list", "a");
    expect(refused.receive()).toBe(kv.error("NOPERM No permissions to access a key"));
    expect(kv.send("INFO", "commandstats")).toMatch(
      /cmdstat_blpop:calls=0,usec=0,\S*,rejected_calls=1,failed_calls=0/,
    );
    const served = kv.client();
    served.send("BLPOP", "other", 0);
    kv.send("RPUSH", "other", "a");
    expect(served.receive()).toEqual(["other", "a"]);
    expect(kv.send("INFO", "commandstats")).toMatch(/cmdstat_blpop:calls=1,usec=[1-9]\d?,/);
  });

  test("is in the slow log and in the histogram, whatever ends its wait", () => {
    const kv = harness({ config: { "slowlog-log-slower-than": 0 } });
    const [late, unblocked] = [kv.client(), kv.client()];
    late.send("BLPOP", "one", 1);
    unblocked.send("BLPOP", "two", 0);
    kv.send("SLOWLOG", "RESET");
    kv.clock.advance(1001);
    expect(late.receive()).toBeNull();
    kv.send("CLIENT", "UNBLOCK", String(unblocked.client?.id), "ERROR");
    expect(String(unblocked.receive())).toContain("UNBLOCKED");
    const entries = kv.send("SLOWLOG", "GET") as [number, number, number, string[]][];
    expect(entries.map(([, , , words]) => words.join(" ")).reverse()).toEqual([
      "SLOWLOG RESET",
      "BLPOP one 1",
      "BLPOP two 0",
      `CLIENT UNBLOCK ${unblocked.client?.id} ERROR`,
    ]);
    expect(kv.send("LATENCY", "HISTOGRAM", "blpop")).toEqual([
      "blpop",
      ["calls", 2, expect.anything(), expect.anything()],
    ]);
    expect(kv.send("INFO", "commandstats")).toMatch(
      /cmdstat_blpop:calls=2,usec=[1-9].*failed_calls=1/,
    );
    kv.check();
  });

  test("whose request ran anew in vain waits no longer than it wanted to", () => {
    const { kv, a, b } = started({ hz: 500 });
    kv.send("SET", "k", "v");
    a.send("TAKEORLOSE", "k", "0.010");
    b.send("TAKEORLOSE", "k", 0);
    for (const value of ["other", "another"]) {
      kv.clock.advance(4);
      kv.send("SET", "k", value);
    }
    kv.clock.advance(1);
    expect(a.receive()).toBe(undefined);
    kv.clock.advance(1);
    expect(a.receive()).toBe(null);
    kv.clock.advance(1000);
    expect(b.receive()).toBe(undefined);
    // What it asks for next is up to its own time.
    a.send("TAKEORLOSE", "k", "0.020");
    kv.clock.advance(19);
    expect(a.receive()).toBe(undefined);
    kv.clock.advance(1);
    expect(a.receive()).toBe(null);
  });

  test.each([
    ["-1", "ERR timeout is negative"],
    ["x", "ERR timeout is not a float or out of range"],
    ["nan", "ERR timeout is not a float or out of range"],
    ["inf", "ERR timeout is out of range"],
    ["1e400", "ERR timeout is out of range"],
    ["-1e400", "ERR timeout is negative"],
    ["-inf", "ERR timeout is negative"],
    ["1e5000", "ERR timeout is not a float or out of range"],
    ["1e400x", "ERR timeout is not a float or out of range"],
    ["9223372036854775808", "ERR timeout is out of range"],
  ])("a timeout of %s is refused", (timeout, text) => {
    const { kv } = started();
    expect(kv.send("TAKE", "k", timeout)).toBe(kv.error(text));
  });

  test("a timeout of a million digits is refused at once: no number has so many", () => {
    const { kv } = started();
    for (const text of ["1".repeat(1_000_000), `${"1".repeat(1_000_000)}x`])
      expect(kv.send("TAKE", "k", text)).toBe(
        kv.error("ERR timeout is not a float or out of range"),
      );
  });

  test("CLIENT UNBLOCK ends the wait, as a timeout or with an error", () => {
    const { kv, a, b } = started();
    a.send("TAKE", "k", 0);
    b.send("TAKE", "k", 100);
    expect(kv.send("CLIENT", "UNBLOCK", a.client?.id ?? 0)).toBe(1);
    expect(a.receive()).toBe(null);
    expect(kv.send("CLIENT", "UNBLOCK", b.client?.id ?? 0, "ERROR")).toBe(1);
    expect(b.receive()).toBe(kv.error("UNBLOCKED client unblocked via CLIENT UNBLOCK"));
    expect(kv.send("CLIENT", "UNBLOCK", b.client?.id ?? 0, "ERROR")).toBe(0);
    expect(kv.send("SET", "k", "v")).toBe("OK");
    expect(kv.send("GET", "k")).toBe("v");
  });

  test("who leaves is forgotten", () => {
    const { kv, a, b } = started();
    const before = kv.engine.keyspace.arena.usedBytes;
    a.send("TAKE", "k", 0);
    b.send("TAKE", "k", "x", 5);
    a.destroy();
    expect(kv.send("CLIENT", "KILL", "ID", b.client?.id ?? 0)).toBe(1);
    expect(info(kv, "blocked_clients")).toBe("0");
    expect(kv.engine.keyspace.arena.usedBytes).toBe(before);
    kv.clock.advance(10_000);
    kv.send("SET", "k", "v");
    expect(kv.send("GET", "k")).toBe("v");
  });

  test("the guards are asked anew", () => {
    const { kv, a, b } = started();
    a.send("TAKE", "k", 0);
    b.send("TAKE", "k", 0);
    kv.send("ACL", "SETUSER", "default", "-take");
    kv.send("SET", "k", "v");
    expect(`${a.receive()}`).toContain("NOPERM");
    expect(`${b.receive()}`).toContain("NOPERM");
    expect(kv.send("GET", "k")).toBe("v");
  });

  test("who wants no replies gets none", () => {
    const { kv, a, b } = started();
    a.sendBytes("CLIENT REPLY SKIP\r\nTAKE k 0\r\nPING\r\n");
    kv.send("SET", "k", "v");
    expect(a.pushed()).toEqual(["PONG"]);
    b.sendBytes("CLIENT REPLY SKIP\r\nTAKE k 1\r\nPING\r\n");
    kv.clock.advance(1100);
    expect(b.pushed()).toEqual(["PONG"]);
  });

  test("a pause holds those who would be served until it is over", () => {
    const { kv, a } = started();
    a.send("TAKE", "k", 0);
    kv.send("MULTI");
    kv.send("CLIENT", "PAUSE", 500, "WRITE");
    kv.send("SET", "k", "v");
    kv.send("EXEC");
    expect(a.receive()).toBe(undefined);
    kv.clock.advance(700);
    expect(a.receive()).toBe("v");
  });

  test("who waits for the end of a key hears of it", () => {
    const { kv, a } = started();
    const lost = "NOKEY it is gone";
    kv.send("SET", "k", "v");
    expect(a.send("TAKEORLOSE", "k", 0)).toBe(undefined);
    expect(info(kv, "total_blocking_keys_on_nokey")).toBe("1");
    kv.send("SET", "k", "other");
    expect(a.receive()).toBe(undefined);
    kv.send("SET", "k", "x");
    expect(a.receive()).toBe("OK");
    for (const end of [["DEL", "k"], ["FLUSHALL"], ["FLUSHDB"], ["PEXPIRE", "k", 5]]) {
      kv.send("SET", "k", "v");
      a.send("TAKEORLOSE", "k", 0);
      kv.send(...end);
      kv.clock.advance(200);
      expect(a.receive()).toBe(kv.error(lost));
    }
    kv.send("SET", "k", "v");
    a.send("TAKEORLOSE", "k", 0);
    kv.send("DEL", "k");
    kv.send("HSET", "k", "f", "v");
    expect(a.receive()).toBe(kv.error(lost));
  });

  test("MONITOR shows a request once", () => {
    const { kv, a, b } = started();
    b.send("MONITOR");
    a.send("TAKE", "k", 0);
    kv.send("SET", "k", "v");
    expect(b.pushed().filter((line) => `${line}`.includes('"TAKE"'))).toHaveLength(1);
  });

  test("ten thousand that wait cost nothing while nothing happens", () => {
    const kv = harness({ modules: [waiting], config: { maxclients: 20_000 } });
    const clients = Array.from({ length: 10_000 }, () => kv.client());
    for (const [index, client] of clients.entries()) client.send("TAKE", `k${index % 100}`, 0);
    expect(info(kv, "blocked_clients")).toBe("10000");
    const { host, engine } = kv;
    const startUs = host.monotonicUs();
    engine.turn();
    // Every look at the fake clock costs a microsecond: there are as many as ever.
    expect(host.monotonicUs() - startUs).toBeLessThan(20);
    kv.send("SET", "k7", "v");
    expect(clients[7]?.receive()).toBe("v");
    expect(clients[107]?.receive()).toBe(undefined);
  });

  test("a client without replies that changes what others wait for gets nothing twice", () => {
    const { kv, a, b } = started();
    for (const changes of ["FLUSHALL", "HSET k f v"]) {
      a.send("TAKE", "k", 0);
      b.sendBytes(`PING\r\nCLIENT REPLY OFF\r\n${changes}\r\nCLIENT REPLY ON\r\n`);
      expect(b.takeRaw()).toBe("+PONG\r\n+OK\r\n");
      kv.send("DEL", "k");
      kv.send("SET", "k", "v");
      expect(a.receive()).toBe("v");
      kv.send("DEL", "k");
    }
  });

  test("of thousands that wait for a key, one that is served does not have all looked at", () => {
    const kv = harness({ modules: [waiting], config: { maxclients: 20_000 } });
    const clients = Array.from({ length: 5000 }, () => kv.client());
    for (const client of clients) client.send("TAKE", "k", 0);
    const startMs = performance.now();
    for (let index = 0; index < 10_000; index++) {
      kv.send("SET", "k", index);
      const client = clients[index % 5000] as TestClient;
      expect(client.receive()).toBe(`${index}`);
      client.send("TAKE", "k", 0);
    }
    expect(performance.now() - startMs).toBeLessThan(15_000);
  }, 90_000);

  test("whoever waits for many keys does not hold up a server that is emptied", () => {
    const { kv, a } = started();
    const names = Array.from({ length: 50_000 }, (_, index) => `k${index}`);
    a.sendBytes(encodeRequest(["TAKE", ...names, "0"]));
    kv.send("SELECT", 1);
    kv.send("SET", "other", "v");
    const startMs = performance.now();
    for (let index = 0; index < 40; index++) kv.send("FLUSHALL");
    for (let index = 0; index < 20; index++) kv.send("SWAPDB", 1, 2);
    expect(performance.now() - startMs).toBeLessThan(6000);
    kv.send("SET", "k40000", "v");
    kv.send("SWAPDB", 0, 1);
    expect(a.receive()).toBe("v");
  }, 60_000);

  test("as many as there is something for are served, each once and in their order", () => {
    const kv = harness();
    const clients = Array.from({ length: 40 }, () => kv.client());
    for (const client of clients) client.send("BLMOVE", "k", "k", "LEFT", "RIGHT", 0);
    kv.send("RPUSH", "k", "1", "2", "3");
    expect(clients.map((client) => client.receive())).toEqual(
      clients.map((_, index) => `${1 + (index % 3)}`),
    );
    for (const client of clients) client.send("BLPOP", "list", 0);
    kv.send("RPUSH", "list", ...Array.from({ length: 30 }, (_, index) => `${index}`));
    expect(clients.map((client) => client.receive())).toEqual(
      clients.map((_, index) => (index < 30 ? ["list", `${index}`] : undefined)),
    );
    kv.check();
  });
});
