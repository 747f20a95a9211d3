/** How the program ends while it loads, while a script runs, and when saving fails: exit codes and log. */
import { execFileSync } from "node:child_process";
import {
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { harness } from "@kv/testing";
import { describe, expect, test, vi } from "vitest";
import {
  ask,
  freePort,
  killedAfterEach,
  runServer,
  temporaryFolder,
} from "./testing/server-process.ts";

const running = killedAfterEach();

async function start(args: readonly string[], says = "Ready to accept connections tcp") {
  const port = await freePort();
  const server = runServer(["--port", String(port), "--bind", "127.0.0.1", ...args]);
  running.push(server);
  await server.says(says);
  return { ...server, port };
}

/** Sends a request whose reply may never come. */
function say(port: number, line: string): void {
  connect(port, "127.0.0.1", function (this: import("node:net").Socket) {
    this.write(`${line}\r\n`);
  }).on("error", () => {});
}

test("a signal that comes while the server is made leaves no pid file, and opens no debugger", async () => {
  if (process.platform === "win32") return console.log("no FIFOs here: not tested");
  using folder = temporaryFolder();
  const [pidFile, aclFile] = ["pid", "acl"].map((name) => join(folder.path, name));
  execFileSync("mkfifo", [aclFile]);
  const files = ["--dir", folder.path, "--pidfile", pidFile, "--aclfile", aclFile];
  const args = ["--port", String(await freePort()), ...files];
  const server = runServer(args);
  running.push(server);
  await expect.poll(() => existsSync(pidFile), { timeout: 10_000 }).toBe(true);
  server.child.kill("SIGUSR1");
  server.child.kill("SIGTERM");
  // It waits for its users: a FIFO can be opened like this once somebody is to read it.
  const writer = await vi.waitFor(
    () => openSync(aclFile, constants.O_WRONLY | constants.O_NONBLOCK),
    { timeout: 10_000 },
  );
  writeSync(writer, "user default on nopass ~* &* +@all\n");
  closeSync(writer);
  expect(await server.ended).toBe(0);
  expect(server.stderr()).not.toContain("Debugger listening");
  expect(existsSync(pidFile)).toBe(false);
});

const LOADING = "-LOADING Redis is loading the dataset in memory\r\n";

describe("while the data set is being loaded", () => {
  /** 2,000 keys. */
  function dataFile(): Uint8Array {
    const kv = harness({ config: { "enable-debug-command": "yes" } });
    kv.send("DEBUG", "POPULATE", 2000);
    kv.send("SAVE");
    return kv.host.disk.contents("dump.rdb") as Uint8Array;
  }

  /** A server that takes some ten seconds to load them. */
  async function loading(folder: string) {
    const file = Buffer.from(dataFile());
    writeFileSync(join(folder, "dump.rdb"), file);
    const delays = ["--key-load-delay", "5000", "--loading-process-events-interval-bytes", "1024"];
    const args = ["--dir", folder, "--save", "3600 1", ...delays];
    return { file, server: await start(args, "Server initialized") };
  }

  test.each([
    { what: "SIGTERM", signal: "SIGTERM" },
    { what: "SIGINT", signal: "SIGINT" },
    { what: "SHUTDOWN", command: "SHUTDOWN" },
    { what: "SHUTDOWN SAVE", command: "SHUTDOWN SAVE" },
  ] as const)("$what ends it with 0, and leaves the file as it is", async (how) => {
    using folder = temporaryFolder();
    const { file, server } = await loading(folder.path);
    expect(await ask(server.port, "GET k")).toBe(LOADING);
    if ("signal" in how) server.child.kill(how.signal);
    else say(server.port, how.command);
    expect(await server.ended).toBe(0);
    expect(server.stdout()).toContain("User requested shutdown...");
    expect(server.stdout()).toContain("ready to exit, bye bye");
    expect(server.stdout()).not.toContain("DB saved");
    const isTold = server.stdout().includes("during loading, scheduling shutdown.");
    expect(isTold).toBe("signal" in how);
    expect(readFileSync(join(folder.path, "dump.rdb"))).toEqual(file);
  });

  test("clients are told so within 100 ms, and see how far it is", async () => {
    using folder = temporaryFolder();
    const { file, server } = await loading(folder.path);
    const waitsMs: number[] = [];
    const loaded: number[] = [];
    for (let count = 0; count < 20; count++) {
      const startedMs = performance.now();
      expect(await ask(server.port, "GET k")).toBe(LOADING);
      waitsMs.push(performance.now() - startedMs);
      const info = await ask(server.port, "INFO persistence");
      expect(info).toContain("loading:1\r\nasync_loading:0\r\n");
      expect(info).toContain(`loading_total_bytes:${file.length}\r\n`);
      loaded.push(Number(/loading_loaded_bytes:(\d+)/.exec(info)?.[1]));
    }
    // A quarter of them, since others use the machine, too.
    expect(waitsMs.toSorted((one, other) => one - other)[5]).toBeLessThan(100);
    expect(loaded).toEqual(loaded.toSorted((one, other) => one - other));
    expect(loaded.at(-1)).toBeGreaterThan(loaded[0] as number);
  });
});

describe("while a script runs for too long", () => {
  const writes = `EVAL "redis.call('set','half','1') while true do end" 0`;
  async function busy(folder: string, script: string) {
    const limits = ["--save", "3600 1", "--busy-reply-threshold", "50"];
    const server = await start(["--dir", folder, ...limits]);
    say(server.port, script);
    await server.says("Slow script detected");
    expect(await ask(server.port, "SHUTDOWN")).toMatch(/^-BUSY /);
    return server;
  }

  test("a signal waits for its end; a second SIGINT does not", async () => {
    using folder = temporaryFolder();
    const server = await busy(folder.path, writes);
    server.child.kill("SIGINT");
    await server.says("Received SIGINT scheduling shutdown...");
    expect(await ask(server.port, "PING")).toMatch(/^-BUSY /);
    server.child.kill("SIGINT");
    expect(await server.ended).toBe(1);
    expect(server.stdout()).toContain("You insist... exiting now.");
    expect(server.stdout()).not.toContain("DB saved");
  });

  test("and when it has been killed the server saves and ends", async () => {
    using folder = temporaryFolder();
    const server = await busy(folder.path, `EVAL "while true do end" 0`);
    server.child.kill("SIGTERM");
    await server.says("Received SIGTERM scheduling shutdown...");
    expect(await ask(server.port, "SCRIPT KILL")).toBe("+OK\r\n");
    expect(await server.ended).toBe(0);
    expect(server.stdout()).toContain("ready to exit, bye bye");
  });

  test("SHUTDOWN NOSAVE ends it at once", async () => {
    using folder = temporaryFolder();
    const server = await busy(folder.path, writes);
    say(server.port, "SHUTDOWN NOSAVE");
    expect(await server.ended).toBe(0);
    expect(server.stdout()).not.toContain("DB saved");
  });
});

describe("while the last save is under way", () => {
  /** A server that saves a second for each of its hundred keys, and has begun to. */
  async function saving(folder: string, end: (server: Awaited<ReturnType<typeof start>>) => void) {
    const delay = ["--rdb-key-save-delay", "1000000", "--enable-debug-command", "yes"];
    const server = await start(["--dir", folder, "--save", "3600 1", ...delay]);
    expect(await ask(server.port, "DEBUG POPULATE 100")).toBe("+OK\r\n");
    end(server);
    await server.says("Saving the final RDB snapshot before exiting.");
    return server;
  }

  test.each(["SIGINT", "SIGTERM"] as const)(
    "a SIGINT behind %s ends it at once with 1, and leaves nothing half written",
    async (signal) => {
      using folder = temporaryFolder();
      const server = await saving(folder.path, ({ child }) => child.kill(signal));
      await expect.poll(() => readdirSync(folder.path)).toEqual([expect.stringMatching(/^temp-/)]);
      server.child.kill("SIGINT");
      expect(await server.ended).toBe(1);
      expect(server.stdout()).toContain("You insist... exiting now.");
      expect(server.stdout()).not.toContain("DB saved");
      expect(readdirSync(folder.path)).toEqual([]);
    },
  );

  test("behind SHUTDOWN it takes two of them, as the first one asks for what is being done", async () => {
    using folder = temporaryFolder();
    const server = await saving(folder.path, ({ port }) => say(port, "SHUTDOWN"));
    server.child.kill("SIGINT");
    await server.says("Received SIGINT scheduling shutdown...");
    expect(server.stdout()).not.toContain("You insist");
    server.child.kill("SIGINT");
    expect(await server.ended).toBe(1);
    expect(readdirSync(folder.path)).toEqual([]);
  });
});

describe("when the last save fails", () => {
  /** A server whose file's name a folder has taken. */
  async function unableToSave(folder: string, ...args: string[]) {
    const server = await start(["--dir", folder, "--save", "3600 1", ...args]);
    mkdirSync(join(folder, "dump.rdb"));
    writeFileSync(join(folder, "dump.rdb", "x"), "");
    expect(await ask(server.port, "SET k v")).toBe("+OK\r\n");
    return server;
  }

  test("it goes on, whoever asked, until it can", async () => {
    using folder = temporaryFolder();
    const server = await unableToSave(folder.path);
    const refused = "-ERR Errors trying to SHUTDOWN. Check logs.\r\n";
    const cannotExit = "Error trying to save the DB, can't exit.";
    for (const words of ["", " SAVE", " NOW"])
      expect(await ask(server.port, `SHUTDOWN${words}`)).toBe(refused);
    for (const signal of ["SIGTERM", "SIGINT"] as const) {
      const tries = server.stdout().split(cannotExit).length;
      server.child.kill(signal);
      await server.says(`Received ${signal}`);
      // It comes to it with its next cron; a SIGINT before that would end it at once.
      await expect.poll(() => server.stdout().split(cannotExit).length).toBe(tries + 1);
    }
    expect(await ask(server.port, "GET k")).toBe("$1\r\nv\r\n");
    rmSync(join(folder.path, "dump.rdb"), { recursive: true });
    server.child.kill("SIGTERM");
    expect(await server.ended).toBe(0);
  });

  test.each([
    { what: "SHUTDOWN FORCE", args: [], command: "SHUTDOWN FORCE" },
    { what: "SHUTDOWN NOSAVE", args: [], command: "SHUTDOWN NOSAVE" },
    { what: "shutdown-on-sigterm force", args: ["--shutdown-on-sigterm", "force"] },
    { what: "shutdown-on-sigterm nosave now", args: ["--shutdown-on-sigterm", "nosave now"] },
  ])("$what ends it all the same", async ({ args, command }) => {
    using folder = temporaryFolder();
    const server = await unableToSave(folder.path, ...args);
    if (command === undefined) server.child.kill("SIGTERM");
    else say(server.port, command);
    expect(await server.ended).toBe(0);
    const isForced = /FORCE|force/.test(`${command} ${args}`);
    expect(server.stdout().includes("Error trying to save the DB. Exit anyway.")).toBe(isForced);
  });
});
