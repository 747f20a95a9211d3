/**
 * Replication with stock tools and servers: redis-cli fetches the data set from ours over the network,
 * and a redis-server that is started on what it wrote has the same keys and functions.
 */
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hasRedisServer, type ServerProcess } from "@kv/testing";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { startOurs, startRedis } from "./both-servers.ts";
import { changes, content, stateOf } from "./replicated.ts";

describe.runIf(hasRedisServer())("replication", () => {
  let ours: ServerProcess;
  let folder: string;
  beforeAll(async () => {
    ours = await startOurs();
    const client = await ours.connect();
    for (const words of content) expect((await client.request(...words)).slice(0, 1)).not.toBe("-");
    client.close();
  });
  afterAll(() => ours?.stop());
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "kv-replication-"));
    await configure("repl-diskless-sync-delay", 0, "repl-diskless-sync", "yes");
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  async function configure(...words: (string | number)[]): Promise<void> {
    const client = await ours.connect();
    expect(await client.request("CONFIG", "SET", ...words)).toBe("+OK\r\n");
    client.close();
  }

  /** Runs redis-cli on ours; its standard output, byte for byte. */
  function cli(...args: string[]): Promise<{ stdout: Buffer; stderr: string }> {
    const options = { timeout: 50_000, encoding: "buffer", maxBuffer: 2 ** 28 } as const;
    return new Promise((resolve, reject) => {
      execFile("redis-cli", ["-p", `${ours.port}`, ...args], options, (error, stdout, stderr) => {
        if (error !== null) reject(error);
        else resolve({ stdout, stderr: stderr.toString("latin1") });
      });
    });
  }

  /** The state of a redis-server that was started on the file. */
  async function loaded(file: Buffer): Promise<string[]> {
    writeFileSync(join(folder, "dump.rdb"), file);
    const redis = await startRedis({ folder });
    try {
      return await stateOf(redis);
    } finally {
      await redis.stop();
    }
  }

  test("redis-cli --rdb: a redis-server has the same keys and functions from it", async () => {
    const path = join(folder, "fetched.rdb");
    const { stderr } = await cli("--rdb", path);
    expect(stderr).toContain("EOF marker");
    expect(await loaded(readFileSync(path))).toEqual(await stateOf(ours));
  });

  test("redis-cli --rdb -: to its standard output, and by way of a file", async () => {
    await configure("repl-diskless-sync", "no");
    const { stdout, stderr } = await cli("--rdb", "-");
    expect(stderr).toContain(`writing ${stdout.length} bytes`);
    expect(await loaded(stdout)).toEqual(await stateOf(ours));
  });

  test("redis-cli --functions-rdb: the functions, and no keys", async () => {
    const { stdout } = await cli("--functions-rdb", "-");
    const [digest, functions] = await loaded(stdout);
    expect(digest).toBe(`+${"0".repeat(40)}\r\n`);
    expect(functions).toBe((await stateOf(ours))[1]);
  });

  test("several at once, with keep-alives before, while others write in transactions", async () => {
    await configure("repl-diskless-sync-delay", 2);
    const writer = await ours.connect();
    let isDone = false;
    const writing = (async () => {
      for (let count = 0; !isDone; count++) {
        await writer.request("MULTI");
        await writer.request("SET", "one", count);
        await writer.request("SET", `key:${count % 20_000}`, "changed");
        await writer.request("SET", "other", count);
        await writer.request("EXEC");
      }
    })();
    const fetched = await Promise.all([
      cli("--rdb", "-"),
      cli("--functions-rdb", "-"),
      cli("--rdb", "-"),
    ]);
    isDone = true;
    await writing;
    await writer.request("DEL", "one", "other");
    const files = fetched.map(({ stdout }) => stdout);
    expect(files[0]?.equals(files[2] as Buffer)).toBe(true);
    writeFileSync(join(folder, "dump.rdb"), files[0] as Buffer);
    const redis = await startRedis({ folder });
    const client = await redis.connect();
    const one = await client.request("GET", "one");
    expect(one).toMatch(/^\$\d+\r\n\d+\r\n$/);
    expect(await client.request("GET", "other")).toBe(one);
    await redis.stop();
  });

  test("redis-servers follow: by file and without, and go on where they stood", async () => {
    const replicaof = `127.0.0.1 ${ours.port}`;
    const [one, other] = [
      await startRedis({ config: { replicaof, "repl-diskless-load": "swapdb" } }),
      await startRedis({ config: { replicaof, "repl-diskless-load": "disabled" } }),
    ];
    const client = await ours.connect();
    const field = async (name: string) =>
      new RegExp(`^${name}:(.*)\r$`, "m").exec(await client.request("INFO"))?.[1];
    const change = async () => {
      for (const words of changes) await client.request(...words);
      await expect.poll(() => client.request("EXISTS", "short")).toBe(":0\r\n");
    };
    const areLevel = async () => {
      const info = await client.request("INFO", "replication");
      const offset = /^master_repl_offset:(\d+)/m.exec(info)?.[1];
      return info.split(`state=online,offset=${offset},`).length - 1;
    };
    const areEqual = async () => {
      await expect.poll(areLevel, { timeout: 20_000 }).toBe(2);
      const state = await stateOf(ours);
      expect(await stateOf(one)).toEqual(state);
      expect(await stateOf(other)).toEqual(state);
    };
    try {
      await expect.poll(() => field("slave1"), { timeout: 20_000 }).toContain("state=online");
      await change();
      await areEqual();
      const full = await field("sync_full");
      expect(await client.request("CLIENT", "KILL", "TYPE", "replica")).toBe(":2\r\n");
      await change();
      await areEqual();
      expect(await field("sync_full")).toBe(full);
      expect(await field("sync_partial_ok")).toBe("2");
    } finally {
      await Promise.all([one.stop(), other.stop()]);
    }
  });
});
