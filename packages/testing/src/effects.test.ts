import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { allTranscripts } from "./all-transcripts.ts";
import {
  effectsAgree,
  effectsText,
  engineObserver,
  observableConfig,
  redisObserver,
} from "./effects.ts";
import { hasRedisServer, ServerProcess } from "./server-process.ts";
import type { TranscriptRequest } from "./transcripts/transcript.ts";

const ofData = new Set(["generic", "hash", "string"]);
const transcripts = (await allTranscripts()).filter(({ name }) => ofData.has(name));
const emptying: TranscriptRequest[] = [["SELECT", 0], ["FLUSHALL"], ["CONFIG", "RESETSTAT"]];

test("what our own engine does is told request by request", async () => {
  const requests = [["SET", "k", 1], ["MULTI"], ["GETDEL", "k"], ["GET", "k"], ["EXEC"]];
  const [set, , queued, , exec] = await engineObserver().run(requests);
  expect(set?.events).toContain("__keyevent@0__:set k");
  expect(set?.propagated).toEqual(['0: "SET" "k" "1"']);
  expect(set?.counts).toContain("rdb_changes_since_last_save +1");
  expect(queued?.propagated).toEqual([]);
  expect(exec?.propagated).toEqual(['0: "DEL" "k"']);
  expect(exec?.counts).toMatch(/hits \+1, keyspace_misses \+1$/);
});

describe.runIf(hasRedisServer())("against redis-server", () => {
  let redis: ServerProcess;
  beforeAll(async () => {
    redis = await ServerProcess.start({ config: observableConfig });
  });
  afterAll(() => redis?.stop());

  test.each(transcripts)("every $name transcript sets off the same", async ({ transcript }) => {
    const steps = transcript.filter((step) => !("request" in step) || step.differs === undefined);
    const requests = [
      ...emptying,
      ...steps.map((each) => ("request" in each ? each.request : each)),
    ];
    const reference = await redisObserver(redis);
    const theirs = await reference.run(requests);
    reference.close();
    const ours = await engineObserver().run(requests);
    const differences = requests.flatMap((words, index) => {
      const left = theirs[index];
      const right = ours[index];
      // Before the counters are reset they tell of others.
      if (index < emptying.length || !left || !right || effectsAgree(left, right)) return [];
      const line = words.map((word) => JSON.stringify(`${word}`.slice(0, 60))).join(" ");
      return [`${line}\n   redis: ${effectsText(left)}\n   ours:  ${effectsText(right)}`];
    });
    expect(differences.slice(0, 20).join("\n")).toBe("");
  });
});
