/** Reading single fields: HGET, HMGET, HEXISTS, HSTRLEN; and HLEN. */
import { arg } from "../declare/arg.ts";
import { command } from "../declare/command.ts";
import { keyAt } from "../declare/key-spec.ts";
import { expireFields } from "./expired-fields.ts";
import { findField, readHash, replyText } from "./hash-at.ts";

export const hget = command({
  name: "hget",
  group: "hash",
  since: "2.0.0",
  summary: "Returns the value of a field of a hash.",
  complexity: "O(1)",
  arity: 3,
  flags: ["readonly", "fast"],
  keys: [keyAt(1, "RO", "access")],
  elements: { first: 2, step: 0 },
  args: [arg.key("key"), arg.string("field")],

  run(call) {
    const hash = expireFields(call, readHash(call, 1), 2, 3, 1);
    if (hash === null || !findField(call, hash, 2)) call.reply.null();
    else replyText(call, hash.value);
  },
});

export const hmget = command({
  name: "hmget",
  group: "hash",
  since: "2.0.0",
  summary: "Returns the values of several fields of a hash; null for those it lacks.",
  complexity: "O(N) where N is the number of fields asked for.",
  arity: -3,
  flags: ["readonly", "fast"],
  keys: [keyAt(1, "RO", "access")],
  elements: { first: 2, step: 1 },
  args: [arg.key("key"), arg.many(arg.string("field"))],

  run(call) {
    const { argc } = call;
    const hash = expireFields(call, readHash(call, 1), 2, argc, 1);
    call.reply.array(argc - 2);
    for (let i = 2; i < argc; i++) {
      if (hash === null || !findField(call, hash, i)) call.reply.null();
      else replyText(call, hash.value);
    }
  },
});

export const hexists = command({
  name: "hexists",
  group: "hash",
  since: "2.0.0",
  summary: "Tells whether a hash has a field.",
  complexity: "O(1)",
  arity: 3,
  flags: ["readonly", "fast"],
  keys: [keyAt(1, "RO")],
  elements: { first: 2, step: 0 },
  args: [arg.key("key"), arg.string("field")],

  run(call) {
    const hash = expireFields(call, readHash(call, 1), 2, 3, 1);
    call.reply.integer(hash !== null && findField(call, hash, 2) ? 1 : 0);
  },
});

export const hstrlen = command({
  name: "hstrlen",
  group: "hash",
  since: "3.2.0",
  summary: "Returns how many bytes the value of a field has; 0 for a missing one.",
  complexity: "O(1)",
  arity: 3,
  flags: ["readonly", "fast"],
  keys: [keyAt(1, "RO")],
  elements: { first: 2, step: 0 },
  args: [arg.key("key"), arg.string("field")],

  run(call) {
    const hash = expireFields(call, readHash(call, 1), 2, 3, 1);
    const found = hash !== null && findField(call, hash, 2);
    call.reply.integer(found ? hash.value.end - hash.value.start : 0);
  },
});

export const hlen = command({
  name: "hlen",
  group: "hash",
  since: "2.0.0",
  summary: "Returns how many fields a hash has.",
  complexity: "O(1)",
  arity: 2,
  flags: ["readonly", "fast"],
  keys: [keyAt(1, "RO")],
  args: [arg.key("key")],

  run(call) {
    const hash = readHash(call, 1);
    // Fields whose time has passed count until they are gone, as in Redis.
    call.reply.integer(hash === null ? 0 : hash.length);
  },
});
