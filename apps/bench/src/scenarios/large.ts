/** Everyday commands on collections of a million elements: what a request costs. */
import { LARGE, largeCollections, leftOut, loadOptions, unknownCommands } from "../collections.ts";
import type { TemplateName } from "../command-template.ts";
import { count } from "../format.ts";
import { loadKeys } from "../load-client.ts";
import { RespClient } from "../resp-client.ts";
import type { Context, Section } from "../scenario.ts";
import { inTurns, startServer } from "../servers.ts";
import { median } from "../statistics.ts";
import { costColumns, measureCost, PairedCosts } from "./pipelines.ts";

const PIPELINE = 16;
/** As many digits as templates and redis-benchmark write. */
const RANDOM = "__rand_int__";

interface UsedTest {
  name: string;
  words: readonly string[];
}

/** Commands by the collection that they are run on; `middle` is the index of an element in it. */
function testsOn(template: TemplateName, middle: number): UsedTest[] {
  const on = (name: string, ...words: string[]): UsedTest => {
    const [command = "", ...rest] = words;
    return { name, words: [command, LARGE, ...rest] };
  };
  const tests: Partial<Record<TemplateName, UsedTest[]>> = {
    largeHash: [on("HGET", "HGET", `f:${RANDOM}`), on("HSET", "HSET", `f:${RANDOM}`, "value")],
    largeList: [
      on("LPUSH", "LPUSH", `e:${RANDOM}`),
      on("LINDEX, near the middle", "LINDEX", `${middle}`),
      on("LRANGE of 10, near the middle", "LRANGE", `${middle}`, `${middle + 9}`),
      on("LPOP", "LPOP"),
    ],
    largeSet: [
      on("SISMEMBER", "SISMEMBER", `m:${RANDOM}`),
      on("SADD", "SADD", `n:${RANDOM}`),
      on("SRANDMEMBER", "SRANDMEMBER"),
    ],
    largeSortedSet: [
      on("ZSCORE", "ZSCORE", `m:${RANDOM}`),
      on("ZRANK", "ZRANK", `m:${RANDOM}`),
      on("ZADD, new scores", "ZADD", RANDOM, `m:${RANDOM}`),
      on("ZRANGE of 10 by rank", "ZRANGE", `${middle}`, `${middle + 9}`),
      on("ZRANGE of 10 by score", ...["ZRANGE", `1${RANDOM}`, "+inf"], ...byScore),
    ],
    largeStream: [
      on("XADD", "XADD", "*", "name", `v:${RANDOM}`),
      on("XRANGE of 10", "XRANGE", `1${RANDOM}-0`, "+", "COUNT", "10"),
    ],
  };
  return tests[template] ?? [];
}

const byScore = ["BYSCORE", "LIMIT", "0", "10"];

export async function large(context: Context): Promise<Section> {
  const { used, requests, kinds } = context.sizes.collections;
  const costs = new Map<string, PairedCosts>();
  const missing = new Set<string>();
  for (const kind of largeCollections.slice(0, kinds)) {
    const tests = testsOn(kind.template, Math.floor(used / 2) - 7);
    if (tests.length === 0) continue;
    for (let round = 0; round < context.rounds; round++) {
      await using ours = await startServer(context.ours);
      await using redis = await startServer(context.redis);
      const servers = { ours, redis };
      const commands = [kind.command, ...tests.map(({ words }) => words[0] as string)];
      const unknown = await unknownCommands(ours.port, commands);
      if (unknown.has(kind.command)) {
        for (const { name } of tests) missing.add(name);
        break;
      }
      for (const server of [ours, redis]) {
        await loadKeys(server.port, kind.template, used, loadOptions(kind));
        await using client = await RespClient.connect(server.port);
        const length = await client.send(...kind.length);
        if (length !== used) throw new Error(`${kind.label} has ${length} elements, not ${used}`);
      }
      for (const { name, words } of tests) {
        if (unknown.has(words[0] as string)) {
          missing.add(name);
          continue;
        }
        context.say(`${kind.label}, round ${round + 1} of ${context.rounds}: ${name}`);
        const run = { requests, pipeline: PIPELINE, randomKeys: used, test: words };
        const pair = await inTurns([context.ours, context.redis], round, (side) => {
          const idle = servers[side.name === "ours" ? "redis" : "ours"];
          return measureCost(servers[side.name], idle, run, Math.ceil(requests / 2));
        });
        if (!costs.has(name)) costs.set(name, new PairedCosts());
        costs.get(name)!.add(pair);
      }
    }
  }
  return {
    name: "large",
    title: "Large collections",
    method:
      `Commands on one collection of ${count(used)} elements, random ones where nothing else is said. ` +
      `Depth ${PIPELINE}, 50 clients. CPU as above.`,
    tables: [
      {
        columns: ["command", ...costColumns],
        rows: [...costs].map(([name, each]) => [name, ...each.row()]),
      },
    ],
    claims: [...costs].map(([name, each]) => ({
      text: `CPU, ${name}, ${count(used)} elements`,
      measured: median(each.ratios("cpuUs")),
      atMost: 1,
      unit: "×",
    })),
    remarks: leftOut([...missing]),
  };
}
