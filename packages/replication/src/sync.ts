/** SYNC and PSYNC: asking for the data set. */
import { arg, CommandError } from "@kv/commands";
import { engineCommand } from "@kv/engine";
import { replicationPort } from "./primary.ts";

const toPrimary = new CommandError("ERR PSYNC FAILOVER can't be sent to a master.");

const facts = {
  group: "server",
  flags: ["admin", "noscript", "no_async_loading", "no_multi"],
  complexity: "O(N) with N keys, beside other clients.",
} as const;

export const sync = engineCommand({
  ...facts,
  name: "sync",
  since: "1.0.0",
  summary: "Sends the data set to a client.",
  arity: 1,
  run({ client, engine }) {
    engine.of(replicationPort).synchronise(client, null);
  },
});

export const psync = engineCommand({
  ...facts,
  name: "psync",
  since: "2.8.0",
  summary: "Sends the data set to a client that knows where it stood.",
  arity: -3,
  arityBecause: "FAILOVER, which only servers say, is not declared.",
  args: [arg.string("replicationid"), arg.integer("offset")],
  run(call) {
    const { client, engine } = call;
    if (call.argc > 3 && call.is(3, "FAILOVER")) throw toPrimary;
    const request = { replicationId: call.word(1), offset: call.integer(2) };
    engine.of(replicationPort).synchronise(client, request);
  },
});
