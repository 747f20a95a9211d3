/**
 * What tests of replication between processes share: a data set, changes to it, how servers are asked, and
 * servers that sentinels watch.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ServerOptions, ServerProcess } from "@kv/testing";

export type Words = readonly (string | number)[];

export const numbers = (count: number) => Array.from({ length: count }, (_, i) => i);

/** Every type; scores are whole, for versions print others in different ways. */
export const content: readonly Words[] = [
  ["SET", "text", "compressible ".repeat(100)],
  ["SET", "binary\0\r\n", "\xff\0\r\n"],
  ["SET", "expires", "v", "PXAT", 32503680000000],
  ["HSET", "hash", ...numbers(600)],
  ["RPUSH", "list", ...numbers(1000)],
  ["SADD", "set", ...numbers(700), "x"],
  ["SADD", "integers", ...numbers(20)],
  ["ZADD", "sorted", ...numbers(600)],
  ["XADD", "stream", "1-1", "f", "v"],
  ["XGROUP", "CREATE", "stream", "group", "0"],
  ["XREADGROUP", "GROUP", "group", "me", "STREAMS", "stream", ">"],
  ["PFADD", "hyperloglog", ...numbers(50)],
  ["GEOADD", "geo", 13.361389, 38.115556, "Palermo"],
  ["SETBIT", "bits", 1000, 1],
  ["SELECT", 9],
  ["SET", "elsewhere", "v"],
  ["DEBUG", "POPULATE", 20_000, "key", 100],
  ["SELECT", 0],
  [
    "FUNCTION",
    "LOAD",
    "#!lua name=lib\nredis.register_function('f', function() return 'from a function' end)",
  ],
];

/** Commands whose effects are not their words, besides plain ones. The key "short" goes soon. */
export const changes: readonly Words[] = [
  ["SET", "short", "v", "PX", 80],
  ["SPOP", "set", 3],
  ["INCRBYFLOAT", "float", "1.5"],
  ["HINCRBYFLOAT", "hash", "0", "2"],
  ["LMPOP", 1, "list", "LEFT", "COUNT", 5],
  ["ZPOPMIN", "sorted", 2],
  ["XADD", "stream", "MAXLEN", "~", 100, "*", "f", "v"],
  ["XREADGROUP", "GROUP", "group", "me", "COUNT", 1, "STREAMS", "stream", ">"],
  ["GETEX", "text", "EX", 10_000],
  ["EVAL", "redis.call('SET', 'a', 1) redis.call('SELECT', 3) redis.call('SET', 'b', 2)", 0],
  ["MULTI"],
  ["SET", "in transaction", 1],
  ["SELECT", 3],
  ["RPUSH", "l", ...numbers(50)],
  ["SELECT", 0],
  ["EXEC"],
  ["SWAPDB", 3, 4],
  ["BITOP", "NOT", "inverse", "bits"],
  ["COPY", "hash", "copied", "REPLACE"],
  ["SORT", "l", "STORE", "stored"],
  ["FUNCTION", "LOAD", "REPLACE", "#!lua name=lib\nredis.register_function('g', print)"],
  ["SELECT", 9],
  ["FLUSHDB"],
  ["SELECT", 0],
  ["PUBLISH", "channel", "message"],
];

/** The reply to the last of these requests, by a connection of their own. */
export async function send(server: ServerProcess, ...lines: Words[]): Promise<string> {
  const client = await server.connect();
  let reply = "";
  for (const words of lines) reply = await client.request(...words);
  client.close();
  return reply;
}

/** A row of INFO. */
export async function field(server: ServerProcess, name: string): Promise<string | undefined> {
  return new RegExp(`^${name}:(.*)\r$`, "m").exec(await send(server, ["INFO"]))?.[1];
}

/** What a server has: a digest of its keys, and its functions. */
export async function stateOf(server: ServerProcess): Promise<string[]> {
  return [
    await send(server, ["DEBUG", "DIGEST"]),
    await send(server, ["FUNCTION", "LIST", "WITHCODE"]),
  ];
}

/** startOurs or startRedis. */
export type Start = (options: ServerOptions) => Promise<ServerProcess>;

/** Not on the command line of a sentinel, but in its file or nowhere. */
const left = { unixsocket: null, save: null, "enable-debug-command": null };

/** Resolves as soon as it is so. */
export async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  for (let turn = 0; !(await isSo()); turn++) {
    if (turn === 200) throw new Error(`not within 20 s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** The port where the primary is, as the sentinel has it. */
export async function primaryPort(sentinel: ServerProcess): Promise<number> {
  const reply = await send(sentinel, ["SENTINEL", "GET-MASTER-ADDR-BY-NAME", "mymaster"]);
  return Number(/\$\d+\r\n(\d+)\r\n$/.exec(reply)?.[1]);
}

/** Resolves when the server follows the one at this port, and is linked with it. */
export function untilItFollows(server: ServerProcess, port: number): Promise<void> {
  const rows = `master_port:${port}\r\nmaster_link_status:up`;
  return until(`it follows ${port}`, async () =>
    (await send(server, ["INFO", "replication"])).includes(rows),
  );
}

/** Servers of both kinds and sentinels of both kinds, as processes. */
export class Watched {
  private readonly folder = mkdtempSync(join(tmpdir(), "kv-sentinel-"));
  private readonly running: ServerProcess[] = [];
  private fileCount = 0;
  private readonly files = new Map<ServerProcess, string>();

  /** Ends all of them. */
  async stop(): Promise<void> {
    await Promise.all(this.running.splice(0).map((server) => server.stop()));
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** A server with a file of its own, which sentinels have it rewrite. */
  async server(start: Start, config: Record<string, string | number> = {}): Promise<ServerProcess> {
    const file = join(this.folder, `server-${this.fileCount++}.conf`);
    writeFileSync(file, "# The operator's.\n");
    const started = await start({
      args: [file],
      config: { "repl-diskless-sync-delay": 0, ...config },
    });
    this.files.set(started, file);
    this.running.push(started);
    return started;
  }

  /** The lines of a server's file. */
  linesOf(server: ServerProcess): string[] {
    return readFileSync(this.files.get(server) as string, "utf8").split("\n");
  }

  /** The configuration file of a sentinel. */
  fileOf(number: number): string {
    return join(this.folder, `sentinel-${number}.conf`);
  }

  /** A sentinel that watches the server at this port. */
  async sentinel(start: Start, number: number, port: number, quorum = 2): Promise<ServerProcess> {
    const file = this.fileOf(number);
    writeFileSync(
      file,
      `# The operator's.
sentinel monitor mymaster 127.0.0.1 ${port} ${quorum}
sentinel down-after-milliseconds mymaster 2000
sentinel failover-timeout mymaster 10000
`,
    );
    const started = await start({ args: [file, "--sentinel"], config: left });
    this.running.push(started);
    // So that a test need not wait for minutes.
    const reply = await send(started, [
      "SENTINEL",
      "DEBUG",
      "info-period",
      1000,
      "publish-period",
      500,
    ]);
    if (reply !== "+OK\r\n") throw new Error(`SENTINEL DEBUG: ${reply}`);
    return started;
  }

  /** A primary, two replicas, and three sentinels that have found them and each other. */
  async whole(servers: readonly Start[], sentinels: readonly Start[]): Promise<WholeFleet> {
    const [first, ...others] = servers as [Start, ...Start[]];
    const primary = await this.server(first);
    const replicaof = `127.0.0.1 ${primary.port}`;
    const replicas = await Promise.all(others.map((start) => this.server(start, { replicaof })));
    const watching = await Promise.all(
      sentinels.map((start, number) => this.sentinel(start, number, primary.port)),
    );
    await until("all have found all", async () => {
      const found = await Promise.all(
        watching.map((each) => send(each, ["SENTINEL", "MASTER", "mymaster"])),
      );
      return found.every(
        (text) =>
          text.includes("num-slaves\r\n$1\r\n2\r\n") &&
          text.includes("num-other-sentinels\r\n$1\r\n2\r\n"),
      );
    });
    return { primary, replicas, watching };
  }
}

export interface WholeFleet {
  readonly primary: ServerProcess;
  readonly replicas: readonly ServerProcess[];
  readonly watching: readonly ServerProcess[];
}

/** Resolves when all of these sentinels have another primary, which it returns. */
export async function replaced({
  primary,
  replicas,
  watching,
}: WholeFleet): Promise<ServerProcess> {
  await until("all have another primary", async () => {
    const ports = await Promise.all(watching.map(primaryPort));
    return ports[0] !== primary.port && ports.every((port) => port === ports[0]);
  });
  const port = await primaryPort(watching[0] as ServerProcess);
  const promoted = replicas.find((each) => each.port === port) as ServerProcess;
  await until("it is one", async () => (await field(promoted, "role")) === "master");
  return promoted;
}
