/** MOVE: a key from the selected database to another one. */
import { NONE } from "@kv/core";
import { databaseArgument } from "../call/database-argument.ts";
import { errors } from "../call/errors.ts";
import { Notify } from "../call/notify.ts";
import { arg } from "../declare/arg.ts";
import { command } from "../declare/command.ts";
import { keyAt } from "../declare/key-spec.ts";
import { alsoChanged, born } from "./also-changed.ts";
import { findIn } from "./find-in.ts";

export const move = command({
  name: "move",
  group: "generic",
  since: "1.0.0",
  summary: "Moves a key to another database, unless that has a key of this name.",
  complexity: "O(1)",
  arity: 3,
  flags: ["write", "fast"],
  categories: ["keyspace"],
  keys: [keyAt(1, "RW", "access", "update")],
  args: [arg.key("key"), arg.integer("db")],

  run(call) {
    const { database } = call;
    const target = databaseArgument(call, 2);
    if (target === database) throw errors.sameObject;
    const entry = call.lookupWrite(1);
    if (entry === NONE || findIn(call, target, 1) !== NONE) {
      call.reply.integer(0);
      return;
    }
    database.moveTo(target, entry);
    born(call, target, 1);
    call.changed(1, "move_from", Notify.GENERIC);
    alsoChanged(call, target, 1, "move_to", Notify.GENERIC);
    call.reply.integer(1);
  },
});
