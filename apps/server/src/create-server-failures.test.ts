/** What createServer() says when it cannot, and that nothing is left of the attempt. */
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import * as net from "node:net";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { createServer } from "./create-server.ts";
import { ServerError } from "./server-error.ts";
import { runScript } from "./testing/script.ts";
import { ask, freePort, temporaryFolder } from "./testing/server-process.ts";

type Options = Parameters<typeof createServer>[0];

/** The error that createServer() rejects with. */
async function failure(options: Options, more?: Parameters<typeof createServer>[1]) {
  const error = await createServer(options, more).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(ServerError);
  return error as ServerError;
}

const damaged = "REDIS0011\xfe\x00\x00\x01k\x05";

describe("createServer rejects with code, cause and reason:", () => {
  test("a folder that is not there", async () => {
    using folder = temporaryFolder();
    const dir = join(folder.path, "none");
    expect(await failure({ dir })).toMatchObject({
      name: "ServerError",
      code: "ENOENT",
      message: `The data folder ${dir} cannot be used: No such file or directory`,
      cause: { code: "ENOENT" },
    });
  });

  test.each([6379, "/tmp/kv.conf", null])("%s in place of options", async (options) => {
    expect(await failure(options as unknown as Options)).toMatchObject({
      code: "ERR_OPTIONS",
      message: "Options are an object: { port: 6379 }",
    });
  });

  test("a folder without a name, rather than to write where the program happens to be", async () => {
    expect(await failure({ dir: "" })).toMatchObject({
      code: "ENOENT",
      message: "The data folder  cannot be used: No such file or directory",
    });
  });

  test("a folder that is a file", async () => {
    using folder = temporaryFolder();
    const dir = join(folder.path, "file");
    writeFileSync(dir, "");
    const error = await failure({ dir });
    expect(error).toMatchObject({ code: "ENOTDIR", cause: { code: "ENOTDIR" } });
    expect(error.message).toContain("Not a directory");
  });

  test("a folder in which nothing can be written, and a file that cannot be read", async () => {
    using folder = temporaryFolder();
    // Nobody else may look into what mkdtemp made; root may look into everything.
    const { stdout, stderr } = await runScript(`
      import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
      import { setTimeout } from "node:timers/promises";
      const folder = ${JSON.stringify(folder.path)};
      chmodSync(folder, 0o755);
      mkdirSync(folder + "/closed", { mode: 0o555 });
      mkdirSync(folder + "/open");
      chmodSync(folder + "/open", 0o777);
      writeFileSync(folder + "/open/dump.rdb", "REDIS", { mode: 0o000 });
      if (process.getuid() === 0) process.setuid(65534);
      for (const dir of [folder + "/closed", folder + "/open"]) {
        await createServer({ dir }).catch((error) => {
          console.log(error instanceof ServerError, error.code, error.cause.code, error.message);
        });
      }
    `);
    expect(stderr).toBe("");
    const [unwritable, unreadable] = stdout.split("\n");
    expect(unwritable).toBe(
      `true EACCES EACCES The data folder ${folder.path}/closed cannot be used: Permission denied`,
    );
    expect(unreadable).toMatch(/^true EACCES EACCES The data set in .*\/open cannot be loaded: /);
    expect(unreadable).toContain("Permission denied");
  });

  test("a port that is in use", async () => {
    await using server = await createServer();
    const { port } = server;
    expect(await failure({ port })).toMatchObject({
      code: "EADDRINUSE",
      message: `The server cannot listen on 127.0.0.1:${port}: Address already in use`,
      cause: { code: "EADDRINUSE" },
    });
  });

  test("an address that is not this machine's, and the one before it is given back", async () => {
    const port = await freePort();
    const error = await failure({ port, bind: ["127.0.0.1", "203.0.113.7"] });
    expect(error).toMatchObject({ code: "EADDRNOTAVAIL", cause: { code: "EADDRNOTAVAIL" } });
    expect(error.message).toContain(`203.0.113.7:${port}: Cannot assign requested address`);
    await expect(ask(port, "PING")).rejects.toThrow("ECONNREFUSED");
  });

  test("a Unix socket in a folder that is not there", async () => {
    using folder = temporaryFolder();
    const unixsocket = join(folder.path, "none", "kv.sock");
    const port = await freePort();
    expect(await failure({ unixsocket, port })).toMatchObject({
      code: "ENOENT",
      message: `The server cannot listen on ${unixsocket}: bind: No such file or directory`,
      cause: { code: "ENOENT" },
    });
    await expect(ask(port, "PING")).rejects.toThrow("ECONNREFUSED");
  });

  test("a Unix socket whose path is too long", async () => {
    const error = await failure({ unixsocket: `/tmp/${"x".repeat(120)}` });
    expect(error).toMatchObject({ code: "ENAMETOOLONG", cause: { code: "ENAMETOOLONG" } });
    expect(error.message).toContain("must be under 108");
  });

  test("a file that is damaged", async () => {
    using folder = temporaryFolder();
    writeFileSync(join(folder.path, "dump.rdb"), damaged, "latin1");
    const port = await freePort();
    const error = await failure({ dir: folder.path, port });
    expect(error.code).toBe("ERR_DATA_SET");
    expect(error.message).toMatch(/^The data set in .* cannot be loaded: Short read /);
    expect((error.cause as Error).message).toContain(error.message.split(": ").at(-1));
    await expect(ask(port, "PING")).rejects.toThrow("ECONNREFUSED");
    // What is there stays as it is.
    expect(readdirSync(folder.path)).toEqual(["dump.rdb"]);
  });

  test("a file that is none", async () => {
    using folder = temporaryFolder();
    mkdirSync(join(folder.path, "dump.rdb"));
    const error = await failure({ dir: folder.path });
    expect(error).toMatchObject({ code: "EISDIR", cause: { code: "EISDIR" } });
    expect(error.message).toContain("Is a directory");
  });

  test("options that are wrong", async () => {
    const error = await failure({ port: 70_000, maxmemory: "much" });
    expect(error).toMatchObject({ code: "ERR_OPTIONS", cause: { name: "ConfigOptionsError" } });
    expect(error.message).toContain("port: ");
    expect(error.message).toContain("maxmemory: ");
  });

  test("an aclfile that is not there", async () => {
    const error = await failure({ aclfile: "/nonexistent/users.acl" });
    expect(error).toMatchObject({ code: "ERR_OPTIONS", cause: { name: "AclStartError" } });
    expect(error.message).toContain("No such file or directory");
  });

  test("a client that shuts it down while it loads", async () => {
    using folder = temporaryFolder();
    {
      await using server = await createServer({ dir: folder.path, save: "3600 1" });
      await ask(server.port, "DEBUG POPULATE 300000");
      await ask(server.port, "SET k v");
    }
    const port = await freePort();
    const starting = failure({ dir: folder.path, port, save: "" });
    const socket = net.connect(port, "127.0.0.1");
    socket.on("error", () => {});
    socket.write("SHUTDOWN NOSAVE\r\n");
    expect(await starting).toMatchObject({
      code: "ERR_SERVER_CLOSED",
      message: "The server was shut down while it started.",
    });
    socket.destroy();
  });
});

describe("after a rejection", () => {
  test("nothing keeps the process alive", async () => {
    using folder = temporaryFolder();
    mkdirSync(join(folder.path, "damaged"));
    writeFileSync(join(folder.path, "damaged", "dump.rdb"), damaged, "latin1");
    const { stdout, stderr, code } = await runScript(`
      const taken = await createServer();
      const path = ${JSON.stringify(folder.path)};
      for (const options of [
        { dir: path + "/none" },
        { port: taken.port },
        { port: 0, unixsocket: path + "/none/kv.sock" },
        { dir: path + "/damaged" },
        { aclfile: path + "/none" },
      ]) {
        await createServer(options).catch(({ code }) => console.log(code));
      }
      await taken.close();
      for (let round = 0; round < 5; round++) await new Promise((done) => setImmediate(done));
      console.log(process.getActiveResourcesInfo().filter((name) => /TCP|Timeout/.test(name)));
    `);
    expect(stderr).toBe("");
    expect(stdout.trim().split("\n")).toEqual([
      "ENOENT",
      "EADDRINUSE",
      "ENOENT",
      "ERR_DATA_SET",
      "ERR_OPTIONS",
      "[]",
    ]);
    expect(code).toBe(0);
  });
});
