import { encodeRequest } from "@kv/resp";
import { type Harness, harness, slowClock, type TestClient } from "@kv/testing";
import { expect, test } from "vitest";

/** Requests that arrive within one turn of the loop, which takes none behind them. */
function arrive(kv: Harness, from: TestClient, ...words: string[]): void {
  const bytes = encodeRequest(words);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  kv.engine.receive(from.client!, bytes, view, 0, bytes.length);
}

/** Each request takes so long. */
function serverOf(requestUs: number): { kv: Harness; clients: TestClient[] } {
  const kv = harness();
  const clients = [kv.client(), kv.client(), kv.client()];
  slowClock(kv, requestUs);
  kv.engine.turn();
  kv.host.takeWake();
  return { kv, clients };
}

test("the replies to long requests leave when all who asked in this turn are served", () => {
  const { kv, clients } = serverOf(20);
  for (const client of clients) arrive(kv, client, "PING");
  expect(clients.map((client) => client.receive())).toEqual([undefined, undefined, undefined]);
  expect(kv.host.takeWake()).toBe(true);
  kv.engine.turn();
  expect(clients.map((client) => client.receive())).toEqual(["PONG", "PONG", "PONG"]);
});

test("the reply to a short one leaves at once", () => {
  const { kv, clients } = serverOf(5);
  arrive(kv, clients[0]!, "PING");
  expect(clients[0]!.receive()).toBe("PONG");
  expect(kv.host.takeWake()).toBe(false);
});

test("a short one behind a long one does not overtake it", () => {
  const { kv, clients } = serverOf(20);
  arrive(kv, clients[0]!, "ECHO", "long");
  slowClock(kv, 5);
  arrive(kv, clients[0]!, "ECHO", "short");
  arrive(kv, clients[1]!, "ECHO", "other");
  kv.engine.turn();
  expect([clients[0]!.receive(), clients[0]!.receive()]).toEqual(["long", "short"]);
  expect(clients[1]!.receive()).toBe("other");
});

test("none waits for longer than a millisecond and the request that is served then", () => {
  const { kv, clients } = serverOf(600);
  const [first, second, third] = clients as [TestClient, TestClient, TestClient];
  arrive(kv, first, "PING");
  expect(first.receive()).toBeUndefined();
  arrive(kv, second, "PING");
  expect([first.receive(), second.receive()]).toEqual(["PONG", "PONG"]);
  arrive(kv, third, "PING");
  expect(third.receive()).toBeUndefined();
});

test("a long reply takes those that wait along", () => {
  const { kv, clients } = serverOf(20);
  const [first, second] = clients as [TestClient, TestClient];
  arrive(kv, first, "PING");
  const text = "x".repeat(50_000);
  arrive(kv, second, "ECHO", text);
  expect([first.receive(), second.receive()]).toEqual(["PONG", text]);
});

test("who asks alone waits for nobody, but for a try now and then", () => {
  const { kv, clients } = serverOf(20);
  const [only] = clients as [TestClient];
  let waited = 0;
  for (let i = 0; i < 200; i++) {
    arrive(kv, only, "PING");
    let reply = only.receive();
    if (reply === undefined) {
      waited++;
      kv.engine.turn();
      reply = only.receive();
    }
    expect(reply).toBe("PONG");
  }
  expect(waited).toBe(8);
});

test("messages keep their place among replies that wait", () => {
  const { kv, clients } = serverOf(20);
  const [subscriber, publisher] = clients as [TestClient, TestClient];
  subscriber.send("HELLO", "3");
  subscriber.send("SUBSCRIBE", "news");
  subscriber.takeRaw();
  arrive(kv, subscriber, "ECHO", "before");
  arrive(kv, publisher, "PUBLISH", "news", "now");
  arrive(kv, subscriber, "ECHO", "behind");
  kv.engine.turn();
  const raw = subscriber.takeRaw();
  expect(raw.match(/before|now|behind/g)).toEqual(["before", "now", "behind"]);
});

test("whoever quits or is killed while replies wait costs the others nothing", () => {
  const { kv, clients } = serverOf(20);
  const [first, second, third] = clients as [TestClient, TestClient, TestClient];
  arrive(kv, first, "PING");
  arrive(kv, second, "PING");
  arrive(kv, third, "CLIENT", "KILL", "ID", String(second.client!.id));
  arrive(kv, first, "QUIT");
  kv.engine.turn();
  expect([first.receive(), first.receive()]).toEqual(["PONG", "OK"]);
  expect(first.closed && second.closed).toBe(true);
  expect(third.receive()).toBe(1);
});
