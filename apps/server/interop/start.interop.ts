/** How a start succeeds and fails, as operators and supervisors see it. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  hasRedisServer,
  type ServerOptions,
  type ServerProcess,
  type WireClient,
} from "@kv/testing";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { startOurs, startRedis } from "./both-servers.ts";

describe("starting", () => {
  let folder: string;
  const servers: ServerProcess[] = [];
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "kv-start-"));
  });
  afterEach(async () => {
    for (const server of servers.splice(0)) await server.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  async function keep(starting: Promise<ServerProcess>): Promise<ServerProcess> {
    const server = await starting;
    servers.push(server);
    return server;
  }

  test("the log has the lines that tools wait for, in their order", async () => {
    const server = await keep(startOurs({ config: { "always-show-logo": "yes" } }));
    const places = [` PID: ${server.pid}`, "Server initialized", "Ready to accept"].map((text) =>
      server.log.indexOf(text),
    );
    expect(places).not.toContain(-1);
    expect(places).toEqual([...places].sort((a, b) => a - b));
  });

  test("PING with an empty line behind it is answered", async () => {
    const server = await keep(startOurs());
    const client = await server.connect();
    client.write("PING\r\n\nPING\r\n\n");
    expect(await client.replies(2)).toBe("+PONG\r\n+PONG\r\n");
  });

  test("a busy port is named in the log, and the start fails", async () => {
    const first = await keep(startOurs());
    const second = await keep(startOurs({ config: { port: first.port }, awaitReady: false }));
    expect(await second.exited).toEqual({ code: 1, signal: null });
    expect(second.log).toContain("Failed listening on port");
    expect(await (await first.connect()).request("PING")).toBe("+PONG\r\n");
  });

  test("SIGINT and SHUTDOWN end with 0, SHUTDOWN closes the connection", async () => {
    const interrupted = await keep(startOurs());
    interrupted.signal("SIGINT");
    expect(await interrupted.exited).toEqual({ code: 0, signal: null });
    const asked = await keep(startOurs());
    const client = await asked.connect();
    client.write("SHUTDOWN NOSAVE\r\n");
    expect(await client.rest(3000)).toBe("");
    expect(client.isClosed).toBe(true);
    expect(await asked.exited).toEqual({ code: 0, signal: null });
  });

  test("SIGHUP is ignored", async () => {
    const server = await keep(startOurs());
    server.signal("SIGHUP");
    expect(await (await server.connect()).request("PING")).toBe("+PONG\r\n");
  });

  test("over the limit of clients, further ones are told and closed", async () => {
    const server = await keep(startOurs({ config: { maxclients: 3 } }));
    await expect
      .poll(async () => {
        const clients: WireClient[] = [];
        for (let count = 0; count < 5; count++) clients.push(await server.connect());
        for (const client of clients) client.write("PING\r\n");
        const replies = await Promise.all(clients.map((client) => client.rest(100)));
        for (const client of clients) client.close();
        return replies.map((reply) => reply.trim()).sort();
      })
      .toEqual([
        "+PONG",
        "+PONG",
        "+PONG",
        "-ERR max number of clients reached",
        "-ERR max number of clients reached",
      ]);
  });

  const wrong = [
    { why: "an unknown directive", text: "nosuch 1\n" },
    { why: "too few values", text: "port\n" },
    { why: "a value that is no number", text: "# comment\n\nport abc\n" },
    { why: "a value out of range", text: "port 70000\n" },
    { why: "a word that is no choice", text: "maxmemory-policy loud\n" },
    { why: "quotes that do not match", text: 'dbfilename "a\n' },
    { why: "a path as a file name", text: "dbfilename a/b.rdb\n" },
    { why: "a folder that is not there", text: "dir /nonexistent/folder\n" },
    { why: "wrong save points", text: "save 900\n" },
    { why: "an unknown class of clients", text: "client-output-buffer-limit x 1 1 1\n" },
  ];

  test.runIf(hasRedisServer()).each(wrong)("a file with $why stops both", async ({ text }) => {
    const file = join(folder, "kv.conf");
    writeFileSync(file, text);
    const bare = { port: null, bind: null, dir: null, unixsocket: null, save: null };
    const options: ServerOptions = {
      args: [file],
      folder,
      config: { ...bare, "enable-debug-command": null },
      awaitReady: false,
    };
    const redis = await keep(startRedis(options));
    const ours = await keep(startOurs(options));
    expect(await ours.exited).toEqual(await redis.exited);
    const complaint = (log: string) =>
      log.slice(log.indexOf("***")).replace(/Redis [\d.]+/, "Redis");
    expect(complaint(ours.log)).toBe(complaint(redis.log));
  });

  test("a file that is not there stops the start", async () => {
    const server = await keep(startOurs({ args: [join(folder, "none.conf")], awaitReady: false }));
    expect((await server.exited).code).toBe(1);
    expect(server.log).toMatch(/Fatal error, can't open config file/);
  });

  test("the file is read, the command line overrides it, CONFIG REWRITE keeps it usable", async () => {
    const file = join(folder, "kv.conf");
    writeFileSync(file, "# mine\nmaxmemory 100mb\nmaxmemory-policy allkeys-lru\nsave ''\n");
    const server = await keep(
      startOurs({ args: [file], config: { "maxmemory-policy": "noeviction" } }),
    );
    const client = await server.connect();
    expect(await client.request("CONFIG", "GET", "maxmemory")).toContain("104857600");
    expect(await client.request("CONFIG", "GET", "maxmemory-policy")).toContain("noeviction");
    await client.request("CONFIG", "SET", "hz", 20);
    expect(await client.request("CONFIG", "REWRITE")).toBe("+OK\r\n");
    await server.kill();
    const again = await keep(startOurs({ args: [file] }));
    expect(await (await again.connect()).request("CONFIG", "GET", "hz")).toContain("20");
  });
});
