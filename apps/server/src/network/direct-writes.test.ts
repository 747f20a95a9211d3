/** Writing past the stream: only where the runtime itself writes in the form that is known. */
import { once } from "node:events";
import * as net from "node:net";
import { describe, expect, test } from "vitest";
import { DirectWrites, Written } from "./direct-writes.ts";

const bytes = Buffer.from("+PONG\r\n");
const ignore = () => {};

/** A socket as far as it matters here, whose stream hands `request` to the handle. */
function fakeSocket(request: unknown) {
  const calls: unknown[] = [];
  const results: unknown[] = [];
  class Handle {
    writeBuffer(given: unknown, written: Uint8Array): unknown {
      calls.push([given, Buffer.from(written).toString()]);
      return results.length === 0 ? 0 : results.shift();
    }
  }
  const handle = new Handle();
  return {
    socket: { _handle: handle } as unknown as net.Socket,
    calls,
    results,
    handle,
    streamWrites: () => handle.writeBuffer(request, bytes),
  };
}

function known() {
  const fake = fakeSocket(null);
  const writes = new DirectWrites();
  writes.write(fake.socket, bytes, ignore);
  fake.streamWrites();
  fake.calls.length = 0;
  return { ...fake, writes };
}

test("the stream writes first, and is written past from then on", () => {
  const { socket, calls, handle, streamWrites } = fakeSocket(null);
  const writes = new DirectWrites();
  expect(writes.write(socket, bytes, ignore)).toBe(Written.NOT);
  expect(calls).toEqual([]);
  expect(streamWrites()).toBe(0);
  expect(Object.hasOwn(handle, "writeBuffer")).toBe(false);
  expect(writes.write(socket, bytes, ignore)).toBe(Written.ALL);
  expect(calls).toEqual([
    [null, "+PONG\r\n"],
    [null, "+PONG\r\n"],
  ]);
  // What was seen of one socket holds for all.
  expect(writes.write(fakeSocket(null).socket, bytes, ignore)).toBe(Written.ALL);
});

test("where the stream brings a request of its own, it goes on writing", () => {
  const { socket, calls, streamWrites } = fakeSocket({});
  const writes = new DirectWrites();
  expect(writes.write(socket, bytes, ignore)).toBe(Written.NOT);
  streamWrites();
  expect(writes.write(socket, bytes, ignore)).toBe(Written.NOT);
  expect(calls).toHaveLength(1);
});

test("several sockets may be watched at a time, and one twice", () => {
  const one = fakeSocket(null);
  const other = fakeSocket(null);
  const writes = new DirectWrites();
  for (const { socket } of [one, one, other])
    expect(writes.write(socket, bytes, ignore)).toBe(Written.NOT);
  for (const { streamWrites, calls } of [one, other]) {
    expect(streamWrites()).toBe(0);
    expect(streamWrites()).toBe(0);
    expect(calls).toHaveLength(2);
  }
});

test.each([
  ["no handle any more", null],
  ["a handle that is no stream", {}],
])("a socket with %s is left to the stream", (_, handle) => {
  const { writes } = known();
  const socket = { _handle: handle } as unknown as net.Socket;
  expect(writes.write(socket, bytes, ignore)).toBe(Written.NOT);
});

test("an error of the system is told at once", () => {
  const { writes, socket, results } = known();
  results.push(-32);
  expect(writes.write(socket, bytes, ignore)).toBe(Written.FAILED);
});

test("what leaves later is kept, and its end is told", () => {
  const { writes, socket, results } = known();
  const request: { buffer?: Uint8Array; oncomplete?: (status: number) => void; writeStatus: null } =
    { writeStatus: null };
  results.push(request);
  const statuses: number[] = [];
  expect(writes.write(socket, bytes, (status) => statuses.push(status))).toBe(Written.PARTLY);
  expect(request.buffer).toBe(bytes);
  expect(statuses).toEqual([]);
  request.oncomplete?.(-104);
  expect(statuses).toEqual([-104]);
});

test.each([
  [0, Written.ALL],
  [-32, Written.FAILED],
])("an end that came before anybody could listen, %i", (writeStatus, expected) => {
  const { writes, socket, results } = known();
  results.push({ writeStatus });
  expect(writes.write(socket, bytes, ignore)).toBe(expected);
});

describe("of this runtime", () => {
  test("all that was written arrives in order, by whichever way, and the rest's end is told", async () => {
    const server = net.createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const client = net.connect((server.address() as net.AddressInfo).port, "127.0.0.1");
    const [socket]: net.Socket[] = await once(server, "connection");
    if (socket === undefined) throw new Error("no socket");
    const writes = new DirectWrites();
    expect(writes.write(socket, Buffer.from("1"), ignore)).toBe(Written.NOT);
    socket.write("0");
    socket.write(Buffer.from("1"));
    expect(writes.write(socket, Buffer.from("2"), ignore)).toBe(Written.ALL);
    socket.write("3");
    // Nobody reads yet.
    client.pause();
    const large = Buffer.alloc(2 ** 25, "4");
    const left = new Promise<number>((resolve) => {
      expect(writes.write(socket, large, resolve)).toBe(Written.PARTLY);
    });
    socket.end("5");
    let text = "";
    client.setEncoding("latin1").on("data", (chunk) => {
      text += chunk;
    });
    client.resume();
    await once(client, "end");
    expect(await left).toBe(0);
    expect(text.length).toBe(2 ** 25 + 5);
    expect(text.slice(0, 5)).toBe("01234");
    expect(text.at(-1)).toBe("5");
    client.destroy();
    server.close();
  });
});
