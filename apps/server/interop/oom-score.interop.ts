/** `oom-score-adj` against redis-server: the same requests, the same replies and scores of the process. */
import { readFileSync, writeFileSync } from "node:fs";
import { platform } from "node:os";
import { hasRedisServer, type ServerProcess } from "@kv/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Both, startBoth } from "./both-servers.ts";

const scoreFile = ({ pid }: ServerProcess) => `/proc/${pid}/oom_score_adj`;

/** CONFIG SET of these words, or CONFIG GET of one; a number: somebody else sets the score; a text: a request. */
type Step = readonly string[] | number | string;

const steps: readonly Step[] = [
  ["oom-score-adj"],
  ["oom-score-adj-values"],
  ["oom-score-adj", "yes"],
  ["oom-score-adj-values", "5 300 600"],
  ["oom-score-adj", "relative"],
  ["oom-score-adj"],
  ["oom-score-adj", "absolute"],
  ["oom-score-adj", "no"],
  // Values that are none, and some that only a privileged process could go down to.
  ["oom-score-adj-values", "5 300"],
  ["oom-score-adj-values", "5 300 600 900"],
  ["oom-score-adj-values", "5 300 2001"],
  ["oom-score-adj-values", "-2001 0 0"],
  ["oom-score-adj-values", "5 300 x"],
  ["oom-score-adj-values", "5 4 3"],
  ["oom-score-adj", "maybe"],
  ["oom-score-adj", "no", "oom-score-adj-values", "10 20 30"],
  // While it is off, whoever sets the score is left alone; and what was there comes back.
  50,
  ["oom-score-adj-values", "11 22 33"],
  ["oom-score-adj", "yes"],
  99,
  ["oom-score-adj-values", "12 22 33"],
  // A replica has a score of its own, from the moment that it is one.
  "REPLICAOF 127.0.0.1 1",
  ["oom-score-adj-values", "12 23 33"],
  "REPLICAOF NO ONE",
  ["oom-score-adj", "no"],
  "REPLICAOF 127.0.0.1 1",
  "REPLICAOF NO ONE",
  // What cannot be done leaves everything as it was.
  ["oom-score-adj", "absolute", "oom-score-adj-values", "-1000 0 0"],
  ["oom-score-adj"],
  ["oom-score-adj-values"],
];

describe.runIf(hasRedisServer() && platform() === "linux")("oom-score-adj", () => {
  let both: Both;
  beforeAll(async () => {
    both = await startBoth();
  });
  afterAll(() => both?.stop());

  /** What a server answers to each step, and its score after it. */
  async function walk(server: ServerProcess): Promise<string[]> {
    const client = await server.connect();
    const seen: string[] = [];
    for (const step of steps) {
      let reply = "";
      if (typeof step === "string") reply = await client.request(...step.split(" "));
      else if (typeof step === "number") writeFileSync(scoreFile(server), `${step}\n`);
      else reply = await client.request("CONFIG", step.length === 1 ? "GET" : "SET", ...step);
      const score = readFileSync(scoreFile(server), "latin1").trim();
      seen.push(`${JSON.stringify(step)} ${JSON.stringify(reply)} ${score}`);
    }
    return seen;
  }

  test("is as with redis-server, from step to step", async () => {
    // Whether the score may go below what it was depends on who runs this: both may, or neither.
    const theirs = await walk(both.redis);
    expect(await walk(both.ours)).toEqual(theirs);
    expect(theirs.filter((line) => line.includes("+OK")).length).toBeGreaterThan(8);
  });
});
