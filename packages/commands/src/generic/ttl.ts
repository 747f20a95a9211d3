/** TTL, PTTL, EXPIRETIME, PEXPIRETIME: when a key expires. -1 says never, -2 that there is no key. */
import { expiryMs, Int64, NONE, splitNumber } from "@kv/core";
import type { Call } from "../call/call.ts";
import { arg } from "../declare/arg.ts";
import { command } from "../declare/command.ts";
import { keyAt } from "../declare/key-spec.ts";

const NEVER = -1;
const NO_KEY = -2;
const wide = new Int64();

/** Replies with the expiry in milliseconds from `fromMs` on, or rounded to seconds. */
function replyExpiry(call: Call, fromMs: number, seconds: boolean): void {
  const entry = call.lookupQuietly(1);
  if (entry === NONE) {
    call.reply.integer(NO_KEY);
    return;
  }
  const keyExpiryMs = expiryMs(call.keyspace.arena, entry);
  if (keyExpiryMs === -1) {
    call.reply.integer(NEVER);
    return;
  }
  const milliseconds = Math.max(0, keyExpiryMs - fromMs);
  const answer = seconds ? Math.floor((milliseconds + 500) / 1000) : milliseconds;
  splitNumber(answer, wide);
  call.reply.integer64(wide.hi, wide.lo);
}

export const ttl = command({
  name: "ttl",
  group: "generic",
  since: "1.0.0",
  summary: "Tells how many seconds a key has left to live.",
  complexity: "O(1)",
  arity: 2,
  flags: ["readonly", "fast"],
  categories: ["keyspace"],
  keys: [keyAt(1, "RO", "access")],
  args: [arg.key("key")],
  tips: ["nondeterministic_output"],
  history: [["2.8.0", "Answers -2 for a key that does not exist."]],

  run(call) {
    replyExpiry(call, call.nowMs, true);
  },
});

export const pttl = command({
  name: "pttl",
  group: "generic",
  since: "2.6.0",
  summary: "Tells how many milliseconds a key has left to live.",
  complexity: "O(1)",
  arity: 2,
  flags: ["readonly", "fast"],
  categories: ["keyspace"],
  keys: [keyAt(1, "RO", "access")],
  args: [arg.key("key")],
  tips: ["nondeterministic_output"],
  history: [["2.8.0", "Answers -2 for a key that does not exist."]],

  run(call) {
    replyExpiry(call, call.nowMs, false);
  },
});

export const expiretime = command({
  name: "expiretime",
  group: "generic",
  since: "7.0.0",
  summary: "Tells the Unix time, in seconds, at which a key expires.",
  complexity: "O(1)",
  arity: 2,
  flags: ["readonly", "fast"],
  categories: ["keyspace"],
  keys: [keyAt(1, "RO", "access")],
  args: [arg.key("key")],

  run(call) {
    replyExpiry(call, 0, true);
  },
});

export const pexpiretime = command({
  name: "pexpiretime",
  group: "generic",
  since: "7.0.0",
  summary: "Tells the Unix time, in milliseconds, at which a key expires.",
  complexity: "O(1)",
  arity: 2,
  flags: ["readonly", "fast"],
  categories: ["keyspace"],
  keys: [keyAt(1, "RO", "access")],
  args: [arg.key("key")],

  run(call) {
    replyExpiry(call, 0, false);
  },
});
