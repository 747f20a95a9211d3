import { describe, expect, test, vi } from "vitest";
import { type EchoStation, echoStation, pattern } from "../testing/echo-traffic.ts";
import { connectInProcessTo } from "./inproc.ts";

function connect(station: EchoStation) {
  const { stream } = connectInProcessTo(station);
  const chunks: Buffer[] = [];
  stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  const state = { ended: false, closed: false };
  stream.on("end", () => {
    state.ended = true;
  });
  stream.on("close", () => {
    state.closed = true;
  });
  return { stream, state, bytes: () => Buffer.concat(chunks) };
}

describe("a connection without a socket", () => {
  test("echoes", async () => {
    const station = echoStation();
    const { stream, bytes } = connect(station);
    stream.write("hello");
    stream.write(" world");
    await vi.waitFor(() => expect(bytes().toString()).toBe("hello world"));
    expect(station.activityCount).toBeGreaterThan(0);
    stream.destroy();
    await vi.waitFor(() => expect(station.traffic.calls.at(-1)).toBe("disconnected"));
  });

  test("carries more than the input buffer holds", async () => {
    const { stream, bytes } = connect(echoStation());
    const sent = pattern(300_000).map((byte) => (byte === 0x21 ? 0x22 : byte));
    stream.write(sent);
    await vi.waitFor(() => expect(bytes()).toHaveLength(sent.length));
    expect(bytes().equals(sent)).toBe(true);
  });

  test("a reader that writes from its 'data' event never does so inside the engine", async () => {
    const station = echoStation();
    const { stream } = connectInProcessTo(station);
    let depth = 0;
    const { receive } = station.traffic;
    station.traffic.receive = (...args) => {
      expect(++depth).toBe(1);
      receive.apply(station.traffic, args);
      depth--;
    };
    let rounds = 0;
    stream.on("data", () => {
      if (++rounds < 5) stream.write("again");
    });
    stream.write("go");
    await vi.waitFor(() => expect(rounds).toBe(5));
    expect(station.failures).toEqual([]);
  });

  test("who writes or leaves from inside the engine waits until that has returned", async () => {
    const station = echoStation();
    const { stream } = connectInProcessTo(station);
    const { calls } = station.traffic;
    station.isInside = () => true;
    stream.write("one");
    stream.write("two");
    station.isInside = () => false;
    stream.write("three");
    expect(calls).toEqual(["accept"]);
    await vi.waitFor(() => expect(calls.slice(1)).toEqual(["receive 3", "receive 3", "receive 5"]));
    station.isInside = () => true;
    stream.destroy();
    expect(calls.at(-1)).toBe("receive 5");
    station.isInside = () => false;
    await vi.waitFor(() => expect(calls.at(-1)).toBe("disconnected"));
  });

  test("ends with its writer, after the last reply", async () => {
    const station = echoStation();
    const { stream, state, bytes } = connect(station);
    stream.end("last words");
    await vi.waitFor(() => expect(state).toEqual({ ended: true, closed: true }));
    expect(bytes().toString()).toBe("last words");
    expect(station.traffic.calls).toEqual(["accept", "receive 10", "disconnected"]);
  });

  test("ends when the engine ends it, after what was sent", async () => {
    const station = echoStation();
    const { stream, state, bytes } = connect(station);
    stream.write("!end");
    await vi.waitFor(() => expect(state.ended).toBe(true));
    expect(bytes().toString()).toBe("bye");
    expect(station.traffic.clients[0].disconnectedCount).toBe(1);
    stream.end();
    await vi.waitFor(() => expect(state.closed).toBe(true));
    expect(station.traffic.clients[0].disconnectedCount).toBe(1);
  });

  test("is told when it is refused", async () => {
    const station = echoStation();
    station.traffic.refusal = "-ERR no\r\n";
    const { state, bytes } = connect(station);
    await vi.waitFor(() => expect(state.ended).toBe(true));
    expect(bytes().toString()).toBe("-ERR no\r\n");
  });

  test("paused, the writer waits", async () => {
    const station = echoStation();
    const { stream, bytes } = connect(station);
    stream.write("!pause");
    stream.write("later");
    await new Promise((resolve) => setImmediate(resolve));
    expect(station.traffic.calls).toEqual(["accept", "receive 6"]);
    station.traffic.clients[0].connection.resume();
    await vi.waitFor(() => expect(bytes().toString()).toBe("later"));
  });

  test("tells when all that was sent has been taken", async () => {
    const station = echoStation();
    const { stream } = connectInProcessTo(station);
    await vi.waitFor(() => expect(station.traffic.clients).toHaveLength(1));
    const { connection } = station.traffic.clients[0]!;
    let drainedCount = 0;
    connection.whenDrained(() => drainedCount++);
    await vi.waitFor(() => expect(drainedCount).toBe(1));
    const large = pattern(2 ** 20);
    connection.send(large, 0, large.length);
    connection.send(large, 0, large.length);
    connection.whenDrained(() => drainedCount++);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(drainedCount).toBe(1);
    stream.resume();
    await vi.waitFor(() => expect(drainedCount).toBe(2));
  });

  test("what nobody reads counts as pending", async () => {
    const station = echoStation();
    const { stream } = connectInProcessTo(station);
    stream.write("!flood 200000");
    expect(station.traffic.clients[0].connection.pendingBytes).toBe(200_000);
    await new Promise((resolve) => setImmediate(resolve));
    expect(station.traffic.clients[0].connection.pendingBytes).toBe(200_000);
    stream.resume();
    await vi.waitFor(() => expect(station.traffic.clients[0].connection.pendingBytes).toBe(0));
    stream.destroy();
  });
});
