import * as net from "node:net";
import * as tls from "node:tls";
import { ConfigStore } from "@kv/config";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { clientOptions, tlsOptions } from "../testing/certificates.ts";
import { type EchoStation, echoStation, pattern } from "../testing/echo-traffic.ts";
import { Listeners } from "./listeners.ts";
import { connectionOf, type SocketFacts } from "./socket-connection.ts";
import { TlsDoor } from "./tls-door.ts";

const ways = [
  { way: "handle taken over", takesHandle: true },
  { way: "'data' events", takesHandle: false },
  { way: "TLS", takesHandle: false, isEncrypted: true },
];

describe.each(ways)("a socket, read by $way", ({ takesHandle, isEncrypted = false }) => {
  let station: EchoStation;
  let listeners: Listeners;
  /** Accepted sockets that are still open. */
  let openCount = 0;
  const clients: net.Socket[] = [];

  beforeEach(async () => {
    station = echoStation();
    openCount = 0;
    const opened = (socket: net.Socket, facts: SocketFacts) => {
      const connection = connectionOf(station, socket, facts);
      if (connection === undefined) return;
      openCount++;
      connection.onClosed(() => openCount--);
      connection.open();
    };
    const facts = { keepAliveSeconds: 300, takesHandle, isEncrypted };
    const warn = (message: string) => {
      throw new Error(message);
    };
    if (isEncrypted) {
      const config = new ConfigStore(undefined, { options: tlsOptions() });
      const door = new TlsDoor({
        config,
        hasRoom: () => true,
        opened: (socket) => opened(socket, facts),
        warn,
      });
      expect(door.configure()).toBe(undefined);
      ({ listeners } = door);
    } else {
      const accepted = (socket: net.Socket, path: string | undefined) =>
        opened(socket, { ...facts, ...(path === undefined ? {} : { path }) });
      listeners = new Listeners({ backlog: 511, accepted, warn });
    }
    await listeners.openTcp(["127.0.0.1"], 0);
  });

  afterEach(async () => {
    for (const client of clients.splice(0)) client.destroy();
    for (const { connection } of station.traffic.clients) connection.destroy();
    listeners.closeTcp();
    await vi.waitFor(() => expect(openCount).toBe(0));
    for (const { disconnectedCount } of station.traffic.clients) expect(disconnectedCount).toBe(1);
  });

  /** Connects, and collects what comes back. */
  async function connect() {
    const port = listeners.tcpPort;
    const below = net.connect(port, "127.0.0.1");
    const socket = isEncrypted ? tls.connect({ ...clientOptions(), socket: below }) : below;
    clients.push(socket);
    const chunks: Buffer[] = [];
    socket.on("data", (chunk: Buffer) => chunks.push(chunk));
    socket.on("error", () => {});
    const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
    await new Promise((resolve) => socket.once(isEncrypted ? "secureConnect" : "connect", resolve));
    const count = station.traffic.clients.length;
    await vi.waitFor(() => expect(station.traffic.calls).toContain("accept"));
    return {
      socket,
      reset: () => below.resetAndDestroy(),
      closed,
      count,
      text: () => Buffer.concat(chunks).toString("latin1"),
      bytes: () => Buffer.concat(chunks),
      receives: (text: string) =>
        vi.waitFor(() => expect(Buffer.concat(chunks).toString("latin1")).toBe(text), 5000),
      receivesBytes: (length: number) =>
        vi.waitFor(
          () => expect(chunks.reduce((sum, chunk) => sum + chunk.length, 0)).toBe(length),
          { timeout: 20_000, interval: 20 },
        ),
    };
  }

  const lastClient = () => station.traffic.clients.at(-1)!;

  test("tells when what was sent has left, and not before", async () => {
    const { socket, receivesBytes } = await connect();
    socket.pause();
    const { connection } = lastClient();
    let drainedCount = 0;
    const heard = () => {
      drainedCount++;
      expect(connection.pendingBytes).toBe(0);
    };
    connection.whenDrained(heard);
    await vi.waitFor(() => expect(drainedCount).toBe(1));
    const large = pattern(32 * 2 ** 20);
    connection.send(large, 0, large.length);
    connection.send(large, 0, 100);
    connection.whenDrained(heard);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(connection.pendingBytes).toBeGreaterThan(0);
    expect(drainedCount).toBe(1);
    socket.resume();
    await receivesBytes(large.length + 100);
    await vi.waitFor(() => expect(drainedCount).toBe(2));
  });

  test("echoes, and knows who is there", async () => {
    const { socket, receives } = await connect();
    socket.write("hello");
    await receives("hello");
    const { connection } = lastClient();
    expect(connection.address).toBe(`127.0.0.1:${socket.localPort}`);
    expect(connection.localAddress).toBe(`127.0.0.1:${listeners.tcpPort}`);
    expect(connection.isUnix).toBe(false);
    expect(connection.isLocal).toBe(true);
    expect(connection.fileDescriptor).toBeGreaterThan(2);
    expect(connection.pendingBytes).toBe(0);
    expect(station.activityCount).toBeGreaterThan(1);
  });

  test("a megabyte comes back byte for byte", async () => {
    const { socket, bytes, receivesBytes } = await connect();
    const sent = pattern(1_000_000).map((byte) => (byte === 0x21 ? 0x22 : byte));
    socket.write(sent);
    await receivesBytes(sent.length);
    expect(bytes().equals(sent)).toBe(true);
  });

  test("who keeps the server busy is read again when the others have been", async () => {
    const busy = await connect();
    const other = await connect();
    await vi.waitFor(() => expect(station.traffic.clients).toHaveLength(2));
    const [busyClient, otherClient] = station.traffic.clients;
    const order: unknown[] = [];
    let busyBytes = 0;
    vi.spyOn(station.traffic, "receive").mockImplementation((client, _chunk, _view, start, end) => {
      order.push(client);
      if (client !== busyClient) return;
      busyBytes += end - start;
      const startMs = performance.now();
      while (performance.now() < startMs + 3);
    });
    const bytes = new Uint8Array(1_000_000);
    busy.socket.write(bytes);
    other.socket.write("me, too");
    await vi.waitFor(() => expect(busyBytes).toBe(bytes.length), 10_000);
    expect(order.length).toBeGreaterThan(10);
    expect(order.slice(0, 3)).toContain(otherClient);
  });

  test("who waits has left before others are read that spoke later", async () => {
    const waiting = await connect();
    await vi.waitFor(() => expect(station.traffic.clients).toHaveLength(1));
    const pushing = await connect();
    await vi.waitFor(() => expect(station.traffic.clients).toHaveLength(2));
    const { traffic } = station;
    traffic.waiting = traffic.clients[0];
    traffic.calls.length = 0;
    waiting.socket.on("finish", () => pushing.socket.write("mine?"));
    waiting.socket.end();
    await pushing.receives("mine?");
    expect(traffic.calls).toEqual(["disconnected", "receive 5"]);
  });

  test("fifty clients do not get each other's bytes", async () => {
    const all = await Promise.all(Array.from({ length: 50 }, () => connect()));
    for (let round = 0; round < 20; round++) {
      for (const [index, { socket }] of all.entries()) socket.write(`<${index}:${round}>`);
    }
    const expected = (index: number) =>
      Array.from({ length: 20 }, (_, round) => `<${index}:${round}>`).join("");
    await Promise.all(all.map(({ receives }, index) => receives(expected(index))));
  });

  test("FIN ends the client once, and what it asked before is answered", async () => {
    const { socket, closed, text } = await connect();
    socket.end("last words");
    await closed;
    expect(text()).toBe("last words");
    await vi.waitFor(() => expect(openCount).toBe(0));
    expect(station.traffic.calls).toEqual(["accept", "receive 10", "disconnected"]);
  });

  test("FIN just after a request whose reply waits for the turn", async () => {
    const { socket, closed, text } = await connect();
    socket.end("!later");
    await closed;
    expect(text()).toBe("at last");
    expect(station.traffic.calls).toEqual(["accept", "receive 6", "disconnected"]);
  });

  test("FIN without a word", async () => {
    const { socket, closed } = await connect();
    socket.end();
    await closed;
    await vi.waitFor(() => expect(station.traffic.calls).toEqual(["accept", "disconnected"]));
  });

  test("RST ends the client once", async () => {
    const { socket, receives, reset } = await connect();
    socket.write("x");
    await receives("x");
    reset();
    await vi.waitFor(() => expect(lastClient().disconnectedCount).toBe(1));
    await vi.waitFor(() => expect(openCount).toBe(0));
  });

  test("RST while replies are waiting", async () => {
    const { socket, reset } = await connect();
    socket.pause();
    socket.write(`!flood ${20 * 1024 * 1024}`);
    await vi.waitFor(() => expect(lastClient().connection.pendingBytes).toBeGreaterThan(0));
    reset();
    await vi.waitFor(() => expect(lastClient().disconnectedCount).toBe(1));
  });

  test("a slow reader costs one buffer at most and gets every byte", async () => {
    const { socket, bytes, receivesBytes } = await connect();
    socket.pause();
    const length = 30 * 1024 * 1024;
    socket.write(`!flood ${length}`);
    await vi.waitFor(() => expect(lastClient().connection.pendingBytes).toBeGreaterThan(0));
    const { returned } = station.traffic;
    // What is encrypted is copied.
    expect(returned.filter((isMine) => !isMine)).toHaveLength(isEncrypted ? 0 : 1);
    expect(lastClient().connection.pendingBytes).toBeGreaterThan(length / 3);

    // Others are served meanwhile, from the new buffer.
    const other = await connect();
    other.socket.write("other");
    await other.receives("other");

    socket.resume();
    await receivesBytes(length);
    expect(bytes().equals(pattern(length))).toBe(true);
    expect(station.traffic.clients[0].connection.pendingBytes).toBe(0);

    socket.write("again");
    await receivesBytes(length + 5);
  });

  test("a client that never reads ends when the engine destroys it", async () => {
    const { socket, closed } = await connect();
    socket.pause();
    socket.write(`!flood ${20 * 1024 * 1024}`);
    await vi.waitFor(() => expect(lastClient().connection.pendingBytes).toBeGreaterThan(0));
    lastClient().connection.destroy();
    await vi.waitFor(() => expect(lastClient().disconnectedCount).toBe(1));
    expect(lastClient().connection.send(new Uint8Array(5), 0, 5)).toBe(true);
    socket.resume();
    await closed;
  });

  test("end() lets out what was sent, and hears no more", async () => {
    const { socket, closed, text } = await connect();
    socket.write("!end");
    await closed;
    expect(text()).toBe("bye");
    await vi.waitFor(() =>
      expect(station.traffic.calls).toEqual(["accept", "receive 4", "disconnected"]),
    );
  });

  test("end() with a reader that is slow", async () => {
    const { socket, closed, bytes } = await connect();
    socket.pause();
    const length = 20 * 1024 * 1024;
    socket.write(`!flood ${length}`);
    await vi.waitFor(() => expect(lastClient().connection.pendingBytes).toBeGreaterThan(0));
    lastClient().connection.end();
    expect(lastClient().disconnectedCount).toBe(0);
    socket.resume();
    await closed;
    expect(bytes().equals(pattern(length))).toBe(true);
    await vi.waitFor(() => expect(lastClient().disconnectedCount).toBe(1));
  });

  test("destroy() from within receive", async () => {
    const { socket, closed } = await connect();
    socket.write("!destroy");
    await closed;
    await vi.waitFor(() =>
      expect(station.traffic.calls).toEqual(["accept", "receive 8", "disconnected"]),
    );
  });

  test("paused, nothing arrives; resumed, everything does", async () => {
    const { socket, receives, text } = await connect();
    socket.write("!pause");
    await vi.waitFor(() => expect(station.traffic.calls).toContain("receive 6"));
    socket.write("later");
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(text()).toBe("");
    lastClient().connection.resume();
    await receives("later");
  });

  test("an error of the engine is reported and goes no further", async () => {
    const { socket, receives } = await connect();
    socket.write("!throw");
    await vi.waitFor(() => expect(station.failures).toEqual([new Error("thrown on order")]));
    socket.write("still here");
    await receives("still here");
  });

  test("a refused client is told why, and never served", async () => {
    station.traffic.refusal = "-ERR max number of clients reached\r\n";
    const { socket, closed, text } = await connect();
    socket.write("PING\r\n");
    await closed;
    expect(text()).toBe("-ERR max number of clients reached\r\n");
    expect(station.traffic.calls).toEqual(["accept"]);
  });

  test("two hundred clients come and go", async () => {
    for (let round = 0; round < 4; round++) {
      const all = await Promise.all(Array.from({ length: 50 }, () => connect()));
      for (const { socket } of all) socket.write("hi");
      await Promise.all(all.map(({ receives }) => receives("hi")));
      for (const [index, { socket, reset }] of all.entries()) {
        if (index % 3 === 0) socket.end();
        else if (index % 3 === 1) socket.destroy();
        else reset();
      }
      await vi.waitFor(() => expect(openCount).toBe(0));
    }
    expect(station.traffic.clients).toHaveLength(200);
    expect(station.traffic.calls.filter((call) => call === "disconnected")).toHaveLength(200);
  });
});
