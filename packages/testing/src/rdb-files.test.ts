/** Files of every version of the RDB format: what we read in them, and redis-server in them and in ours. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Harness, harness } from "./harness.ts";
import { rdbFile } from "./rdb-files.ts";
import { hasRedisServer, ServerProcess } from "./server-process.ts";
import type { WireClient } from "./wire-client.ts";

const versions = Array.from({ length: 12 }, (_, index) => index + 1);

/** A server that has loaded the bytes. */
async function loaded(bytes: Uint8Array): Promise<Harness> {
  const kv = harness();
  kv.host.disk.put("dump.rdb", bytes);
  expect(await kv.engine.load(), kv.log.join("\n")).toBe(true);
  kv.check();
  return kv;
}

function saved(kv: Harness): Uint8Array {
  expect(kv.send("SAVE")).toBe("OK");
  return kv.host.disk.contents("dump.rdb") as Uint8Array;
}

describe.each(versions)("a file of version %d", (version) => {
  const { bytes, says } = rdbFile(version);

  function expectAll(kv: Harness): void {
    for (const [request, reply] of says)
      expect([request, kv.send(...request)]).toEqual([request, reply]);
    kv.send("SELECT", 15);
    expect(kv.send("GET", "elsewhere")).toBe("v");
    kv.send("SELECT", 0);
  }

  test("is read, key by key, and what is written of it says the same", async () => {
    const kv = await loaded(bytes);
    expectAll(kv);
    const digest = kv.send("DEBUG", "DIGEST");
    for (const written of ["10", "11", "12"] as const) {
      kv.send("CONFIG", "SET", "rdb.version", written);
      const again = await loaded(saved(kv));
      expectAll(again);
      expect(again.send("DEBUG", "DIGEST")).toBe(digest);
    }
  });

  test("cut anywhere is refused, and nothing of it is a crash", () => {
    const kv = harness({ config: { "enable-debug-command": "yes" } });
    for (let length = 9; length < bytes.length - (version < 5 ? 1 : 0); length += 7) {
      kv.host.disk.put("dump.rdb", bytes.slice(0, length));
      expect([length, kv.send("DEBUG", "RELOAD", "NOSAVE")]).not.toEqual([length, "OK"]);
    }
    kv.check();
  });
});

describe.runIf(hasRedisServer())("redis-server 7.0", () => {
  let redis: ServerProcess;
  let client: WireClient;
  beforeAll(async () => {
    redis = await ServerProcess.start();
    client = await redis.connect();
  });
  afterAll(() => redis.stop());

  /** What it says of a file: of each key type, form, and end of life, then a digest of all. */
  async function verdict(bytes: Uint8Array): Promise<string[]> {
    writeFileSync(join(redis.folder, "dump.rdb"), bytes);
    expect(await client.request("DEBUG", "RELOAD", "NOSAVE")).toBe("+OK\r\n");
    return [await client.request("DEBUG", "DIGEST"), await client.request("DBSIZE")];
  }

  test.each(versions.filter((version) => version <= 10))(
    "finds the same in a file of version %d and in what we make of it, and we in what it does",
    async (version) => {
      const { bytes } = rdbFile(version);
      const kv = await loaded(bytes);
      const theirs = await verdict(bytes);
      expect(await verdict(saved(kv))).toEqual(theirs);
      expect(theirs[0]).toBe(`+${kv.send("DEBUG", "DIGEST")}\r\n`);
      expect(await client.request("SAVE")).toBe("+OK\r\n");
      const back = await loaded(new Uint8Array(readFileSync(join(redis.folder, "dump.rdb"))));
      expect(`+${back.send("DEBUG", "DIGEST")}\r\n`).toBe(theirs[0]);
    },
  );
});
