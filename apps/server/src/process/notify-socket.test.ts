import { chmodSync, existsSync, writeFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { join } from "node:path";
import { afterEach, describe, expect, test, vi } from "vitest";
import { receiveNotifications, whyNoReceiver } from "../testing/notify-receiver.ts";
import { freePort, runServer, temporaryFolder } from "../testing/server-process.ts";
import { sendToSocket, socketAddress } from "./notify-socket.ts";

afterEach(() => vi.restoreAllMocks());

describe("the address of a socket", () => {
  test("is its family, and its path up to a zero byte", () => {
    expect(socketAddress("/run/n")?.toString("latin1")).toBe("\x01\0/run/n\0");
  });

  test("of an abstract name begins with the zero byte and ends with the name", () => {
    expect(socketAddress("@name")?.toString("latin1")).toBe("\x01\0\0name");
  });

  test.each(["", "/", "@", "name", "vsock:2:1234", `/${"n".repeat(107)}`])(
    "%j has none",
    (name) => {
      expect(socketAddress(name)).toBeUndefined();
      expect(sendToSocket(name, "READY=1")).toBe(false);
    },
  );
});

test("a message to nobody does not leave", () => {
  using folder = temporaryFolder();
  expect(sendToSocket(join(folder.path, "nobody"), "READY=1")).toBe(false);
});

test("without node:ffi no message leaves", () => {
  vi.spyOn(process, "getBuiltinModule").mockReturnValue(undefined as never);
  expect(sendToSocket("/run/systemd/notify", "READY=1")).toBe(false);
});

const reason = isBuiltin("node:ffi") ? whyNoReceiver() : "this Node has no node:ffi";
if (reason !== undefined) console.warn(`left out: messages to systemd (${reason})`);

describe.skipIf(reason !== undefined)("a message comes from this process", () => {
  test.each([
    ["to a path", (folder: string) => join(folder, "socket")],
    ["to an abstract name", () => `@kv-test-${process.pid}-${Math.random()}`],
  ])("%s", async (_name, nameIn) => {
    using folder = temporaryFolder();
    const name = nameIn(folder.path);
    using receiver = await receiveNotifications(name);
    expect(sendToSocket(name, "READY=1\nSTATUS=All is well\n")).toBe(true);
    await vi.waitFor(() =>
      expect(receiver.messages).toEqual([`${process.pid} READY=1 STATUS=All is well`]),
    );
  });

  test("and a server tells when it is ready and when it stops, without its tool and in silence", async () => {
    using folder = temporaryFolder();
    const name = join(folder.path, "socket");
    const tool = join(folder.path, "systemd-notify");
    const toolRan = join(folder.path, "tool-ran");
    writeFileSync(tool, `#!/bin/sh\ntouch "${toolRan}"\n`);
    chmodSync(tool, 0o755);
    using receiver = await receiveNotifications(name);
    const server = runServer(
      ["--port", `${await freePort()}`, "--supervised", "systemd", "--save", ""],
      {
        folder: folder.path,
        env: { NOTIFY_SOCKET: name, PATH: `${folder.path}:${process.env.PATH}` },
      },
    );
    await server.says("Ready to accept connections");
    const loading = `${server.pid} STATUS=Loading the data set`;
    const ready = `${server.pid} READY=1 STATUS=Ready to accept connections`;
    await vi.waitFor(() => expect(receiver.messages).toEqual([loading, ready]));
    server.child.kill("SIGTERM");
    expect(await server.ended).toBe(0);
    const stopping = `${server.pid} STOPPING=1 STATUS=Shutting down`;
    await vi.waitFor(() => expect(receiver.messages).toEqual([loading, ready, stopping]));
    expect(existsSync(toolRan)).toBe(false);
    expect(server.stderr()).toBe("");
    expect(server.stdout()).not.toContain("NotifyAccess");
  });
});
