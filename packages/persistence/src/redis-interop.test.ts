/**
 * Files and payloads exchanged with redis-server, and the same file under both checkers. Needs the
 * redis-server binary; a machine without it says so and passes.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Keyspace } from "@kv/core";
import { type Reply, ReplyParser } from "@kv/resp";
import { hasRedisServer, type ServerOptions, ServerProcess, type WireClient } from "@kv/testing";
import { afterAll, describe, expect, test } from "vitest";
import { RdbCheck } from "./check-rdb.ts";
import {
  bytesOfText,
  contentsOf,
  LIMITS,
  putField,
  putString,
  textOfBytes,
} from "./keyspace-contents.ts";
import { loadFileNow } from "./load-file.ts";
import { nodeSyncStorage } from "./node.ts";
import { Crc64 } from "./rdb/crc64.ts";
import { RdbType } from "./rdb/format.ts";
import { RdbString } from "./rdb/input.ts";
import { RdbLoader } from "./rdb/load.ts";
import { ObjectReader } from "./rdb/object.ts";
import { ziplistOf, zipmapOf } from "./rdb/old-forms.ts";
import { dumpPayload, readPayload, verifyPayload } from "./rdb/payload.ts";
import { type SaveOptions, saveNow } from "./save.ts";

const hasOracle = hasRedisServer();

const folder = mkdtempSync(join(tmpdir(), "kv-rdb-"));
const servers: ServerProcess[] = [];
afterAll(async () => {
  for (const server of servers) await server.stop();
  rmSync(folder, { recursive: true });
});

/** A redis-server with its files in the folder; bytes travel as strings with one character each. */
class Redis {
  private readonly client: WireClient;
  private readonly parser = new ReplyParser({ strings: "bytes" });

  private constructor(client: WireClient) {
    this.client = client;
  }

  static async start(file: string, config?: ServerOptions["config"]): Promise<Redis> {
    const files = { dir: folder, dbfilename: file };
    const server = await ServerProcess.start({ config: { ...files, ...config } });
    servers.push(server);
    return new Redis(await server.connect());
  }

  async send(...args: (string | number)[]): Promise<unknown> {
    this.parser.feed(bytesOfText(await this.client.request(...args)));
    const reply = this.parser.next();
    if (reply === undefined) throw new Error("redis-server is gone");
    return plain(reply);
  }
}

function plain(reply: Reply): unknown {
  if (reply instanceof Uint8Array) return textOfBytes(reply);
  if (Array.isArray(reply)) return reply.map(plain);
  return reply instanceof Error ? `-${reply.message}` : reply;
}

function emptyKeyspace(): Keyspace {
  return new Keyspace({ random32: () => 99, arena: { segmentBytes: 2 ** 20 } });
}

const storage = nodeSyncStorage(folder);
const LATER_MS = 4_000_000_000_123;

/** Strings and hashes in all their encodings, on every edge of the format. */
async function populate(redis: Redis): Promise<void> {
  const edges = [0, 1, -1, 127, 128, -128, -129, 32767, 32768, -32768, -32769, 2147483647];
  const numbers = [...edges, "2147483648", "-2147483648", "-2147483649", "9223372036854775807"];
  for (const number of numbers) {
    await redis.send("SET", `n${number}`, number);
    await redis.send("SET", number, "a key that is a number");
    await redis.send("HSET", "small", `f${number}`, number, number, "v");
  }
  for (const length of [0, 1, 20, 21, 44, 45, 63, 64, 512, 513, 16383, 16384, 70_000]) {
    await redis.send("SET", `zeros${length}`, "0".repeat(length));
    await redis.send("SET", `bytes${length}`, textOfBytes(noise(length)));
    await redis.send("HSET", "table", `f${length}`, textOfBytes(noise(length)));
  }
  await redis.send("SET", "007", "007");
  await redis.send("SET", "expires", "x", "PXAT", LATER_MS);
  await redis.send("PEXPIREAT", "small", LATER_MS + 1);
  for (let i = 0; i < 300; i++) await redis.send("HSET", "many", `field${i}`, i);
  await redis.send("SELECT", 9);
  await redis.send("SET", "elsewhere", "y");
  await redis.send("SELECT", 0);
}

function noise(length: number): Uint8Array {
  let state = length + 1;
  return Uint8Array.from({ length }, () => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return state >> 16;
  });
}

/** Everything that can be seen of a data set from outside. */
async function seen(redis: Redis): Promise<unknown> {
  const digest = await redis.send("DEBUG", "DIGEST");
  const databases: unknown[] = [];
  for (const index of [0, 9]) {
    await redis.send("SELECT", index);
    const keys = ((await redis.send("KEYS", "*")) as string[]).sort();
    const facts: unknown[] = [];
    for (const key of keys) {
      const encoding = await redis.send("OBJECT", "ENCODING", key);
      facts.push([key, encoding, await redis.send("PEXPIRETIME", key)]);
    }
    databases.push(facts);
  }
  await redis.send("SELECT", 0);
  return { digest, databases };
}

describe.skipIf(!hasOracle)("redis-server and we", { timeout: 60_000 }, () => {
  test.each<{ what: string; theirs: ServerOptions["config"]; ours: Partial<SaveOptions> }>([
    { what: "as usual", theirs: {}, ours: {} },
    { what: "without compression", theirs: { rdbcompression: "no" }, ours: { compress: false } },
    { what: "without checksum", theirs: { rdbchecksum: "no" }, ours: { checksum: false } },
  ])("load each other's files, $what", async ({ theirs, ours }) => {
    const name = `theirs${servers.length}.rdb`;
    const first = await Redis.start(name, theirs);
    await populate(first);
    expect(await first.send("SAVE")).toBe("OK");
    const before = await seen(first);

    const keyspace = emptyKeyspace();
    const loader = new RdbLoader(keyspace, { limits: LIMITS, nowMs: Date.now() });
    expect(loadFileNow(storage, name, loader)).toBe("loaded");
    keyspace.check();
    expect(loader.facts.get("redis-ver")).toMatch(/^\d+\.\d+\.\d+$/);
    const contents = contentsOf(keyspace);
    expect(contents.get("0:bytes70000")?.value).toBe(textOfBytes(noise(70_000)));
    expect(contents.get("0:expires")?.expiryMs).toBe(LATER_MS);

    const names = { name: `ours-${name}`, temporaryName: "temp.rdb" };
    // A fixed time: it stands in the file, and so has a say in what a changed byte of it means.
    const facts = { redisVersion: "7.0.15", nowMs: 1_764_283_200_000, usedMemoryBytes: 1 };
    expect(saveNow(keyspace, storage, { ...names, ...ours, facts }).ok).toBe(true);
    const second = await Redis.start(names.name);
    expect(await seen(second)).toEqual(before);
  });

  test("make the same payloads, and restore each other's", async () => {
    const redis = await Redis.start("none.rdb");
    await populate(redis);
    await redis.send("DEL", "table", "many"); // Tables have no order, so their bytes differ.
    const keyspace = emptyKeyspace();
    const [database] = keyspace.databases;
    const reader = new ObjectReader(keyspace, LIMITS);
    const keys = (await redis.send("KEYS", "*")) as string[];
    expect(keys.length).toBeGreaterThan(50);
    for (const key of keys) {
      await redis.send("PERSIST", key); // An expiry is no part of a payload, but of a digest.
      const payload = bytesOfText((await redis.send("DUMP", key)) as string);
      expect(verifyPayload(payload, 0, payload.length)).toBe(true);
      const name = new RdbString();
      const bytes = bytesOfText(key);
      name.set(bytes, new DataView(bytes.buffer), 0, bytes.length);
      expect(readPayload(reader, name, payload, 0, payload.length)).toBe("");
      const entry = reader.store(database, name, -1, 0);
      const ours = dumpPayload(keyspace.arena, entry);
      // Where the compressors differ the bytes do too; then the value has to be the same.
      const isCompressed = ours[1] >> 6 === 3 && (ours[1] & 63) === 3;
      if (!isCompressed) expect(textOfBytes(ours)).toBe(textOfBytes(payload));
      expect(await redis.send("RESTORE", "copy", 0, textOfBytes(ours), "REPLACE")).toBe("OK");
      expect(await redis.send("DEBUG", "DIGEST-VALUE", "copy")).toEqual(
        await redis.send("DEBUG", "DIGEST-VALUE", key),
      );
    }
  });

  test("read the same out of ziplists and zipmaps", async () => {
    const redis = await Redis.start("none.rdb");
    const numbers = "0 12 13 -1 127 -129 32768 -8388608 8388608 2147483648".split(" ");
    const fields = [...numbers, "text", "l".repeat(70), "", "e".repeat(260)];
    const ziplist = ziplistOf(fields.flatMap((field, i) => [field, fields[fields.length - 1 - i]]));
    const zipmap = zipmapOf(
      fields.map((field) => [field, `v${field}`]),
      3,
    );
    for (const [type, packed] of [
      [RdbType.HASH_ZIPLIST, ziplist],
      [RdbType.HASH_ZIPMAP, zipmap],
    ] as const) {
      const head = [type, 0x40 | (packed.length >> 8), packed.length & 255];
      const payload = Uint8Array.from([...head, ...packed, 6, 0, ...new Array(8).fill(0)]);
      const crc = new Crc64();
      crc.update(payload, 0, payload.length - 8);
      const view = new DataView(payload.buffer);
      view.setInt32(payload.length - 8, crc.lo, true);
      view.setInt32(payload.length - 4, crc.hi, true);
      expect(await redis.send("RESTORE", "k", 0, textOfBytes(payload), "REPLACE")).toBe("OK");
      const theirs = (await redis.send("HGETALL", "k")) as string[];

      const keyspace = emptyKeyspace();
      const reader = new ObjectReader(keyspace, LIMITS);
      const key = new RdbString();
      key.set(payload, view, 0, 1);
      expect(readPayload(reader, key, payload, 0, payload.length)).toBe("");
      reader.store(keyspace.databases[0], key, -1, 0);
      const ours = [...contentsOf(keyspace).values()][0].value as [string, string][];
      const sorted = theirs.flatMap((field, i) => (i % 2 === 0 ? [[field, theirs[i + 1]]] : []));
      sorted.sort(([one], [other]) => (one < other ? -1 : 1));
      expect(ours).toEqual(sorted);
    }
  });
});

interface Verdict {
  lines: string[];
  isGood: boolean;
}

/** What redis-check-rdb prints, and whether it is content. */
function theirVerdict(name: string): Verdict {
  return theirVerdicts([name])[0];
}

/** The same of many files. One shell starts the checker for all: this process is too large to fork often. */
function theirVerdicts(names: readonly string[]): Verdict[] {
  const script = 'for file; do redis-check-rdb "$file"; printf "\\0%d\\0" $?; done';
  const run = spawnSync("sh", ["-c", script, "sh", ...names], {
    cwd: folder,
    encoding: "latin1",
    maxBuffer: 2 ** 26,
  });
  const parts = run.stdout.split(/\0(\d+)\0/);
  return names.map((_, index) => verdict(parts[index * 2], parts[index * 2 + 1] === "0"));
}

function verdict(output: string, isGood: boolean): Verdict {
  const lines = output
    .split("\n")
    .slice(0, -1)
    // Where in its source it found the fault is nothing to agree on.
    .map((line) => line.replace(/Internal error in RDB reading offset 0, function at .* -> /, ""))
    .filter((line) => !line.includes("Terminating server after rdb file reading failure."))
    // They print bytes as they are, we print those that are no printable ASCII escaped.
    .map((line) => line.replace(/[^ -~]/g, escaped));
  return { lines, isGood };
}

function escaped(character: string): string {
  const short = { "\n": "\\n", "\r": "\\r", "\t": "\\t" }[character];
  return short ?? `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`;
}

function ourVerdict(name: string): Verdict {
  const lines: string[] = [];
  const check = new RdbCheck(name, Date.now(), (line) => lines.push(line));
  const bytes = readFileSync(join(folder, name));
  for (let at = 0; at < bytes.length && !check.isOver; at += 100) {
    check.feed(bytes, at, Math.min(at + 100, bytes.length));
  }
  return { isGood: check.finish(), lines };
}

function changed(bytes: Uint8Array, at: number): Uint8Array {
  const copy = bytes.slice();
  copy[at] ^= 0x11;
  return copy;
}

describe.skipIf(!hasOracle)("redis-check-rdb and we", { timeout: 60_000 }, () => {
  test("say the same of a file with every type in it", async () => {
    const redis = await Redis.start("all.rdb", { "list-max-listpack-size": 2 });
    await populate(redis);
    for (let i = 0; i < 200; i++) {
      await redis.send("RPUSH", "list", `element${i}`, "x".repeat(i * 50));
      await redis.send("SADD", "set", `member${i}`);
      await redis.send("ZADD", "zset", i / 7, `member${i}`);
      await redis.send("XADD", "stream", "*", "field", i);
    }
    await redis.send("SADD", "intset", 1, 2, 3);
    await redis.send("ZADD", "small-zset", 1, "a", "inf", "b");
    await redis.send("XGROUP", "CREATE", "stream", "group", 0);
    await redis.send("XREADGROUP", "GROUP", "group", "me", "COUNT", 9, "STREAMS", "stream", ">");
    await redis.send("DEBUG", "SET-ACTIVE-EXPIRE", 0);
    await redis.send("SET", "gone", "x", "PXAT", 1000);
    await redis.send("SET", "soon", "x", "PX", 1);
    await redis.send(
      "FUNCTION",
      "LOAD",
      "#!lua name=l\nredis.register_function('f', function() end)",
    );
    expect(await redis.send("SAVE")).toBe("OK");
    const ours = ourVerdict("all.rdb");
    expect(ours).toEqual(theirVerdict("all.rdb"));
    expect(ours.isGood).toBe(true);
  });

  test("say the same of a file of ours, whole or damaged", () => {
    const keyspace = emptyKeyspace();
    const [database] = keyspace.databases;
    putString(database, "expired", "x", 1000);
    putString(database, "later", "x", LATER_MS);
    putField(database, "hash", "f", "v");
    putField(database, "table", "f", "w".repeat(100));
    putString(keyspace.databases[3], "other", "x".repeat(100));
    // A fixed time: it stands in the file, and so has a say in what a changed byte of it means.
    const facts = { redisVersion: "7.0.15", nowMs: 1_764_283_200_000, usedMemoryBytes: 1 };
    const place = { name: "mine.rdb", temporaryName: "temp.rdb" };
    saveNow(keyspace, storage, { ...place, facts });
    expect(ourVerdict("mine.rdb")).toEqual(theirVerdict("mine.rdb"));
    saveNow(keyspace, storage, { ...place, facts, checksum: false });
    expect(ourVerdict("mine.rdb")).toEqual(theirVerdict("mine.rdb"));

    saveNow(keyspace, storage, { ...place, facts });
    const whole = Uint8Array.from(readFileSync(join(folder, "mine.rdb")));
    const names: string[] = [];
    for (let at = 0; at < whole.length; at += 2) {
      writeFileSync(join(folder, `cut-${at}.rdb`), whole.subarray(0, at));
      writeFileSync(join(folder, `changed-${at}.rdb`), changed(whole, at));
      names.push(`cut-${at}.rdb`, `changed-${at}.rdb`);
    }
    let agreed = 0;
    for (const [index, theirs] of theirVerdicts(names).entries()) {
      const name = names[index];
      const ours = ourVerdict(name);
      expect({ name, isGood: ours.isGood }).toEqual({ name, isGood: theirs.isGood });
      if (JSON.stringify(ours.lines) === JSON.stringify(theirs.lines)) agreed++;
    }
    // They print text up to the first zero byte, and call lengths beyond all memory an early end.
    expect(agreed).toBeGreaterThan(names.length * 0.95);
  });

  test.each([
    { why: "nothing in it", content: "" },
    { why: "another signature", content: "RODIS0010" },
    { why: "a version of the future", content: "REDIS0099" },
  ])("say the same of a file with $why", ({ content }) => {
    writeFileSync(join(folder, "odd.rdb"), content, "latin1");
    expect(ourVerdict("odd.rdb")).toEqual(theirVerdict("odd.rdb"));
  });
});
