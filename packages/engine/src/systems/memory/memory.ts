/** MEMORY: what takes how much of it. */
import { arg, errors, helpCommand, keyAt } from "@kv/commands";
import { entryMemory, NONE } from "@kv/core";
import { engineCommand } from "../../module/engine-call.ts";
import type { Ports } from "../../module/ports.ts";
import { memoryOverview } from "./memory-overview.ts";
import { allocatorReport, memoryReport } from "./memory-report.ts";

const SAMPLES_DEFAULT = 5;
/** For so long blocks are moved; what is left to do goes on with the next MEMORY PURGE. */
const PURGE_US = 100_000;

const facts = { group: "server", since: "4.0.0", flags: [] } as const;
const special = ["nondeterministic_output", "request_policy:all_shards", "response_policy:special"];

const doctor = engineCommand({
  ...facts,
  name: "doctor",
  summary: "Explains how memory is used, in sentences.",
  differs: "The sentences are our own.",
  complexity: "O(1)",
  arity: 2,
  tips: special,
  run({ engine, reply }) {
    reply.verbatim("txt", memoryReport(engine));
  },
});

const mallocStats = engineCommand({
  ...facts,
  name: "malloc-stats",
  summary: "Shows the numbers of the allocator.",
  differs: "The allocator is our own arena, and so are its numbers.",
  complexity: "O(1)",
  arity: 2,
  tips: special,
  run({ engine, reply }) {
    reply.verbatim("txt", allocatorReport(engine));
  },
});

const purge = engineCommand({
  ...facts,
  name: "purge",
  summary: "Finishes freeing what is still to be freed, and empties what is nearly empty.",
  complexity:
    "O(N) with N objects that wait to be freed; the rest takes a tenth of a second at most.",
  arity: 2,
  tips: ["request_policy:all_shards", "response_policy:all_succeeded"],
  run({ engine, reply }) {
    const { keyspace, host } = engine;
    while (keyspace.lazyFree.step(1024));
    // Empty segments go by themselves. Those with little in them are emptied, for a while.
    const startUs = host.monotonicUs();
    while (!keyspace.evacuate(256) && host.monotonicUs() - startUs < PURGE_US);
    reply.ok();
  },
});

const usage = engineCommand({
  ...facts,
  name: "usage",
  summary: "Measures what a key and its value take.",
  complexity: "O(N) with N elements sampled.",
  arity: -3,
  flags: ["readonly"],
  keys: [keyAt(2, "RO")],
  args: [arg.key("key"), arg.optional(arg.integer("count", { token: "SAMPLES" }))],
  run(call) {
    const { reply, argc, keyspace } = call;
    let samples = SAMPLES_DEFAULT;
    for (let index = 3; index < argc; index += 2) {
      if (!call.is(index, "SAMPLES") || index + 1 === argc) throw errors.syntax;
      samples = call.integer(index + 1);
      if (samples < 0) throw errors.syntax;
    }
    // A key whose time has passed takes its memory until it is removed.
    const entry = call.findStored(2);
    if (entry === NONE) reply.null();
    else reply.integer(entryMemory(keyspace.arena, entry, samples));
  },
});

const stats = engineCommand({
  ...facts,
  name: "stats",
  summary: "Lists the sizes of everything that takes memory.",
  complexity: "O(1)",
  arity: 2,
  tips: special,
  run({ engine, reply }) {
    const sizes = sizesOf(engine);
    reply.map(sizes.length);
    for (const [name, value] of sizes) {
      reply.bulkLatin1(name);
      if (typeof value === "number") reply.integer(value);
      else if (value instanceof Double) reply.double(value.value);
      else {
        reply.map(value.length);
        for (const [part, bytes] of value) {
          reply.bulkLatin1(part);
          reply.integer(bytes);
        }
      }
    }
  },
});

/** A number that is to be answered as a double, whole or not. */
class Double {
  readonly value: number;

  constructor(value: number) {
    this.value = value;
  }
}

type Size = readonly [
  name: string,
  value: number | Double | readonly (readonly [string, number])[],
];

function sizesOf(engine: Ports): Size[] {
  const now = memoryOverview(engine);
  const { keyspace } = engine;
  const { scripts, replication } = engine.memory;
  const keyCount = keyspace.keyCount;
  const netBytes = Math.max(0, now.usedBytes - now.startupBytes);
  const peakShare = now.peakBytes > 0 ? (now.usedBytes / now.peakBytes) * 100 : 0;
  const databases = keyspace.databases
    .filter(({ size }) => size > 0)
    .map(
      ({ index, dict, expires }): Size => [
        `db.${index}`,
        [
          ["overhead.hashtable.main", dict.tableBytes()],
          ["overhead.hashtable.expires", expires.tableBytes()],
          ["overhead.hashtable.slot-to-keys", 0],
        ],
      ],
    );
  return [
    ["peak.allocated", now.peakBytes],
    ["total.allocated", now.usedBytes],
    ["startup.allocated", now.startupBytes],
    ["replication.backlog", replication.backlogBytes],
    ["clients.slaves", replication.replicaBytes],
    ["clients.normal", now.clientBytes - replication.connectionBytes],
    ["cluster.links", 0],
    ["aof.buffer", 0],
    ["lua.caches", scripts.scriptBytes],
    ["functions.caches", scripts.functionBytes],
    ...databases,
    ["overhead.total", now.overheadBytes],
    ["keys.count", keyCount],
    ["keys.bytes-per-key", keyCount > 0 ? Math.floor(netBytes / keyCount) : 0],
    ["dataset.bytes", now.datasetBytes],
    ["dataset.percentage", new Double(now.datasetPercent)],
    ["peak.percentage", new Double(peakShare)],
    ["allocator.allocated", now.allocatedBytes],
    ["allocator.active", now.activeBytes],
    ["allocator.resident", now.touchedBytes],
    ["allocator-fragmentation.ratio", new Double(now.fragmentationRatio)],
    ["allocator-fragmentation.bytes", now.activeBytes - now.allocatedBytes],
    ["allocator-rss.ratio", new Double(now.touchedRatio)],
    ["allocator-rss.bytes", now.touchedBytes - now.activeBytes],
    ["rss-overhead.ratio", new Double(now.processRatio)],
    ["rss-overhead.bytes", now.residentBytes - now.touchedBytes],
    ["fragmentation", new Double(now.residentRatio)],
    ["fragmentation.bytes", now.residentBytes - now.usedBytes],
  ];
}

const subcommands = [doctor, mallocStats, purge, stats, usage];

export const memory = engineCommand({
  name: "memory",
  group: "server",
  since: "4.0.0",
  summary: "Groups the commands that look at memory.",
  complexity: "As the subcommand.",
  arity: -2,
  flags: [],
  subcommands: [...subcommands, helpCommand("memory", { group: "server", since: "4.0.0" })],
});
