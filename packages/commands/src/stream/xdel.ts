/** XDEL: deletes entries by their IDs. */
import { Notify } from "../call/notify.ts";
import { arg } from "../declare/arg.ts";
import { command } from "../declare/command.ts";
import { keyAt } from "../declare/key-spec.ts";
import { idAt } from "./id-argument.ts";
import { windowsOf, writeStream } from "./stream-at.ts";

export const xdel = command({
  name: "xdel",
  group: "stream",
  since: "5.0.0",
  summary: "Deletes entries of a stream by their IDs.",
  complexity: "O(log N) for each entry, where N is the number of the stream's blocks.",
  arity: -3,
  flags: ["write", "fast"],
  keys: [keyAt(1, "RW", "delete")],
  args: [arg.key("key"), arg.many(arg.string("id"))],

  run(call) {
    const stream = writeStream(call, 1);
    if (stream === null) {
      call.reply.integer(0);
      return;
    }
    const { id } = windowsOf(call);
    // No entry goes before all IDs have been found to be some.
    for (let i = 2; i < call.argc; i++) idAt(call, i, id);
    let deleted = 0;
    for (let i = 2; i < call.argc; i++) if (stream.delete(idAt(call, i, id))) deleted++;
    if (deleted > 0) {
      call.changed(1, "xdel", Notify.STREAM);
      call.dirty += deleted - 1;
    }
    call.reply.integer(deleted);
  },
});
