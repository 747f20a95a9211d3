/** PUBSUB: who listens to what. */
import { arg, type Command, helpCommand, subcommandError } from "@kv/commands";
import { bytesOf, globMatch, keyIndex, keyLength, NONE, viewOf } from "@kv/core";
import { type EngineCall, engineCommand } from "../../module/engine-call.ts";
import { pubsubPort, type Subscriptions } from "./subscriptions.ts";

const channels = engineCommand({
  name: "channels",
  group: "pubsub",
  since: "2.8.0",
  summary: "Lists the channels that somebody listens to, patterns aside.",
  complexity: "O(N) with N channels.",
  arity: -2,
  flags: ["pubsub", "loading", "stale"],
  args: [arg.optional(arg.pattern("pattern"))],

  run(call) {
    replyNames(call, call.engine.of(pubsubPort).channels);
  },
});

const shardchannels = engineCommand({
  name: "shardchannels",
  group: "pubsub",
  since: "7.0.0",
  summary: "Lists the shard channels that somebody listens to.",
  complexity: "O(N) with N shard channels.",
  arity: -2,
  flags: ["pubsub", "loading", "stale"],
  args: [arg.optional(arg.pattern("pattern"))],

  run(call) {
    replyNames(call, call.engine.of(pubsubPort).shardChannels);
  },
});

const numsub = engineCommand({
  name: "numsub",
  group: "pubsub",
  since: "2.8.0",
  summary: "Counts the listeners of channels, patterns aside.",
  complexity: "O(N) with N channels asked for.",
  arity: -2,
  flags: ["pubsub", "loading", "stale"],
  args: [arg.optional(arg.many(arg.string("channel")))],

  run(call) {
    replyCounts(call, call.engine.of(pubsubPort).channels);
  },
});

const shardnumsub = engineCommand({
  name: "shardnumsub",
  group: "pubsub",
  since: "7.0.0",
  summary: "Counts the listeners of shard channels.",
  complexity: "O(N) with N shard channels asked for.",
  arity: -2,
  flags: ["pubsub", "loading", "stale"],
  args: [arg.optional(arg.many(arg.string("shardchannel")))],

  run(call) {
    replyCounts(call, call.engine.of(pubsubPort).shardChannels);
  },
});

const numpat = engineCommand({
  name: "numpat",
  group: "pubsub",
  since: "2.8.0",
  summary: "Counts the different patterns that somebody listens to.",
  complexity: "O(1)",
  arity: 2,
  flags: ["pubsub", "loading", "stale"],

  run({ engine, reply }) {
    reply.integer(engine.of(pubsubPort).patterns.names.nameCount);
  },
});

function replyNames(call: EngineCall, { names }: Subscriptions): void {
  const { reply } = call;
  const { arena } = call.keyspace;
  if (call.argc > 3) throw subcommandError(call);
  const handle = reply.deferArray();
  let count = 0;
  for (let name = names.firstName(); name !== NONE; name = names.nextName(name)) {
    const bytes = bytesOf(arena, name);
    const start = keyIndex(arena, name);
    const end = start + keyLength(arena, name);
    if (call.argc === 3 && !matches(call, 2, bytes, start, end)) continue;
    reply.bulkFrom(bytes, viewOf(arena, name), start, end);
    count++;
  }
  reply.closeArray(handle, count);
}

/** Whether the pattern at an argument matches bytes[start, end). */
function matches(
  call: EngineCall,
  index: number,
  bytes: Uint8Array,
  start: number,
  end: number,
): boolean {
  return globMatch(call.bytes, call.start(index), call.end(index), bytes, start, end, false);
}

function replyCounts(call: EngineCall, { names }: Subscriptions): void {
  const { reply, bytes, view } = call;
  reply.array((call.argc - 2) * 2);
  for (let index = 2; index < call.argc; index++) {
    const start = call.start(index);
    const end = call.end(index);
    reply.bulkFrom(bytes, view, start, end);
    reply.integer(names.countOf(names.find(bytes, view, start, end)));
  }
}

const subcommands: readonly Command[] = [channels, numpat, numsub, shardchannels, shardnumsub];

export const pubsub = engineCommand({
  name: "pubsub",
  group: "pubsub",
  since: "2.8.0",
  summary: "A container for commands about subscriptions.",
  complexity: "Depends on the subcommand.",
  arity: -2,
  flags: [],
  subcommands: [...subcommands, helpCommand("pubsub", { group: "pubsub", since: "6.2.0" })],
});
