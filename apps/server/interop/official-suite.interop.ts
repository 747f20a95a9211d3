/**
 * Units of the official test suite of redis-server 7.0 against ours. Those that are short run always;
 * KV_OFFICIAL_SUITE=all runs all that are named here, KV_OFFICIAL_SUITE=unit/dump any one.
 */
import { beforeAll, describe, expect, test } from "vitest";
import { officialSuite, runUnit } from "./official-suite.ts";

/** Tests that we leave out, by name or as `/pattern`, and why. */
type LeftOut = Record<string, string>;

const fork = "it looks for a child process: we save without fork()";
const since72 = (what: string) => `since 7.2 ${what}`;

const short: Record<string, LeftOut> = {
  "unit/keyspace": {},
  "unit/protocol": {},
  "unit/pubsub": {},
  "unit/pubsubshard": {},
  "unit/bitfield": {},
  "unit/sort": {},
  "unit/functions": {},
  "unit/type/hash": {},
  "unit/type/incr": {},
};

const long: Record<string, LeftOut> = {
  "unit/auth": {},
  "unit/bitops": {},
  "unit/dump": {},
  "unit/geo": {},
  "unit/info": {},
  "unit/latency-monitor": {},
  "unit/pause": {},
  "unit/scan": {},
  "unit/slowlog": {},
  "unit/introspection": {},
  "unit/introspection-2": { "/COMMAND LIST FILTERBY PATTERN": "it asks for a cluster's commands" },
  "unit/type/string": {},
  "unit/type/stream": {},
  "unit/type/list": {
    "/SWAPDB wants to wake blocked client, but": since72("an expired key is seen without a DEL"),
    "/MULTI . LPUSH . EXPIRE . DEBUG SLEEP": since72("an expired key is seen without a DEL"),
  },
  "unit/type/set": { "/SRANDMEMBER with a dict containing long chain": fork },
  "unit/type/zset": { "/^ZM?SCORE": since72("a score is printed as briefly as it can be") },
  "unit/type/stream-cgroups": {
    "/Blocking XREADGROUP: (key|flushed|swapped)": since72("who waits is told what there is now"),
    "/Consumer without PEL is present": since72("a consumer is made even when nothing is read"),
  },
  "unit/expire": {
    "/are propagated as absolute timestamp": since72("SET with PXAT is propagated as it came"),
  },
  "unit/acl": {
    "/By default, only default user is": since72("a refusal speaks of one channel"),
    "/Validate subset of channels": since72("sanitize-payload is listed"),
    "/ACLs set can include subcommands, if": since72("rules are kept as they were given"),
    "/ACL requires explicit permission for": since72("a refusal names the user"),
  },
  "unit/multi": {
    "/MULTI . EXEC is propagated correctly .multiple": since72("MULTI comes ahead of SELECT"),
    "/MULTI propagation of XREADGROUP": since72("the group's place is propagated, too"),
    "/MULTI with (BGREWRITEAOF|config set appendonly)": fork,
    "/MULTI with FLUSHALL and AOF": since72("MULTI comes ahead of SELECT"),
  },
  "unit/scripting": {
    "/Scripts can't run b": since72("scripts may call commands that block, which do not"),
    "/LDB": "scripts have no debugger here",
  },
  "unit/other": {
    "/Don't rehash if redis has child": fork,
    "/Process title set as expected": "it wants a program of the name redis-server",
  },
};

const asked = process.env.KV_OFFICIAL_SUITE;
const all = { ...short, ...long };
const units = asked === undefined ? short : asked === "all" ? all : { [asked]: all[asked] ?? {} };

describe("the official suite of redis-server", () => {
  let suite: string | undefined;
  beforeAll(async () => {
    suite = await officialSuite();
  }, 300_000);

  // Some of its tests wait for a time that a busy machine does not keep.
  for (const [unit, leftOut] of Object.entries(units))
    test(unit, { timeout: 600_000, retry: 2 }, async (context) => {
      if (suite === undefined) return context.skip("the suite cannot be had here");
      const { passed, failed, tail } = await runUnit(suite, unit, Object.keys(leftOut));
      for (const [name, reason] of Object.entries(leftOut))
        console.log(`${unit}: left out ${name}: ${reason}`);
      expect(failed, tail).toEqual([]);
      expect(passed.length, tail).toBeGreaterThan(0);
    });
});
