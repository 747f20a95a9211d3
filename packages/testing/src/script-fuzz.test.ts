import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { drawnSeed } from "./chance.ts";
import { inProcessPeer, processPeer } from "./differential.ts";
import { engineObserver, observableConfig, redisObserver } from "./effects.ts";
import { type Comparison, effectComparison, fuzz, fuzzMany, replyComparison } from "./fuzz.ts";
import { scriptSequence, withoutPrelude } from "./script-fuzz.ts";
import { hasRedisServer, ServerProcess } from "./server-process.ts";

/**
 * Scripts that call commands, in runs of `SCRIPTS` each, for each protocol and for the effects.
 * KV_SCRIPT_FUZZ=100000 runs so many in all, KV_SCRIPT_FUZZ_SEED others.
 */
const COUNT = Number(process.env.KV_SCRIPT_FUZZ ?? 1200);
const SEED = drawnSeed("KV_SCRIPT_FUZZ_SEED");
const SCRIPTS = 100;
const RUNS = Math.ceil(COUNT / SCRIPTS / 3);

test("a seed gives the same scripts each time", () => {
  expect(scriptSequence(5, 20)).toEqual(scriptSequence(5, 20));
  expect(scriptSequence(5, 20)).not.toEqual(scriptSequence(6, 20));
});

describe.runIf(hasRedisServer())(`${COUNT} scripts from seed ${SEED} on`, () => {
  let redis: ServerProcess;
  beforeAll(async () => {
    redis = await ServerProcess.start({ config: observableConfig });
  });
  afterAll(() => redis?.stop());

  function reports(firstSeed: number, compare: Comparison): Promise<string> {
    const tried = (seed: number) => fuzz(seed, SCRIPTS, compare, scriptSequence);
    return fuzzMany(firstSeed, RUNS, tried, withoutPrelude);
  }

  test.each([2, 3] as const)(
    "get the same replies in RESP%i",
    async (resp) => {
      const reference = await processPeer(redis, resp);
      const compare = replyComparison(reference, inProcessPeer(resp), resp === 3);
      expect(await reports(SEED + resp - 2, compare)).toBe("");
      reference.close();
    },
    60_000 + RUNS * 10_000,
  );

  test(
    "set off the same",
    async () => {
      const reference = await redisObserver(redis);
      const compare = effectComparison(reference, engineObserver());
      expect(await reports(SEED + 2, compare)).toBe("");
      reference.close();
    },
    60_000 + RUNS * 10_000,
  );
});
