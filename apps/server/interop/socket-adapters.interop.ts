/**
 * Two servers of socket.io that share rooms through the server under test, by each of its adapters:
 * ordinary channels, sharded ones, a stream. The same conversation runs against both servers.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { hasRedisServer } from "@kv/testing";
import { createAdapter, createShardedAdapter } from "@socket.io/redis-adapter";
import { createAdapter as createStreamsAdapter } from "@socket.io/redis-streams-adapter";
import { Redis } from "ioredis";
import { createClient } from "redis";
import { Server, type ServerOptions } from "socket.io";
import { connect, type Socket } from "socket.io-client";
import { describe } from "vitest";
import { testOnBoth } from "./both-servers.ts";
import { until } from "./client-script.ts";

/** What an adapter needs to be made for one server of socket.io. */
interface Link {
  adapter: NonNullable<ServerOptions["adapter"]>;
  close(): Promise<void>;
}

type Linker = (port: number) => Promise<Link>;

/** Two connections of node-redis, one of them to subscribe. */
const byChannels =
  (create: (publisher: unknown, subscriber: unknown) => ServerOptions["adapter"]): Linker =>
  async (port) => {
    const publisher = createClient({ url: `redis://127.0.0.1:${port}` });
    const subscriber = publisher.duplicate();
    const both = [publisher, subscriber];
    for (const client of both) client.on("error", () => {});
    await Promise.all(both.map((client) => client.connect()));
    return {
      adapter: create(publisher, subscriber)!,
      // The adapter has just unsubscribed: what is under way is waited for.
      close: async () => void (await Promise.all(both.map((client) => client.close()))),
    };
  };

/** The adapter makes further connections from this one, which end with the server's adapter. */
const byStream: Linker = async (port) => {
  const client = new Redis({ port, host: "127.0.0.1" });
  client.on("error", () => {});
  return {
    adapter: createStreamsAdapter(client, { blockTimeInMs: 200 }),
    close: async () => client.disconnect(),
  };
};

/** A server of socket.io whose clients join the rooms that they ask for. */
async function startHub(link: Link, name: string) {
  const http = createServer();
  const hub = new Server(http, {
    adapter: link.adapter,
    connectionStateRecovery: { maxDisconnectionDuration: 10_000 },
  });
  hub.on("connection", (socket) => {
    socket.data = socket.handshake.auth.name;
    if (!socket.recovered) void socket.join(socket.handshake.auth.rooms);
  });
  hub.on("who are you", (suffix: string, answer: (name: string) => void) => answer(name + suffix));
  await new Promise<void>((resolve) => void http.listen(0, "127.0.0.1", resolve));
  const close = async () => {
    await hub.close();
    await link.close();
  };
  return { hub, url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`, close };
}

/** A client that keeps what it hears, but for "hello". */
class Listener {
  readonly heard: string[] = [];
  isGreeted = false;
  readonly socket: Socket;

  constructor(url: string, name: string, rooms: readonly string[]) {
    const auth = { name, rooms };
    this.socket = connect(url, { auth, transports: ["websocket"], reconnection: false });
    this.socket.onAny((event: string, payload: unknown) => {
      if (event === "hello") this.isGreeted = true;
      else
        this.heard.push(`${event} ${Buffer.isBuffer(payload) ? payload.toString("hex") : payload}`);
    });
    this.socket.on("ask", (n: number, answer: (text: string) => void) => answer(`${name} ${n}`));
  }
}

/** Whether all of them hear what is said to all: then everything is subscribed to. */
async function greet(hubs: readonly Server[], listeners: readonly Listener[]): Promise<void> {
  for (const hub of hubs) {
    for (const each of listeners) each.isGreeted = false;
    await until(() => {
      hub.emit("hello");
      return listeners.every(({ isGreeted }) => isGreeted);
    });
  }
}

async function heardBy(hub: Server, room: string): Promise<string[]> {
  return (await hub.in(room).fetchSockets()).map(({ data }) => data).sort();
}

async function conversation(port: number, link: Linker): Promise<unknown> {
  const one = await startHub(await link(port), "one");
  const two = await startHub(await link(port), "two");
  const hubs = [one.hub, two.hub];
  const ann = new Listener(one.url, "ann", ["red"]);
  const bob = new Listener(two.url, "bob", ["red", "blue"]);
  const cat = new Listener(two.url, "cat", ["blue"]);
  const all = [ann, bob, cat];
  await until(() => all.every(({ socket }) => socket.connected));
  await until(async () => (await one.hub.of("/").adapter.serverCount()) === 2);
  await until(async () => (await heardBy(one.hub, "red")).length === 2);
  await greet(hubs, all);

  one.hub.emit("all", 1);
  one.hub.to("red").emit("red", 2);
  one.hub.to("red").to("blue").emit("either", 3);
  one.hub.to("red").except("blue").emit("red alone", 4);
  one.hub.to("blue").emit("bytes", Buffer.from([0, 255, 13, 10]));
  // Questions take a shorter way than what is only said, and would overtake it.
  await until(() => all.flatMap(({ heard }) => heard).length === 11);
  const answers = await one.hub.timeout(5000).emitWithAck("ask", 7);
  const peers = await one.hub.serverSideEmitWithAck("who are you", "!");
  const before = { red: await heardBy(one.hub, "red"), blue: await heardBy(one.hub, "blue") };

  one.hub.in("blue").socketsJoin("green");
  await until(async () => (await heardBy(two.hub, "green")).length === 2);
  two.hub.in("red").socketsLeave("red");
  await until(async () => (await heardBy(one.hub, "red")).length === 0);
  await greet(hubs, all);
  one.hub.to("green").emit("green", 5);
  one.hub.to("red").emit("nobody", 6);
  // What one server said is heard in its order: behind this nothing more comes.
  one.hub.emit("end", 7);
  await until(() => all.every(({ heard }) => heard.includes("end 7")));
  one.hub.in("green").disconnectSockets(true);
  await until(async () => (await one.hub.fetchSockets()).length === 1);
  const left = (await two.hub.fetchSockets()).map(({ data }) => data);

  for (const { socket } of all) socket.disconnect();
  const heard = Object.fromEntries(["ann", "bob", "cat"].map((name, i) => [name, all[i]?.heard]));
  await Promise.all([one.close(), two.close()]);
  return { answers: answers.sort(), peers, before, left, heard };
}

/** A client that was away for a while is who it was, and hears what was said meanwhile. */
async function recovery(port: number): Promise<unknown> {
  const one = await startHub(await byStream(port), "one");
  const two = await startHub(await byStream(port), "two");
  const ann = new Listener(one.url, "ann", ["red"]);
  await until(() => ann.socket.connected);
  await greet([one.hub, two.hub], [ann]);
  const { id } = ann.socket;
  two.hub.to("red").emit("red", 1);
  await until(() => ann.heard.length === 1);
  ann.socket.io.engine.close();
  await until(async () => (await two.hub.fetchSockets()).length === 0);
  two.hub.to("red").emit("red", 2);
  two.hub.to("blue").emit("blue", 3);
  two.hub.emit("all", 4);
  ann.socket.connect();
  await until(() => ann.heard.length === 3);
  const { recovered } = ann.socket;
  const isTheSame = ann.socket.id === id;
  ann.socket.disconnect();
  await Promise.all([one.close(), two.close()]);
  return { recovered, isTheSame, heard: ann.heard };
}

const scenarios: Record<string, (port: number) => Promise<unknown>> = {
  "by channels": (port) => conversation(port, byChannels(createAdapter)),
  "by sharded channels": (port) => conversation(port, byChannels(createShardedAdapter)),
  "by a stream": (port) => conversation(port, byStream),
  "by a stream, across a lost connection": recovery,
};

describe.runIf(hasRedisServer())("servers of socket.io talk to each other", () => {
  testOnBoth(scenarios);
});
