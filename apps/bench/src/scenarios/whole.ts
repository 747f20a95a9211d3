/** Commands that go through all of large inputs: how much processor time each takes. */
import { leftOut, unknownCommands } from "../collections.ts";
import { count, milliseconds, ratioSpread } from "../format.ts";
import { processCpuNs } from "../process-usage.ts";
import { RespClient } from "../resp-client.ts";
import type { Context, Section } from "../scenario.ts";
import { inTurns, type Server, startServer } from "../servers.ts";
import { median, pairedRatios, summarize } from "../statistics.ts";

/** Elements that one command of the preparation adds. */
const CHUNK = 100;
/** A command is run at least so often. */
const RUNS_MIN = 3;
/** Bytes of a bitmap for each element that other inputs have. */
const BITMAP_BYTES = 32;
const LIMIT = 1.2;

interface Input {
  key: string;
  command: string;
  /** The words behind the key that add element number `index`. */
  element: (index: number) => readonly string[];
}

interface WholeTest {
  name: string;
  words: readonly string[];
  inputs: readonly Input[];
}

/** Numbers in an order that looks random and is the same in every run. */
const scattered = (index: number) => (Math.imul(index, 0x9e3779b1) >>> 0) % 1_000_000_007;

const scored = (key: string, from: number): Input => ({
  key,
  command: "ZADD",
  element: (index) => [`${scattered(index + from)}`, `m:${index + from}`],
});
const members = (key: string, from: number): Input => ({
  key,
  command: "SADD",
  element: (index) => [`m:${index + from}`],
});
const places: Input = {
  key: "geo",
  command: "GEOADD",
  element: (index) => [
    `${(scattered(index) % 20_000) / 1000 - 5}`,
    `${(scattered(index + 77) % 15_000) / 1000 + 40}`,
    `place:${index}`,
  ],
};
const numbers: Input = {
  key: "numbers",
  command: "RPUSH",
  element: (index) => [`${scattered(index)}`],
};

function tests(size: number): WholeTest[] {
  const half = Math.floor(size / 2);
  const bitCount = size * BITMAP_BYTES * 8;
  const bits = (key: string): Input => ({
    key,
    command: "SETBIT",
    // A bit now and then, and one at the end: what is between them is there all the same.
    element: (index) => [`${index === 0 ? bitCount - 1 : scattered(index) % bitCount}`, "1"],
  });
  const scoredInputs = [scored("z1", 0), scored("z2", half)];
  const memberInputs = [members("s1", 0), members("s2", half)];
  return [
    { name: "SINTERSTORE", words: ["SINTERSTORE", "to", "s1", "s2"], inputs: memberInputs },
    { name: "SUNIONSTORE", words: ["SUNIONSTORE", "to", "s1", "s2"], inputs: memberInputs },
    { name: "SDIFFSTORE", words: ["SDIFFSTORE", "to", "s1", "s2"], inputs: memberInputs },
    { name: "ZUNIONSTORE", words: ["ZUNIONSTORE", "to", "2", "z1", "z2"], inputs: scoredInputs },
    { name: "ZINTERSTORE", words: ["ZINTERSTORE", "to", "2", "z1", "z2"], inputs: scoredInputs },
    { name: "SORT, 10 of all", words: ["SORT", "numbers", "LIMIT", "0", "10"], inputs: [numbers] },
    { name: "SORT ... STORE", words: ["SORT", "numbers", "STORE", "to"], inputs: [numbers] },
    {
      name: "BITOP AND",
      words: ["BITOP", "AND", "to", "b1", "b2"],
      inputs: [bits("b1"), bits("b2")],
    },
    { name: "BITCOUNT", words: ["BITCOUNT", "b1"], inputs: [bits("b1")] },
    {
      name: "GEOSEARCH, 500 km",
      words: [
        "GEOSEARCH",
        "geo",
        "FROMLONLAT",
        "5",
        "47",
        "BYRADIUS",
        "500",
        "km",
        "ASC",
        "COUNT",
        "100",
      ],
      inputs: [places],
    },
  ];
}

/** Adds the elements of an input, a few at a time. SETBIT takes one; there are fewer of those. */
async function prepare(
  client: RespClient,
  { key, command, element }: Input,
  size: number,
): Promise<void> {
  if (command === "SETBIT") {
    for (let index = 0; index < Math.min(size, 5000); index++)
      await client.send(command, key, ...element(index));
    return;
  }
  for (let from = 0; from < size; from += CHUNK) {
    const words: string[] = [];
    for (let index = from; index < Math.min(size, from + CHUNK); index++)
      words.push(...element(index));
    await client.send(command, key, ...words);
  }
}

/** Runs a command for so long, one run after the other. Returns how often that was. */
async function repeat(
  client: RespClient,
  words: readonly string[],
  durationMs: number,
): Promise<number> {
  const endMs = performance.now() + durationMs;
  let runs = 0;
  for (; runs < RUNS_MIN || performance.now() < endMs; runs++) await client.send(...words);
  return runs;
}

/**
 * Milliseconds of processor time that the server spends on one run. Before that it is run for as long
 * unmeasured: a runtime compiles what runs often.
 */
async function cost(server: Server, words: readonly string[], runMs: number): Promise<number> {
  await using client = await RespClient.connect(server.port);
  await repeat(client, words, runMs);
  const beforeNs = processCpuNs(server.pid);
  const runs = await repeat(client, words, runMs);
  return (processCpuNs(server.pid) - beforeNs) / 1e6 / runs;
}

export async function whole(context: Context): Promise<Section> {
  const { inputs: size, runMs } = context.sizes.collections;
  const all = tests(size);
  const costs = new Map<string, { ours: number[]; redis: number[] }>();
  const missing: string[] = [];
  await using ours = await startServer(context.ours);
  await using redis = await startServer(context.redis);
  const servers = { ours, redis };
  const needed = ({ words, inputs }: WholeTest) => [
    words[0] as string,
    ...inputs.map(({ command }) => command),
  ];
  const unknown = await unknownCommands(ours.port, all.flatMap(needed));
  const prepared = new Set<string>();
  for (const test of all) {
    if (needed(test).some((command) => unknown.has(command))) {
      missing.push(test.name);
      continue;
    }
    for (const input of test.inputs.filter(({ key }) => !prepared.has(key))) {
      prepared.add(input.key);
      context.say(`filling ${input.key}`);
      for (const server of [ours, redis]) {
        await using client = await RespClient.connect(server.port);
        await prepare(client, input, size);
      }
    }
    const measured = { ours: [] as number[], redis: [] as number[] };
    for (let round = 0; round < context.rounds; round++) {
      context.say(`${test.name}, round ${round + 1} of ${context.rounds}`);
      const pair = await inTurns([context.ours, context.redis], round, ({ name }) =>
        cost(servers[name], test.words, runMs),
      );
      measured.ours.push(pair.ours);
      measured.redis.push(pair.redis);
    }
    costs.set(test.name, measured);
  }
  const ratios = ({ ours, redis }: { ours: number[]; redis: number[] }) =>
    pairedRatios(ours, redis);
  return {
    name: "whole",
    title: "Commands over whole collections",
    method:
      `Two sets and two sorted sets of ${count(size)} members, half of them common; a list of ${count(size)} ` +
      `numbers; bitmaps of ${count(size * BITMAP_BYTES)} bytes; ${count(size)} places within 2,000 km. Processor time of one ` +
      `run, when it has been run for ${runMs} ms. Both servers keep their data through all rounds.`,
    tables: [
      {
        columns: ["command", "kv CPU", "redis CPU", "ratio"],
        rows: [...costs].map(([name, measured]) => [
          name,
          milliseconds(median(measured.ours)),
          milliseconds(median(measured.redis)),
          ratioSpread(summarize(ratios(measured))),
        ]),
      },
    ],
    claims: [...costs].map(([name, measured]) => ({
      text: `CPU, ${name} of ${count(size)}`,
      measured: median(ratios(measured)),
      atMost: LIMIT,
      unit: "×",
    })),
    remarks: leftOut(missing),
  };
}
