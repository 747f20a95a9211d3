/** FAILOVER: hands the place of the primary over to a replica. */
import { arg, CommandError, errors } from "@kv/commands";
import { type EngineCall, engineCommand } from "@kv/engine";
import type { PrimaryPlace } from "./link-state.ts";
import { replicationPort } from "./primary.ts";

const inCluster = new CommandError("ERR FAILOVER not allowed in cluster mode.");
const badTimeout = new CommandError("ERR FAILOVER timeout must be greater than 0");

export const failover = engineCommand({
  name: "failover",
  group: "server",
  since: "6.2.0",
  summary: "Hands the place of the primary over to one of its replicas.",
  complexity: "O(1)",
  arity: -1,
  flags: ["admin", "noscript", "stale"],
  args: [
    arg.optional({
      ...arg.block(
        "target",
        arg.string("host"),
        arg.integer("port"),
        arg.optional(arg.token("force", "FORCE")),
      ),
      token: "TO",
    }),
    arg.optional(arg.token("abort", "ABORT")),
    arg.optional(arg.integer("milliseconds", { token: "TIMEOUT" })),
  ],
  run(call) {
    const { failover } = call.engine.of(replicationPort);
    if (call.engine.config.boolean("cluster-enabled")) throw inCluster;
    if (call.argc === 2 && call.is(1, "ABORT")) failover.abort();
    else failover.begin(orderAt(call));
    call.reply.ok();
  },
});

function orderAt(call: EngineCall) {
  let target: PrimaryPlace | null = null;
  let timeoutMs = 0;
  let isForced = false;
  for (let index = 1; index < call.argc; index++) {
    const following = call.argc - index - 1;
    if (call.is(index, "TIMEOUT") && following >= 1 && timeoutMs === 0) {
      timeoutMs = call.integer(++index);
      if (timeoutMs <= 0) throw badTimeout;
    } else if (call.is(index, "TO") && following >= 2 && target === null) {
      target = { host: call.word(index + 1), port: call.integer(index + 2) };
      index += 2;
    } else if (call.is(index, "FORCE") && !isForced) {
      isForced = true;
    } else {
      throw errors.syntax;
    }
  }
  return { target, timeoutMs, isForced };
}
