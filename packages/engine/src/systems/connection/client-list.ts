/** CLIENT LIST and INFO: connections, one line each. */
import { arg, CommandError, errors } from "@kv/commands";
import { latin1Bytes, utf8Bytes } from "@kv/resp";
import type { Client } from "../../kernel/client.ts";
import { type EngineCall, engineCommand } from "../../module/engine-call.ts";
import { kindArgument } from "./client-kind.ts";

const LINE_END = latin1Bytes("\r\n");
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
    const lines = new Map<Client, Uint8Array>();
    let length = 0;
    for (const client of listed(call)) {
      let line = lines.get(client);
      if (line === undefined) {
        line = utf8Bytes(`${call.engine.report.describe(client)}\n`);
        lines.set(client, line);
      }
      length += line.length;
    }
    const { reply } = call;
    // All lines together may be longer than any string, and they are never put together here.
    reply.rawBytes(
      ...whole(latin1Bytes(reply.resp3 ? `=${length + 4}\r\ntxt:` : `$${length}\r\n`)),
    );
    for (const client of listed(call)) reply.rawBytes(...whole(lines.get(client) as Uint8Array));
    reply.rawBytes(...whole(LINE_END));
  },
});

function whole(bytes: Uint8Array): [Uint8Array, number, number] {
  return [bytes, 0, bytes.length];
}

/** The clients that are asked for, one after the other; by number as often as they are named. */
function* listed(call: EngineCall): Generator<Client> {
  const { clients } = call.engine;
  if (call.argc === 2) yield* clients.values();
  else if (call.argc === 4 && call.is(2, "TYPE")) {
    const kind = kindArgument(call, 3);
    for (const client of clients.values()) if (client.kind === kind) yield client;
  } else if (call.argc > 3 && call.is(2, "ID")) {
    for (let index = 3; index < call.argc; index++) {
      const client = clients.get(call.integer(index, badId));
      if (client !== undefined) yield client;
    }
  } else throw errors.syntax;
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
    reply.verbatim("txt", `${engine.report.describe(client)}\n`);
  },
});

export const listing = [list, info] as const;
