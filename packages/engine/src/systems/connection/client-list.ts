/** CLIENT LIST and INFO: connections, one line each. */
import { arg, CommandError } from "@kv/commands";
import { latin1Bytes } from "@kv/resp";
import type { Client } from "../../kernel/client.ts";
import { type EngineCall, engineCommand } from "../../module/engine-call.ts";
import {
  type ClientFilters,
  clientFiltersAt,
  furtherFilters,
  type IdRules,
} from "./client-filters.ts";

const LINE_END = latin1Bytes("\r\n");
const badId = new CommandError("ERR Invalid client ID");
/** Numbers that no client has are no error: they find none. */
const idRules: IdRules = { bad: badId, least: Number.NEGATIVE_INFINITY, badNext: badId };

const list = engineCommand({
  name: "list",
  group: "connection",
  since: "2.4.0",
  summary: "Lists all connections, or those that filters choose.",
  complexity: "O(N) with N connections.",
  arity: -2,
  flags: ["admin", "noscript", "loading", "stale"],
  tips: ["nondeterministic_output"],
  args: [
    arg.optional({
      ...arg.oneOf(
        "client-type",
        arg.token("normal", "NORMAL"),
        arg.token("master", "MASTER"),
        arg.token("replica", "REPLICA"),
        arg.token("pubsub", "PUBSUB"),
      ),
      token: "TYPE",
      since: "5.0.0",
    }),
    arg.optional(arg.many(arg.integer("client-id", { token: "ID", since: "6.2.0" }))),
    arg.optional(arg.string("username", { token: "USER", since: "8.0.0" })),
    arg.optional(arg.string("addr", { token: "ADDR", since: "8.0.0" })),
    arg.optional(arg.string("laddr", { token: "LADDR", since: "8.0.0" })),
    arg.optional({
      ...arg.oneOf("skipme", arg.token("yes", "YES"), arg.token("no", "NO")),
      token: "SKIPME",
      since: "8.0.0",
    }),
    arg.optional(arg.integer("maxage", { token: "MAXAGE", since: "8.0.0" })),
    ...furtherFilters,
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
    const filters = clientFiltersAt(call, 2, idRules);
    const lines = new Map<Client, Uint8Array>();
    let length = 0;
    for (const client of listed(call, filters)) {
      let line = lines.get(client);
      if (line === undefined) {
        line = latin1Bytes(`${call.engine.report.describe(client)}\n`);
        lines.set(client, line);
      }
      length += line.length;
    }
    const { reply } = call;
    // All lines together may be longer than any string, and they are never put together here.
    reply.rawBytes(
      ...whole(latin1Bytes(reply.resp3 ? `=${length + 4}\r\ntxt:` : `$${length}\r\n`)),
    );
    for (const client of listed(call, filters))
      reply.rawBytes(...whole(lines.get(client) as Uint8Array));
    reply.rawBytes(...whole(LINE_END));
  },
});

function whole(bytes: Uint8Array): [Uint8Array, number, number] {
  return [bytes, 0, bytes.length];
}

/** The clients that are asked for, one after the other; by number as often as they are named. */
function* listed({ client: self, engine }: EngineCall, filters: ClientFilters): Generator<Client> {
  const { clients } = engine;
  const isListed = (client: Client) =>
    filters.matches(client) && !(client === self && filters.skipsSelf === true);
  if (filters.ids === null) {
    for (const client of clients.values()) if (isListed(client)) yield client;
    return;
  }
  for (const id of filters.ids) {
    const client = clients.get(id);
    if (client !== undefined && isListed(client)) yield client;
  }
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
