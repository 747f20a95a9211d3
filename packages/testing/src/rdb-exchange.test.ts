/**
 * Files between redis-server and us, both ways, with everything that a data set of Redis 7.0 can have:
 * values of every kind and form in sixteen databases, names and values of any bytes, doubles on every
 * edge, lives that are over and lives that are not. KV_ODD_SEED repeats a run.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Chance, drawnSeed } from "./chance.ts";
import { harness } from "./harness.ts";
import { hasRedisServer, ServerProcess } from "./server-process.ts";
import { allMaterials } from "./values/all-materials.ts";
import { requestText, type WireClient } from "./wire-client.ts";

const seed = drawnSeed("KV_ODD_SEED");
const FAR_MS = 4_000_000_000_123;
const DATABASES = 16;
type Request = readonly (string | number)[];

/** Each byte there is, and more than one piece of a string that is compressed. */
const bytes = String.fromCharCode(...Array.from({ length: 256 }, (_, byte) => byte));
const scores = [
  ..."0 -0 0.1 -1.5 3 1e300 -1e-300 5e-324 1.7976931348623157e308 inf -inf".split(" "),
  ..."9007199254740993 0.30000000000000004 123456789.123456789 1e21 1e-7".split(" "),
];

/** Keys that are over when the file is loaded. */
const shortLived = Array.from({ length: 30 }, (_, index) => `over:${index}`);

/** What no material makes. */
function edges(database: number): Request[] {
  const name = (text: string) => `${bytes}${text}${database}`;
  return [
    ["SET", "", ""],
    ["SET", name("binary"), bytes.repeat(20)],
    ["SET", name("packed"), "compressible ".repeat(500)],
    ["HSET", name("hash"), "", "", bytes, bytes],
    ["HSET", name("table"), bytes.repeat(2), "", "f", bytes.repeat(50)],
    ["RPUSH", name("list"), "", bytes, "", "x".repeat(10_000)],
    ["SADD", name("set"), "", bytes, "-9223372036854775808"],
    ["SADD", name("integers"), "-32769", "65536", "9223372036854775807"],
    ["ZADD", name("zset"), ...scores.flatMap((score, index) => [score, `m${index}`])],
    ["ZADD", name("tree"), ...scores.flatMap((score, index) => [score, `m${index}${bytes}`])],
    ["XADD", name("stream"), "1-1", bytes, "", "f", bytes],
    ["XADD", name("stream"), "18446744073709551614-18446744073709551615", "f", "v"],
    ["XGROUP", "CREATE", name("stream"), bytes, "1-1", "ENTRIESREAD", 1],
    ["XREADGROUP", "GROUP", bytes, bytes, "STREAMS", name("stream"), ">"],
    ["SET", name("lives"), "v", "PXAT", FAR_MS + database],
  ];
}

/** Something of every kind in each database; fields that expire are of a later Redis than this. */
async function content(chance: Chance): Promise<Request[]> {
  const materials = await allMaterials();
  const requests: Request[] = [];
  for (let database = 0; database < DATABASES; database++) {
    requests.push(["SELECT", database], ...edges(database));
    for (const [index, material] of materials.entries())
      for (const count of database % 15 === 0 ? [1, 150] : [5])
        requests.push(...material.make(`${index}:${count}`, chance, count).requests);
  }
  const isLater = ([name]: Request) => /^H(P?EXPIRE|SETEX|GETEX)/i.test(`${name}`);
  return requests.filter((request) => !isLater(request));
}

describe.runIf(hasRedisServer())(`files between redis-server and us (seed ${seed})`, () => {
  let redis: ServerProcess;
  let client: WireClient;
  beforeAll(async () => {
    redis = await ServerProcess.start();
    client = await redis.connect();
  });
  afterAll(() => redis.stop());

  const path = () => join(redis.folder, "dump.rdb");
  const digest = async () => (await client.request("DEBUG", "DIGEST")).trim();

  test("ours says to it what it says to us", async () => {
    const requests = await content(new Chance(seed));
    for (const config of [{}, { rdbcompression: "no", rdbchecksum: "no" }] as const) {
      const kv = harness({ config });
      for (const request of requests) kv.send(...request);
      kv.send("SELECT", 7);
      for (const key of shortLived) kv.send("SET", key, "v", "PX", 1000);
      expect(kv.send("SAVE")).toBe("OK");
      kv.host.advance(2000);
      kv.send("DEL", ...shortLived);
      writeFileSync(path(), kv.host.disk.contents("dump.rdb") as Uint8Array);
      expect(await client.request("DEBUG", "RELOAD", "NOSAVE")).toBe("+OK\r\n");
      expect(await digest()).toBe(`+${kv.send("DEBUG", "DIGEST")}`);
      expect(await client.request("INFO", "persistence")).toContain(
        "rdb_last_load_keys_expired:30\r\n",
      );
    }
  }, 60_000);

  test("its says to us what we say to it, whatever its settings", async () => {
    await client.request("FLUSHALL");
    const requests = await content(new Chance(seed + 1));
    client.write(requests.map(requestText).join(""));
    await client.replies(requests.length);
    await client.request("DEBUG", "SET-ACTIVE-EXPIRE", "0");
    await client.request("SELECT", "7");
    const settings = [
      ["rdbcompression", "no"],
      ["maxmemory-policy", "allkeys-lfu"],
    ];
    for (const setting of settings) {
      await client.request("CONFIG", "SET", ...(setting as [string, string]));
      for (const key of shortLived) await client.request("SET", key, "v", "PX", "1");
      expect(await client.request("SAVE")).toBe("+OK\r\n");
      await client.request("DEL", ...shortLived);
      const file = new Uint8Array(readFileSync(path()));
      const kv = harness();
      kv.host.nowMs = Date.now();
      kv.host.disk.put("dump.rdb", file);
      expect(await kv.engine.load(), kv.log.join("\n")).toBe(true);
      expect(kv.send("INFO", "persistence")).toContain("rdb_last_load_keys_expired:30\r\n");
      kv.check();
      expect(`+${kv.send("DEBUG", "DIGEST")}`).toBe(await digest());
    }
  }, 60_000);
});
