import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { crowdSize, crowdSteps, crowdsDiffer, inProcessCrowd, processCrowd } from "./crowd.ts";
import { hasRedisServer, ServerProcess } from "./server-process.ts";

/** KV_CROWD_RUNS=1000 and KV_CROWD_SEED=1 for a longer look. */
const RUNS = Number(process.env.KV_CROWD_RUNS ?? 12);
const FIRST_SEED = Number(process.env.KV_CROWD_SEED ?? 1);
const STEPS = 120;

describe.runIf(hasRedisServer())("clients that wait are served as redis-server serves them", () => {
  let redis: ServerProcess;
  beforeAll(async () => {
    redis = await ServerProcess.start();
  });
  afterAll(() => redis?.stop());

  test(
    "in random steps of five clients",
    async () => {
      for (let run = 0; run < RUNS; run++) {
        const seed = FIRST_SEED + run;
        const reference = await processCrowd(redis, crowdSize);
        const difference = await crowdsDiffer(
          crowdSteps(seed, STEPS),
          reference,
          inProcessCrowd(crowdSize),
        );
        reference.close();
        expect(difference, `seed ${seed}`).toBe("");
      }
    },
    30_000 + RUNS * 3000,
  );
});
