/** SENTINEL: the container, and PUBLISH and ROLE as a sentinel has them. */
import { arg, CommandError, helpCommand } from "@kv/commands";
import { engineCommand } from "@kv/engine";
import { helloChannel, takeGreeting } from "../hello.ts";
import { sentinelPort } from "../sentinel.ts";
import * as own from "./own.ts";
import * as primaries from "./primaries.ts";
import * as settings from "./settings.ts";

export const sentinel = engineCommand({
  name: "sentinel",
  group: "sentinel",
  since: "2.8.4",
  summary: "A container for commands about watched primaries.",
  complexity: "Depends on the subcommand.",
  arity: -2,
  flags: ["admin"],
  subcommands: [
    ...Object.values(primaries),
    ...Object.values(settings),
    ...Object.values(own),
    helpCommand("sentinel", { group: "sentinel", since: "6.2.0" }),
  ],
});

const onlyGreetings = new CommandError(
  "ERR Only HELLO messages are accepted by Sentinel instances.",
);

export const publish = engineCommand({
  name: "publish",
  group: "pubsub",
  since: "2.0.0",
  summary: "Takes the greeting of another sentinel.",
  complexity: "O(1)",
  arity: 3,
  flags: ["pubsub", "loading", "stale", "fast"],
  channels: { first: 1, last: 1, arePatterns: false },
  args: [arg.string("channel"), arg.string("message")],
  run(call) {
    if (call.text(1) !== helloChannel) throw onlyGreetings;
    takeGreeting(call.engine.of(sentinelPort), call.text(2));
    call.reply.integer(1);
  },
});

export const role = engineCommand({
  name: "role",
  group: "server",
  since: "2.8.12",
  summary: "Tells the names of the primaries that are watched.",
  complexity: "O(N) with N primaries.",
  arity: 1,
  flags: ["noscript", "loading", "stale", "fast"],
  categories: ["admin", "dangerous"],
  run({ engine, reply }) {
    const { primaries: watched } = engine.of(sentinelPort);
    reply.array(2);
    reply.bulkLatin1("sentinel");
    reply.array(watched.size);
    for (const name of watched.keys()) reply.bulkLatin1(name);
  },
});
