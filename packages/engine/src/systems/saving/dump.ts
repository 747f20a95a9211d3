/** DUMP: a value as bytes that RESTORE, here or on another server, makes a value of again. */
import { arg, keyAt } from "@kv/commands";
import { NONE } from "@kv/core";
import { dumpPayload } from "@kv/persistence";
import { engineCommand } from "../../module/engine-call.ts";
import { savingPort } from "./saving.ts";

export const dump = engineCommand({
  name: "dump",
  group: "generic",
  since: "2.6.0",
  summary: "Returns a value in a form that can be stored elsewhere.",
  complexity: "O(N*M) with N elements of M bytes on average.",
  arity: 2,
  flags: ["readonly"],
  categories: ["keyspace"],
  keys: [keyAt(1, "RO", "access")],
  args: [arg.key("key")],
  tips: ["nondeterministic_output"],

  run(call) {
    const entry = call.lookupRead(1);
    if (entry === NONE) {
      call.reply.null();
      return;
    }
    const payload = dumpPayload(call.keyspace.arena, entry, call.engine.of(savingPort).version);
    call.reply.bulk(payload, 0, payload.length);
  },
});
