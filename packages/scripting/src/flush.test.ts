/** What `lazyfreed_objects` counts of scripts and functions, as redis-server counts it. */
import { harness, hasRedisServer, ServerProcess } from "@kv/testing";
import { describe, expect, onTestFinished, test } from "vitest";

type Words = readonly string[];

const flushes = {
  "FUNCTION FLUSH": (count: number): Words[] => {
    const one = (index: number) => `redis.register_function('f${index}', function() end)`;
    const code = Array.from({ length: count }, (_, index) => one(index)).join("\n");
    return [["FUNCTION", "LOAD", `#!lua name=l\n${code}`]];
  },
  "SCRIPT FLUSH": (count: number): Words[] =>
    Array.from({ length: count }, (_, index) => ["SCRIPT", "LOAD", `return ${index}`]),
} as const;

describe.each(Object.entries(flushes))("%s", (command, filling) => {
  const flush = command.split(" ");
  const cases = [
    { why: "that nobody waits for", count: 65, words: ["ASYNC"], counted: 65 },
    { why: "of so few that waiting is cheaper", count: 64, words: ["ASYNC"], counted: 0 },
    { why: "that is waited for", count: 65, words: ["SYNC"], counted: 0 },
    { why: "without a word", count: 65, words: [], counted: 0 },
    { why: "without a word, where the directive says so", count: 65, words: [], counted: 65 },
  ];
  const setting = ({ why }: { why: string }) => [
    ["CONFIG", "SET", "lazyfree-lazy-user-flush", why.endsWith("so") ? "yes" : "no"],
  ];

  test.each(cases)("one $why counts $counted", (one) => {
    const kv = harness();
    for (const words of [...setting(one), ...filling(one.count), [...flush, ...one.words]])
      kv.send(...(words as [string]));
    expect(kv.send("INFO", "memory")).toContain(
      `lazyfree_pending_objects:0\r\nlazyfreed_objects:${one.counted}\r\n`,
    );
    kv.send("CONFIG", "RESETSTAT");
    expect(kv.send("INFO", "memory")).toContain("lazyfreed_objects:0\r\n");
  });

  test.runIf(hasRedisServer())("so does redis-server", { timeout: 30_000 }, async () => {
    const server = await ServerProcess.start();
    onTestFinished(() => server.stop());
    const client = await server.connect();
    for (const one of cases) {
      await client.request("CONFIG", "RESETSTAT");
      for (const words of [...setting(one), ...filling(one.count), [...flush, ...one.words]])
        await client.request(...words);
      await expect
        .poll(() => client.request("INFO", "memory"))
        .toContain(`lazyfree_pending_objects:0\r\nlazyfreed_objects:${one.counted}\r\n`);
    }
  });
});
