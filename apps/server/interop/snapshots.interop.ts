/** Snapshots: files of ours load in redis-server and theirs in ours; a killed save leaves the old file. */
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hasRedisServer, type ServerProcess, type WireClient } from "@kv/testing";
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { commandsOf, startOurs, startRedis } from "./both-servers.ts";

type Request = (string | number)[];

const FAR_MS = 32503680000000;
/** Bytes of a string: no `proto-max-bulk-len` unless told otherwise lets one be longer. */
const LONGEST = 512 * 2 ** 20;

/** Every type in each of its encodings, as far as the server knows the commands. */
const content: Request[] = [
  ["SET", "int", 12345],
  ["SET", "negative", "-9223372036854775808"],
  ["SET", "short", "text"],
  ["SET", "empty", ""],
  ["SET", "binary", "\x00\xff\r\n"],
  ["SET", "long", "compressible ".repeat(200)],
  ["SET", "expires", "v", "PXAT", FAR_MS],
  ["SET", "", "empty name"],
  ["HSET", "hash-listpack", "f", "v", "n", 1, "", "x"],
  ["HSET", "hash-table", ...numbered(200)],
  ["HSET", "hash-long", "f", "y".repeat(100)],
  ["PEXPIREAT", "hash-listpack", FAR_MS + 1],
  ["RPUSH", "list", "a", 1, "", "z".repeat(300)],
  ["RPUSH", "list-long", ...numbered(500)],
  ["SADD", "set-int", 1, 2, 70000, "5000000000"],
  ["SADD", "set-small", "a", "b", 3],
  ["SADD", "set-table", ...numbered(300)],
  ["ZADD", "zset-listpack", 1, "a", 2.5, "b", "-inf", "c"],
  ["ZADD", "zset-skiplist", ...numbered(200).map((word) => word.replace("f", ""))],
  ["XADD", "stream", "1-1", "f", "v", "g", "w"],
  ["XADD", "stream", "2-0", "f", "x"],
  ["XGROUP", "CREATE", "stream", "g1", "1-1"],
  ["PFADD", "loglog", "a", "b", "c"],
  ["SELECT", 3],
  ["SET", "elsewhere", "v"],
  ["SELECT", 0],
];

/** Redis 7.0 has no listpacks for sets and lists; a string that was edited in place is raw until it is loaded. */
const differing = new Set(["set-small", "list", "list-long", "loglog"]);

const wholeReads: Request[] = [
  ["GET"],
  ["HGETALL"],
  ["LRANGE", 0, -1],
  ["SMEMBERS"],
  ["ZRANGE", 0, -1, "WITHSCORES"],
  ["XRANGE", "-", "+"],
];

function numbered(count: number): string[] {
  return Array.from({ length: count * 2 }, (_, i) => (i % 2 === 0 ? `${i}` : `f${i}`));
}

/** The requests of which our server knows the commands: those that a file for it may come from. */
async function knownOf(requests: readonly Request[]): Promise<Request[]> {
  const server = await startOurs();
  const known = await commandsOf(server, [...new Set(requests.map((words) => `${words[0]}`))]);
  await server.stop();
  return requests.filter((words) => known.has(`${words[0]}`));
}

/** All that both must agree on, whatever they are. */
async function contentOf(
  server: ServerProcess,
  known: Request[],
  reads: Request[],
): Promise<Record<string, string>> {
  const client = await server.connect();
  const seen: Record<string, string> = {};
  for (const db of [0, 3]) {
    await client.request("SELECT", db);
    seen[`dbsize ${db}`] = await client.request("DBSIZE");
  }
  await client.request("SELECT", 0);
  for (const key of new Set(known.map((words) => `${words[1]}`))) {
    seen[`type ${key}`] = await client.request("TYPE", key);
    seen[`life ${key}`] = await client.request("PEXPIRETIME", key);
    const encoding = await client.request("OBJECT", "ENCODING", key);
    if (!differing.has(key)) seen[`encoding ${key}`] = encoding;
    for (const [name, ...rest] of reads) {
      const reply = await client.request(name as string, key, ...rest);
      if (!reply.startsWith("-"))
        seen[`${name} ${key}`] = /^(HGETALL|SMEMBERS)$/.test(`${name}`)
          ? reply.split("\r\n").sort().join(" ")
          : reply;
    }
  }
  client.close();
  return seen;
}

describe.runIf(hasRedisServer())("snapshots", () => {
  let folder: string;
  const servers: ServerProcess[] = [];
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "kv-snapshots-"));
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

  let known: Request[] = [];
  let reads: Request[] = [];
  beforeAll(async () => {
    known = await knownOf(content);
    reads = await knownOf(wholeReads);
  });

  async function fill(server: ServerProcess, requests = known): Promise<WireClient> {
    const client = await server.connect();
    for (const words of requests) await client.request(...words);
    return client;
  }

  const kinds = [
    { from: "ours", to: "redis-server", write: startOurs, read: startRedis },
    { from: "redis-server", to: "ours", write: startRedis, read: startOurs },
    { from: "ours", to: "ours", write: startOurs, read: startOurs },
  ];

  test.each(kinds)("a file of $from loads in $to, remaining lives included", async (kind) => {
    for (const [index, save] of [["SAVE"], ["BGSAVE"]].entries()) {
      const part = join(folder, `${index}`);
      const writer = await keep(kind.write({ config: { rdbcompression: index ? "no" : "yes" } }));
      const client = await fill(writer);
      expect(await client.request(...save)).toMatch(/^\+/);
      await expect
        .poll(() => client.request("INFO", "persistence"), { timeout: 10_000 })
        .toContain("rdb_bgsave_in_progress:0");
      const before = await contentOf(writer, known, reads);
      copyFileSync(join(writer.folder, "dump.rdb"), `${part}.rdb`);
      await writer.stop();
      const config = { dbfilename: `${index}.rdb`, dir: folder };
      const reader = await keep(kind.read({ folder, config }));
      const after = await contentOf(reader, known, reads);
      expect(after).toEqual(before);
      expect(after["GET short"]).toBe("$4\r\ntext\r\n");
      expect(after["life expires"]).toBe(`:${FAR_MS}\r\n`);
      await reader.stop();
    }
  });

  test.each(kinds)(
    "the longest string there is goes from $from to $to, packed or not",
    async (kind) => {
      for (const rdbcompression of ["yes", "no"]) {
        const part = join(folder, rdbcompression);
        const writer = await keep(kind.write({ config: { rdbcompression } }));
        const client = await writer.connect();
        expect(await client.request("SETRANGE", "k", LONGEST - 3, "end")).toBe(`:${LONGEST}\r\n`);
        expect(await client.request("SETRANGE", "k", 1000, "\0\xff\r\n")).toBe(`:${LONGEST}\r\n`);
        expect(await client.request("SAVE")).toBe("+OK\r\n");
        copyFileSync(join(writer.folder, "dump.rdb"), `${part}.rdb`);
        await writer.stop();
        const isPacked = statSync(`${part}.rdb`).size < LONGEST / 10;
        expect(isPacked).toBe(rdbcompression === "yes");
        const config = { dbfilename: `${rdbcompression}.rdb`, dir: folder };
        const reader = await keep(kind.read({ folder, config }));
        const again = await reader.connect();
        expect(await again.request("STRLEN", "k")).toBe(`:${LONGEST}\r\n`);
        expect(await again.request("GETRANGE", "k", 999, 1004)).toBe("$6\r\n\0\0\xff\r\n\0\r\n");
        expect(await again.request("GETRANGE", "k", -4, -1)).toBe("$4\r\n\0end\r\n");
        await reader.stop();
        rmSync(`${part}.rdb`);
      }
    },
    // Gigabytes go to the disk and back.
    240_000,
  );

  test("a server killed during BGSAVE keeps the old file, and starts from it", async () => {
    const server = await keep(startOurs({ folder, config: { dir: folder } }));
    const client = await fill(server);
    await client.request("SAVE");
    const file = join(folder, "dump.rdb");
    const saved = readFileSync(file);
    await client.request("DEBUG", "POPULATE", 200_000, "more", 100);
    await client.request("CONFIG", "SET", "rdb-key-save-delay", 20);
    expect(await client.request("BGSAVE")).toMatch(/^\+/);
    await expect
      .poll(() => readdirSync(folder).some((name) => name.startsWith("temp-")), {
        timeout: 5000,
        interval: 1,
      })
      .toBe(true);
    await server.kill();
    expect(readFileSync(file).equals(saved)).toBe(true);
    const again = await keep(startOurs({ folder, config: { dir: folder } }));
    const reader = await again.connect();
    expect(await reader.request("GET", "short")).toBe("$4\r\ntext\r\n");
    expect(await reader.request("EXISTS", "more:1")).toBe(":0\r\n");
  });

  test.each([
    { why: "save points are set", save: "3600 1", isSaved: true },
    { why: "there are none", save: "", isSaved: false },
  ])("SIGTERM ends in good order: $why", async ({ save, isSaved }) => {
    const server = await keep(startOurs({ folder, config: { dir: folder, save } }));
    await (await server.connect()).request("SET", "k", "kept");
    server.signal("SIGTERM");
    expect(await server.exited).toEqual({ code: 0, signal: null });
    expect(server.log).toContain("ready to exit, bye bye");
    expect(existsSync(join(folder, "dump.rdb"))).toBe(isSaved);
    const again = await keep(startOurs({ folder, config: { dir: folder, save } }));
    const reply = await (await again.connect()).request("GET", "k");
    expect(reply).toBe(isSaved ? "$4\r\nkept\r\n" : "$-1\r\n");
  });

  test("a damaged file stops the start with a clear message", async () => {
    const writer = await keep(startRedis({ folder, config: { dir: folder } }));
    await (await fill(writer)).request("SAVE");
    await writer.stop();
    const file = join(folder, "dump.rdb");
    const bytes = readFileSync(file);
    bytes[bytes.length - 20] = (bytes[bytes.length - 20] ?? 0) ^ 0xff;
    writeFileSync(file, bytes);
    const reader = await keep(startOurs({ folder, config: { dir: folder }, awaitReady: false }));
    expect((await reader.exited).code).toBe(1);
    expect(reader.log).toMatch(
      /CRC error|integrity check failed|Fatal error loading|Terminating server/,
    );
  });
});
