/** What a client sees of a socket it sees of a stream: both are asked the same, and compared. */
import * as net from "node:net";
import { finished } from "node:stream/promises";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { createServer, type EmbeddedServer } from "../create-server.ts";

const events = ["connect", "ready", "data", "end", "timeout", "error", "close"] as const;

/** What happens to a connection, in order, with the arguments that say something. */
function record(socket: net.Socket): string[] {
  const happened: string[] = [];
  for (const name of events) {
    socket.on(name, (argument: unknown) => {
      happened.push(argument === undefined ? name : `${name} ${argument}`);
    });
  }
  return happened;
}

const closed = (socket: net.Socket) => new Promise((resolve) => socket.once("close", resolve));

describe("an in-process stream and a socket", () => {
  let server: EmbeddedServer;
  beforeEach(async () => {
    server = await createServer();
  });
  afterEach(() => server.close());

  /** Runs `script` with a socket and with a stream. */
  async function both<Result>(script: (socket: net.Socket) => Promise<Result>): Promise<Result[]> {
    return [await script(net.connect(server.port, "127.0.0.1")), await script(server.connect())];
  }

  test.each([
    { what: "the client ends", last: (socket: net.Socket) => socket.end("PING\r\n") },
    { what: "the client destroys soon", last: (socket: net.Socket) => socket.destroySoon() },
    { what: "the client resets", last: (socket: net.Socket) => socket.resetAndDestroy() },
    {
      what: "the client destroys with an error",
      last: (socket: net.Socket) => socket.destroy(new Error("on purpose")),
    },
    { what: "the server ends", last: (socket: net.Socket) => socket.write("QUIT\r\n") },
    {
      what: "the server kills",
      last: (socket: net.Socket) => socket.write("CLIENT KILL TYPE normal SKIPME no\r\n"),
    },
  ])("tell the same in the same order when $what", async ({ last }) => {
    const [socket, stream] = await both(async (client) => {
      const happened = record(client);
      client.write("PING\r\n");
      await new Promise((resolve) => client.once("data", resolve));
      last(client);
      await closed(client);
      return happened;
    });
    expect(stream).toEqual(socket);
    expect(stream.slice(0, 3)).toEqual(["connect", "ready", "data +PONG\r\n"]);
    expect(stream.at(-1)).toMatch(/^close (true|false)$/);
  });

  test("are told the end when the server closes", async () => {
    const [socket, stream] = [net.connect(server.port, "127.0.0.1"), server.connect()].map(
      (client) => ({ client, happened: record(client), closed: closed(client) }),
    );
    for (const { client } of [socket, stream]) {
      client.write("PING\r\n");
      await new Promise((resolve) => client.once("data", resolve));
    }
    await server.close();
    await Promise.all([socket.closed, stream.closed]);
    expect(stream.happened).toEqual(socket.happened);
    expect(stream.happened.slice(-2)).toEqual(["end", "close false"]);
  });

  test("are in the same states", async () => {
    const [socket, stream] = await both(async (client) => {
      const states: unknown[] = [];
      const look = () => {
        const { connecting, pending, readyState, destroyed } = client;
        const { bytesRead, bytesWritten, writableLength, timeout } = client;
        states.push({ connecting, pending, readyState, destroyed });
        states.push({ bytesRead, bytesWritten, writableLength, timeout });
      };
      look();
      await new Promise((resolve) => client.once("connect", resolve));
      look();
      client.write("ECHO abc\r\n");
      await new Promise((resolve) => client.once("data", resolve));
      look();
      client.setTimeout(5000);
      client.end();
      look();
      await closed(client);
      look();
      return states;
    });
    expect(stream).toEqual(socket);
  });

  test("take the same calls, one behind another", async () => {
    await both(async (client) => {
      await new Promise((resolve) => client.once("connect", resolve));
      client.setNoDelay(true).setNoDelay().setKeepAlive(true, 1000).ref().unref().setTimeout(0);
      expect(typeof client.address()).toBe("object");
      client.destroy();
      expect(client.setNoDelay().setTimeout(10)).toBe(client);
    });
  });

  test("time out when nothing happens, and stay open", async () => {
    const [socket, stream] = await both(async (client) => {
      const happened = record(client);
      await new Promise((resolve) => client.once("connect", resolve));
      let told = 0;
      // Longer than a reply takes where the machine has much else to do.
      client.setTimeout(300, () => told++);
      await new Promise((resolve) => client.once("timeout", resolve));
      client.write("PING\r\n");
      await new Promise((resolve) => client.once("data", resolve));
      await new Promise((resolve) => client.once("timeout", resolve));
      client.setTimeout(0);
      await new Promise((resolve) => setTimeout(resolve, 400));
      expect(told).toBe(1);
      client.destroy();
      await closed(client);
      return happened;
    });
    expect(stream).toEqual(socket);
    expect(stream).toEqual([
      "connect",
      "ready",
      "timeout",
      "data +PONG\r\n",
      "timeout",
      "close false",
    ]);
  });

  test("refuse the same timeouts", async () => {
    await both(async (client) => {
      client.on("error", () => {});
      expect(() => client.setTimeout("10" as unknown as number)).toThrow(TypeError);
      for (const wrong of [-1, Number.NaN, Number.POSITIVE_INFINITY]) {
        expect(() => client.setTimeout(wrong)).toThrow(RangeError);
      }
      client.destroy();
    });
  });

  test("a stream has an address, though not of a network", async () => {
    const stream = server.connect();
    expect(stream).toMatchObject({ remoteAddress: "inproc", remotePort: 0 });
    expect(stream).toMatchObject({ localAddress: "inproc", localPort: 0 });
    expect(() => stream.connect()).toThrow("EISCONN");
    stream.setEncoding("latin1").write("CLIENT INFO\r\n");
    const [text] = await new Promise<string[]>((resolve) =>
      stream.once("data", (...data) => resolve(data as string[])),
    );
    expect(text).toContain(" addr=inproc:0 laddr=inproc:0 ");
    stream.destroy();
    expect(stream.remoteAddress).toBe(undefined);
  });

  test("a stream that nobody reads is closed, too, when the server closes", async () => {
    const stream = server.connect();
    const isClosed = closed(stream);
    await server.close();
    await isClosed;
  });

  test("who reads in pieces gets all of it, and then the end", async () => {
    const stream = server.connect();
    stream.write(`${"ECHO 0123456789\r\n".repeat(20_000)}QUIT\r\n`);
    let length = 0;
    for await (const chunk of stream) {
      length += chunk.length;
      if (length < 100_000) await new Promise((resolve) => setImmediate(resolve));
    }
    expect(length).toBe("$10\r\n0123456789\r\n".length * 20_000 + "+OK\r\n".length);
    await finished(stream);
  });

  test("replies never overtake 'connect'", async () => {
    // In a microtask those of replies come before what a process does next.
    const { stream, happened } = await Promise.resolve().then(() => {
      const made = server.connect();
      made.write("PING\r\n");
      return { stream: made, happened: record(made) };
    });
    await vi.waitFor(() => expect(happened).toContain("data +PONG\r\n"));
    expect(happened).toEqual(["connect", "ready", "data +PONG\r\n"]);
    stream.destroy();
  });
});
