/** SWAPDB: two databases change places under the clients that selected them. */

import { int32Argument } from "../call/database-argument.ts";
import { CommandError, errors } from "../call/errors.ts";
import { arg } from "../declare/arg.ts";
import { command } from "../declare/command.ts";

const invalidFirst = new CommandError("ERR invalid first DB index");
const invalidSecond = new CommandError("ERR invalid second DB index");

export const swapdb = command({
  name: "swapdb",
  group: "server",
  since: "4.0.0",
  summary: "Exchanges the contents of two databases.",
  complexity: "O(N) in the number of clients that watch or wait for keys in either.",
  arity: 3,
  flags: ["write", "fast"],
  categories: ["keyspace", "dangerous"],
  args: [arg.integer("index1"), arg.integer("index2")],

  run(call) {
    const a = int32Argument(call, 1, invalidFirst);
    const b = int32Argument(call, 2, invalidSecond);
    const { databases } = call.keyspace;
    if (databases[a] === undefined || databases[b] === undefined) throw errors.dbIndexOutOfRange;
    if (a !== b) {
      call.effects.databaseChanged(a, b);
      call.effects.databaseChanged(b, a);
      call.keyspace.swap(a, b);
    }
    call.dirty++;
    call.reply.ok();
  },
});
