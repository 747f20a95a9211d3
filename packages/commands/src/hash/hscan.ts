/** HSCAN: a hash bit by bit. */
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
import { readHash, replyText } from "./hash-at.ts";

const scanOptions = new Kept(() => new ScanOptions());

export const hscan = command({
  name: "hscan",
  group: "hash",
  since: "2.8.0",
  summary: "Returns some fields of a hash with their values, and the cursor to go on from.",
  complexity: "O(1) for a call; O(N) for all the calls that see every one of N fields.",
  arity: -3,
  flags: ["readonly"],
  keys: [keyAt(1, "RO", "access")],
  args: [
    arg.key("key"),
    arg.integer("cursor"),
    ...scanOptionArgs,
    arg.optional(arg.token("novalues", "NOVALUES", { since: "7.4.0" })),
  ],
  tips: ["nondeterministic_output"],

  run(call) {
    const cursor = scanCursor(call, 2);
    const hash = readHash(call, 1);
    const { reply } = call;
    if (hash === null) return replyNothingScanned(call);
    const options = scanOptions.of(call);
    options.parse(call, 3, false, true);
    reply.array(2);
    reply.bulkInteger(hash.scan(cursor, options.count));
    const handle = reply.deferArray();
    let count = 0;
    while (hash.next()) {
      const { bytes, start, end } = hash.field;
      if (!options.matches(bytes, start, end)) continue;
      replyText(call, hash.field);
      count++;
      if (options.hasNoValues) continue;
      replyText(call, hash.value);
      count++;
    }
    reply.closeArray(handle, count);
  },
});
