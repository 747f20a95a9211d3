import { execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import {
  ask,
  freePort,
  isBuilt,
  killedAfterEach,
  programWords,
  type RunOptions,
  runServer,
  type ServerProcess,
  temporaryFolder,
} from "./testing/server-process.ts";

const running = killedAfterEach();

function run(args: readonly string[], options?: RunOptions): ServerProcess {
  const server = runServer(args, options);
  running.push(server);
  return server;
}

/** A server on a free port in a folder of its own, ready. */
async function start(args: readonly string[] = [], options: RunOptions = {}) {
  const port = await freePort();
  const server = run(
    ["--port", String(port), "--bind", "127.0.0.1", "--save", "", ...args],
    options,
  );
  await server.says("Ready to accept connections tcp");
  return { ...server, port };
}

describe("questions that start no server", () => {
  test("--version and -v", async () => {
    for (const flag of ["--version", "-v"]) {
      const { ended, stdout } = run([flag]);
      expect(await ended).toBe(0);
      expect(stdout()).toMatch(
        /^Redis server v=7\.2\.4 sha=\S+ malloc=\S+ bits=64 build=kv-\S+\n$/,
      );
    }
  });

  test("--help and -h: it was asked for, so it is no error", async () => {
    for (const flag of ["--help", "-h"]) {
      const { ended, stdout, stderr } = run([flag]);
      expect(await ended).toBe(0);
      expect(stdout()).toMatch(/^Usage: kv-server /);
      expect(stderr()).toBe("");
    }
  });

  test("--test-memory", async () => {
    const { ended, stdout } = run(["--test-memory", "1"]);
    expect(await ended).toBe(0);
    expect(stdout()).toContain("Your memory passed this test");
    const refused = run(["--test-memory"]);
    expect(await refused.ended).toBe(1);
    expect(refused.stderr()).toContain("amount of memory to test in megabytes");
  });

  test("--check-system", async () => {
    const { ended, stdout } = run(["--check-system"]);
    expect([0, 1]).toContain(await ended);
    expect(stdout()).toMatch(/\[overcommit\]\.\.\.(OK|WARNING)/);
  });
});

describe("starting", () => {
  test("says what has to be said, in order, on unbuffered standard output", async () => {
    using folder = temporaryFolder();
    const { pid, stdout, port } = await start(["--always-show-logo", "yes", "--dir", folder.path]);
    const expected = [
      "Redis is starting",
      "Redis version=7.2.4",
      "Configuration loaded",
      "Running in standalone mode",
      `Port: ${port}`,
      ` PID: ${pid}\n`,
      "Server initialized",
      "Ready to accept connections tcp",
    ];
    const places = expected.map((text) => stdout().indexOf(text));
    expect(places).not.toContain(-1);
    expect(places).toEqual(places.toSorted((a, b) => a - b));
    const lines = stdout().split("\n");
    expect(lines[0]).toMatch(
      new RegExp(`^${pid}:C \\d\\d [A-Z][a-z]{2} \\d{4} \\d\\d:\\d\\d:\\d\\d\\.\\d{3} \\* `),
    );
    expect(lines.findLast((line) => line !== "")).toMatch(new RegExp(`^${pid}:M `));
    expect(await ask(port, "PING")).toBe("+PONG\r\n");
    expect(await ask(port, "\r\nPING")).toBe("+PONG\r\n");
  });

  test("a relative file is found although it changes the folder", async () => {
    using folder = temporaryFolder();
    mkdirSync(join(folder.path, "data"));
    writeFileSync(join(folder.path, "kv.conf"), "dir ./data\nlogfile kv.log\nsave ''\n");
    const port = await freePort();
    const server = run(["kv.conf", "--port", String(port)], { folder: folder.path });
    const log = join(folder.path, "data", "kv.log");
    await vi.waitFor(() => expect(readFileSync(log, "utf8")).toContain("Ready to accept"), 15_000);
    expect(server.stdout()).toBe("");
    expect(await ask(port, "PING")).toBe("+PONG\r\n");
  });

  test("reads standard input after a dash", async () => {
    const port = await freePort();
    const server = run(["-"], { stdin: `port ${port}\nsave ""\nbind 127.0.0.1\n` });
    await server.says("Ready to accept");
    expect(await ask(port, "PING")).toBe("+PONG\r\n");
  });

  test.each([
    {
      why: "an unknown directive",
      args: ["--foo", "bar"],
      says: `>>> 'foo "bar"'\nBad directive or wrong number of arguments\n`,
    },
    {
      why: "a port that is no number",
      args: ["--port", "--bla"],
      says: `'port "--bla"'\nargument couldn't be parsed into an integer\n`,
    },
    {
      why: "a folder that is not there",
      args: ["--dir", "/nowhere"],
      says: "No such file or directory\n",
    },
    {
      why: "what only a sentinel is told",
      args: ["--sentinel monitor m 127.0.0.1 1 1"],
      says: "sentinel directive while not in sentinel mode\n",
    },
    {
      why: "a directive in letters of any language, as they were typed",
      args: ["--größe€", "1"],
      says: `>>> 'größe€ "1"'`,
    },
    {
      why: "a log file that cannot be written",
      args: ["--logfile", "/nowhere/log"],
      says: "Can't open the log file: No such file or directory\n",
    },
  ])("refuses $why", async ({ args, says }) => {
    const { ended, stderr } = run(args);
    expect(await ended).toBe(1);
    expect(stderr()).toContain("*** FATAL CONFIG FILE ERROR (Redis 7.2.4) ***");
    expect(stderr()).toContain(says);
  });

  test("names and passwords may be in any language, on the command line and in files", async () => {
    using folder = temporaryFolder();
    const data = join(folder.path, "dätä€");
    mkdirSync(data);
    writeFileSync(join(folder.path, "größe€.conf"), "include größe*.inc\nunixsocket söckel€\n");
    writeFileSync(join(folder.path, "größe.inc"), "requirepass pässwört€\ndbfilename dämp€.rdb\n");
    const port = await freePort();
    const options = ["--bind", "127.0.0.1", "--dir", "dätä€", "--logfile", "lög€"];
    const server = run(["größe€.conf", "--port", String(port), ...options], {
      folder: folder.path,
    });
    const log = join(data, "lög€");
    await vi.waitFor(() => expect(readFileSync(log, "utf8")).toContain("connections unix"), 15_000);
    expect(await ask(port, "AUTH pässwört€\r\nSAVE\r\nCONFIG REWRITE")).toBe("+OK\r\n".repeat(3));
    expect(existsSync(join(data, "dämp€.rdb"))).toBe(true);
    expect(existsSync(join(data, "söckel€"))).toBe(true);
    server.child.kill("SIGTERM");
    expect(await server.ended).toBe(0);
    // The rewritten file names everything as before.
    const again = run(["größe€.conf"], { folder: folder.path });
    await vi.waitFor(
      () => expect(readFileSync(log, "utf8")).toMatch(/(connections unix[\s\S]*){2}/),
      15_000,
    );
    expect(await ask(port, "AUTH pässwört€")).toBe("+OK\r\n");
    expect(again.stderr()).toBe("");
  });

  test("names need not be text: folder, files, sockets, in files and on the command line", async () => {
    if (process.platform !== "linux") return console.log("no such names here: not tested");
    using folder = temporaryFolder();
    const bytes = (path: string) => Buffer.from(join(folder.path, path), "latin1");
    const data = "d\xfft\xc3";
    mkdirSync(bytes(data));
    const port = await freePort();
    const lines = [`port ${port}`, "bind 127.0.0.1", "include i*.inc", `dir "${data}"`];
    lines.push('logfile "l\xff"', 'unixsocket "s\xff"', 'pidfile "p\xff"', "save 3600 1");
    writeFileSync(bytes("k\xff.conf"), lines.join("\n"), "latin1");
    writeFileSync(bytes("i\xff.inc"), 'dbfilename "r\xff.rdb"\n', "latin1");
    const log = () => readFileSync(bytes(`${data}/l\xff`), "latin1");
    // A shell hands on bytes, which the runtime cannot.
    const conf = "k$(printf '\\377').conf";
    const first = runServer([], { folder: folder.path, shellWords: conf });
    running.push(first);
    await vi.waitFor(() => expect(log()).toContain("connections unix"), 15_000);
    expect(await ask(port, "SET k old\r\nSAVE\r\nSET k new\r\nBGSAVE")).toContain("saving started");
    await vi.waitFor(() => expect(log()).toContain("Background saving terminated"), 5000);
    expect(await ask(port, "CONFIG REWRITE")).toBe("+OK\r\n");
    expect(await ask(port, "CONFIG GET dbfilename")).toContain("r\xff.rdb\r\n");
    expect(await ask(port, "CONFIG GET dir")).toContain(`${folder.path}/${data}\r\n`);
    const names = () =>
      readdirSync(bytes(data), { encoding: "buffer" }).map((name) => name.toString("latin1"));
    expect(names().sort()).toEqual(["l\xff", "p\xff", "r\xff.rdb", "s\xff"]);
    expect(readFileSync(bytes(`${data}/p\xff`), "utf8")).toBe(`${first.pid}\n`);
    first.child.kill("SIGTERM");
    expect(await first.ended).toBe(0);
    expect(names().sort()).toEqual(["l\xff", "r\xff.rdb"]);
    // It is found again, as is what the rewritten file says.
    const again = runServer([], { folder: folder.path, shellWords: conf });
    running.push(again);
    await vi.waitFor(() => expect(log()).toMatch(/(connections unix[\s\S]*){2}/), 15_000);
    expect(await ask(port, "GET k")).toBe("$3\r\nnew\r\n");
  });

  test("a folder that gets another name is still the folder, for SAVE and for BGSAVE", async () => {
    using folder = temporaryFolder();
    const [before, after] = ["before", "after"].map((name) => join(folder.path, name)) as [
      string,
      string,
    ];
    mkdirSync(before);
    const { port, says } = await start(["--dir", before]);
    expect(await ask(port, "SET k v")).toBe("+OK\r\n");
    renameSync(before, after);
    expect(await ask(port, "SAVE")).toBe("+OK\r\n");
    expect(await ask(port, "BGSAVE")).toContain("saving started");
    await says("Background saving terminated");
    expect(readdirSync(after)).toEqual(["dump.rdb"]);
    expect(existsSync(before)).toBe(false);
    await vi.waitFor(async () => expect(await ask(port, "CONFIG GET dir")).toContain(after), 5000);
  });

  test.each([
    {
      what: "the data file is a FIFO",
      fifo: "dump.rdb",
      args: [],
      says: /dump\.rdb: Not a regular/,
    },
    {
      what: "the log is a FIFO that nobody reads",
      fifo: "log",
      args: ["--logfile", "log"],
      says: /Can't open the log file: No such device or address/,
    },
  ])("refuses to wait for ever: $what", async ({ fifo, args, says }) => {
    if (process.platform === "win32") return console.log("no FIFOs here: not tested");
    using folder = temporaryFolder();
    execFileSync("mkfifo", [join(folder.path, fifo)]);
    const port = await freePort();
    const { ended, stdout, stderr } = run(["--port", String(port), ...args], {
      folder: folder.path,
    });
    expect(await ended).toBe(1);
    expect(stdout() + stderr()).toMatch(says);
  });

  test.each([
    { path: `/tmp/${"x".repeat(110)}`, says: "unix socket path too long (115), must be under 108" },
    { path: "/nowhere/s", says: "bind: No such file or directory" },
  ])("a Unix socket that cannot be: $says", async ({ path, says }) => {
    const { ended, stdout } = run(["--port", "0", "--unixsocket", path]);
    expect(await ended).toBe(1);
    expect(stdout()).toContain(`Failed opening Unix socket: ${says}\n`);
  });

  test("a missing file is a line of the log", async () => {
    const { ended, stdout } = run(["/nowhere/kv.conf"]);
    expect(await ended).toBe(1);
    expect(stdout()).toContain(
      "# Fatal error, can't open config file '/nowhere/kv.conf': No such file or directory",
    );
  });

  test("a directive that is refused is told with its line, and so is the next", async () => {
    const { ended, stderr } = run(["--cluster-enabled", "yes", "--hz", "x"]);
    expect(await ended).toBe(1);
    expect(stderr()).toBe(
      "\n*** FATAL CONFIG FILE ERROR (Redis 7.2.4) ***\n" +
        "Reading the configuration file, at line 3\n" +
        `>>> 'hz "x"'\n` +
        "argument couldn't be parsed into an integer\n" +
        "Reading the configuration file, at line 2\n" +
        `>>> 'cluster-enabled "yes"'\n` +
        "'cluster-enabled' is refused: this server does not have cluster mode yet\n",
    );
  });

  test.each([
    ["no ACL file", undefined, "", "Error loading ACLs, opening file 'u.acl': No such file or dir"],
    ["a wrong one", "user default +nope\n", "", "u.acl:1: Error in applying operation '+nope': Un"],
    ["user lines beside one", "user default on\n", "user default on", "Configuring Redis with use"],
  ])("%s", async (_, acl, line, says) => {
    using folder = temporaryFolder();
    if (acl !== undefined) writeFileSync(join(folder.path, "u.acl"), acl);
    writeFileSync(join(folder.path, "kv.conf"), `port 0\ndir ${folder.path}\n${line}\n`);
    const { ended, stdout } = run([join(folder.path, "kv.conf"), "--aclfile", "u.acl"]);
    expect(await ended).toBe(1);
    expect(stdout()).toMatch(/ # (Aborting Redis startup because of ACL errors: |Configuring)/);
    expect(stdout()).toContain(says);
    expect(stdout()).not.toContain("Ready to accept");
  });

  test("a busy port", async () => {
    const { port } = await start();
    const second = run(["--port", String(port), "--bind", "127.0.0.1"]);
    expect(await second.ended).toBe(1);
    expect(second.stdout()).toContain(
      `Could not create server TCP listening socket 127.0.0.1:${port}: bind: Address already in use`,
    );
    expect(second.stdout()).toContain(`Failed listening on port ${port} (tcp), aborting.`);
    expect(second.stdout().split("\n")[0]).not.toContain("already in use");
  });

  test("nowhere to listen", async () => {
    const { ended, stdout } = run(["--port", "0"]);
    expect(await ended).toBe(1);
    expect(stdout()).toContain("Configured to not listen anywhere, exiting.");
  });

  test("a Unix socket", async () => {
    using folder = temporaryFolder();
    const path = join(folder.path, "s");
    const { child, ended, says } = await start(["--unixsocket", path, "--unixsocketperm", "700"]);
    await says("Ready to accept connections unix");
    expect(statSync(path).mode & 0o777).toBe(0o700);
    expect(await ask(path, "PING")).toBe("+PONG\r\n");
    child.kill("SIGTERM");
    expect(await ended).toBe(0);
    expect(existsSync(path)).toBe(false);
  });

  test.each(["-", "a FIFO"])("daemonize: in the background, configured by %s", async (source) => {
    using folder = temporaryFolder();
    const port = await freePort();
    const pidFile = join(folder.path, "kv.pid");
    const logFile = join(folder.path, "log");
    const args = ["--daemonize", "yes", "--pidfile", pidFile, "--logfile", logFile];
    const conf = `port ${port}\nbind 127.0.0.1\nsave ""\n`;
    const fifo = join(folder.path, "fifo");
    execFileSync("mkfifo", [fifo]);
    const isFifo = source !== "-";
    if (isFifo) void writeFile(fifo, conf); // Once: nobody could read it again.
    const front = run([isFifo ? fifo : "-", ...args], isFifo ? {} : { stdin: conf });
    expect(await front.ended).toBe(0);
    await vi.waitFor(() => expect(readFileSync(logFile, "utf8")).toContain("Ready to"), 15_000);
    const pid = Number(readFileSync(pidFile, "utf8"));
    expect(pid).not.toBe(front.pid);
    expect(await ask(port, "PING")).toBe("+PONG\r\n");
    process.kill(pid, "SIGTERM");
    await vi.waitFor(() => expect(existsSync(pidFile)).toBe(false), 5000);
  });

  test("the process title", async () => {
    if (!existsSync("/proc/self/cmdline")) return console.log("no /proc: not tested here");
    const { pid, port } = await start();
    const title = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim();
    expect(title).toMatch(new RegExp(`^/\\S+/kv-server 127\\.0\\.0\\.1:${port}$`));
  });
});

describe("ending", () => {
  test.each(["SIGTERM", "SIGINT"] as const)("%s shuts down in good order", async (signal) => {
    using folder = temporaryFolder();
    const pidFile = join(folder.path, "pid");
    const { child, pid, ended, stdout } = await start(["--pidfile", pidFile]);
    expect(readFileSync(pidFile, "utf8")).toBe(`${pid}\n`);
    child.kill(signal);
    expect(await ended).toBe(0);
    expect(stdout()).toContain(`Received ${signal} scheduling shutdown...`);
    expect(stdout()).toContain("User requested shutdown...");
    expect(stdout()).toContain("ready to exit, bye bye");
    expect(existsSync(pidFile)).toBe(false);
  });

  test("with open connections, and one that never reads", async () => {
    const { child, ended, port } = await start();
    const net = await import("node:net");
    const idle = net.connect(port, "127.0.0.1");
    const closed = new Promise((resolve) => idle.once("close", resolve));
    await new Promise((resolve) => idle.once("connect", resolve));
    const stuck = net.connect(port, "127.0.0.1").on("error", () => {});
    stuck.pause();
    stuck.write("ECHO hello\r\n".repeat(200_000));
    await ask(port, "PING");
    child.kill("SIGTERM");
    expect(await ended).toBe(0);
    await closed;
    stuck.destroy();
  });

  test("signals that have no effect", async () => {
    const { child, port, stdout, stderr } = await start();
    for (const signal of ["SIGHUP", "SIGUSR1", "SIGPIPE"] as const) child.kill(signal);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(await ask(port, "PING")).toBe("+PONG\r\n");
    expect(stdout() + stderr()).not.toContain("Debugger listening");
  });

  test("SIGABRT leaves a report", async () => {
    const { child, ended, stdout } = await start();
    child.kill("SIGABRT");
    expect(await ended).toBe("SIGABRT");
    expect(stdout()).toContain("crashed by signal: 6");
  });

  test("SIGSTOP and SIGCONT", async () => {
    const { child, port } = await start();
    child.kill("SIGSTOP");
    const answer = ask(port, "PING");
    await new Promise((resolve) => setTimeout(resolve, 100));
    child.kill("SIGCONT");
    expect(await answer).toBe("+PONG\r\n");
  });

  test("nobody reads the log any more: the server goes on", async () => {
    const { child, port, ended } = await start();
    child.stdout?.destroy();
    expect(await ask(port, "PING")).toBe("+PONG\r\n");
    child.kill("SIGTERM");
    expect(await ended).toBe(0);
  });

  test("more clients than descriptors: some are turned away, the others are served", async () => {
    const port = await freePort();
    const script = `ulimit -n 64; exec "$0" "$@"`;
    const { spawn } = await import("node:child_process");
    const net = await import("node:net");
    const args = [...programWords, "--port", String(port), "--save", ""];
    const child = spawn("sh", ["-c", script, process.execPath, ...args, "--bind", "127.0.0.1"]);
    let log = "";
    child.stdout.on("data", (data) => {
      log += data;
    });
    try {
      await vi.waitFor(() => expect(log).toContain("Ready to accept"), 15_000);
      expect(log).toContain("maxclients has been reduced to 32");
      const sockets = Array.from({ length: 100 }, () =>
        net.connect(port, "127.0.0.1").on("error", () => {}),
      );
      await new Promise((resolve) => setTimeout(resolve, 300));
      for (const socket of sockets) socket.destroy();
      await vi.waitFor(async () => expect(await ask(port, "PING")).toBe("+PONG\r\n"), 5000);
    } finally {
      child.kill("SIGKILL");
    }
  });
});

describe("watchdog-period", () => {
  const expired = "--- WATCHDOG TIMER EXPIRED ---";
  const reports = (text: string) => text.split(expired).length - 1;
  /** Where a function stands, as reports name it. */
  const file = (source: string) => (isBuilt ? "\\S+program\\S*" : `file:\\S+${source}\\.ts`);
  const quiet = () => new Promise((resolve) => setTimeout(resolve, 600));

  test("says where a slow command is, and nothing while there is none", async () => {
    const args = ["--watchdog-period", "200", "--enable-debug-command", "yes"];
    const { child, port, stdout, stderr, says, ended } = await start(args);
    await quiet();
    expect(stdout()).not.toContain(expired);
    expect(stdout()).not.toContain("has no effect");
    expect(await ask(port, "DEBUG POPULATE 1000000")).toBe("+OK\r\n");
    await says("--------\n\n");
    await quiet();
    expect(stdout()).toMatch(new RegExp(` {4}at populate \\(${file("debug\\S*")}:\\d+:\\d+\\)\n`));
    expect(reports(stdout())).toBe(1);
    child.kill("SIGTERM");
    expect(await ended).toBe(0);
    expect(stderr()).toBe("");
  });

  test("says where the server waits, too", async () => {
    const args = ["--watchdog-period", "200", "--enable-debug-command", "yes"];
    const { child, port, stdout, says, ended } = await start(args);
    // Far longer than any machine takes to look for the place.
    void ask(port, "DEBUG SLEEP 60").catch(() => "cut");
    await says("--------\n\n");
    expect(stdout()).toMatch(new RegExp(` {4}at sleepMs \\(${file("node-host")}:\\d+:\\d+\\)\n`));
    expect(reports(stdout())).toBe(1);
    child.kill("SIGKILL");
    await ended;
  });

  test("is turned on and off by CONFIG SET, and speaks in the log file", async () => {
    using folder = temporaryFolder();
    const port = await freePort();
    const file = join(folder.path, "log");
    const args = ["--enable-debug-command", "yes", "--logfile", "log", "--dir", folder.path];
    const { child, ended } = run(["--port", String(port), "--save", "", ...args]);
    const log = () => readFileSync(file, "utf8");
    await vi.waitFor(() => expect(log()).toContain("Ready to accept"), 15_000);
    expect(await ask(port, "CONFIG SET watchdog-period 50")).toBe("+OK\r\n");
    expect(await ask(port, "CONFIG GET watchdog-period")).toContain("$3\r\n200\r\n");
    await quiet();
    expect(await ask(port, "DEBUG SLEEP 3")).toBe("+OK\r\n");
    await vi.waitFor(() => expect(log()).toMatch(/at sleepMs [\s\S]*--------\n\n/), 10_000);
    expect(await ask(port, "CONFIG SET watchdog-period 0")).toBe("+OK\r\n");
    expect(await ask(port, "DEBUG SLEEP 0.6")).toBe("+OK\r\n");
    expect(reports(log())).toBe(1);
    child.kill("SIGTERM");
    expect(await ended).toBe(0);
  });
});

test("an ACL file that turns the default user off lets nobody in, and ACL SAVE writes it", async () => {
  using folder = temporaryFolder();
  const file = join(folder.path, "u.acl");
  writeFileSync(file, "user default off\n");
  const closed = await start(["--dir", folder.path, "--aclfile", "u.acl"]);
  expect(await ask(closed.port, "SET a b")).toBe("-NOAUTH Authentication required.\r\n");
  writeFileSync(file, "user default on nopass ~* &* +@all -debug\n");
  const open = await start(["--dir", folder.path, "--aclfile", "u.acl"]);
  expect(await ask(open.port, "ACL SETUSER default -flushall")).toBe("+OK\r\n");
  expect(await ask(open.port, "ACL SAVE")).toBe("+OK\r\n");
  expect(readFileSync(file, "latin1")).toBe(
    "user default on nopass sanitize-payload ~* &* +@all -debug -flushall\n",
  );
});

test("what has no effect is said although only warnings are logged", async () => {
  const port = String(await freePort());
  const { says } = run([
    "--port",
    port,
    "--loglevel",
    "warning",
    "--cluster-migration-barrier",
    "7",
  ]);
  await says("# 'cluster-migration-barrier' is accepted but has no effect here.");
});

test("without a name for the data file it starts empty, and cannot save", async () => {
  using folder = temporaryFolder();
  const { port, stdout, child, ended } = await start(["--dir", folder.path, "--dbfilename", ""]);
  expect(await ask(port, "SET a b")).toBe("+OK\r\n");
  expect(await ask(port, "SAVE")).toBe("-ERR\r\n");
  expect(stdout()).toContain("No such file or directory");
  expect(readdirSync(folder.path)).toEqual([]);
  child.kill("SIGTERM");
  expect(await ended).toBe(0);
});

test("CONFIG SET says it too, of what it has set", async () => {
  const { port, says, stdout } = await start(["--cluster-migration-barrier", "7"]);
  expect(await ask(port, "CONFIG SET io-threads-do-reads yes timeout 7")).toMatch(/^-ERR.*io-thr/);
  expect(await ask(port, "CONFIG SET CLUSTER-SLAVE-VALIDITY-FACTOR 7 timeout 7")).toBe("+OK\r\n");
  await says("# 'cluster-replica-validity-factor' is accepted but has no effect here.");
  expect(stdout().match(/has no effect/g)).toHaveLength(2);
});

test("a folder that cannot be written is said, and so is the way out of a refused shutdown", async () => {
  if (process.platform !== "linux") return console.log("no folder like /proc here: not tested");
  const server = await start(["--dir", "/proc", "--save", "3600 1"]);
  expect(server.stdout()).toMatch(
    /# WARNING: The folder '\/proc' \(see 'dir'\) cannot be written: [A-Z][a-z ]+\. .*'save ""'\.\n/,
  );
  server.child.kill("SIGTERM");
  await server.says("# SHUTDOWN NOSAVE ends the server without saving");
  expect(await ask(server.port, "SHUTDOWN")).toBe(
    "-ERR Errors trying to SHUTDOWN. Check logs.\r\n",
  );
  await ask(server.port, "PING");
  void ask(server.port, "SHUTDOWN NOSAVE").catch(() => {});
  expect(await server.ended).toBe(0);
});

test("a folder that can be written is left as it was; without save points none is needed", async () => {
  using folder = temporaryFolder();
  const before = statSync(folder.path).mtimeMs;
  const server = await start(["--dir", folder.path, "--save", "3600 1"]);
  expect(server.stdout()).not.toContain("cannot be written");
  expect(readdirSync(folder.path)).toEqual([]);
  expect(statSync(folder.path).mtimeMs).toBeGreaterThan(before); // It was tried.
  const cache = await start(["--dir", "/"]);
  expect(cache.stdout()).not.toContain("cannot be written");
});
