/** ZSCAN: a sorted set bit by bit. */
import type { SortedSetValue } from "@kv/core";
import { formatDouble, seventeenDigits } from "@kv/resp";
import type { Call } from "../call/call.ts";
import { Kept } from "../call/kept.ts";
import {
  replyNothingScanned,
  ScanOptions,
  scanCursor,
  scanOptionArgs,
} from "../call/scan-options.ts";
import { arg } from "../declare/arg.ts";
import { command } from "../declare/command.ts";
import { keyAt } from "../declare/key-spec.ts";
import { readSortedSet, replyText } from "./sorted-set-at.ts";

const scanOptions = new Kept(() => new ScanOptions());

/** The score as text: of a table Redis prints more digits here than anywhere else. */
function replyScore(call: Call, { score, isTable }: SortedSetValue): void {
  if (Number.isSafeInteger(score) && !Object.is(score, -0)) call.reply.bulkInteger(score);
  else call.reply.bulkLatin1(isTable ? seventeenDigits(score) : formatDouble(score));
}

export const zscan = command({
  name: "zscan",
  group: "sorted-set",
  since: "2.8.0",
  summary: "Returns some members of a sorted set with their scores, and the cursor to go on from.",
  complexity: "O(1) for a call; O(N) for all the calls that see every one of N members.",
  arity: -3,
  flags: ["readonly"],
  keys: [keyAt(1, "RO", "access")],
  args: [arg.key("key"), arg.integer("cursor"), ...scanOptionArgs],
  tips: ["nondeterministic_output"],

  run(call) {
    const cursor = scanCursor(call, 2);
    const set = readSortedSet(call, 1);
    const { reply } = call;
    if (set === null) return replyNothingScanned(call);
    const options = scanOptions.of(call);
    options.parse(call, 3, false);
    reply.array(2);
    reply.bulkInteger(set.scan(cursor, options.count));
    const handle = reply.deferArray();
    let count = 0;
    while (set.nextScanned()) {
      const { bytes, start, end } = set.member;
      if (!options.matches(bytes, start, end)) continue;
      replyText(call, set.member);
      replyScore(call, set);
      count += 2;
    }
    reply.closeArray(handle, count);
  },
});
