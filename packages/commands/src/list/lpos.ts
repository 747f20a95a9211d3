/** LPOS: where an element is in a list. */
import type { Call } from "../call/call.ts";
import { CommandError, errors } from "../call/errors.ts";
import { arg } from "../declare/arg.ts";
import { command } from "../declare/command.ts";
import { keyAt } from "../declare/key-spec.ts";
import { ElementSearch } from "./element-search.ts";
import { readList } from "./list-at.ts";

const zeroRank = new CommandError(
  "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use negative to start from the end of the list",
);
const negativeCount = new CommandError("ERR COUNT can't be negative");
const negativeLength = new CommandError("ERR MAXLEN can't be negative");
const rankOutOfRange = new CommandError(
  "ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807",
);
const INT64_MIN = -(2 ** 63);

function notNegative(call: Call, index: number, error: CommandError): number {
  const value = call.integer(index, error);
  if (value < 0) throw error;
  return value;
}

/** Replies with the indexes of up to `count` (0: all) matches, passing over the first `skipped`. */
function replyAll(
  call: Call,
  search: ElementSearch,
  skipped: number,
  count: number,
  compareMax: number,
): void {
  const handle = call.reply.deferArray();
  let found = 0;
  for (;;) {
    const index = search.next(compareMax - search.comparedCount);
    if (index === -1) break;
    if (skipped-- > 0) continue;
    call.reply.integer(index);
    if (++found === count) break;
  }
  call.reply.closeArray(handle, found);
}

export const lpos = command({
  name: "lpos",
  group: "list",
  since: "6.0.6",
  summary: "Returns the index of an element in a list, or of several that are the same.",
  complexity: "O(N) where N is the number of elements that are compared.",
  arity: -3,
  flags: ["readonly"],
  keys: [keyAt(1, "RO", "access")],
  args: [
    arg.key("key"),
    arg.string("element"),
    arg.optional(arg.integer("rank", { token: "RANK" })),
    arg.optional(arg.integer("num-matches", { token: "COUNT" })),
    arg.optional(arg.integer("len", { token: "MAXLEN" })),
  ],

  run(call) {
    const { reply } = call;
    let rank = 1;
    let count = -1;
    let compareMax = 0;
    for (let i = 3; i < call.argc; i += 2) {
      const hasValue = i + 1 < call.argc;
      if (hasValue && call.is(i, "RANK")) {
        rank = call.integer(i + 1);
        if (rank === 0) throw zeroRank;
        // A double cannot tell this one from its neighbour, but the text is short.
        if (rank === INT64_MIN && call.word(i + 1).endsWith("808")) throw rankOutOfRange;
      } else if (hasValue && call.is(i, "COUNT")) count = notNegative(call, i + 1, negativeCount);
      else if (hasValue && call.is(i, "MAXLEN"))
        compareMax = notNegative(call, i + 1, negativeLength);
      else throw errors.syntax;
    }
    const list = readList(call, 1);
    if (list === null) {
      if (count === -1) reply.null();
      else reply.emptyArray();
      return;
    }
    const search = ElementSearch.of(call).begin(call, list, 2, rank > 0);
    const most = compareMax === 0 ? Infinity : compareMax;
    const skipped = Math.abs(rank) - 1;
    if (count !== -1) {
      replyAll(call, search, skipped, count, most);
      return;
    }
    let index = -1;
    for (let i = 0; i <= skipped; i++) {
      index = search.next(most - search.comparedCount);
      if (index === -1) break;
    }
    if (index === -1) reply.null();
    else reply.integer(index);
  },
});
