/** CLIENT KILL: closes connections, by address or by any combination of filters. */

import type { User } from "@kv/acl";
import { arg, CommandError, errors, fail, quoted } from "@kv/commands";
import type { Client } from "../../kernel/client.ts";
import { type EngineCall, engineCommand } from "../../module/engine-call.ts";
import { type ClientKind, kindArgument } from "./client-kind.ts";

const noSuchClient = new CommandError("ERR No such client");
const badId = new CommandError("ERR client-id should be greater than 0");

interface Filters {
  id: number | null;
  address: string | null;
  localAddress: string | null;
  kind: ClientKind | null;
  user: User | null;
  skipsSelf: boolean;
}

export const clientKill = engineCommand({
  name: "kill",
  group: "connection",
  since: "2.4.0",
  summary: "Closes connections.",
  complexity: "O(N) with N connections.",
  arity: -3,
  flags: ["admin", "noscript", "loading", "stale"],
  args: [
    arg.oneOf("filter", arg.string("ip:port", { deprecatedSince: "2.8.12" }), {
      ...arg.oneOf(
        "new-format",
        arg.optional(arg.integer("client-id", { token: "ID", since: "2.8.12" })),
        arg.optional({
          ...arg.oneOf(
            "normal_master_slave_pubsub",
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
        arg.optional(arg.string("ip:port", { token: "ADDR" })),
        arg.optional(arg.string("ip:port", { token: "LADDR", since: "6.2.0" })),
        arg.optional(arg.string("yes/no", { token: "SKIPME" })),
      ),
      multiple: true,
    }),
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
  ],

  run(call) {
    const { client: self, engine, reply } = call;
    const isOldForm = call.argc === 3;
    const filters = isOldForm ? addressOnly(call.word(2)) : parse(call);
    let killed = 0;
    for (const client of [...engine.clients.values()]) {
      if (!matches(client, filters) || (client === self && filters.skipsSelf)) continue;
      killed++;
      engine.clients.close(client, "killed");
    }
    if (!isOldForm) reply.integer(killed);
    else if (killed === 0) throw noSuchClient;
    else reply.ok();
  },
});

function addressOnly(address: string): Filters {
  return { id: null, address, localAddress: null, kind: null, user: null, skipsSelf: false };
}

function parse(call: EngineCall): Filters {
  const filters: Filters = {
    id: null,
    address: null,
    localAddress: null,
    kind: null,
    user: null,
    skipsSelf: true,
  };
  for (let index = 2; index < call.argc; index += 2) {
    const value = index + 1;
    if (value >= call.argc) throw errors.syntax;
    if (call.is(index, "ID")) {
      filters.id = call.integer(value, badId);
      if (filters.id < 1) throw badId;
    } else if (call.is(index, "TYPE")) filters.kind = kindArgument(call, value);
    else if (call.is(index, "ADDR")) filters.address = call.word(value);
    else if (call.is(index, "LADDR")) filters.localAddress = call.word(value);
    else if (call.is(index, "USER")) filters.user = userAt(call, value);
    else if (call.is(index, "SKIPME") && call.is(value, "YES")) filters.skipsSelf = true;
    else if (call.is(index, "SKIPME") && call.is(value, "NO")) filters.skipsSelf = false;
    else throw errors.syntax;
  }
  return filters;
}

function userAt(call: EngineCall, index: number): User {
  const name = call.word(index);
  return call.engine.users.byName.get(name) ?? fail(`ERR No such user '${quoted(name)}'`);
}

function matches(client: Client, filters: Filters): boolean {
  const { id, address, localAddress, kind, user } = filters;
  return (
    (id === null || client.id === id) &&
    (address === null || client.connection.address === address) &&
    (localAddress === null || client.connection.localAddress === localAddress) &&
    (kind === null || client.kind === kind) &&
    (user === null || client.user === user)
  );
}
