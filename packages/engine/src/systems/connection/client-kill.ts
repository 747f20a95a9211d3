/** CLIENT KILL: closes connections, by address or by filters (client-filters.ts). */

import { arg, CommandError, errors } from "@kv/commands";
import { type EngineCall, engineCommand } from "../../module/engine-call.ts";
import {
  type ClientFilters,
  clientFiltersAt,
  furtherFilters,
  type IdRules,
} from "./client-filters.ts";

const noSuchClient = new CommandError("ERR No such client");
const idRules: IdRules = {
  bad: new CommandError("ERR client-id should be greater than 0"),
  least: 1,
  badNext: errors.syntax,
};

export const clientKill = engineCommand({
  name: "kill",
  group: "connection",
  since: "2.4.0",
  summary: "Closes connections.",
  complexity: "O(N) with N connections.",
  arity: -3,
  flags: ["admin", "noscript", "loading", "stale"],
  args: [
    arg.oneOf(
      "filter",
      arg.string("old-format", { displayText: "ip:port", deprecatedSince: "2.8.12" }),
      {
        ...arg.oneOf(
          "new-format",
          arg.optional(arg.many(arg.integer("client-id", { token: "ID", since: "2.8.12" }))),
          arg.optional({
            ...arg.oneOf(
              "client-type",
              arg.token("normal", "NORMAL"),
              arg.token("master", "MASTER", { since: "3.2.0" }),
              arg.token("slave", "SLAVE"),
              arg.token("replica", "REPLICA", { since: "5.0.0" }),
              arg.token("pubsub", "PUBSUB"),
            ),
            token: "TYPE",
            since: "2.8.12",
          }),
          arg.optional(arg.string("username", { token: "USER" })),
          arg.optional(arg.string("addr", { token: "ADDR", displayText: "ip:port" })),
          arg.optional(
            arg.string("laddr", { token: "LADDR", displayText: "ip:port", since: "6.2.0" }),
          ),
          arg.optional({
            ...arg.oneOf("skipme", arg.token("yes", "YES"), arg.token("no", "NO")),
            token: "SKIPME",
          }),
          arg.optional(arg.integer("maxage", { token: "MAXAGE", since: "7.4.0" })),
          ...furtherFilters,
        ),
        multiple: true,
      },
    ),
  ],
  arityBecause: "All filters are optional, but one word has to be there.",
  history: [
    ["2.8.12", "Added new filter format."],
    ["2.8.12", "`ID` option."],
    ["3.2.0", "Added `master` type in for `TYPE` option."],
    [
      "5.0.0",
      "Replaced `slave` `TYPE` with `replica`. `slave` still supported for backward compatibility.",
    ],
    ["6.2.0", "`LADDR` option."],
    ["7.4.0", "`MAXAGE` option."],
  ],

  run(call) {
    if (call.argc === 3) killAt(call, call.word(2));
    else killAll(call, clientFiltersAt(call, 2, idRules));
  },
});

/** The old form: whoever has this address goes, even the caller. */
function killAt({ engine, reply }: EngineCall, address: string): void {
  const client = [...engine.clients.values()].find((each) => each.connection.address === address);
  if (client === undefined) throw noSuchClient;
  engine.clients.close(client, "killed");
  reply.ok();
}

/** The new form: all that match go, but for the caller unless SKIPME says NO. */
function killAll({ client: self, engine, reply }: EngineCall, filters: ClientFilters): void {
  let killed = 0;
  for (const client of [...engine.clients.values()]) {
    if (!filters.matches(client) || (client === self && filters.skipsSelf !== false)) continue;
    killed++;
    engine.clients.close(client, "killed");
  }
  reply.integer(killed);
}
