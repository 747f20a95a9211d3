import { readdirSync, readFileSync } from "node:fs";
import * as net from "node:net";
import { join } from "node:path";
import type { System } from "@kv/engine";
import { describe, expect, test, vi } from "vitest";
import { createServer, type EmbeddedServer } from "./create-server.ts";
import type { InProcessStream } from "./network/in-process-stream.ts";
import { runScript } from "./testing/script.ts";
import { ask, temporaryFolder } from "./testing/server-process.ts";

/** What a server answers to each command in turn, through a stream. */
async function answers(server: EmbeddedServer, ...commands: string[]): Promise<string[]> {
  const stream = server.connect().setEncoding("latin1");
  const replies: string[] = [];
  for (const command of commands) {
    stream.write(`${command}\r\n`);
    replies.push(await new Promise((resolve) => stream.once("data", resolve)));
  }
  stream.destroy();
  return replies;
}

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

  test("a log that is written to the server itself disturbs no requests", async () => {
    let log: InProcessStream | undefined;
    const tell = (_level: string, line: string) => void log?.write(`RPUSH log "${line}"\r\n`);
    await using server = await createServer({}, { log: tell });
    log = server.connect().resume();
    const replies = await ask(server.port, "SET a 1\r\nSAVE\r\nGET a\r\nSAVE\r\nGET a");
    expect(replies.split("\r\n").join(" ")).toBe("+OK +OK $1 1 +OK $1 1 ");
    await vi.waitFor(async () => expect(await ask(server.port, "LLEN log")).not.toBe(":0\r\n"));
    log = undefined;
  });

  test("closes what is open, once", async () => {
    const server = await createServer();
    const socket = net.connect(server.port, "127.0.0.1");
    await new Promise((resolve) => socket.once("connect", resolve));
    const closed = new Promise((resolve) => socket.once("close", resolve));
    await Promise.all([server.close(), server.close()]);
    await closed;
  });

  test("once it is closed its sockets are given back, with and without clients", async () => {
    const { stdout, stderr } = await runScript(`
      const { connect } = await import("node:net");
      const open = () => process.getActiveResourcesInfo().filter((name) => name.startsWith("TCP"));
      for (let i = 0; i < 3; i++) await (await createServer()).close();
      console.log(open());
      const server = await createServer();
      const client = connect(server.port, "127.0.0.1").end("PING\\r\\n");
      await new Promise((done) => client.resume().once("close", done));
      await server.close();
      console.log(open());
      const error = await createServer({ port: 1, bind: "127.0.0.1 192.0.2.1" }).catch((e) => e);
      console.log(error instanceof ServerError, open());
    `);
    expect(stderr).toBe("");
    expect(stdout.split("\n")).toEqual(["[]", "[]", "true []", ""]);
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

  test("with `appendonly` every write is in `dir` before it is answered", async () => {
    using folder = temporaryFolder();
    const options = { dir: folder.path, appendonly: true, appendfsync: "always" } as const;
    const log = () =>
      readFileSync(join(folder.path, "appendonlydir", "appendonly.aof.1.incr.aof"), "latin1");
    {
      await using server = await createServer(options);
      expect(await ask(server.port, "SET k v")).toBe("+OK\r\n");
      expect(log()).toMatch(/SET\r\n\$1\r\nk\r\n\$1\r\nv\r\n$/);
    }
    await using again = await createServer(options);
    expect(await ask(again.port, "GET k")).toBe("$1\r\nv\r\n");
    await expect(createServer({ ...options, appendfilename: "../x" })).rejects.toThrow(
      "appendfilename",
    );
  });

  test("without `dir` an append-only file is in memory, and can be turned off and on", async () => {
    await using server = await createServer({ appendonly: true });
    expect(
      await answers(server, "SET k v", "BGREWRITEAOF", "CONFIG SET appendonly no", "SET k w"),
    ).toEqual([
      "+OK\r\n",
      "+Background append only file rewriting started\r\n",
      "+OK\r\n",
      "+OK\r\n",
    ]);
    await answers(server, "CONFIG SET appendonly yes");
    await vi.waitFor(async () => {
      const [facts] = await answers(server, "INFO persistence");
      expect(facts).toMatch(/aof_rewrite_in_progress:0/);
    });
    const [loaded, value] = await answers(server, "CONFIG GET appendonly", "GET k");
    expect(loaded).toContain("yes");
    expect(value).toBe("$1\r\nw\r\n");
  });

  test("takes directives with typed values, and refuses wrong ones", async () => {
    await using server = await createServer({ requirepass: "secret", maxmemory: "100mb" });
    expect(await ask(server.port, "GET k")).toMatch(/^-NOAUTH /);
    await expect(createServer({ port: 70_000 })).rejects.toThrow("port");
  });

  test("an option that is undefined is as one that is not given", async () => {
    const given = Object.fromEntries(["port", "bind", "save"].map((name) => [name, undefined]));
    await using server = await createServer(given);
    expect(server.host).toBe("127.0.0.1");
    expect(server.port).not.toBe(6379);
    expect(await answers(server, "CONFIG GET save", "CONFIG GET bind")).toEqual([
      "*2\r\n$4\r\nsave\r\n$0\r\n\r\n",
      "*2\r\n$4\r\nbind\r\n$9\r\n127.0.0.1\r\n",
    ]);
  });

  test("a port that is taken is an error with the reason", async () => {
    await using server = await createServer();
    await expect(createServer({ port: server.port })).rejects.toThrow("Address already in use");
  });

  test("passes modules on to the engine", async () => {
    let created = 0;
    const module: System = {
      name: "counter",
      start: () => {
        created++;
        return {};
      },
    };
    await using server = await createServer({}, { modules: [module] });
    expect(await answers(server, "PING")).toEqual(["+PONG\r\n"]);
    expect(created).toBe(1);
  });
});

describe("where it can be reached", () => {
  test("over TCP", async () => {
    await using server = await createServer();
    const { host, port, url, socketPath } = server;
    expect({ host, socketPath }).toEqual({ host: "127.0.0.1", socketPath: undefined });
    expect(url).toBe(`redis://127.0.0.1:${port}`);
  });

  test("on all addresses: at the loopback one", async () => {
    await using server = await createServer({ bind: ["*"] });
    expect(server.url).toBe(`redis://127.0.0.1:${server.port}`);
    await using six = await createServer({ bind: ["::1"] });
    expect(six.url).toBe(`redis://[::1]:${six.port}`);
  });

  test("over a Unix socket alone, whose path is told from the root on", async () => {
    using folder = temporaryFolder();
    const unixsocket = join(folder.path, "kv-ü.sock");
    await using server = await createServer({ bind: "", unixsocket });
    const { host, port, url, socketPath } = server;
    expect({ host, port, socketPath }).toEqual({
      host: undefined,
      port: 0,
      socketPath: unixsocket,
    });
    expect(url).toBe(`unix://${unixsocket}`);
    expect(await ask(unixsocket, "PING")).toBe("+PONG\r\n");
  });

  test("nowhere but in the process", async () => {
    await using server = await createServer({ bind: "" });
    const { host, port, url, socketPath } = server;
    expect({ host, port, url, socketPath }).toEqual({ port: 0 });
    expect(await answers(server, "SET k v", "GET k")).toEqual(["+OK\r\n", "$1\r\nv\r\n"]);
  });
});

describe("without a folder", () => {
  const writing = [
    "SAVE",
    "BGSAVE",
    "CONFIG SET save '1 1'",
    "CONFIG SET dbfilename other.rdb",
    "FLUSHALL",
    "DEBUG RELOAD",
    "SHUTDOWN SAVE",
  ];

  test("files are kept in memory: saved and loaded again", async () => {
    await using server = await createServer({ "enable-debug-command": "yes" });
    expect(await answers(server, "SET k v", "SAVE", "DEBUG RELOAD", "GET k")).toEqual([
      "+OK\r\n",
      "+OK\r\n",
      "+OK\r\n",
      "$1\r\nv\r\n",
    ]);
    expect(await answers(server, "BGSAVE")).toEqual(["+Background saving started\r\n"]);
    await vi.waitFor(async () => {
      const [info] = await answers(server, "INFO persistence");
      expect(info).toContain("rdb_bgsave_in_progress:0\r\n");
      expect(info).toContain("rdb_last_bgsave_status:ok\r\n");
      expect(info).toContain("rdb_saves:3\r\n");
    });
  });

  test("save points save to memory, too", async () => {
    await using server = await createServer({ save: "1 1" });
    await answers(server, "SET k v");
    await vi.waitFor(async () => {
      const [info] = await answers(server, "INFO persistence");
      expect(info).toContain("rdb_changes_since_last_save:0\r\n");
    }, 5000);
  });

  test("nothing is ever written", async () => {
    using folder = temporaryFolder();
    const { stdout, stderr, code } = await runScript(`
      process.chdir(${JSON.stringify(folder.path)});
      let isStopped;
      const stopped = new Promise((resolve) => { isStopped = resolve; });
      const options = { save: "1 1", "enable-debug-command": "yes", "enable-protected-configs": "yes" };
      const server = await createServer(options, { stopped: isStopped });
      const stream = server.connect().setEncoding("latin1");
      for (const command of ["SET k v", ...${JSON.stringify(writing)}]) {
        stream.write(command + "\\r\\n");
        const reply = command.startsWith("SHUTDOWN")
          ? stopped.then(() => "stopped\\r\\n")
          : new Promise((resolve) => stream.once("data", resolve));
        console.log((await reply).trimEnd());
      }
      await server.close();
    `);
    expect(stderr).toBe("");
    expect(stdout.trim().split("\n")).toEqual([
      "+OK",
      "+OK",
      "+Background saving started",
      "+OK",
      "+OK",
      "+OK",
      "+OK",
      "stopped",
    ]);
    expect(code).toBe(0);
    expect(readdirSync(folder.path)).toEqual([]);
  });

  test("an aclfile is read, and not written", async () => {
    using folder = temporaryFolder();
    const aclfile = join(folder.path, "users.acl");
    await using writer = await createServer({ aclfile: "" });
    expect(await answers(writer, "ACL SAVE")).toEqual([expect.stringMatching(/^-ERR /)]);
    const { writeFileSync } = await import("node:fs");
    writeFileSync(aclfile, "user default on nopass ~* &* +@all\n");
    await using server = await createServer({ aclfile });
    expect(await answers(server, "ACL SAVE")).toEqual([expect.stringMatching(/^-ERR /)]);
    expect(readFileSync(aclfile, "utf8")).toBe("user default on nopass ~* &* +@all\n");
    expect(readdirSync(folder.path)).toEqual(["users.acl"]);
  });
});

describe("the folder", () => {
  test("is the one at the start, told from the root on", async () => {
    using folder = temporaryFolder();
    const options = { dir: folder.path, save: "", "enable-protected-configs": "yes" } as const;
    await using server = await createServer(options);
    const [path, refused, same] = await answers(
      server,
      "CONFIG GET dir",
      "CONFIG SET dir /tmp",
      `CONFIG SET dir ${folder.path}`,
    );
    expect(path).toContain(`\r\n${folder.path}\r\n`);
    expect(refused).toContain("the folder of an embedded server is fixed");
    expect(same).toBe("+OK\r\n");
    expect(await answers(server, "SET k v", "SAVE")).toEqual(["+OK\r\n", "+OK\r\n"]);
    expect(readdirSync(folder.path)).toEqual(["dump.rdb"]);
  });

  test("without one, none can be set", async () => {
    await using server = await createServer({ "enable-protected-configs": "yes" });
    const [none, refused] = await answers(server, "CONFIG GET dir", "CONFIG SET dir /tmp");
    expect(none).toBe("*2\r\n$3\r\ndir\r\n$0\r\n\r\n");
    expect(refused).toContain("the folder of an embedded server is fixed");
  });
});

describe("after close()", () => {
  test("streams have ended, and there are no new ones", async () => {
    const server = await createServer();
    const stream = server.connect();
    const told: string[] = [];
    stream.on("data", () => {});
    for (const name of ["end", "close"]) stream.on(name, () => told.push(name));
    await server.close();
    await vi.waitFor(() => expect(told).toEqual(["end", "close"]));
    expect(() => server.connect()).toThrow(
      expect.objectContaining({
        name: "ServerError",
        code: "ERR_SERVER_CLOSED",
        message: "The server is closed.",
      }),
    );
    await server.close();
  });

  test("the same when a client has shut it down", async () => {
    let stops = 0;
    const server = await createServer({}, { stopped: () => stops++ });
    const stream = server.connect();
    stream.on("data", () => {});
    const isClosed = new Promise((resolve) => stream.once("close", resolve));
    stream.write("SHUTDOWN\r\n");
    await isClosed;
    expect(stops).toBe(1);
    expect(() => server.connect()).toThrow("The server is closed.");
    await server.close();
    expect(stops).toBe(1);
  });
});

describe("the process", () => {
  const hold = 'const timer = setTimeout(() => console.log("held"), 300).unref();';

  test.each([
    { what: "ends in spite of unref()", code: "server.unref();" },
    { what: "also with a client", code: "await client(); server.unref();" },
    { what: "also when that came later", code: "server.unref(); await client();" },
    { what: "is held by ref()", code: "server.unref().ref();", isHeld: true },
    { what: "is held by an open server", code: "", isHeld: true },
  ])("$what", async ({ code, isHeld = false }) => {
    // The client's own end is another program's, as far as the server is concerned.
    const { stdout, stderr } = await runScript(`
      import * as net from "node:net";
      const server = await createServer({ hz: 100 });
      const client = async () => {
        const socket = net.connect(server.port, server.host).unref();
        socket.write("PING\\r\\n");
        await new Promise((resolve) => { socket.ref(); socket.once("data", resolve); });
        socket.unref();
      };
      ${code}
      ${isHeld ? `${hold} setTimeout(() => server.close(), 500).unref();` : hold}
    `);
    expect(stderr).toBe("");
    expect(stdout).toBe(isHeld ? "held\n" : "");
  });
});
