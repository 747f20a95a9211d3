/**
 * The same questions to redis-server and to a ConfigStore: defaults, values that are set and
 * refused, starts that fail, files that are rewritten. Runs where redis-server 7.0 is installed.
 */
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createConnection, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isComparable, redisVersion } from "@kv/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseCommandLine } from "./command-line.ts";
import { ConfigStore } from "./config-store.ts";
import { directivesWith } from "./directives/index.ts";
import { maxmemoryPolicy } from "./directives/memory.ts";
import { loadConfig } from "./load-config.ts";

const isThere = redisVersion()?.startsWith("7.0.") === true;
if (!isThere) console.log("skipped: the comparison needs redis-server 7.0 on the PATH");

/** The table as a server completes it, with Redis's policies in the order of its error text. */
const rows = directivesWith([
  maxmemoryPolicy([
    ...["volatile-lru", "volatile-lfu", "volatile-random", "volatile-ttl"],
    ...["allkeys-lru", "allkeys-lfu", "allkeys-random", "noeviction"],
  ]),
]);

/** Names that redis-server does not know: of what is newer, and of what is ours alone. */
const ownNames = new Set(
  rows
    .filter((row) => !isComparable(row, redisVersion() ?? ""))
    .flatMap(({ name, aliases }) => [name, ...aliases]),
);
/** Hidden since 7.2. */
const hiddenSince = new Set(["aof-disable-auto-gc"]);

/** A server with a file, and one connection to it. */
class Redis {
  readonly folder = mkdtempSync(join(tmpdir(), "kv-config-"));
  readonly file = join(this.folder, "redis.conf");
  readonly socketPath = join(this.folder, "s");
  #process: ReturnType<typeof spawn> | undefined;
  #socket: Socket | undefined;

  async start(text: string): Promise<void> {
    writeFileSync(this.file, text, "latin1");
    const options = ["--port", "0", "--unixsocket", this.socketPath, "--dir", this.folder];
    this.#process = spawn("redis-server", [this.file, ...options], { stdio: "ignore" });
    for (let tries = 0; this.#socket === undefined; tries++) {
      if (tries === 200) throw new Error("redis-server did not start");
      await new Promise((resolve) => setTimeout(resolve, 20));
      this.#socket = await connected(this.socketPath);
    }
  }

  /** One command; bulk strings and arrays of them as JavaScript values, errors as their text. */
  async send(...args: string[]): Promise<string | string[]> {
    const socket = this.#socket as Socket;
    const request = args.map((arg) => `$${arg.length}\r\n${arg}\r\n`).join("");
    socket.write(`*${args.length}\r\n${request}`, "latin1");
    let reply = "";
    for (;;) {
      const chunk = await new Promise<Buffer>((resolve, reject) => {
        if (socket.closed) reject(new Error("redis-server closed the connection"));
        socket.once("data", resolve);
        socket.once("close", reject);
      });
      socket.removeAllListeners("close");
      reply += chunk.toString("latin1");
      const parsed = parseReply(reply);
      if (parsed !== undefined) return parsed;
    }
  }

  stop(): void {
    this.#socket?.destroy();
    this.#process?.kill("SIGKILL");
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function connected(path: string): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = createConnection(path);
    socket.once("connect", () => resolve(socket));
    socket.once("error", () => resolve(undefined));
  });
}

function parseReply(reply: string): string | string[] | undefined {
  const end = reply.indexOf("\r\n");
  if (end < 0) return undefined;
  if (reply[0] !== "*") return reply.slice(1, end);
  const items: string[] = [];
  let at = end + 2;
  for (let left = Number(reply.slice(1, end)); left > 0; left--) {
    const lineEnd = reply.indexOf("\r\n", at);
    if (lineEnd < 0) return undefined;
    const length = Number(reply.slice(at + 1, lineEnd));
    if (reply.length < lineEnd + length + 4) return undefined;
    items.push(reply.slice(lineEnd + 2, lineEnd + 2 + length));
    at = lineEnd + length + 4;
  }
  return items;
}

function pairsOf(items: string | string[]): Map<string, string> {
  const pairs = new Map<string, string>();
  for (let at = 0; at < items.length; at += 2) pairs.set(items[at], items[at + 1]);
  return pairs;
}

describe.runIf(isThere)("like redis-server", () => {
  const redis = new Redis();
  const unlike = new Set(["port", "dir", "unixsocket"]); // What its start needed.
  beforeAll(() => redis.start("enable-protected-configs yes\n"));
  afterAll(() => redis.stop());

  /** A store with the values that the server has now. */
  async function store(): Promise<ConfigStore> {
    const ours = new ConfigStore(rows);
    for (const [name, value] of pairsOf(await redis.send("CONFIG", "GET", "*"))) {
      if (ours.directive(name)?.immutable) continue;
      ours.configSet([[name, value]], { protectedAllowed: true });
    }
    return ours;
  }

  test("the same names with the same defaults", async () => {
    const theirs = pairsOf(await redis.send("CONFIG", "GET", "*"));
    const ours = new Map(new ConfigStore(rows).configGet(["*"]));
    unlike.add("enable-protected-configs");
    for (const name of [...ownNames, ...unlike]) {
      ours.delete(name);
      theirs.delete(name);
    }
    for (const name of hiddenSince) theirs.delete(name);
    expect([...ours].sort()).toEqual([...theirs].sort());
  });

  test("each directive can be set to the value it has", async () => {
    const ours = new ConfigStore(rows);
    for (const { name, immutable } of rows) {
      const value = ours.print(name);
      const error = ours.configSet([[name, value]], { protectedAllowed: true });
      if (immutable) expect(error?.message, name).toContain("immutable");
      else expect(error?.message, name).toBe(undefined);
    }
    expect(ours.configGet(["*"])).toEqual(new ConfigStore(rows).configGet(["*"]));
  });

  const oddValues = [
    ...["", "yes", "No", "0", "1", "-1", "007", "+7", "1.5", "12q", "100mb", "5%", "120%", "1 2"],
    ...["2147483648", "4294967296", "9223372036854775808", "18446744073709551616", "1e3", "-101"],
    ...["default", "save NOW", "debug", "KEAn", "K$", "10 2 3 4", "50 99.99", "1 2 3", "a/b"],
    ...[
      "normal 1 2 3",
      "pubsub 1mb 2kb x",
      "{title}",
      "{{",
      "{x",
      "{port} {y}",
      "3 -3000 2",
      "always",
      "local",
    ],
  ];
  // Setting these changes the machine, the connection or what the process may do.
  const untouched = new Set([
    ...["port", "tls-port", "bind", "dir", "maxclients", "appendonly", "oom-score-adj"],
    ...["oom-score-adj-values", "requirepass", "watchdog-period", "activedefrag", "hz"],
    ...["maxmemory", "tls-auth-clients", "jemalloc-bg-thread", "crash-log-enabled"],
    ...["unixsocket", "replicaof", "client-query-buffer-limit", "proto-max-bulk-len"],
    ...["tls-cluster", "tls-replication", "loglevel", "notify-keyspace-events"],
  ]);

  test("odd values are taken and refused alike", async () => {
    const ours = await store();
    for (const { name, aliases } of rows) {
      if (ownNames.has(name) || untouched.has(name) || name.startsWith("tls-")) continue;
      const usual = ours.print(name);
      for (const value of [...oddValues, usual]) {
        // There the largest number wraps to minus one, which means one percent.
        if (name === "maxmemory-clients" && value === "18446744073709551616") continue;
        const key = aliases[0] ?? name;
        const theirs = await redis.send("CONFIG", "SET", key, value);
        const error = ours.configSet([[key, value]], { protectedAllowed: true });
        expect(`${value}: ${error?.message ?? "OK"}`).toBe(`${value}: ${theirs}`);
        if (ours.directive(name)?.immutable) continue; // The start has set some of these.
        const shown = pairsOf(await redis.send("CONFIG", "GET", name)).get(name);
        expect(`${name} ${value}: ${ours.print(name)}`).toBe(`${name} ${value}: ${shown}`);
      }
    }
  }, 60_000);

  test.each([
    [["CONFIG", "SET", "nosuch", "1"]],
    [["CONFIG", "SET", "timeout", "1", "nosuch", "2", "other", "3"]],
    [["CONFIG", "SET", "timeout", "1", "TIMEOUT", "2"]],
    [["CONFIG", "SET", "supervised", "no", "timeout", "1", "timeout", "2"]],
    [["CONFIG", "SET", "timeout", "1", "slave-priority", "x"]],
  ])("%j", async (args) => {
    const ours = await store();
    const before = ours.print("timeout");
    const pairs: [string, string][] = [];
    for (let at = 2; at < args.length; at += 2) pairs.push([args[at], args[at + 1]]);
    expect(ours.configSet(pairs)?.message).toBe(await redis.send(...args));
    expect(ours.print("timeout")).toBe(before);
    expect(pairsOf(await redis.send("CONFIG", "GET", "timeout")).get("timeout")).toBe(before);
  });

  test.each([
    { text: "# c\n\nbogus 1\n", args: [] },
    { text: "port 7\nmaxmemory 'x\n", args: [] },
    { text: "port 7", args: ["--port"] },
    { text: "port 7\n", args: ["--port", "--bla"] },
    { text: "", args: ["--loglevel", "--timeout", "1"] },
    { text: "", args: ["--replicaof", "127.0.0.1", "abc"] },
    { text: "", args: ["--save", "60", "--port", "1"] },
    { text: "save 1 2\n", args: ["timeout", "5", "--bogus 7"] },
    { text: "unixsocketperm 1000\n", args: [] },
    { text: "user a on\nuser a off\n", args: [] },
    { text: "client-output-buffer-limit a b\n", args: [] },
    { text: "cluster-enabled yes\nreplicaof a 1\n", args: [] },
    { text: "appendfilename ''\n", args: [] },
    { text: "sentinel x y\n", args: [] },
    { text: "a.b\n", args: [] },
    { text: "shutdown-on-sigterm now bogus\n", args: [] },
    { text: "shutdown-on-sigterm nosave save\n", args: [] },
    { text: "bind 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17\n", args: [] },
  ])("fails to start: $text $args", ({ text, args }) => {
    const path = join(redis.folder, "wrong.conf");
    writeFileSync(path, text);
    const theirs = spawnSync("redis-server", [path, ...args], { encoding: "utf8", timeout: 5000 });
    expect(theirs.status).toBe(1);
    let message = "";
    try {
      const commandLine = parseCommandLine([path, ...args]);
      const readFile = (name: string) => readFileSync(name, "latin1");
      loadConfig(new ConfigStore(rows), { commandLine, readFile });
    } catch (error) {
      message = (error as Error).message;
    }
    // 7.2 has a level more.
    const ours = message.replace("7.2.4", "7.0.15").replace("warning, nothing", "warning");
    expect(`\n${ours}\n`).toBe(theirs.stderr);
  });

  test("each reads what the other has rewritten", async () => {
    const text =
      "# c\n\n\nslave-priority 7\ntimeout 1\nTimeout 2\nsave 9 9\nsave 8 8\nlist-max-ziplist-entries 1\n" +
      'masterauth "a b\\xff\\n"\nhash-max-ziplist-entries 9\nuser alice on nopass ~* +@all\n# end';
    const other = new Redis();
    try {
      await other.start(text);
      const changes: [string, string][] = [
        ["maxmemory", "100mb"],
        ["client-output-buffer-limit", "pubsub 1gb 1000 7"],
        ["save", "60 1"],
        ["latency-tracking-info-percentiles", "1 2.5"],
        ["maxmemory-clients", "7%"],
        ["notify-keyspace-events", "Kg$"],
        ["shutdown-on-sigint", "now force"],
      ];
      const ours = new ConfigStore(rows);
      const readFile = () => text;
      const options = ["--port", "0", "--unixsocket", other.socketPath, "--dir", other.folder];
      loadConfig(ours, { commandLine: parseCommandLine(["x", ...options]), readFile });
      for (const [name, value] of changes) {
        expect(await other.send("CONFIG", "SET", name, value)).toBe("OK");
        expect(ours.configSet([[name, value]])).toBe(undefined);
      }
      expect(await other.send("CONFIG", "REWRITE")).toBe("OK");
      const theirs = readFileSync(other.file, "latin1");
      ours.statements.onRewrite("user", () =>
        [...theirs.matchAll(/^user (.*)$/gm)].map((match) => match[1]),
      );
      // They append in the order of a hash table.
      const sorted = (lines: string) => {
        const [kept, added] = lines.split("# Generated by CONFIG REWRITE\n");
        return [kept, ...added.trimEnd().split("\n").sort()];
      };
      expect(sorted(ours.rewrite(text))).toEqual(sorted(theirs));
    } finally {
      other.stop();
    }
  });

  test("redis-server starts from a sample file of ours", async () => {
    const { defaultConfText } = await import("./sample-conf.ts");
    const known = defaultConfText()
      .split("\n")
      .filter((line) => !ownNames.has(line.split(" ")[0]))
      .join("\n");
    const path = join(redis.folder, "sample.conf");
    writeFileSync(path, `${known}\n__end`);
    const result = spawnSync("redis-server", [path], { encoding: "utf8", timeout: 5000 });
    expect(result.stderr).toContain(">>> '__end'"); // It got to the last line.
    expect(execFileSync("redis-server", ["--version"], { encoding: "utf8" })).toContain("v=7.0.");
  });
});
