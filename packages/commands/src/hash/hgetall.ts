/** Whole hashes: HGETALL, HKEYS, HVALS. */
import { arg } from "../declare/arg.ts";
import { command } from "../declare/command.ts";
import { keyAt } from "../declare/key-spec.ts";
import { readHash, replyText } from "./hash-at.ts";

export const hgetall = command({
  name: "hgetall",
  group: "hash",
  since: "2.0.0",
  summary: "Returns all fields of a hash with their values.",
  complexity: "O(N) where N is the number of fields.",
  arity: 2,
  flags: ["readonly", "timed_in_runs"],
  keys: [keyAt(1, "RO", "access")],
  args: [arg.key("key")],
  tips: ["nondeterministic_output_order"],

  run(call) {
    const hash = readHash(call, 1);
    call.reply.map(hash === null ? 0 : hash.visibleLength);
    if (hash === null) return;
    hash.rewind();
    while (hash.next()) {
      replyText(call, hash.field);
      replyText(call, hash.value);
    }
  },
});

export const hkeys = command({
  name: "hkeys",
  group: "hash",
  since: "2.0.0",
  summary: "Returns all fields of a hash.",
  complexity: "O(N) where N is the number of fields.",
  arity: 2,
  flags: ["readonly", "timed_in_runs"],
  keys: [keyAt(1, "RO", "access")],
  args: [arg.key("key")],
  tips: ["nondeterministic_output_order"],

  run(call) {
    const hash = readHash(call, 1);
    call.reply.array(hash === null ? 0 : hash.visibleLength);
    if (hash === null) return;
    hash.rewind();
    while (hash.next()) replyText(call, hash.field);
  },
});

export const hvals = command({
  name: "hvals",
  group: "hash",
  since: "2.0.0",
  summary: "Returns the values of all fields of a hash.",
  complexity: "O(N) where N is the number of fields.",
  arity: 2,
  flags: ["readonly", "timed_in_runs"],
  keys: [keyAt(1, "RO", "access")],
  args: [arg.key("key")],
  tips: ["nondeterministic_output_order"],

  run(call) {
    const hash = readHash(call, 1);
    call.reply.array(hash === null ? 0 : hash.visibleLength);
    if (hash === null) return;
    hash.rewind();
    while (hash.next()) replyText(call, hash.value);
  },
});
