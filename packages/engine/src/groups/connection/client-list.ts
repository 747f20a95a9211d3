/** CLIENT LIST and INFO: connections, one line each. */
import { arg, CommandError, errors } from "@kv/commands";
import type { Client } from "../../client.ts";
import { type EngineCall, engineCommand } from "../../engine-call.ts";
import { describeClient } from "../../output.ts";
import { kindArgument, kindOf } from "./client-kind.ts";

const badId = new CommandError("ERR Invalid client ID");

const list = engineCommand({
  name: "list",
  group: "connection",
  since: "2.4.0",
  summary: "Lists all connections, those of one kind, or some by their numbers.",
  complexity: "O(N) with N connections.",
  arity: -2,
  flags: ["admin", "noscript", "loading", "stale"],
  tips: ["nondeterministic_output"],
  args: [
    arg.optional({
      ...arg.oneOf(
        "normal_master_replica_pubsub",
        arg.token("normal", "NORMAL"),
        arg.token("master", "MASTER"),
        arg.token("replica", "REPLICA"),
        arg.token("pubsub", "PUBSUB"),
      ),
      token: "TYPE",
      since: "5.0.0",
    }),
    arg.optional({
      ...arg.block("id", arg.many(arg.integer("client-id"))),
      token: "ID",
      since: "6.2.0",
    }),
  ],
  history: [
    ["2.8.12", "Added unique client `id` field."],
    ["5.0.0", "Added optional `TYPE` filter."],
    ["6.0.0", "Added `user` field."],
    [
      "6.2.0",
      "Added `argv-mem`, `tot-mem`, `laddr` and `redir` fields and the optional `ID` filter.",
    ],
    ["7.0.0", "Added `resp`, `multi-mem`, `rbs` and `rbp` fields."],
    ["7.0.3", "Added `ssub` field."],
    ["7.2.0", "Added `lib-name` and `lib-ver` fields."],
  ],

  run(call) {
    let text = "";
    for (const client of listed(call)) text += `${describeClient(call.engine, client)}\n`;
    call.reply.verbatim("txt", text);
  },
});

function listed(call: EngineCall): Iterable<Client> {
  const { clients } = call.engine;
  if (call.argc === 2) return clients.values();
  if (call.argc === 4 && call.is(2, "TYPE")) {
    const kind = kindArgument(call, 3);
    return [...clients.values()].filter((client) => kindOf(client) === kind);
  }
  if (call.argc > 3 && call.is(2, "ID")) {
    const found: Client[] = [];
    for (let index = 3; index < call.argc; index++) {
      const client = clients.get(call.integer(index, badId));
      if (client !== undefined) found.push(client);
    }
    return found;
  }
  throw errors.syntax;
}

const info = engineCommand({
  name: "info",
  group: "connection",
  since: "6.2.0",
  summary: "Shows this connection as CLIENT LIST does.",
  complexity: "O(1)",
  arity: 2,
  flags: ["noscript", "loading", "stale"],
  tips: ["nondeterministic_output"],

  run({ client, engine, reply }) {
    reply.verbatim("txt", `${describeClient(engine, client)}\n`);
  },
});

export const listing = [list, info] as const;
