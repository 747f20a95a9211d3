/** Streams with all that belongs to them, as DUMP has them, between redis-server and ours. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Chance } from "./chance.ts";
import { inProcessPeer, type Peer, processPeer } from "./differential.ts";
import { repliesAgree } from "./reply-comparison.ts";
import { hasRedisServer, ServerProcess } from "./server-process.ts";
import type { TranscriptRequest } from "./transcripts/transcript.ts";
import { materials } from "./values/materials/stream.ts";

const ROUNDS = 12;
const [material] = materials;

/** The bytes of a bulk reply. */
function bulkOf(reply: string): string {
  const start = reply.indexOf("\r\n") + 2;
  return reply.slice(start, start + Number(reply.slice(1, start - 2)));
}

describe.runIf(hasRedisServer())("a stream goes by DUMP and RESTORE", () => {
  let redis: ServerProcess;
  let theirs: Peer;
  const ours = inProcessPeer(2);
  beforeAll(async () => {
    redis = await ServerProcess.start({ config: { "stream-node-max-entries": 7 } });
    theirs = await processPeer(redis, 2);
  });
  afterAll(async () => {
    theirs.close();
    await redis.stop();
  });

  /** All that a server says of the key. */
  async function told(peer: Peer, key: string): Promise<string[]> {
    const requests: TranscriptRequest[] = [
      ["XINFO", "STREAM", key, "FULL", "COUNT", 0],
      ["XINFO", "GROUPS", key],
      ["DEBUG", "DIGEST-VALUE", key],
    ];
    return peer.exchangeAll(requests);
  }

  async function sent(from: Peer, to: Peer, seed: number): Promise<void> {
    const chance = new Chance(seed);
    const key = `key:${seed}`;
    const { requests } = material?.make(key, chance, 1 + chance.below(60)) ?? { requests: [] };
    await from.exchangeAll(requests);
    const [payload = ""] = await from.exchangeAll([["DUMP", key]]);
    expect(await to.exchangeAll([["RESTORE", key, 0, bulkOf(payload)]])).toEqual(["+OK\r\n"]);
    const before = await told(from, key);
    expectSame(before, await told(to, key), seed);
    // And back again.
    const [back = ""] = await to.exchangeAll([["DUMP", key]]);
    expect(await from.exchangeAll([["RESTORE", key, 0, bulkOf(back), "REPLACE"]])).toEqual([
      "+OK\r\n",
    ]);
    expectSame(before, await told(from, key), seed);
  }

  /** But for when consumers were active, which files of this version do not tell. */
  function expectSame(before: readonly string[], after: readonly string[], seed: number): void {
    for (const [index, reply] of before.entries())
      if (!repliesAgree(["xinfo"], reply, after[index] ?? ""))
        expect(after[index], `seed ${seed}`).toBe(reply);
  }

  test("from ours to theirs", async () => {
    for (let seed = 1; seed <= ROUNDS; seed++) await sent(ours, theirs, seed);
  });

  test("from theirs to ours", async () => {
    for (let seed = 101; seed <= 100 + ROUNDS; seed++) await sent(theirs, ours, seed);
  });
});
