/** HRANDFIELD: one random field, some different ones, or some with repetition. */
import { type HashValue, Int64, RefSet, toNumber } from "@kv/core";
import type { Call } from "../call/call.ts";
import { replyDrawn } from "../call/drawn.ts";
import { CommandError, errors } from "../call/errors.ts";
import { arg } from "../declare/arg.ts";
import { command } from "../declare/command.ts";
import { keyAt } from "../declare/key-spec.ts";
import { expireAllFields } from "./expired-fields.ts";
import { readHash, replyText } from "./hash-at.ts";

/** Up to so many picked fields are remembered: 32 MiB for a while. */
const PICKED_MAX = 2 ** 22;

const countOutOfRange = new CommandError(
  "ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807",
);
const wide = new Int64();

export const hrandfield = command({
  name: "hrandfield",
  group: "hash",
  since: "6.2.0",
  summary: "Returns random fields of a hash.",
  complexity: "O(N) where N is the number of fields returned.",
  arity: -2,
  flags: ["readonly"],
  keys: [keyAt(1, "RO", "access")],
  args: [
    arg.key("key"),
    arg.optional(
      arg.block(
        "options",
        arg.integer("count"),
        arg.optional(arg.token("withvalues", "WITHVALUES")),
      ),
    ),
  ],
  tips: ["nondeterministic_output"],

  run(call) {
    if (call.argc === 2) {
      const hash = expireAllFields(call, readHash(call, 1));
      if (hash?.random(call.keyspace.random32)) replyText(call, hash.field);
      else call.reply.null();
      return;
    }
    const withValues = call.argc > 3;
    const count = countArgument(call, withValues);
    const hash = expireAllFields(call, readHash(call, 1));
    // Those whose time has passed are none of them, should they have to stay.
    const length = hash === null ? 0 : hash.visibleLength;
    if (hash === null || length === 0 || count === 0) call.reply.array(0);
    else if (count === 1) replyRepeated(call, hash, 1, withValues);
    else if (count < 0) replyRepeated(call, hash, -count, withValues);
    else if (count >= length) replyAll(call, hash, length, withValues);
    else if (isSelected(hash, length, count)) replySelection(call, hash, length, count, withValues);
    else replyPicked(call, hash, count, withValues);
  },
});

/** The count, and the checks that Redis makes before it looks at the key. */
function countArgument(call: Call, withValues: boolean): number {
  call.int64(2, wide);
  const { hi, lo } = wide;
  if (hi === -(2 ** 31) && lo === 0) throw countOutOfRange;
  if (call.argc > 4 || (withValues && !call.is(3, "WITHVALUES"))) throw errors.syntax;
  // Twice the count must fit an int64, as RESP2 replies with fields and values in one list.
  const doubles = hi < 2 ** 30 && (hi > -(2 ** 30) || (hi === -(2 ** 30) && lo !== 0));
  if (withValues && !doubles) throw errors.outOfRange;
  return toNumber(hi, lo);
}

/** Header of a reply of `count` fields: RESP3 has a pair for each, RESP2 one flat list. */
function replyHeader(call: Call, count: number, withValues: boolean): void {
  call.reply.array(withValues && !call.reply.resp3 ? count * 2 : count);
}

function replyField(call: Call, hash: HashValue, withValues: boolean): void {
  if (withValues && call.reply.resp3) call.reply.array(2);
  replyText(call, hash.field);
  if (withValues) replyText(call, hash.value);
}

function replyAll(call: Call, hash: HashValue, length: number, withValues: boolean): void {
  replyHeader(call, length, withValues);
  hash.rewind();
  while (hash.next()) replyField(call, hash, withValues);
}

/** `count` random fields, of which some may come several times. */
function replyRepeated(call: Call, hash: HashValue, count: number, withValues: boolean): void {
  const { random32 } = call.keyspace;
  const draw = () => {
    hash.random(random32);
    replyField(call, hash, withValues);
  };
  replyDrawn(call, count, () => replyHeader(call, count, withValues), draw);
}

/**
 * Whether to walk over all fields, which needs no memory, or to pick some and remember which. To
 * pick a few of a table is the quicker way; a listpack has to be walked for each field anyway.
 */
function isSelected(hash: HashValue, length: number, count: number): boolean {
  return !hash.isTable || count > PICKED_MAX || count * 3 > length;
}

/** One walk over all fields that takes each with the probability that is left over. */
function replySelection(
  call: Call,
  hash: HashValue,
  length: number,
  count: number,
  withValues: boolean,
): void {
  const { random32 } = call.keyspace;
  replyHeader(call, count, withValues);
  let wanted = count;
  hash.rewind();
  for (let left = length; wanted > 0; left--) {
    if (((random32() >>> 0) / 2 ** 32) * left >= wanted) {
      hash.skip();
      continue;
    }
    hash.next();
    replyField(call, hash, withValues);
    wanted--;
  }
}

/** Random fields of a table, skipping those already picked. */
function replyPicked(call: Call, hash: HashValue, count: number, withValues: boolean): void {
  const { random32 } = call.keyspace;
  const picked = new RefSet(count);
  replyHeader(call, count, withValues);
  for (let left = count; left > 0; ) {
    if (!picked.add(hash.randomEntry(random32))) continue;
    replyField(call, hash, withValues);
    left--;
  }
  picked.free();
}
