/**
 * Append-only files that somebody has been at: whatever stands in one, it is loaded or refused with a line in
 * the log, and what is loaded keeps its promises.
 */
import { MemoryStorage } from "@kv/persistence/testing";
import { encodeRequest } from "@kv/resp";
import { expect, test } from "vitest";
import { Chance, drawnSeed } from "./chance.ts";
import { harness } from "./harness.ts";

const runs = Number(process.env.KV_HOSTILE_LOGS ?? 1000);
/** A file of a few hundred bytes makes no more of it than this, and takes no longer. */
const USED_BYTES_MAX = 2 ** 19;
const MS_MAX = 5000;
const seed = drawnSeed("KV_HOSTILE_SEED");

const manifest =
  "file appendonly.aof.1.base.aof seq 1 type b\nfile appendonly.aof.1.incr.aof seq 1 type i\n";

const commands: string[][] = [
  ["SELECT", "0"],
  ["SET", "s", "text", "PXAT", "4102444800000"],
  ["MULTI"],
  ["RPUSH", "l", "a", "b", "c"],
  ["HSET", "h", "f", "1", "g", "2"],
  ["EXEC"],
  ["HPEXPIREAT", "h", "4102444800000", "FIELDS", "1", "f"],
  ["ZADD", "z", "1.5", "m", "-inf", "n"],
  ["SADD", "t", "1", "2", "x"],
  ["XADD", "x", "5-1", "f", "v"],
  ["XGROUP", "CREATE", "x", "group", "0", "ENTRIESREAD", "0"],
  ["SETBIT", "bits", "100", "1"],
  ["PFADD", "hll", "a", "b"],
  ["SELECT", "3"],
  ["INCRBY", "n", "9223372036854775806"],
  ["COPY", "n", "m", "DB", "1"],
  ["FUNCTION", "LOAD", "#!lua name=a\nredis.register_function('f', function() return 1 end)"],
];

const whole = Buffer.concat(commands.map((words) => encodeRequest(words)));

/** Changes, removes, repeats or adds some bytes. */
function spoiled(bytes: Buffer, chance: Chance): Buffer {
  let result = Buffer.from(bytes);
  for (let changes = 1 + chance.below(3); changes > 0; changes--) {
    const at = chance.below(result.length);
    const length = chance.below(20);
    const before = result.subarray(0, at);
    const after = result.subarray(Math.min(result.length, at + length));
    const way = chance.below(5);
    if (way === 0) result[at] = chance.below(256);
    else if (way === 1) result = Buffer.concat([before, after]);
    else if (way === 2)
      result = Buffer.concat([before, result.subarray(at, at + length), result.subarray(at)]);
    else if (way === 3) result = Buffer.concat([before, Buffer.alloc(length), after]);
    else
      result = Buffer.concat([
        before,
        Buffer.from(`${chance.of([-1, 0, 2 ** 31, 2 ** 40])}`),
        after,
      ]);
  }
  return result;
}

async function loaded(disk: MemoryStorage) {
  const kv = harness({ config: { appendonly: true }, disk });
  const { arena } = kv.engine.keyspace;
  const { usedBytes } = arena;
  const startMs = performance.now();
  const isLoaded = await kv.engine.load();
  expect(performance.now() - startMs).toBeLessThan(MS_MAX);
  // Pages that were ever touched tell the most that was in use.
  expect(arena.usedBytes - usedBytes).toBeLessThan(USED_BYTES_MAX);
  expect(arena.touchedBytes).toBeLessThan(2 * USED_BYTES_MAX);
  kv.check();
  return { kv, isLoaded };
}

test(`${runs} files that somebody has been at (seed ${seed})`, { timeout: 600_000 }, async () => {
  const chance = new Chance(seed);
  let refused = 0;
  for (let run = 0; run < runs; run++) {
    const disk = new MemoryStorage();
    const parts: Buffer[] = [Buffer.from(manifest), whole, whole];
    const which = chance.below(3);
    parts[which] = spoiled(parts[which] as Buffer, chance);
    const [about, base, log] = parts as [Buffer, Buffer, Buffer];
    disk.put("appendonlydir/appendonly.aof.manifest", about);
    disk.put("appendonlydir/appendonly.aof.1.base.aof", base);
    disk.put("appendonlydir/appendonly.aof.1.incr.aof", log);
    const { kv, isLoaded } = await loaded(disk).catch((error) => {
      throw new Error(`run ${run} of seed ${seed}: ${error.stack}`);
    });
    if (!isLoaded) {
      refused++;
      expect(kv.log.at(-1)).toMatch(/AOF|append only|append log|manifest|file/i);
      continue;
    }
    for (const key of kv.send("KEYS", "*") as string[]) kv.send("COPY", key, `copy of ${key}`);
    kv.check();
    expect(kv.send("SET", "after", "1")).toBe("OK");
    if (run % 3 !== 0) continue;
    kv.engine.shutdown({ save: "nosave" });
    const again = await loaded(disk);
    expect(again.isLoaded, again.kv.log.join("\n")).toBe(true);
    expect(again.kv.send("GET", "after")).toBe("1");
  }
  expect(refused).toBeGreaterThan(runs / 10);
});

test("a log has nothing to say of the server and its clients", async () => {
  for (const words of [
    ["SHUTDOWN"],
    ["CONFIG", "SET", "dir", "/"],
    ["SUBSCRIBE", "c"],
    ["MONITOR"],
  ]) {
    const disk = new MemoryStorage();
    disk.put("appendonly.aof", Buffer.from(encodeRequest(words)));
    const { kv, isLoaded } = await loaded(disk);
    expect(isLoaded).toBe(false);
    expect(kv.log.at(-1)).toMatch(/^Command '.*' that no log holds reading the append only file/);
  }
});

test("a log may hold any command that writes, also one for administrators", async () => {
  const disk = new MemoryStorage();
  const requests = [
    ["PFADD", "sketch", "a"],
    ["PFDEBUG", "TODENSE", "sketch"],
  ];
  disk.put("appendonly.aof", Buffer.concat(requests.map((words) => encodeRequest(words))));
  const { kv, isLoaded } = await loaded(disk);
  expect(isLoaded).toBe(true);
  expect(kv.send("PFDEBUG", "ENCODING", "sketch")).toBe("dense");
});
