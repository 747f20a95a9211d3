/** Connections that the engine asks for. */
import * as net from "node:net";
import { ConfigStore } from "@kv/config";
import { type Connection, type DialTarget, directiveRows } from "@kv/engine";
import { afterEach, expect, test, vi } from "vitest";
import { Dialer } from "./dialer.ts";
import { DirectWrites } from "./direct-writes.ts";
import { OutputViews } from "./output-views.ts";
import { InputBuffer } from "./traffic.ts";

const servers: net.Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** A server on this machine that does `serve` with each socket. */
async function listening(serve: (socket: net.Socket) => void): Promise<DialTarget> {
  const server = net.createServer(serve);
  servers.push(server);
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as net.AddressInfo;
  return { host: "localhost", port, isTls: false, sourceAddress: "" };
}

/** What is told of a connection, one after the other. */
function watched(dialer: Dialer, target: DialTarget, isPatient = false) {
  const told: string[] = [];
  let tell = () => {};
  let connection: Connection | undefined;
  const said = (what: string) => {
    told.push(what);
    tell();
  };
  const dialing = dialer.dial(target, {
    opened(opened) {
      connection = opened;
      said("opened");
    },
    received: (chunk, _view, start, end) => said(Buffer.from(chunk.slice(start, end)).toString()),
    closed: (reason) => said(`closed: ${reason}`),
    isPatient: () => isPatient,
  });
  /** Waits until so many things were told. */
  const until = async (count: number) => {
    while (told.length < count)
      await new Promise<void>((resolve) => {
        tell = resolve;
      });
    return told;
  };
  return { dialing, until, told, connection: () => connection as Connection };
}

function dialerOf(): Dialer {
  const station = {
    input: new InputBuffer(),
    views: new OutputViews(),
    isInside: () => false,
    writes: new DirectWrites(),
    activity() {},
    failed(error: unknown) {
      throw error;
    },
  };
  return new Dialer({ config: new ConfigStore(directiveRows), station });
}

const quiet = () => new Promise((resolve) => setTimeout(resolve, 30));

test("a peer that is silent is asked now and then whether it is there", async () => {
  const asked = vi.spyOn(net.Socket.prototype, "setKeepAlive");
  const call = watched(dialerOf(), await listening(() => {}));
  expect(await call.until(1)).toEqual(["opened"]);
  expect(asked.mock.calls).toEqual([[true, 300_000, 100_000, 3]]);
  asked.mockRestore();
  call.dialing.abandon();
});

test("bytes go both ways, and the peer's end is told once", async () => {
  const target = await listening((socket) => {
    socket.on("data", (data) => socket.end(`${data}!`));
  });
  const call = watched(dialerOf(), target);
  expect(await call.until(1)).toEqual(["opened"]);
  expect(call.connection().address).toBe(`127.0.0.1:${target.port}`);
  const bytes = Buffer.from("-hello-");
  call.connection().send(bytes, 1, 6);
  expect(await call.until(3)).toEqual(["opened", "hello!", "closed: "]);
  await quiet();
  expect(call.told).toHaveLength(3);
});

test("who is patient gets the same bytes in their order, and hears of the end behind them", async () => {
  const pieces = Array.from({ length: 300 }, (_, index) => `piece ${index}\n`);
  const target = await listening(async (socket) => {
    for (const piece of pieces) {
      socket.write(piece);
      await new Promise(setImmediate);
    }
    socket.end();
  });
  const call = watched(dialerOf(), target, true);
  while (call.told.at(-1) !== "closed: ") await call.until(call.told.length + 1);
  expect(call.told.slice(1, -1).join("")).toBe(pieces.join(""));
});

test("what cannot be reached is told, and not from within", async () => {
  const target = await listening(() => {});
  for (const server of servers.splice(0)) await new Promise((done) => server.close(done));
  const call = watched(dialerOf(), target);
  expect(call.told).toEqual([]);
  expect(await call.until(1)).toEqual(["closed: Connection refused"]);
  const lost = watched(dialerOf(), { ...target, host: "no-such-host.invalid" });
  expect((await lost.until(1))[0]).toMatch(/^closed: (Name or|Temporary)/);
});

test("who wants to know hears the numbers behind a name, also where nobody answers", async () => {
  const target = await listening(() => {});
  for (const server of servers.splice(0)) await new Promise((done) => server.close(done));
  const told = (host: string) =>
    new Promise<string[]>((resolve) => {
      const heard: string[] = [];
      dialerOf().dial(
        { ...target, host },
        {
          resolved: (numbers) => heard.push(...numbers),
          opened: () => heard.push("opened"),
          received: () => {},
          closed: (reason) => resolve([...heard, reason]),
        },
      );
    });
  expect(await told("localhost")).toContain("127.0.0.1");
  expect((await told("localhost")).at(-1)).toBe("Connection refused");
  expect(await told("127.0.0.1")).toEqual(["Connection refused"]);
});

test("who is not wanted any more is not heard of", async () => {
  const gone: boolean[] = [];
  const target = await listening((socket) => {
    socket.on("error", () => {});
    socket.on("close", () => gone.push(true));
    socket.write("more");
  });
  const early = watched(dialerOf(), target);
  early.dialing.abandon();
  const late = watched(dialerOf(), target);
  await late.until(1);
  late.dialing.abandon();
  const ended = watched(dialerOf(), target);
  await ended.until(2);
  ended.connection().destroy();
  await quiet();
  expect(early.told).toEqual([]);
  expect(late.told.filter((what) => what !== "more")).toEqual(["opened"]);
  expect(ended.told).toEqual(["opened", "more"]);
  expect(gone.length).toBeGreaterThanOrEqual(2);
});

test("TLS that cannot be had is told as any other failure", async () => {
  const target = await listening(() => {});
  const call = watched(dialerOf(), { ...target, isTls: true });
  expect(await call.until(1)).toEqual(["closed: No tls-cert-file configured!"]);
});
