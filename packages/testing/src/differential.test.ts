import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { allTranscripts } from "./all-transcripts.ts";
import { isComparableRow, redisVersion } from "./comparable.ts";
import {
  guidedBy,
  inProcessPeer,
  type Peer,
  processPeer,
  reportOf,
  runTranscript,
} from "./differential.ts";
import { harness } from "./harness.ts";
import { hasRedisServer, ServerProcess } from "./server-process.ts";
import type { TranscriptRequest } from "./transcripts/transcript.ts";

const version = redisVersion() ?? "";
const transcripts = await allTranscripts();

describe.runIf(hasRedisServer())("against redis-server", () => {
  let redis: ServerProcess;
  beforeAll(async () => {
    redis = await ServerProcess.start({ config: { "notify-keyspace-events": "KEA" } });
  });
  afterAll(() => redis?.stop());

  describe.each([2, 3] as const)("every transcript gets the same replies in RESP%i", (resp) => {
    test.each(transcripts)("$name", async ({ transcript }) => {
      const reference = await processPeer(redis, resp);
      await reference.exchange(["FLUSHALL"]);
      await reference.exchange(["CONFIG", "RESETSTAT"]);
      const mismatches = await runTranscript(
        transcript,
        reference,
        inProcessPeer(resp),
        resp === 3,
      );
      reference.close();
      expect(reportOf(mismatches)).toBe("");
    });
  });

  test("every command refuses too few and too many words in the same way", async () => {
    const reference = await processPeer(redis, 2);
    const requests: TranscriptRequest[] = [["FLUSHALL"]];
    for (const row of harness().engine.commands.all) {
      if (!isComparableRow(row, version)) continue;
      const names = row.fullName.split("|");
      const least = Math.abs(row.arity);
      const counts = [names.length, least - 1, ...(row.arity > 0 ? [least + 1, least + 9] : [])];
      for (const count of new Set(counts))
        if (count >= names.length && !row.accepts(count))
          requests.push([...names, ...Array(count - names.length).fill("x")]);
    }
    expect(requests.length).toBeGreaterThan(250);
    const mismatches = await runTranscript(requests, reference, inProcessPeer(2));
    reference.close();
    expect(reportOf(mismatches)).toBe("");
  });

  test("a difference is found, with the requests before it, and both go on level", async () => {
    const reference = await processPeer(redis, 2);
    const honest = inProcessPeer(2);
    // Answers one request wrongly and another one twice.
    const liar: Peer = {
      ...honest,
      async exchange(words) {
        const reply = await honest.exchange(words);
        if (words[0] === "STRLEN") return ":99\r\n";
        return words[0] === "ECHO" ? reply + reply : reply;
      },
    };
    const mismatches = await runTranscript(
      [["FLUSHALL"], ["SET", "a", 1], ["STRLEN", "a"], ["ECHO", "x"], ["GET", "a"]],
      reference,
      liar,
    );
    reference.close();
    expect(mismatches.map((each) => each.words)).toEqual([
      ["STRLEN", "a"],
      ["ECHO", "x"],
    ]);
    const report = reportOf(mismatches);
    expect(report).toContain(
      'request 2: "STRLEN" "a"\n   redis: ":1\\r\\n"\n   ours:  ":99\\r\\n"',
    );
    expect(report).toContain('after: "SET" "a" "1"');
  });

  test("what no reply shows is found by the checks after a write", async () => {
    const reference = await processPeer(redis, 2);
    const honest = inProcessPeer(2);
    const forgetful: Peer = {
      ...honest,
      exchange: (words) =>
        honest.exchange(words[0] === "SET" ? words.map((word) => (word === 7 ? 8 : word)) : words),
    };
    const mismatches = await runTranscript([["FLUSHALL"], ["SET", "a", 7]], reference, forgetful);
    reference.close();
    expect(mismatches.map((each) => each.words.slice(0, 2))).toEqual([
      ["DEBUG", "DIGEST-VALUE"],
      ["DEBUG", "DIGEST"],
    ]);
  });

  test("requests may be said to differ, or be compared through a mask", async () => {
    const reference = await processPeer(redis, 2);
    const transcript = [
      { request: ["ECHO", "x"], differs: "to try it out" },
      { request: ["ECHO", "17"], mask: /\d/g },
      { request: ["ECHO", "a"], mask: /\d/g },
    ];
    const honest = inProcessPeer(2);
    const other: Peer = {
      ...honest,
      exchange: async (words) => (await honest.exchange(words)).replace(/[xa17]/g, "2"),
    };
    const mismatches = await runTranscript(transcript, reference, other);
    reference.close();
    expect(mismatches.map((each) => each.index)).toEqual([2, 3]);
  });

  test("silence costs little when a model says that nothing will come", async () => {
    const reference = await processPeer(redis, 2);
    const guided = guidedBy(inProcessPeer(2), await processPeer(redis, 2));
    const startedMs = performance.now();
    const mismatches = await runTranscript(
      [
        ["SUBSCRIBE", "a", "b"],
        ["UNSUBSCRIBE"],
        ["CLIENT", "REPLY", "OFF"],
        ["PING"],
        ["CLIENT", "REPLY", "ON"],
      ],
      reference,
      guided,
    );
    expect(reportOf(mismatches)).toBe("");
    expect(performance.now() - startedMs).toBeLessThan(2000);
    reference.close();
    guided.close();
  });
});
