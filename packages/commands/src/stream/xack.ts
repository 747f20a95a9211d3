/** XACK: entries that were delivered have been dealt with. */
import { arg } from "../declare/arg.ts";
import { command } from "../declare/command.ts";
import { keyAt } from "../declare/key-spec.ts";
import { groupAt } from "./group-at.ts";
import { idAt } from "./id-argument.ts";
import { readStreamToChange, windowsOf } from "./stream-at.ts";

export const xack = command({
  name: "xack",
  group: "stream",
  since: "5.0.0",
  summary: "Tells a group that entries have been dealt with: they are no longer pending.",
  complexity: "O(log N) for each entry, where N is the number of those that are pending.",
  arity: -4,
  flags: ["write", "fast"],
  keys: [keyAt(1, "RW", "update")],
  args: [arg.key("key"), arg.string("group"), arg.many(arg.string("id"))],

  run(call) {
    const stream = readStreamToChange(call, 1);
    const group = stream === null ? null : groupAt(call, stream, 2);
    if (group === null) {
      call.reply.integer(0);
      return;
    }
    const { id } = windowsOf(call);
    for (let i = 3; i < call.argc; i++) idAt(call, i, id);
    let acknowledged = 0;
    // A single one has been read already.
    if (call.argc === 4) acknowledged = Number(group.removePending(id));
    else
      for (let i = 3; i < call.argc; i++)
        if (group.removePending(idAt(call, i, id))) acknowledged++;
    call.dirty += acknowledged;
    call.reply.integer(acknowledged);
  },
});
