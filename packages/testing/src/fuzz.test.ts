import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Chance } from "./chance.ts";
import { inProcessPeer, type Peer, processPeer } from "./differential.ts";
import { engineObserver, observableConfig, redisObserver } from "./effects.ts";
import {
  type Comparison,
  effectComparison,
  fuzz,
  fuzzMany,
  fuzzReport,
  fuzzSequence,
  replyComparison,
} from "./fuzz.ts";
import { hasRedisServer, ServerProcess } from "./server-process.ts";

/**
 * Runs of `REQUESTS` requests each, in each protocol, and two thirds as many that look at effects: some
 * 200,000 requests. KV_FUZZ_RUNS=4000 and KV_FUZZ_SEED=1 for a longer look.
 */
const RUNS = Number(process.env.KV_FUZZ_RUNS ?? 300);
const FIRST_SEED = Number(process.env.KV_FUZZ_SEED ?? 1);
const REQUESTS = 250;

test("a seed gives the same requests each time", () => {
  expect(fuzzSequence(5, 50)).toEqual(fuzzSequence(5, 50));
  expect(fuzzSequence(5, 50)).not.toEqual(fuzzSequence(6, 50));
});

test("chance takes every choice", () => {
  const chance = new Chance(1);
  const seen = new Set(Array.from({ length: 200 }, () => chance.below(7)));
  expect(seen.size).toBe(7);
});

describe.runIf(hasRedisServer())("random requests get the replies of redis-server", () => {
  let redis: ServerProcess;
  beforeAll(async () => {
    redis = await ServerProcess.start({ config: observableConfig });
  });
  afterAll(() => redis?.stop());

  test("a mistake is found and cut down to the requests that show it", async () => {
    const reference = await processPeer(redis, 2);
    const honest = inProcessPeer(2);
    // Loses the last byte of what APPEND appends when there is something before it.
    const lossy: Peer = {
      ...honest,
      exchangeAll: (requests) =>
        honest.exchangeAll(
          requests.map((words) =>
            words[0] === "append" && words.length === 3
              ? [...words.slice(0, 2), `${words[2]}`.slice(0, -1)]
              : words,
          ),
        ),
    };
    let mismatch = null;
    for (let seed = 1; mismatch === null; seed++)
      mismatch = await fuzz(seed, REQUESTS, replyComparison(reference, lossy));
    reference.close();
    expect(mismatch.sequence.length).toBeLessThan(4);
    expect(mismatch.sequence.flat()).toContain("append");
    expect(fuzzReport(mismatch)).toContain(`seed ${mismatch.seed}`);
  });

  function reports(firstSeed: number, compare: Comparison, runs = RUNS): Promise<string> {
    console.info(`${runs} runs of ${REQUESTS} requests, from seed ${firstSeed} on`);
    return fuzzMany(firstSeed, runs, (seed) => fuzz(seed, REQUESTS, compare));
  }

  test.each([2, 3] as const)(
    "in RESP%i",
    async (resp) => {
      const reference = await processPeer(redis, resp);
      const compare = replyComparison(reference, inProcessPeer(resp), resp === 3);
      expect(await reports(FIRST_SEED + resp - 2, compare)).toBe("");
      reference.close();
    },
    60_000 + RUNS * 1000,
  );

  test(
    "and set off the same",
    async () => {
      const reference = await redisObserver(redis);
      const compare = effectComparison(reference, engineObserver());
      expect(await reports(FIRST_SEED + 2, compare, Math.ceil((RUNS * 2) / 3))).toBe("");
      reference.close();
    },
    60_000 + RUNS * 1000,
  );
});
