/** XTRIM: removes the first entries of a stream. */
import { Kept } from "../call/kept.ts";
import { Notify } from "../call/notify.ts";
import { arg } from "../declare/arg.ts";
import { command } from "../declare/command.ts";
import { keyAt } from "../declare/key-spec.ts";
import { policyArgument } from "./reference-policy.ts";
import { writeStream } from "./stream-at.ts";
import { TrimOptions, trimArgument, wordsOf } from "./trim-options.ts";

const options = new Kept(() => new TrimOptions());

export const xtrim = command({
  name: "xtrim",
  group: "stream",
  since: "5.0.0",
  summary: "Removes the first entries of a stream, down to a length or up to an ID.",
  complexity: "O(N) where N is the number of entries that go; whole blocks go at once.",
  arity: -4,
  flags: ["write"],
  keys: [keyAt(1, "RW", "delete")],
  args: [arg.key("key"), trimArgument, policyArgument],
  tips: ["nondeterministic_output"],
  history: [
    ["6.2.0", "Takes `MINID` and `LIMIT`."],
    ["8.2.0", "Takes `KEEPREF`, `DELREF` and `ACKED`."],
  ],

  run(call) {
    const trimming = options.of(call);
    trimming.parse(call, false);
    trimming.complete(call, false);
    const stream = writeStream(call, 1);
    const removed = stream === null ? 0 : trimming.trim(call, stream);
    if (stream !== null && removed > 0) {
      call.event(1, "xtrim", Notify.STREAM);
      call.modified(1);
      // What counts as a change is each entry.
      call.dirty += removed - 1;
      if (call.propagates && trimming.isRewritten) {
        const rewritten = wordsOf(call);
        trimming.rewrite(stream, rewritten);
        call.propagateAs(...rewritten);
      }
    }
    call.reply.integer(removed);
  },
});
