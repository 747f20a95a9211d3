import { type Harness, harness, Network } from "@kv/testing";
import { describe, expect, test } from "vitest";

const open = { "protected-mode": "no" } as const;

/** Two servers that see each other: one has the keys, the other gets them. */
class Pair {
  readonly network = new Network();
  readonly here: Harness;
  readonly there: Harness;

  constructor(config = {}) {
    this.here = harness();
    this.there = harness({ config: { ...open, ...config }, seed: 2 });
    this.network.attach("10.0.0.1:6379", this.here);
    this.network.attach("10.0.0.2:6379", this.there);
  }

  /** The words of a MIGRATE from one to the other. */
  words(key: string, ...options: (string | number)[]): (string | number)[] {
    return ["MIGRATE", "10.0.0.2", 6379, key, 0, 1000, ...options];
  }

  async migrate(...words: (string | number)[]): Promise<unknown> {
    const reply = this.here.send(...words);
    if (reply !== undefined) return reply;
    await this.network.settle();
    return this.here.self.receive();
  }
}

function info(kv: Harness, name: string): string | undefined {
  return new RegExp(`^${name}:(.*)\\r$`, "m").exec(kv.send("INFO", "everything") as string)?.[1];
}

describe("MIGRATE", () => {
  test("moves a key with its time to live", async () => {
    const pair = new Pair();
    const { here, there } = pair;
    here.send("SET", "k", "v", "PX", 5000);
    expect(await pair.migrate(...pair.words("k"))).toBe("OK");
    expect(here.send("EXISTS", "k")).toBe(0);
    expect(there.send("GET", "k")).toBe("v");
    expect(there.send("PTTL", "k")).toBeGreaterThan(4900);
    expect(here.propagated.at(-1)).toEqual(["DEL", "k"]);
    expect(here.events.at(-1)).toBe("del k");
    expect(info(here, "cmdstat_migrate")).toMatch(/^calls=1,/);
    expect(info(here, "blocked_clients")).toBe("0");
    here.check();
  });

  test("copies with COPY, and that changes nothing here", async () => {
    const pair = new Pair();
    const { here, there } = pair;
    here.send("SET", "k", "v");
    const { length } = here.propagated;
    expect(await pair.migrate(...pair.words("k", "COPY"))).toBe("OK");
    expect(here.send("GET", "k")).toBe("v");
    expect(there.send("GET", "k")).toBe("v");
    expect(here.propagated).toHaveLength(length);
  });

  test("moves the keys behind KEYS, and tells of them in one DEL", async () => {
    const pair = new Pair();
    const { here, there } = pair;
    here.send("MSET", "a", 1, "b", 2, "copy", 3);
    // What stands behind KEYS is a key, whatever it looks like.
    expect(await pair.migrate(...pair.words("", "KEYS", "a", "none", "b", "copy"))).toBe("OK");
    expect(here.send("DBSIZE")).toBe(0);
    expect(there.send("MGET", "a", "b", "copy")).toEqual(["1", "2", "3"]);
    expect(here.propagated.at(-1)).toEqual(["DEL", "a", "b", "copy"]);
  });

  test("of several keys those are moved that the target takes", async () => {
    const pair = new Pair();
    const { here, there } = pair;
    here.send("MSET", "a", 1, "b", 2, "c", 3);
    there.send("SET", "b", "there");
    const words = pair.words("", "KEYS", "a", "b", "c");
    expect(await pair.migrate(...words)).toBe(
      here.error("ERR Target instance replied with error: BUSYKEY Target key name already exists."),
    );
    expect(here.send("KEYS", "*")).toEqual(["b"]);
    expect(here.propagated.at(-1)).toEqual(["DEL", "a", "c"]);
    expect(await pair.migrate(...pair.words("b", "REPLACE"))).toBe("OK");
    expect(there.send("GET", "b")).toBe("2");
  });

  test("moves two thousand keys, and a value larger than what is sent ahead", async () => {
    const pair = new Pair();
    const { here, there } = pair;
    here.send("DEBUG", "POPULATE", 2000, "k", 300);
    here.send("SET", "large", "x".repeat(3 * 2 ** 20));
    const keys = Array.from({ length: 2000 }, (_, index) => `k:${index}`);
    expect(await pair.migrate(...pair.words("", "KEYS", "large", ...keys))).toBe("OK");
    expect(here.send("DBSIZE")).toBe(0);
    expect(there.send("DBSIZE")).toBe(2001);
    expect(there.send("STRLEN", "large")).toBe(3 * 2 ** 20);
    here.check();
  });

  test("answers NOKEY when there is none, without asking anybody", () => {
    const { here } = new Pair();
    here.host.network = null;
    expect(here.send("MIGRATE", "nowhere", 1, "k", 0, 10)).toBe("NOKEY");
    expect(here.send("MIGRATE", "nowhere", 1, "", 0, 10, "KEYS")).toBe("NOKEY");
    expect(info(here, "keyspace_misses")).toBe("1");
  });

  test.each([
    { rest: ["k", 0, 10, "FOO"], error: "ERR syntax error" },
    { rest: ["k", "x", "y", "FOO"], error: "ERR syntax error" },
    { rest: ["k", "x", 10], error: "ERR value is not an integer or out of range" },
    { rest: ["k", 0, "y"], error: "ERR value is not an integer or out of range" },
    { rest: ["k", 0, 10, "AUTH"], error: "ERR syntax error" },
    { rest: ["k", 0, 10, "AUTH2", "user"], error: "ERR syntax error" },
    {
      rest: ["k", 0, 10, "KEYS", "a"],
      error: "ERR When using MIGRATE KEYS option, the key argument must be set to the empty string",
    },
  ])("refuses $rest", ({ rest, error }) => {
    const { here } = new Pair();
    here.send("SET", "k", "v");
    expect(here.send("MIGRATE", "10.0.0.2", 6379, ...rest)).toBe(here.error(error));
  });

  test.each(["abc", "0", "99999", "-1"])("there is nothing at port %s", async (port) => {
    const pair = new Pair();
    pair.here.send("SET", "k", "v");
    expect(await pair.migrate("MIGRATE", "10.0.0.2", port, "k", 0, 10)).toBe(
      pair.here.error("IOERR error or timeout writing to target instance"),
    );
    expect(pair.here.send("GET", "k")).toBe("v");
  });

  test("nobody listens: the key stays", async () => {
    const pair = new Pair();
    pair.here.send("SET", "k", "v");
    expect(await pair.migrate("MIGRATE", "10.0.0.3", 6379, "k", 0, 10)).toBe(
      pair.here.error("IOERR error or timeout writing to target instance"),
    );
    expect(pair.here.send("GET", "k")).toBe("v");
    expect(info(pair.here, "migrate_cached_sockets")).toBe("0");
  });

  test("logs in", async () => {
    const pair = new Pair({ requirepass: "secret" });
    const { here, there } = pair;
    there.send("AUTH", "secret");
    there.send("ACL", "SETUSER", "mover", "on", ">word", "~*", "+restore");
    const told = (text: string) => here.error(`ERR Target instance replied with error: ${text}`);
    const wrong = told("WRONGPASS invalid username-password pair or user is disabled.");
    here.send("MSET", "a", 1, "b", 2);
    expect(await pair.migrate(...pair.words("a"))).toBe(told("NOAUTH Authentication required."));
    expect(await pair.migrate(...pair.words("a", "AUTH", "x"))).toBe(wrong);
    expect(await pair.migrate(...pair.words("a", "AUTH2", "mover", "x"))).toBe(wrong);
    expect(here.send("DBSIZE")).toBe(2);
    expect(await pair.migrate(...pair.words("a", "AUTH", "secret"))).toBe("OK");
    // What is logged in already is no excuse for a wrong password: no key is sent.
    expect(await pair.migrate(...pair.words("b", "AUTH", "x"))).toBe(wrong);
    expect(there.send("EXISTS", "b")).toBe(0);
    expect(await pair.migrate(...pair.words("b", "AUTH2", "mover", "word"))).toBe("OK");
  });

  test("selects a database where another one is selected, and sends nothing when it cannot", async () => {
    const pair = new Pair();
    const { here, there } = pair;
    const to = (key: string, index: number) => ["MIGRATE", "10.0.0.2", 6379, key, index, 1000];
    const selects = () => info(there, "cmdstat_select");
    here.send("MSET", "a", 1, "b", 2, "c", 3, "d", 4);
    expect(await pair.migrate(...to("a", 0))).toBe("OK");
    expect(selects()).toBe(undefined);
    expect(await pair.migrate(...to("b", 7))).toBe("OK");
    expect(await pair.migrate(...to("c", 7))).toBe("OK");
    expect(selects()).toMatch(/^calls=1,/);
    const outside = here.error(
      "ERR Target instance replied with error: ERR DB index is out of range",
    );
    expect(await pair.migrate(...to("d", 99))).toBe(outside);
    expect(here.send("GET", "d")).toBe("4");
    expect(await pair.migrate(...to("d", 7))).toBe("OK");
    there.send("SELECT", 7);
    expect(there.send("MGET", "b", "c", "d")).toEqual(["2", "3", "4"]);
    expect(info(here, "migrate_cached_sockets")).toBe("1");
  });

  test("keeps a connection for ten seconds after its last use", async () => {
    const pair = new Pair();
    const { here, there } = pair;
    const connections = () => Number(info(there, "total_connections_received"));
    here.send("MSET", "a", 1, "b", 2, "c", 3);
    const before = connections();
    await pair.migrate(...pair.words("a"));
    await pair.network.advance(9000);
    await pair.migrate(...pair.words("b"));
    await pair.network.advance(9000);
    expect(connections()).toBe(before + 1);
    expect(info(here, "migrate_cached_sockets")).toBe("1");
    await pair.network.advance(2000);
    expect(info(here, "migrate_cached_sockets")).toBe("0");
    expect(info(there, "connected_clients")).toBe("1");
    await pair.migrate(...pair.words("c"));
    expect(connections()).toBe(before + 2);
  });

  test("keeps 64 connections at most, those used last", async () => {
    const { network, here, there } = new Pair();
    for (let index = 0; index < 70; index++) {
      network.attach(`10.0.1.${index}:1`, there);
      here.send("SET", "k", "v");
      expect(here.send("MIGRATE", `10.0.1.${index}`, 1, "k", 0, 1000, "REPLACE")).toBe(undefined);
      await network.settle();
      expect(here.self.receive()).toBe("OK");
      here.host.advance(1);
    }
    expect(info(here, "migrate_cached_sockets")).toBe("64");
    expect(info(there, "connected_clients")).toBe("65");
    const before = info(there, "total_connections_received");
    for (const index of [6, 69]) {
      here.send("SET", "k", "v");
      const words = ["MIGRATE", `10.0.1.${index}`, 1, "k", 0, 1000, "REPLACE"];
      expect(here.send(...words)).toBe(undefined);
      await network.settle();
      expect(here.self.receive()).toBe("OK");
    }
    expect(info(there, "total_connections_received")).toBe(before);
  });

  test("a connection that has died meanwhile is made anew, once", async () => {
    const pair = new Pair();
    const { here, network } = pair;
    here.send("MSET", "a", 1, "b", 2, "c", 3);
    expect(await pair.migrate(...pair.words("a"))).toBe("OK");
    network.detach("10.0.0.2:6379");
    const successor = harness({ config: open, seed: 3 });
    network.attach("10.0.0.2:6379", successor);
    expect(await pair.migrate(...pair.words("b"))).toBe("OK");
    expect(successor.send("GET", "b")).toBe("2");
    network.detach("10.0.0.2:6379");
    expect(await pair.migrate(...pair.words("c"))).toBe(
      here.error("IOERR error or timeout writing to target instance"),
    );
    expect(here.send("GET", "c")).toBe("3");
  });

  test("neither a transaction nor a script can wait", () => {
    const pair = new Pair();
    const { here } = pair;
    const refused =
      "ERR MIGRATE waits for another server, which neither a transaction nor a script can do";
    here.send("SET", "k", "v");
    here.send("MULTI");
    here.send(...pair.words("k"));
    here.send(...pair.words("none"));
    expect(here.send("EXEC")).toEqual([here.error(refused), "NOKEY"]);
    const call = "return redis.pcall('MIGRATE', '10.0.0.2', '6379', KEYS[1], '0', '10').err";
    expect(here.send("EVAL", call, 1, "k")).toBe(refused);
    expect(here.send("GET", "k")).toBe("v");
  });

  test("finds its keys", () => {
    const { here } = new Pair();
    const keys = (...rest: string[]) =>
      here.send("COMMAND", "GETKEYS", "MIGRATE", "h", "1", ...rest);
    expect(keys("k", "0", "1", "COPY")).toEqual(["k"]);
    expect(keys("", "0", "1", "COPY", "KEYS", "a", "b")).toEqual(["a", "b"]);
    expect(keys("", "0", "1", "AUTH", "KEYS", "KEYS", "a")).toEqual(["a"]);
    expect(keys("", "0", "1", "AUTH2", "KEYS", "KEYS", "KEYS", "a")).toEqual(["a"]);
    here.send("ACL", "SETUSER", "some", "on", "nopass", "+@all", "~a*");
    here.send("AUTH", "some", "x");
    expect(`${here.send("MIGRATE", "h", 1, "", 0, 1, "KEYS", "a", "b")}`).toContain("NOPERM");
  });
});
