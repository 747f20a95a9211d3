/** SSCAN: a set bit by bit. */
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
import { readSet, replyMember } from "./set-at.ts";

const scanOptions = new Kept(() => new ScanOptions());

export const sscan = command({
  name: "sscan",
  group: "set",
  since: "2.8.0",
  summary: "Returns some members of a set, and the cursor to go on from.",
  complexity: "O(1) for a call; O(N) for all the calls that see every one of N members.",
  arity: -3,
  flags: ["readonly"],
  keys: [keyAt(1, "RO", "access")],
  args: [arg.key("key"), arg.integer("cursor"), ...scanOptionArgs],
  tips: ["nondeterministic_output"],

  run(call) {
    const cursor = scanCursor(call, 2);
    const set = readSet(call, 1);
    const { reply } = call;
    if (set === null) return replyNothingScanned(call);
    const options = scanOptions.of(call);
    options.parse(call, 3, false);
    reply.array(2);
    reply.bulkInteger(set.scan(cursor, options.count));
    const handle = reply.deferArray();
    let count = 0;
    while (set.next()) {
      const { bytes, start, end } = set.member;
      if (!options.matches(bytes, start, end)) continue;
      replyMember(call, set.member);
      count++;
    }
    reply.closeArray(handle, count);
  },
});
