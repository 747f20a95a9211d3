import * as net from "node:net";
import * as tls from "node:tls";
import { type ConfigOptions, ConfigStore } from "@kv/config";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { clientOptions, pem, tlsOptions } from "../testing/certificates.ts";
import { TlsDoor } from "./tls-door.ts";

/** Sockets that have come in, and what was logged. */
let inside: tls.TLSSocket[] = [];
let lines: string[] = [];
let door: TlsDoor;
let config: ConfigStore;
let hasRoom = true;
const outside: net.Socket[] = [];

async function openDoor(options: ConfigOptions = {}, handshakeMs?: number): Promise<void> {
  config = new ConfigStore(undefined, { options: { ...tlsOptions(), ...options } });
  door = new TlsDoor({
    config,
    hasRoom: () => hasRoom,
    opened(socket) {
      inside.push(socket);
      socket.on("error", () => {});
      socket.on("data", (bytes) => socket.write(bytes));
    },
    warn: (line) => lines.push(line),
    handshakeMs,
  });
  expect(door.configure()).toBe(undefined);
  await door.listeners.openTcp(["127.0.0.1"], 0);
}

beforeEach(() => {
  inside = [];
  lines = [];
  hasRoom = true;
});

afterEach(async () => {
  for (const socket of outside.splice(0)) socket.destroy();
  door.close();
  await vi.waitFor(() => expect(door.handshakeCount).toBe(0));
});

/** A socket without TLS, and what comes back on it. */
async function plain() {
  const socket = net.connect(door.listeners.tcpPort, "127.0.0.1");
  outside.push(socket);
  let byteCount = 0;
  socket.on("error", () => {});
  socket.on("data", (bytes) => {
    byteCount += bytes.length;
  });
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  await new Promise((resolve) => socket.once("connect", resolve));
  return { socket, closed, byteCount: () => byteCount };
}

interface Visit {
  /** What the server echoed; undefined when it closed before. */
  echo: string | undefined;
  socket: tls.TLSSocket;
  /** The last one that the server gave. */
  session: Buffer | undefined;
}

/** Goes in, says something and waits for the echo, or for the end. */
function visit(options: tls.ConnectionOptions = clientOptions()): Promise<Visit> {
  const socket = tls.connect({ ...options, port: door.listeners.tcpPort });
  outside.push(socket);
  let session: Buffer | undefined;
  socket.on("session", (given) => {
    session = given;
  });
  socket.on("error", () => {});
  socket.write("hello");
  return new Promise((resolve) => {
    socket.once("data", (bytes) => resolve({ echo: bytes.toString(), socket, session }));
    socket.once("close", () => resolve({ echo: undefined, socket, session }));
  });
}

const accepting = "Error accepting a client connection: ";

/** The only line of the log, without the addresses that it must have. */
async function onlyLine(): Promise<string> {
  await vi.waitFor(() => expect(lines).toHaveLength(1), 5000);
  const found = /^(.*) \(addr=127\.0\.0\.1:\d+ laddr=127\.0\.0\.1:\d+\)$/.exec(lines[0]);
  expect(lines[0]).toBe(found?.[0]);
  return found?.[1] ?? "";
}

describe("who is let in", () => {
  test("a client whose certificate an authority has signed", async () => {
    await openDoor();
    expect((await visit()).echo).toBe("hello");
    expect(inside).toHaveLength(1);
    expect(door.handshakeCount).toBe(0);
    expect(lines).toEqual([]);
  });

  const refused = "error:0A000086:SSL routines::certificate verify failed";
  const shown = [
    { who: "nobody", yes: "error:0A0000C7:SSL routines::peer did not return a certificate" },
    { who: "client" },
    { who: "stranger", yes: refused, optional: refused },
    { who: "expired", yes: refused, optional: refused },
  ] as const;
  const cases = shown.flatMap(({ who, ...lineOf }) =>
    (["yes", "optional", "no"] as const).map((checks) => ({
      who,
      checks,
      line: (lineOf as Record<string, string | undefined>)[checks],
    })),
  );
  test.each(cases)("tls-auth-clients $checks: $who", async ({ who, checks, line }) => {
    await openDoor({ "tls-auth-clients": checks });
    const { echo } = await visit(clientOptions(who === "nobody" ? null : who));
    expect(echo).toBe(line === undefined ? "hello" : undefined);
    expect(inside).toHaveLength(line === undefined ? 1 : 0);
    if (line !== undefined) expect(await onlyLine()).toBe(accepting + line);
  });

  test("a stranger does not come in by the session that it got on the way out", async () => {
    await openDoor({ "tls-auth-clients": "optional" });
    for (const maxVersion of ["TLSv1.2", "TLSv1.3"] as const) {
      const { session } = await visit({ ...clientOptions("stranger"), maxVersion });
      expect((await visit({ ...clientOptions("stranger"), maxVersion, session })).echo).toBe(
        undefined,
      );
    }
    expect(inside).toEqual([]);
  });

  test("whoever comes when there is no room is closed, before it costs a handshake", async () => {
    await openDoor();
    hasRoom = false;
    const { closed, byteCount } = await plain();
    await closed;
    expect(byteCount()).toBe(0);
    expect(door.handshakeCount).toBe(0);
    hasRoom = true;
    expect((await visit()).echo).toBe("hello");
  });
});

describe("what comes instead of a handshake", () => {
  test("nothing: that ends after some time, also when a byte comes now and then", async () => {
    await openDoor({}, 300);
    const silent = await plain();
    await silent.closed;
    expect(await onlyLine()).toBe(`${accepting}TLS handshake timeout`);
    lines = [];
    const slow = await plain();
    const record = Buffer.from([0x16, 3, 1, 2, 0, ...Array.from({ length: 100 }, () => 1)]);
    let sentCount = 0;
    const dripping = setInterval(
      () => slow.socket.write(record.subarray(sentCount, ++sentCount)),
      20,
    );
    await slow.closed;
    clearInterval(dripping);
    expect(sentCount).toBeLessThan(record.length);
    expect(await onlyLine()).toBe(`${accepting}TLS handshake timeout`);
  });

  test("nothing, for longer than that after the handshake: that is the engine's affair", async () => {
    await openDoor({}, 200);
    const { socket } = await visit();
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(socket.destroyed).toBe(false);
  });

  test("a command in plain text", async () => {
    await openDoor();
    const { socket, closed } = await plain();
    socket.write("*1\r\n$4\r\nPING\r\n");
    await closed;
    expect(await onlyLine()).toBe(`${accepting}error:0A00010B:SSL routines::wrong version number`);
  });

  test("a version that is not spoken here", async () => {
    await openDoor({ "tls-protocols": "TLSv1.3" });
    const { echo } = await visit({ ...clientOptions(), maxVersion: "TLSv1.2" });
    expect(echo).toBe(undefined);
    expect(await onlyLine()).toBe(`${accepting}error:0A000102:SSL routines::unsupported protocol`);
    expect((await visit()).echo).toBe("hello");
  });

  test("the end", async () => {
    await openDoor();
    const { socket, closed } = await plain();
    socket.end();
    await closed;
    expect(await onlyLine()).toBe(
      `${accepting}error:0A000126:SSL routines::unexpected eof while reading`,
    );
  });

  test("any bytes: all are survived, and nobody comes in", async () => {
    await openDoor();
    const hello = await helloOf();
    let seed = 12345;
    const random = (below: number) => {
      seed = (seed * 1103515245 + 12345) % 2 ** 31;
      return seed % below;
    };
    for (let count = 0; count < 200; count++) {
      const bytes = Buffer.from(hello);
      for (let change = 0; change <= count % 8; change++) bytes[random(bytes.length)] = random(256);
      const { socket } = await plain();
      socket.end(bytes.subarray(0, 1 + random(bytes.length)));
    }
    await vi.waitFor(() => expect(door.handshakeCount).toBe(0), 5000);
    expect(inside).toEqual([]);
    expect((await visit()).echo).toBe("hello");
  });

  /** The first bytes of a client's. */
  async function helloOf(): Promise<Buffer> {
    const server = net.createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    const { port } = server.address() as net.AddressInfo;
    const client = tls.connect({ ...clientOptions(), port });
    client.on("error", () => {});
    const accepted = await new Promise<net.Socket>((resolve) => server.once("connection", resolve));
    const bytes = await new Promise<Buffer>((resolve) => accepted.once("data", resolve));
    client.destroy();
    accepted.destroy();
    server.close();
    return bytes;
  }
});

describe("another configuration", () => {
  const shownBy = (socket: tls.TLSSocket) => socket.getPeerX509Certificate()?.subject;

  test("is for those who come; who is inside stays", async () => {
    await openDoor();
    const before = await visit();
    expect(shownBy(before.socket)).toContain("CN=server");
    config.configSet([
      ["tls-cert-file", pem("other-server")],
      ["tls-key-file", pem("other-server-key")],
    ]);
    expect(door.configure()).toBe(undefined);
    const after = await visit();
    expect(shownBy(after.socket)).toContain("CN=other-server");
    before.socket.write("still here");
    const echo = await new Promise((resolve) => before.socket.once("data", resolve));
    expect(String(echo)).toBe("still here");
  });

  test("that cannot be had leaves the one before it in force", async () => {
    await openDoor();
    config.configSet([["tls-cert-file", "/nope"]]);
    expect(door.configure()?.message).toMatch(
      /^Failed to load certificate: \/nope: error:80000002/,
    );
    expect(lines).toEqual([door.configure()?.message, lines[1]]);
    expect((await visit()).echo).toBe("hello");
  });

  test("checks of clients need no file", async () => {
    await openDoor();
    config.configSet([
      ["tls-cert-file", "/nope"],
      ["tls-auth-clients", "no"],
    ]);
    door.followClientChecks();
    expect((await visit(clientOptions("stranger"))).echo).toBe("hello");
  });

  describe.each(["TLSv1.2", "TLSv1.3"] as const)("sessions of %s", (version) => {
    const visitBy = (session?: Buffer) =>
      visit({ ...clientOptions(), minVersion: version, maxVersion: version, session });

    test("are taken up again", async () => {
      await openDoor();
      const { session } = await visitBy();
      const { socket, echo } = await visitBy(session);
      expect([socket.isSessionReused(), echo]).toEqual([true, "hello"]);
      expect(inside[1].authorized).toBe(true);
    });

    test("are not where they are not to be", async () => {
      await openDoor({ "tls-session-caching": false });
      const { session } = await visitBy();
      const { socket, echo } = await visitBy(session);
      expect([socket.isSessionReused(), echo]).toEqual([false, "hello"]);
    });

    test("are not those of another configuration", async () => {
      await openDoor({ "tls-auth-clients": "optional" });
      const { session } = await visitBy();
      config.configSet([["tls-ca-cert-file", pem("other-ca")]]);
      expect(door.configure()).toBe(undefined);
      expect((await visitBy(session)).echo).toBe(undefined);
    });
  });
});

test("a second handshake within a connection is refused", async () => {
  await openDoor();
  const { socket } = await visit({ ...clientOptions(), maxVersion: "TLSv1.2" });
  const left = new Promise((resolve) => socket.once("error", resolve));
  socket.renegotiate({}, () => {});
  expect(String(await left)).toContain("no renegotiation");
});

test("close() cuts off who is at the door and who is inside", async () => {
  await openDoor();
  const { closed } = await plain();
  const { socket } = await visit();
  const left = new Promise((resolve) => socket.once("close", resolve));
  await vi.waitFor(() => expect(door.handshakeCount).toBe(1));
  door.close();
  await Promise.all([closed, left]);
});

test("two hundred who say nothing are in nobody's way", async () => {
  await openDoor();
  await Promise.all(Array.from({ length: 200 }, plain));
  await vi.waitFor(() => expect(door.handshakeCount).toBe(200));
  expect((await visit()).echo).toBe("hello");
  expect(door.handshakeCount).toBe(200);
});
