/** SELECT: another database for what follows. */
import { arg, CommandError, errors } from "@kv/commands";
import { EngineState } from "../../kernel/situation.ts";
import { engineCommand } from "../../module/engine-call.ts";

const notAnInt32 = new CommandError(
  "ERR value is out of range, value must between -2147483648 and 2147483647",
);
const inCluster = new CommandError("ERR SELECT is not allowed in cluster mode");

export const select = engineCommand({
  name: "select",
  group: "connection",
  since: "1.0.0",
  summary: "Changes to another database.",
  complexity: "O(1)",
  arity: 2,
  flags: ["loading", "stale", "fast"],
  args: [arg.integer("index")],

  run(call) {
    const { client, engine, reply } = call;
    const index = call.integer(1);
    if (index < -(2 ** 31) || index >= 2 ** 31) throw notAnInt32;
    if (engine.situation.is(EngineState.CLUSTER) && index !== 0) throw inCluster;
    if (engine.keyspace.databases[index] === undefined) throw errors.dbIndexOutOfRange;
    client.databaseIndex = index;
    reply.ok();
  },
});
