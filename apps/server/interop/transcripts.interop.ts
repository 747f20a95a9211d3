import {
  allTranscripts,
  guidedBy,
  hasRedisServer,
  inProcessPeer,
  processPeer,
  reportOf,
  runTranscript,
  type ServerProcess,
} from "@kv/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startOurs, startRedis } from "./both-servers.ts";

const transcripts = await allTranscripts();

describe.runIf(hasRedisServer()).each([
  { over: "tcp", resp: 2, config: { "set-max-listpack-entries": 0 } },
  { over: "unix", resp: 3, config: { "set-max-listpack-entries": 128 } },
] as const)("every transcript gets the same bytes over $over in RESP$resp", (run) => {
  let redis: ServerProcess;
  let ours: ServerProcess;
  beforeAll(async () => {
    const config = { "notify-keyspace-events": "KEA" };
    redis = await startRedis({ config });
    ours = await startOurs({ config: { ...config, ...run.config } });
  });
  afterAll(async () => {
    await Promise.all([redis?.stop(), ours?.stop()]);
  });

  test.each(transcripts)("$name", async ({ transcript }) => {
    const reference = await processPeer(redis, run.resp, run.over);
    const model = inProcessPeer(run.resp);
    const subject = guidedBy(model, await processPeer(ours, run.resp, run.over));
    for (const peer of [reference, subject]) {
      await peer.exchange(["FLUSHALL"]);
      await peer.exchange(["CONFIG", "RESETSTAT"]);
    }
    const mismatches = await runTranscript(transcript, reference, subject, run.resp === 3);
    reference.close();
    subject.close();
    expect(reportOf(mismatches)).toBe("");
  });
});
