import { harness } from "@kv/testing";
import { describe, expect, test } from "vitest";

test("a client that waits and sends on is not idle", () => {
  const kv = harness();
  const waiting = kv.client();
  waiting.send("BLPOP", "list", 0);
  kv.host.advance(60_000);
  const idle = () => Number(/id=2 .* idle=(\d+)/.exec(kv.send("CLIENT", "LIST") as string)?.[1]);
  expect(idle()).toBe(60);
  waiting.send("PING");
  expect(idle()).toBe(0);
});

type Harness = ReturnType<typeof harness>;
type TestClient = ReturnType<Harness["client"]>;

function field(text: unknown, name: string): number {
  return Number(new RegExp(`${name}[:=](\\d+)`).exec(text as string)?.[1]);
}

/** What CLIENT LIST says of a client. */
function listed(kv: Harness, client: TestClient, name: string): number {
  return field(kv.send("CLIENT", "LIST", "ID", client.client?.id ?? 0), name);
}

/** A request whose end does not come, behind the end of the last one. */
function begin(client: TestClient, keyBytes: number, before = ""): void {
  client.sendBytes(`${before}*3\r\n$3\r\nSET\r\n$${keyBytes}\r\n${"k".repeat(keyBytes)}\r\n$1\r\n`);
}

test("what waits of a request is told as bytes to be parsed, and as arguments", () => {
  const kv = harness();
  const client = kv.client();
  const seen = () => ["qbuf", "argv-mem"].map((name) => listed(kv, client, name));
  client.sendBytes("*3\r\n$3\r\nSET\r\n$1");
  expect(seen()).toEqual([2, 3]);
  client.sendBytes(`\r\nk\r\n$100000\r\n${"v".repeat(70_000)}`);
  expect(seen()).toEqual([70_000, 4]);
  expect(listed(kv, client, "qbuf-free")).toBeGreaterThan(29_000);
  const bytes = listed(kv, client, "tot-mem");
  expect(bytes).toBeGreaterThan(78_000);
  expect(bytes).toBeLessThan(79_000);
  client.sendBytes(`${"v".repeat(30_000)}\r\n`);
  expect(seen()).toEqual([0, 0]);
});

describe("query buffers", () => {
  test("of a client that says nothing have only what waits, after two seconds", () => {
    const kv = harness();
    const client = kv.client();
    begin(client, 10_000);
    begin(client, 10, "v\r\n");
    kv.clock.advance(1500);
    expect(listed(kv, client, "qbuf-free")).toBeGreaterThan(5000);
    kv.clock.advance(2000);
    expect(listed(kv, client, "qbuf-free")).toBe(0);
    expect(listed(kv, client, "argv-mem")).toBe(13);
    client.sendBytes("v\r\n");
    expect(kv.send("EXISTS", "k".repeat(10))).toBe(1);
  });

  test("of a client that leaves in the middle of a request are given back, without a collector", () => {
    const kv = harness();
    const leaves = kv.client();
    const killed = kv.client();
    const readers = [leaves, killed].map(({ client }) => client?.reader);
    for (const client of [leaves, killed]) begin(client, 200_000);
    for (const reader of readers) expect(reader?.capacityBytes).toBeGreaterThan(200_000);
    leaves.destroy();
    kv.send("CLIENT", "KILL", "ID", killed.client?.id ?? 0);
    kv.clock.advance(200);
    for (const reader of readers) {
      expect(reader?.capacityBytes).toBe(0);
      reader?.check();
    }
  });

  test("of a busy one are exchanged when they are over twice what it needed of late", () => {
    const kv = harness();
    const client = kv.client();
    begin(client, 200_000);
    for (let tenths = 0; tenths < 30; tenths++) {
      begin(client, 1000, "v\r\n");
      kv.clock.advance(100);
      if (tenths === 0) expect(listed(kv, client, "qbuf-free")).toBeGreaterThan(200_000);
    }
    expect(listed(kv, client, "qbuf-free")).toBeLessThan(4000);
    client.sendBytes("v\r\n");
    expect(kv.send("EXISTS", "k".repeat(1000), "k".repeat(200_000))).toBe(2);
  });

  test("and what waited for clients are in INFO for eight seconds, at their largest", () => {
    const kv = harness();
    const [sender, reader] = [kv.client(), kv.client()];
    begin(sender, 100_000);
    reader.isStuck = true;
    kv.send("SET", "large", "x".repeat(50_000));
    reader.send("GET", "large");
    kv.clock.advance(1000);
    sender.sendBytes("v\r\n");
    reader.drain();
    const told = (name: string) => field(kv.send("INFO", "clients"), name);
    kv.clock.advance(5000);
    expect(told("client_recent_max_input_buffer")).toBeGreaterThan(100_000);
    expect(told("client_recent_max_output_buffer")).toBeGreaterThan(50_000);
    kv.clock.advance(6000);
    expect(told("client_recent_max_input_buffer")).toBeLessThan(10_000);
    expect(told("client_recent_max_output_buffer")).toBe(0);
  });
});

describe("the longest reply", () => {
  function afterReply(): { kv: Harness; client: TestClient } {
    const kv = harness();
    const client = kv.client();
    kv.send("SET", "large", "x".repeat(50_000));
    client.send("GET", "large");
    return { kv, client };
  }

  test("is forgotten after five seconds, of busy clients as well", () => {
    const { kv, client } = afterReply();
    kv.clock.advance(4000);
    expect(listed(kv, client, "rbp")).toBeGreaterThan(50_000);
    client.send("PING");
    kv.clock.advance(2500);
    client.send("PING");
    expect(listed(kv, client, "rbp")).toBe(7);
  });

  test("is remembered for as long as DEBUG says", () => {
    const { kv, client } = afterReply();
    expect(kv.send("DEBUG", "REPLYBUFFER", "PEAK-RESET-TIME", "NEVER")).toBe("OK");
    kv.clock.advance(60_000);
    expect(listed(kv, client, "rbp")).toBeGreaterThan(50_000);
    expect(kv.send("DEBUG", "REPLYBUFFER", "PEAK-RESET-TIME", 100)).toBe("OK");
    kv.clock.advance(1100);
    expect(listed(kv, client, "rbp")).toBe(0);
    client.send("GET", "large");
    expect(kv.send("DEBUG", "REPLYBUFFER", "PEAK-RESET-TIME", "RESET")).toBe("OK");
    kv.clock.advance(3000);
    expect(listed(kv, client, "rbp")).toBeGreaterThan(50_000);
  });
});

describe("a turn of the cron", () => {
  test("sees to its share of the clients, and in a second to all of them", () => {
    const kv = harness({ config: { "dynamic-hz": "no", timeout: 1 } });
    const clients = Array.from({ length: 99 }, () => kv.client());
    const closed = () => clients.filter((client) => client.closed).length;
    kv.host.advance(3000);
    kv.send("PING");
    for (let turn = 1; turn <= 9; turn++) {
      kv.engine.cron();
      // The first of those that it sees to is the one that has just spoken.
      expect(closed()).toBeLessThanOrEqual(turn * 10);
      expect(closed()).toBeGreaterThanOrEqual(turn * 5 - 1);
    }
    kv.clock.advance(1000);
    expect(closed()).toBe(99);
    expect(kv.send("PING")).toBe("PONG");
  });

  test("overlooks nobody who came or stayed while others went", () => {
    const kv = harness({ config: { "dynamic-hz": "no", timeout: 5 } });
    let clients: TestClient[] = [];
    for (let second = 0; second < 20; second++) {
      for (let i = 0; i < 30; i++) clients.push(kv.client());
      for (const client of clients.filter((_, index) => index % 3 === second % 3)) client.destroy();
      kv.clock.advance(1000);
      clients = clients.filter((client) => !client.closed);
      const ages = clients.map((client) => listed(kv, client, "age"));
      expect(Math.max(0, ...ages)).toBeLessThanOrEqual(7);
      kv.send("PING");
    }
  });
});

describe("the log, every five seconds", () => {
  test("tells of databases to who reads what is verbose, and of clients to who debugs", () => {
    const kv = harness();
    kv.send("SET", "a", 1);
    kv.send("SET", "b", 1, "EX", 1000);
    kv.client().send("SELECT", 3);
    kv.clock.advance(5000);
    kv.host.logLines.length = 0;
    kv.clock.advance(20_000);
    const lines = kv.host.logLines.map(({ level, message }) => `${level} ${message}`);
    expect(
      lines.filter((line) => line.startsWith("verbose DB 0: 2 keys (1 volatile) in ")),
    ).toHaveLength(4);
    expect(lines.filter((line) => line.startsWith("verbose DB "))).toHaveLength(4);
    const about = /^debug 2 clients connected \(0 replicas\), \d+ bytes in use$/;
    expect(lines.filter((line) => about.test(line))).toHaveLength(4);
  });
});
