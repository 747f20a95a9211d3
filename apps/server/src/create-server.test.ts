import { readdirSync } from "node:fs";
import * as net from "node:net";
import { describe, expect, test, vi } from "vitest";
import { createServer } from "./create-server.ts";
import { ask, temporaryFolder } from "./testing/server-process.ts";

describe("createServer", () => {
  test("listens on a port of its own until it goes out of scope", async () => {
    let port: number;
    {
      await using server = await createServer();
      port = server.port;
      expect(port).toBeGreaterThan(1024);
      expect(await ask(port, "PING")).toBe("+PONG\r\n");
    }
    await expect(ask(port, "PING")).rejects.toThrow("ECONNREFUSED");
  });

  test("two servers in one process know nothing of each other", async () => {
    await using one = await createServer();
    await using two = await createServer();
    await ask(one.port, "SET name one");
    await ask(two.port, "SET name two");
    expect(await ask(one.port, "GET name")).toBe("$3\r\none\r\n");
    expect(await ask(two.port, "GET name")).toBe("$3\r\ntwo\r\n");
  });

  test("can be talked to without a socket", async () => {
    await using server = await createServer();
    const stream = server.connect();
    let text = "";
    stream.on("data", (data) => {
      text += data.toString();
    });
    stream.write("SET k v\r\nGET k\r\n");
    await vi.waitFor(() => expect(text).toBe("+OK\r\n$1\r\nv\r\n"));
    expect(await ask(server.port, "GET k")).toBe("$1\r\nv\r\n");
    stream.destroy();
  });

  test("closes what is open, once", async () => {
    const server = await createServer();
    const socket = net.connect(server.port, "127.0.0.1");
    await new Promise((resolve) => socket.once("connect", resolve));
    const closed = new Promise((resolve) => socket.once("close", resolve));
    await Promise.all([server.close(), server.close()]);
    await closed;
  });

  test("however often it is closed, each time it waits until the disk is at rest", async () => {
    using folder = temporaryFolder();
    const server = await createServer({ dir: folder.path, save: "3600 1" });
    expect(await ask(server.port, "SET k v\r\nBGSAVE")).toContain("saving started");
    // Of the save that was given up nothing is left, whichever of the two comes back first.
    const files = () => readdirSync(folder.path);
    const first = server.close().then(files);
    const second = server.close().then(files);
    expect(await second).toEqual(["dump.rdb"]);
    expect(await first).toEqual(["dump.rdb"]);
    await using again = await createServer({ dir: folder.path, save: "" });
    expect(await ask(again.port, "GET k")).toBe("$1\r\nv\r\n");
  });

  test("takes directives with typed values, and refuses wrong ones", async () => {
    await using server = await createServer({ requirepass: "secret", maxmemory: "100mb" });
    expect(await ask(server.port, "GET k")).toMatch(/^-NOAUTH /);
    await expect(createServer({ port: 70_000 })).rejects.toThrow("port");
  });

  test("a port that is taken is an error with the reason", async () => {
    await using server = await createServer();
    await expect(createServer({ port: server.port })).rejects.toThrow("Address already in use");
  });
});
