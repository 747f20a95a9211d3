/**
 * No input ends the server: a real process, and clients that make it keep as much as they can, or
 * send what nobody sends in earnest. What is kept is counted within a tenth of what it really takes,
 * others are served meanwhile, and memory goes back when its client has gone.
 *
 * KV_HOSTILE_SECONDS makes the odd requests go on longer, and longer ones come; KV_ODD_SEED repeats.
 */
import { createConnection, type Socket } from "node:net";
import {
  Chance,
  chunksOf,
  describeRequest,
  drawnSeed,
  harness,
  notTried,
  type OddRequest,
  OddRequestMaker,
  type ServerProcess,
  type WireClient,
} from "@kv/testing";
import { afterEach, describe, expect, test } from "vitest";
import { startOurs } from "./both-servers.ts";
import { pause } from "./client-script.ts";
import { ownBytes } from "./process-memory.ts";

const MIB = 2 ** 20;
const seed = drawnSeed("KV_ODD_SEED");
const seconds = Number(process.env.KV_HOSTILE_SECONDS ?? 20);
/** Requests to be tried at full length take gigabytes: only where somebody waits for them. */
const isLong = seconds > 60;

let server: ServerProcess | undefined;
const sockets: Socket[] = [];

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await server?.stop();
  server = undefined;
});

/** A client that sends bytes as fast as they go, and reads only where it is told to. */
async function rawClient(reads: boolean): Promise<Socket> {
  const socket = createConnection({ port: server?.port ?? 0, host: "127.0.0.1" });
  socket.on("error", () => {});
  await new Promise((resolve) => socket.once("connect", resolve));
  if (reads) socket.resume();
  else socket.pause();
  sockets.push(socket);
  return socket;
}

/** Sends the bytes, waiting where the kernel makes us; stops when the server has closed. */
async function sendAll(socket: Socket, chunks: Iterable<Uint8Array>): Promise<void> {
  for (const chunk of chunks) {
    if (socket.destroyed) return;
    if (socket.write(chunk)) continue;
    await new Promise<void>((resolve) => {
      const done = () => {
        socket.off("drain", done).off("close", done);
        resolve();
      };
      socket.once("drain", done).once("close", done);
    });
  }
}

function* repeated(text: string, count: number): Generator<Uint8Array> {
  const perChunk = Math.max(1, Math.floor(65_536 / text.length));
  const chunk = Buffer.from(text.repeat(perChunk), "latin1");
  let left = count;
  for (; left >= perChunk; left -= perChunk) yield chunk;
  if (left > 0) yield Buffer.from(text.repeat(left), "latin1");
}

/** Requests of one word that is counted up: names that all differ. */
function* counted(command: string, count: number, width: number): Generator<Uint8Array> {
  const perRequest = 1000;
  for (let from = 0; from < count; from += perRequest) {
    let text = `*${perRequest + 1}\r\n$${command.length}\r\n${command}\r\n`;
    for (let i = from; i < from + perRequest; i++)
      text += `$${width}\r\n${`${i}`.padStart(width, "n")}\r\n`;
    yield Buffer.from(text, "latin1");
  }
}

/** One long word, in pieces. */
function* long(head: string, length: number, tail: string): Generator<Uint8Array> {
  yield Buffer.from(head, "latin1");
  const piece = Buffer.alloc(65_536, "x");
  for (let left = length; left > 0; left -= piece.length)
    yield left < piece.length ? piece.subarray(0, left) : piece;
  yield Buffer.from(tail, "latin1");
}

const heldBytes = () => ownBytes(server?.pid);

async function usedBytes(client: WireClient): Promise<number> {
  const info = await client.request("INFO", "memory");
  return Number(/used_memory:(\d+)/.exec(info)?.[1]);
}

/** Waits until the server has taken in what was sent: its counter of input stands still. */
async function settled(client: WireClient): Promise<void> {
  let before = "";
  for (let tries = 0; tries < 200; tries++) {
    const info = await client.request("INFO", "stats");
    const now = /total_net_input_bytes:\d+/.exec(info)?.[0] ?? "";
    const [count, other] = [now, before].map((text) => Number(text.split(":")[1] ?? 0));
    if (count - other < 1000) return;
    before = now;
    await pause(100);
  }
}

/** What the runtime's own heap and its allocator keep for themselves, at most. */
const SPARE_BYTES = 24 * MIB;
/**
 * Buffers below 32 MiB may come from the heap of the C library, which keeps as much as twice the
 * largest of them for the next ones.
 */
const SPARE_BYTES_OF_BUFFERS = 64 * MIB;

/** What a client makes the server keep: it sends, and stays. */
type Keeper = () => Promise<void>;

const keepers: Record<string, Keeper> = {
  async "commands queued in MULTI"() {
    const socket = await rawClient(true);
    await sendAll(socket, repeated("*1\r\n$5\r\nMULTI\r\n", 1));
    await sendAll(socket, repeated("*1\r\n$4\r\nPING\r\n", 3_000_000));
  },
  async "a large command queued in MULTI"() {
    const socket = await rawClient(true);
    await sendAll(socket, repeated("*1\r\n$5\r\nMULTI\r\n", 1));
    const length = 120 * MIB;
    await sendAll(socket, long(`*2\r\n$4\r\nECHO\r\n$${length}\r\n`, length, "\r\n"));
  },
  async "millions of short replies that nobody reads"() {
    const socket = await rawClient(false);
    await sendAll(socket, repeated("*1\r\n$4\r\nPING\r\n", 16_000_000));
  },
  async "replies of 10 MiB that nobody reads"() {
    const socket = await rawClient(false);
    const length = 10 * MIB;
    for (let i = 0; i < 12; i++)
      await sendAll(socket, long(`*2\r\n$4\r\nECHO\r\n$${length}\r\n`, length, "\r\n"));
  },
  async "half a request"() {
    const socket = await rawClient(true);
    await sendAll(socket, long(`*2\r\n$4\r\nECHO\r\n$${200 * MIB}\r\n`, 130 * MIB, ""));
  },
  async "a million watched keys"() {
    const socket = await rawClient(true);
    await sendAll(socket, counted("WATCH", 1_000_000, 16));
  },
  async "a few watched keys of 30 MiB"() {
    const socket = await rawClient(true);
    const length = 30 * MIB;
    for (let i = 0; i < 4; i++)
      await sendAll(socket, long(`*2\r\n$5\r\nWATCH\r\n$${length + 1}\r\n${i}`, length, "\r\n"));
  },
  async "a million channels"() {
    const socket = await rawClient(true);
    await sendAll(socket, counted("SUBSCRIBE", 1_000_000, 16));
  },
  async "a dozen channels of 10 MiB"() {
    const socket = await rawClient(true);
    const length = 10 * MIB;
    for (let i = 0; i < 12; i++)
      await sendAll(
        socket,
        long(`*2\r\n$9\r\nSUBSCRIBE\r\n$${length + 2}\r\n${10 + i}`, length, "\r\n"),
      );
  },
  async "a million keys in client-side caches"() {
    const socket = await rawClient(true);
    await sendAll(socket, repeated("HELLO 3\r\nCLIENT TRACKING ON\r\n", 1));
    await sendAll(socket, counted("MGET", 1_000_000, 16));
  },
  async "five thousand connections"() {
    for (let i = 0; i < 5000; i++) await rawClient(true);
  },
};

describe("what clients make the server keep", () => {
  test.each(Object.keys(keepers))(
    "%s: is counted, and goes back",
    async (what) => {
      // Who reads a subscription's confirmation of 10 MiB late is not what this is about.
      const config = { maxclients: 6000, "client-output-buffer-limit": "pubsub 0 0 0" };
      server = await startOurs({ config });
      const watcher = await server.connect();
      // A first round of everything, so that the runtime has what it needs for it.
      await usedBytes(watcher);
      const usedBefore = await usedBytes(watcher);
      const residentBefore = heldBytes();
      await keepers[what]?.();
      await settled(watcher);
      const used = (await usedBytes(watcher)) - usedBefore;
      const resident = heldBytes() - residentBefore;
      console.log(
        `${what}: ${(used / MIB).toFixed(1)} MiB counted, ${(resident / MIB).toFixed(1)} MiB resident`,
      );
      expect(used).toBeGreaterThan(30 * MIB);
      const spare = what.includes("MiB") ? SPARE_BYTES_OF_BUFFERS : SPARE_BYTES;
      expect(Math.abs(resident - used)).toBeLessThan(resident * 0.1 + spare);
      expect(await watcher.request("PING")).toBe("+PONG\r\n");
      for (const socket of sockets.splice(0)) socket.destroy();
      await expect
        .poll(() => usedBytes(watcher), { timeout: 30_000, interval: 200 })
        .toBeLessThan(usedBefore + 4 * MIB);
    },
    120_000,
  );

  test("maxmemory is about all of it", async () => {
    server = await startOurs({ config: { maxmemory: "60mb" } });
    const watcher = await server.connect();
    await keepers["commands queued in MULTI"]?.();
    await settled(watcher);
    expect(await usedBytes(watcher)).toBeLessThan(66 * MIB);
    expect(await watcher.request("GET", "k")).toBe("$-1\r\n");
    expect(heldBytes()).toBeLessThan(250 * MIB);
  }, 120_000);
});

describe("one reply", () => {
  test.each([
    { what: "of one command", request: `*3001\r\n$4\r\nMGET\r\n${"$1\r\nk\r\n".repeat(3000)}` },
    {
      what: "of EXEC",
      request: `*1\r\n$5\r\nMULTI\r\n${"*2\r\n$3\r\nGET\r\n$1\r\nk\r\n".repeat(3000)}*1\r\n$4\r\nEXEC\r\n`,
    },
  ])(
    "$what is never larger in memory than it may be",
    async ({ request }) => {
      server = await startOurs({ config: { "client-output-buffer-limit": "normal 16mb 0 0" } });
      const watcher = await server.connect();
      await watcher.request("SETRANGE", "k", MIB - 1, "x");
      const before = heldBytes();
      const socket = await rawClient(false);
      let isClosed = false;
      socket.on("close", () => {
        isClosed = true;
      });
      let peak = 0;
      await sendAll(socket, [Buffer.from(request)]);
      for (let i = 0; i < 40; i++) {
        peak = Math.max(peak, heldBytes());
        await watcher.request("PING");
        await pause(10);
      }
      expect(peak - before).toBeLessThan(64 * MIB);
      socket.resume();
      await expect.poll(() => isClosed).toBe(true);
      const stats = await watcher.request("INFO", "stats");
      expect(stats).toContain("client_output_buffer_limit_disconnections:1\r\n");
    },
    60_000,
  );

  test("that nobody limits is not copied as it grows, and goes back with its client", async () => {
    server = await startOurs();
    const watcher = await server.connect();
    await watcher.request("SETRANGE", "k", 4 * MIB - 1, "x");
    const socket = await rawClient(false);
    const words = "$1\r\nk\r\n".repeat(100);
    await sendAll(socket, [Buffer.from(`*101\r\n$4\r\nMGET\r\n${words}`)]);
    await settled(watcher);
    expect(await watcher.request("PING")).toBe("+PONG\r\n");
    const held = await usedBytes(watcher);
    expect(held).toBeGreaterThan(380 * MIB);
    expect(heldBytes()).toBeLessThan(held + 150 * MIB);
    socket.destroy();
    await expect.poll(() => usedBytes(watcher), { timeout: 10_000 }).toBeLessThan(held - 300 * MIB);
    await expect.poll(() => heldBytes(), { timeout: 10_000 }).toBeLessThan(250 * MIB);
  }, 60_000);
});

test(
  `odd requests of any length and number end nothing (seed ${seed})`,
  async () => {
    server = await startOurs({
      config: { "proto-max-bulk-len": "4gb", "client-query-buffer-limit": "3gb", maxmemory: "1gb" },
    });
    const tried = harness().engine.commands.all.filter(
      ({ run, fullName, container }) =>
        run !== undefined && !notTried.has(fullName) && !notTried.has(container?.fullName ?? ""),
    );
    const chance = new Chance(seed);
    const maker = new OddRequestMaker(
      chance,
      isLong
        ? { lengthMax: 2 ** 30, countMax: 2 ** 25 }
        : { lengthMax: 2 ** 24 + 1, countMax: 2 ** 20 },
    );
    const watcher = await server.connect();
    const end = performance.now() + seconds * 1000;
    let count = 0;
    let request: OddRequest = [];
    try {
      while (performance.now() < end) {
        const socket = await rawClient(chance.percent(80));
        for (let i = 0; i < 20 && !socket.destroyed && performance.now() < end; i++) {
          request = maker.make(chance.of(tried));
          await sendAll(socket, chunksOf(request));
          count++;
        }
        expect(await watcher.request("PING"), "others are served").toBe("+PONG\r\n");
        socket.destroy();
        sockets.length = 0;
      }
    } catch (error) {
      const what = `seed ${seed}, request ${count}: ${describeRequest(request).slice(0, 1000)}`;
      throw new Error(`${what}\n${server.log.slice(-2000)}`, { cause: error });
    }
    console.log(`${count} odd requests`);
    expect(count).toBeGreaterThan(20);
    await watcher.request("FLUSHALL");
    await expect
      .poll(() => usedBytes(watcher), { timeout: 30_000, interval: 200 })
      .toBeLessThan(32 * MIB);
  },
  seconds * 1000 + 120_000,
);
