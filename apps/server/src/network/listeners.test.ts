import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import * as net from "node:net";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test, vi } from "vitest";
import { Listeners } from "./listeners.ts";

const hasIpv6 = Object.values(networkInterfaces()).some((all) =>
  all?.some(({ address }) => address === "::1"),
);

const open: Listeners[] = [];
const folders: string[] = [];

afterEach(() => {
  for (const listeners of open.splice(0)) {
    listeners.closeTcp();
    listeners.closeUnix();
  }
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

function listenersOf() {
  const warnings: string[] = [];
  const paths: (string | undefined)[] = [];
  const listeners = new Listeners({
    backlog: 16,
    accepted(socket, path) {
      paths.push(path);
      socket.end("hello");
      socket.resume();
    },
    warn: (message) => warnings.push(message),
  });
  open.push(listeners);
  return { listeners, warnings, paths };
}

/** What somebody who connects is told, or the code of the error. */
function call(target: net.NetConnectOpts): Promise<string> {
  return new Promise((resolve) => {
    const socket = net.connect(target);
    let text = "";
    socket.on("data", (data) => {
      text += data.toString();
    });
    socket.on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? ""));
    socket.on("close", () => resolve(text));
  });
}

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "kv-listen-"));
  folders.push(folder);
  return folder;
}

/** A port that somebody else listens on. */
async function takenPort(host = "127.0.0.1") {
  const server = net.createServer().listen(0, host);
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as net.AddressInfo;
  return { port, release: () => new Promise((resolve) => server.close(resolve)) };
}

describe("TCP", () => {
  test("listens on the addresses given, all with one port", async () => {
    const { listeners } = listenersOf();
    expect(await listeners.openTcp(["127.0.0.1", "-::1"], 0)).toBe(true);
    const port = listeners.tcpPort;
    expect(await call({ host: "127.0.0.1", port })).toBe("hello");
    expect(await call({ host: "::1", port })).toBe(hasIpv6 ? "hello" : "EADDRNOTAVAIL");
  });

  test("* is IPv4 alone, ::* is IPv6 alone", async () => {
    const four = listenersOf().listeners;
    expect(await four.openTcp(["*"], 0)).toBe(true);
    expect(await call({ host: "127.0.0.1", port: four.tcpPort })).toBe("hello");
    if (!hasIpv6) return console.log("no IPv6 on this machine: half of this test was left out");
    expect(await call({ host: "::1", port: four.tcpPort })).toBe("ECONNREFUSED");
    const six = listenersOf().listeners;
    expect(await six.openTcp(["::*"], 0)).toBe(true);
    expect(await call({ host: "::1", port: six.tcpPort })).toBe("hello");
    expect(await call({ host: "127.0.0.1", port: six.tcpPort })).toBe("ECONNREFUSED");
  });

  test("the default of the configuration", async () => {
    const { listeners } = listenersOf();
    expect(await listeners.openTcp(["*", "-::*"], 0)).toBe(true);
    expect(await call({ host: "127.0.0.1", port: listeners.tcpPort })).toBe("hello");
  });

  test("names are looked up", async () => {
    const { listeners } = listenersOf();
    expect(await listeners.openTcp(["localhost"], 0)).toBe(true);
    expect(await call({ host: "localhost", port: listeners.tcpPort })).toBe("hello");
  });

  test("a busy port is said and nothing stays open", async () => {
    const { port, release } = await takenPort();
    const { listeners, warnings } = listenersOf();
    expect(await listeners.openTcp(["127.0.0.1"], port)).toBe(false);
    expect(warnings).toEqual([
      `Warning: Could not create server TCP listening socket 127.0.0.1:${port}: bind: Address already in use`,
    ]);
    expect(listeners.hasTcp).toBe(false);
    await release();
    expect(await listeners.openTcp(["127.0.0.1"], port)).toBe(true);
  });

  test("a busy port is an error for an optional address, too", async () => {
    const { port, release } = await takenPort();
    const { listeners } = listenersOf();
    expect(await listeners.openTcp(["-127.0.0.1"], port)).toBe(false);
    await release();
  });

  test("an address that is not there is an error, unless it is optional", async () => {
    const missing = "203.0.113.7"; // Reserved for documentation: nobody has it.
    const { listeners, warnings } = listenersOf();
    expect(await listeners.openTcp(["127.0.0.1", `-${missing}`], 0)).toBe(true);
    expect(warnings.at(-1)).toContain(`${missing}:`);
    expect(warnings.at(-1)).toContain("bind: Cannot assign requested address");
    const strict = listenersOf().listeners;
    expect(await strict.openTcp(["127.0.0.1", missing], 0)).toBe(false);
    expect(strict.hasTcp).toBe(false);
  });

  test("another port, at once, while clients stay", async () => {
    const { listeners } = listenersOf();
    await listeners.openTcp(["127.0.0.1"], 0);
    const before = listeners.tcpPort;
    const { port: free, release } = await takenPort();
    await release();
    expect(listeners.reopenTcp(["127.0.0.1"], free)).toBe(true);
    expect(listeners.tcpPort).toBe(free);
    expect(await call({ host: "127.0.0.1", port: free })).toBe("hello");
    expect(await call({ host: "127.0.0.1", port: before })).toBe("ECONNREFUSED");
    // Back to a port that was closed a moment ago.
    expect(listeners.reopenTcp(["127.0.0.1"], before)).toBe(true);
    expect(await call({ host: "127.0.0.1", port: before })).toBe("hello");
  });

  test("names are looked up at once, too, and stand for addresses of IPv4", async () => {
    const { listeners, warnings } = listenersOf();
    await listeners.openTcp(["127.0.0.1"], 0);
    const port = listeners.tcpPort;
    expect(listeners.reopenTcp(["localhost"], port)).toBe(true);
    expect(await call({ host: "127.0.0.1", port })).toBe("hello");
    expect(await call({ host: "::1", port })).not.toBe("hello");
    expect(listeners.reopenTcp(["127.0.0.1", "-no-such-host.invalid"], port)).toBe(false);
    expect(listeners.hasTcp).toBe(false);
    expect(warnings.at(-1)).toMatch(
      /socket no-such-host\.invalid:\d+: (Name or service not known|Temporary failure in name resolution)$/,
    );
    expect(listeners.reopenTcp(["localhost"], port)).toBe(true);
  });

  test("what CONFIG SET opens while the first sockets are being opened stays", async () => {
    const { listeners } = listenersOf();
    const { port: free, release } = await takenPort();
    await release();
    // The second address takes a look-up, and the first one may already have brought a client.
    const opened = listeners.openTcp(["127.0.0.1", "localhost"], 0);
    // No event comes in between, so neither does the answer to the look-up.
    for (let tick = 0; tick < 100 && !listeners.hasTcp; tick++) {
      await new Promise<void>((resolve) => process.nextTick(resolve));
    }
    const before = listeners.tcpPort;
    expect(listeners.reopenTcp(["127.0.0.1"], free)).toBe(true);
    expect(await opened).toBe(true);
    expect(listeners.tcpPort).toBe(free);
    expect(await call({ host: "127.0.0.1", port: before })).toBe("ECONNREFUSED");
    listeners.closeTcp();
    expect(await call({ host: "127.0.0.1", port: free })).toBe("ECONNREFUSED");
  });

  test("another port that is taken is refused at once", async () => {
    const { port, release } = await takenPort();
    const { listeners, warnings } = listenersOf();
    await listeners.openTcp(["127.0.0.1"], 0);
    const before = listeners.tcpPort;
    expect(listeners.reopenTcp(["127.0.0.1"], port)).toBe(false);
    expect(listeners.hasTcp).toBe(false);
    expect(listeners.reopenTcp(["127.0.0.1"], before)).toBe(true);
    await vi.waitFor(() => expect(warnings.join()).toContain("Address already in use"));
    await release();
  });
});

describe("Unix", () => {
  test("listens, with permissions from the first moment", async () => {
    const path = join(temporaryFolder(), "kv.sock");
    const { listeners, paths } = listenersOf();
    const maskBefore = process.umask();
    await listeners.openUnix(path, 0o600);
    expect(process.umask()).toBe(maskBefore);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(await call({ path })).toBe("hello");
    expect(paths).toEqual([path]);
    expect(listeners.closeUnix()).toBe(true);
    await vi.waitFor(() => expect(existsSync(path)).toBe(false));
  });

  test("takes the place of a socket that was left behind", async () => {
    const path = join(temporaryFolder(), "kv.sock");
    writeFileSync(path, "");
    const { listeners } = listenersOf();
    await listeners.openUnix(path, 0);
    expect(await call({ path })).toBe("hello");
  });

  test("a folder that is not there is an error", async () => {
    const { listeners } = listenersOf();
    await expect(listeners.openUnix("/nowhere/kv.sock", 0o700)).rejects.toThrow(/ENOENT|EACCES/);
    expect(listeners.hasUnix).toBe(false);
  });
});
