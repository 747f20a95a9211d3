import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Chance } from "./chance.ts";
import { inProcessPeer, type Peer, processPeer } from "./differential.ts";
import { fuzz, fuzzReport, fuzzSequence } from "./fuzz.ts";
import { hasRedisServer, ServerProcess } from "./server-process.ts";

/** Runs of `REQUESTS` requests each; KV_FUZZ_RUNS=1000 and KV_FUZZ_SEED=1 for a longer look. */
const RUNS = Number(process.env.KV_FUZZ_RUNS ?? 40);
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
    redis = await ServerProcess.start();
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
      mismatch = await fuzz(seed, REQUESTS, reference, lossy);
    reference.close();
    expect(mismatch.sequence.length).toBeLessThan(4);
    expect(mismatch.sequence.flat()).toContain("append");
    expect(fuzzReport(mismatch)).toContain(`seed ${mismatch.seed}`);
  });

  test.each([2, 3] as const)(
    "in RESP%i",
    async (resp) => {
      const reference = await processPeer(redis, resp);
      const subject = inProcessPeer(resp);
      const reports: string[] = [];
      for (let run = 0; run < RUNS; run++) {
        const seed = FIRST_SEED + run * 2 + (resp - 2);
        const mismatch = await fuzz(seed, REQUESTS, reference, subject, resp === 3);
        if (mismatch !== null) reports.push(fuzzReport(mismatch));
        if (reports.length === 5) break;
      }
      expect(reports.join("\n\n")).toBe("");
    },
    60_000 + RUNS * 1000,
  );
});
