/**
 * Files of commands: what a snapshot writes that is not for loading but for executing makes the same data
 * set again, here and in redis-server, which writes the same commands itself.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Encoding, type Keyspace } from "@kv/core";
import { CommandSnapshot, writeSnapshot } from "@kv/persistence";
import { latin1, latin1Bytes, ReplyParser } from "@kv/resp";
import { afterEach, describe, expect, test } from "vitest";
import { Chance } from "./chance.ts";
import { type Harness, harness } from "./harness.ts";
import { hasRedisServer, ServerProcess } from "./server-process.ts";
import { allMaterials } from "./values/all-materials.ts";
import type { ValueMaterial } from "./values/material.ts";
import type { WireClient } from "./wire-client.ts";

const FACTS = { redisVersion: "7.2.5", nowMs: 1_700_000_000_000, usedMemoryBytes: 1 };
const LATER_MS = 4_000_000_000_123;
const DATABASES = 3;
const LIBRARY = "#!lua name=lib\nredis.register_function('f', function() return 1 end)";
const CONFIG = {
  "hash-max-listpack-entries": 16,
  "list-max-listpack-size": 6,
  "list-compress-depth": 1,
  "set-max-listpack-entries": 16,
  "zset-max-listpack-entries": 16,
  "stream-node-max-entries": 7,
};
const materials = await allMaterials();
/** Redis has no fields that expire before 7.4. */
const olderMaterials = materials.filter(
  ({ encoding }) => encoding !== Encoding.LISTPACK_EX && encoding !== Encoding.HASHTABLE_EX,
);

// --- Data sets ---------------------------------------------------------------------------------

function keyOf({ type, encoding }: ValueMaterial, number: number): string {
  return `${type}/${encoding}:${number}`;
}

/** Some keys of each kind in each database, some of which expire. */
function fill(kv: Harness, chance: Chance, kinds: readonly ValueMaterial[], most: number): void {
  for (let index = 0; index < DATABASES; index++) {
    kv.send("SELECT", index);
    for (const material of kinds) {
      for (let number = 0; number < 2; number++) {
        const key = keyOf(material, number);
        const { requests } = material.make(key, chance, 1 + chance.below(most));
        for (const words of requests) expect(kv.send(...words)).not.toBeInstanceOf(Error);
        if (chance.percent(30)) kv.send("PEXPIREAT", key, LATER_MS + chance.below(1000));
      }
    }
  }
}

/** As XINFO STREAM FULL has it, but for when somebody was seen: commands do not tell that. */
function withoutTimes(info: unknown): unknown {
  if (!Array.isArray(info)) return info;
  return info.map((each, i) =>
    /^(seen|active)-time$/.test(`${info[i - 1]}`) ? 0 : withoutTimes(each),
  );
}

/** The data set, and what its digest does not say of it. */
function told(kv: Harness): unknown[] {
  const facts: unknown[] = [kv.send("DEBUG", "DIGEST"), kv.send("FUNCTION", "LIST", "WITHCODE")];
  for (let index = 0; index < DATABASES; index++) {
    kv.send("SELECT", index);
    for (const key of (kv.send("KEYS", "*") as string[]).sort()) {
      const type = kv.send("TYPE", key);
      facts.push([index, key, type, kv.send("PEXPIRETIME", key)]);
      if (type === "stream")
        facts.push(withoutTimes(kv.send("XINFO", "STREAM", key, "FULL", "COUNT", 0)));
      if (type !== "hash") continue;
      const fields = (kv.send("HKEYS", key) as string[]).sort();
      facts.push(kv.send("HPEXPIRETIME", key, "FIELDS", fields.length, ...fields));
    }
  }
  return facts;
}

/** What a stream or a score can look like that no random value does. */
const EDGES: readonly (string | number)[][] = [
  ["SET", "", ""],
  ["SET", "number", "9223372036854775807"],
  ["SET", "long", "ab\r\n".repeat(5000)],
  ["RPUSH", "list", "", "-9223372036854775808", "x".repeat(9000), "\0"],
  ["SADD", "numbers", "1", "-32769", "4294967296"],
  ["ZADD", "small", "0", "zero", "-0", "below", "inf", "most", "-inf", "least", "0.1", "tenth"],
  ["ZADD", "small", "1e17", "e17", "1e16", "e16", "123456789012345680000", "e20", "5e-324", "tiny"],
  ["ZADD", "small", "1.7976931348623157e308", "huge", "3.3333333333333335", "third", "1e-5", "e-5"],
  ["ZADD", "small", "1.0000076293945312", "tie", "9007199254740993", "2^53", "-1.5", "minus"],
  ["ZADD", "table", ...Array.from({ length: 70 }, (_, i) => [i / 7, `member ${i}`]).flat()],
  ["XGROUP", "CREATE", "made", "group", "0", "MKSTREAM"],
  ["XADD", "emptied", "5-5", "a", "b"],
  ["XDEL", "emptied", "5-5"],
  ["PEXPIREAT", "emptied", LATER_MS],
  ["XADD", "deleted", "1-1", "a", "1", "b", "2"],
  ["XADD", "deleted", "1-2", "a", "1", "b", "2"],
  ["XADD", "deleted", "2-18446744073709551615", "c", "x"],
  ["XGROUP", "CREATE", "deleted", "first", "1-1"],
  ["XGROUP", "CREATE", "deleted", "b\r\n", "$", "ENTRIESREAD", "2"],
  ["XGROUP", "CREATECONSUMER", "deleted", "first", "idle"],
  ["XCLAIM", "deleted", "first", "busy", "0", "1-1", "TIME", "1000", "RETRYCOUNT", "7", "FORCE"],
  ["XCLAIM", "deleted", "first", "busy", "0", "1-2", "TIME", "2000", "FORCE", "JUSTID"],
  ["XCLAIM", "deleted", "first", "other", "0", "2-18446744073709551615", "TIME", "3000", "FORCE"],
  ["XDEL", "deleted", "1-2"],
  ["XSETID", "deleted", "9-9", "ENTRIESADDED", "9223372036854775807", "MAXDELETEDID", "9-8"],
];

// --- Files -------------------------------------------------------------------------------------

function joined(parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

function fileOf(keyspace: Keyspace, functions: Uint8Array[] = []): Uint8Array {
  const parts: Uint8Array[] = [];
  const sink = (bytes: Uint8Array, start: number, end: number) =>
    void parts.push(bytes.slice(start, end));
  writeSnapshot(keyspace, sink, { facts: FACTS, functions }, "commands");
  return joined(parts);
}

/** An empty server that has executed the file at this time. */
function replayed(file: Uint8Array, nowMs: number): Harness {
  const kv = harness({ config: CONFIG });
  kv.host.nowMs = nowMs;
  const client = kv.client();
  client.sendBytes(file);
  for (let reply = client.receive(); reply !== undefined; reply = client.receive())
    expect(reply).not.toBeInstanceOf(Error);
  return kv;
}

/** The commands of a file, each as its words. */
function commandsOf(file: Uint8Array): string[][] {
  const parser = new ReplyParser({ strings: "latin1" });
  parser.feed(file);
  const commands: string[][] = [];
  for (let next = parser.next(); next !== undefined; next = parser.next())
    commands.push(next as string[]);
  return commands;
}

/** Words of an item, of the commands whose items are in no order. */
const WORDS_OF_ITEM = new Map([
  ["SADD", 1],
  ["HMSET", 2],
  ["ZADD", 2],
]);

/**
 * The commands of a file for each key, in an order that no server chooses: how long they are, and the
 * items of all of them together where they have no order.
 */
function orderless(file: Uint8Array): string[] {
  const keys = new Map<string, string[]>();
  let database = "";
  for (const [name = "", ...words] of commandsOf(file)) {
    if (name === "SELECT") {
      database = words[0] ?? "";
      continue;
    }
    const key = name === "XGROUP" ? words[1] : name === "FUNCTION" ? "" : words[0];
    const lines = keys.get(JSON.stringify([database, key])) ?? [];
    keys.set(JSON.stringify([database, key]), lines);
    const wordsOfItem = WORDS_OF_ITEM.get(name);
    if (wordsOfItem === undefined) {
      lines.push(JSON.stringify([name, ...words]));
      continue;
    }
    lines.push(
      `${lines.filter((line) => line.startsWith(name)).length}: ${name} of ${words.length}`,
    );
    for (let i = 1; i < words.length; i += wordsOfItem)
      lines.push(`item ${JSON.stringify(words.slice(i, i + wordsOfItem))}`);
  }
  const isOrdered = (lines: string[]) => !lines.some((line) => line.startsWith("item "));
  return [...keys]
    .map(([key, lines]) => `${key}\n${(isOrdered(lines) ? lines : lines.sort()).join("\n")}`)
    .sort();
}

// --- Here --------------------------------------------------------------------------------------

describe("a file of commands", () => {
  test.each([1, 2])(
    "makes what there was of every kind, with all that belongs to it (seed %d)",
    (seed) => {
      const kv = harness({ config: CONFIG, seed });
      kv.send("FUNCTION", "LOAD", LIBRARY);
      fill(kv, new Chance(seed), materials, 200);
      const again = replayed(fileOf(kv.engine.keyspace, [latin1Bytes(LIBRARY)]), kv.host.nowMs);
      expect(told(again)).toEqual(told(kv));
      again.check();
    },
  );

  test("makes what is at the edge of what there can be", () => {
    const kv = harness({ config: CONFIG });
    // What is pending of a deleted entry is told, and not taken by who is told.
    const isTaken = ([name, key]: readonly unknown[]) => name !== "XDEL" || key !== "deleted";
    for (const words of EDGES.filter(isTaken)) kv.send(...words);
    const file = fileOf(kv.engine.keyspace);
    const again = replayed(file, kv.host.nowMs);
    expect(told(again)).toEqual(told(kv));
    expect(orderless(fileOf(again.engine.keyspace))).toEqual(orderless(file));
  });

  test.each([1, 2, 3])(
    "is the instant of its beginning, whatever happens meanwhile (seed %d)",
    (seed) => {
      const chance = new Chance(1000 + seed);
      const kv = harness({ config: CONFIG, seed });
      const { keyspace } = kv.engine;
      keyspace.cuts.wholeElementsMax = 10;
      for (let round = 0; round < 2; round++) {
        kv.send("FLUSHALL");
        fill(kv, chance, materials, 100);
        kv.send("SELECT", 1);
        // One that goes while the file is being written.
        kv.send("SET", "mortal", "x", "PX", 5000);
        const before = told(kv);
        const { nowMs } = kv.host;
        const parts: Uint8Array[] = [];
        const snapshot = new CommandSnapshot(
          keyspace,
          (bytes, start, end) => void parts.push(bytes.slice(start, end)),
          { pendingBytesMax: Number.POSITIVE_INFINITY, chunkBytes: 1 + chance.below(1000) },
        );
        while (!snapshot.step(1 + chance.below(40))) disturb(kv, chance);
        expect(keyspace.arena.holds.size).toBe(0);
        expect(toldAt(before, replayed(joined(parts), nowMs))).toEqual(before);
        kv.check();
      }
    },
  );
});

/** What the server tells, with the functions of `before`: those are no part of a keyspace. */
function toldAt(before: readonly unknown[], kv: Harness): unknown[] {
  const now = told(kv);
  now[1] = before[1];
  return now;
}

/** Something happens to some key of some database. */
function disturb(kv: Harness, chance: Chance): void {
  kv.send("SELECT", chance.below(DATABASES));
  const material = chance.of(materials);
  const [key, other] = [keyOf(material, chance.below(2)), keyOf(chance.of(materials), 0)];
  const way = chance.below(14);
  if (way === 0) kv.send("RENAME", key, other);
  else if (way === 1) kv.send("DEL", key, other);
  else if (way === 2) kv.send("UNLINK", key);
  else if (way === 3) kv.send("MOVE", key, chance.below(DATABASES));
  else if (way === 4) kv.send("PEXPIREAT", key, LATER_MS + 5000 + chance.below(1000));
  else if (way === 5) kv.send("PERSIST", key);
  else if (way === 6) kv.send("SWAPDB", chance.below(DATABASES), chance.below(DATABASES));
  else if (way === 7 && chance.percent(20)) kv.send("FLUSHDB", chance.of(["SYNC", "ASYNC"]));
  else if (way === 8 && chance.percent(5)) kv.send("FLUSHALL");
  else if (way === 9) kv.clock.advance(chance.below(2000));
  else if (way === 10) kv.send("COPY", key, `copy:${chance.below(3)}`, "REPLACE");
  else if (way === 11) for (const words of writes(key, chance)) kv.send(...words);
  else
    for (const words of material.make(key, chance, 1 + chance.below(40)).requests)
      kv.send(...words);
}

/** Writes of which one fits the key's type. */
function writes(key: string, chance: Chance): string[][] {
  const word = `${chance.below(100)}`;
  return [
    ["APPEND", key, word],
    ["LPUSH", key, word],
    ["LPOP", key],
    ["LSET", key, word, "set"],
    ["SADD", key, word],
    ["SPOP", key],
    ["ZADD", key, word, word],
    ["ZPOPMIN", key],
    ["HSET", key, word, word],
    ["HPEXPIREAT", key, `${LATER_MS + 7}`, "FIELDS", "1", word],
    ["XADD", key, "*", "f", word],
    ["XTRIM", key, "MAXLEN", word],
    ["XGROUP", "DESTROY", key, "group 1"],
    ["XREADGROUP", "GROUP", "group 2", word, "COUNT", "5", "STREAMS", key, ">"],
  ];
}

// --- There -------------------------------------------------------------------------------------

describe.runIf(hasRedisServer())("redis-server", () => {
  const folders: string[] = [];
  const servers: ServerProcess[] = [];
  afterEach(async () => {
    for (const server of servers.splice(0)) await server.stop();
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
  });

  /** A redis-server, on a folder with this file as the base of an append-only file if there is one. */
  async function started(base?: Uint8Array): Promise<{ folder: string; client: WireClient }> {
    const folder = mkdtempSync(join(tmpdir(), "kv-commands-"));
    folders.push(folder);
    if (base !== undefined) {
      mkdirSync(join(folder, "appendonlydir"));
      writeFileSync(join(folder, "appendonlydir", "appendonly.aof.1.base.aof"), base);
      writeFileSync(
        join(folder, "appendonlydir", "appendonly.aof.manifest"),
        "file appendonly.aof.1.base.aof seq 1 type b\n",
      );
    }
    const config = { appendonly: "yes", "aof-use-rdb-preamble": "no" };
    const server = await ServerProcess.start({ config, folder });
    servers.push(server);
    return { folder, client: await server.connect() };
  }

  /** The base that it writes of what it holds. */
  async function rewritten(folder: string, client: WireClient): Promise<Uint8Array> {
    expect(await client.request("BGREWRITEAOF")).toMatch(/^\+/);
    for (let info = "aof_rewrite_in_progress:1"; /in_progress:1|scheduled:1/.test(info); )
      info = await client.request("INFO", "persistence");
    const place = join(folder, "appendonlydir");
    const manifest = readFileSync(join(place, "appendonly.aof.manifest"), "latin1");
    return readFileSync(join(place, /^file (\S+) seq \d+ type b/m.exec(manifest)?.[1] ?? ""));
  }

  async function digestOf(client: WireClient): Promise<string> {
    return (await client.request("DEBUG", "DIGEST")).slice(1, -2);
  }

  test("loads the file as the base of its own, and writes it again", async () => {
    const kv = harness({ config: CONFIG });
    kv.send("FUNCTION", "LOAD", LIBRARY);
    fill(kv, new Chance(2000), olderMaterials, 300);
    const file = fileOf(kv.engine.keyspace, [latin1Bytes(LIBRARY)]);
    const { folder, client } = await started(file);
    expect(await digestOf(client)).toBe(kv.send("DEBUG", "DIGEST"));
    expect(orderless(await rewritten(folder, client))).toEqual(orderless(file));
  });

  test("writes the same commands of the same data", async () => {
    const kv = harness({ config: CONFIG });
    const { folder, client } = await started();
    for (const words of EDGES) {
      expect(kv.send(...words), words.join(" ")).not.toBeInstanceOf(Error);
      expect(await client.request(...words), words.join(" ")).not.toMatch(/^-/);
    }
    expect(await digestOf(client)).toBe(kv.send("DEBUG", "DIGEST"));
    const theirs = await rewritten(folder, client);
    expect(orderless(fileOf(kv.engine.keyspace))).toEqual(orderless(theirs));
    expect(latin1(theirs).startsWith("*2\r\n$6\r\nSELECT\r\n")).toBe(true);
  });
});
