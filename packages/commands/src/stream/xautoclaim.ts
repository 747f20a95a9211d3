/** XAUTOCLAIM: makes what has been pending for too long a consumer's, as SCAN goes over keys. */
import {
  deliveredMs,
  deliveriesHi,
  deliveriesLo,
  NONE,
  RefList,
  type StreamGroup,
  type StreamId,
  type StreamValue,
} from "@kv/core";
import type { Call } from "../call/call.ts";
import { CommandError, errors } from "../call/errors.ts";
import { Kept } from "../call/kept.ts";
import { arg } from "../declare/arg.ts";
import { command } from "../declare/command.ts";
import { keyAt } from "../declare/key-spec.ts";
import {
  consumerOrNew,
  existingGroup,
  propagateClaim,
  propagateNoMore,
  tellOfClaimer,
} from "./group-at.ts";
import { startAt } from "./id-argument.ts";
import { replyEntry, replyId, streamToChange, windowsOf } from "./stream-at.ts";

const noIdle = new CommandError("ERR Invalid min-idle-time argument for XAUTOCLAIM");
const noCount = new CommandError("ERR COUNT must be > 0");
const COUNT_DEFAULT = 100;
/** Entries that are looked at for each that is wanted. */
const ATTEMPTS_FACTOR = 10;
/** As many as Redis takes: what 64 bits can count of its IDs. */
const COUNT_MAX = 2 ** 63 / 16;

/** IDs, four words each. */
class Ids {
  private readonly words = new RefList();

  get count(): number {
    return this.words.count / 4;
  }

  clear(): void {
    this.words.clear();
  }

  push(id: StreamId): void {
    this.words.push(id.msHi);
    this.words.push(id.msLo);
    this.words.push(id.seqHi);
    this.words.push(id.seqLo);
  }

  read(index: number, out: StreamId): StreamId {
    return out.read(this.words.refs, 4 * index);
  }
}

const lists = new Kept(() => ({ claimed: new Ids(), deleted: new Ids() }));

/**
 * Claims up to `count` entries from the ID `start` on. `start` becomes the ID of the next pending entry,
 * or 0-0.
 */
function claim(
  call: Call,
  stream: StreamValue,
  group: StreamGroup,
  idleMs: number,
  count: number,
  isIdOnly: boolean,
): void {
  const { change, start, id } = windowsOf(call);
  const { claimed, deleted } = lists.of(call);
  const { arena } = call.keyspace;
  let attempts = count * ATTEMPTS_FACTOR;
  let left = count;
  let isMore = true;
  while (attempts-- > 0 && left > 0 && isMore && group.pending.seekAtLeast(start)) {
    id.copy(group.pending.id);
    const entry = group.pending.value;
    isMore = start.copy(id).increment();
    if (!stream.has(id)) {
      propagateClaim(call, group, 1, 2, id, entry);
      change.drop(id);
      deleted.push(id);
    } else {
      if (idleMs !== 0 && call.nowMs - deliveredMs(arena, entry) < idleMs) continue;
      change.take(id);
      const own = group.findPending(id);
      const lo = (deliveriesLo(arena, own) + (isIdOnly ? 0 : 1)) | 0;
      const carry = !isIdOnly && lo === 0 ? 1 : 0;
      group.setDelivery(id, call.nowMs, deliveriesHi(arena, own) + carry, lo);
      group.setActive(call.nowMs);
      if (call.propagates) propagateClaim(call, group, 1, 2, id, group.findPending(id));
      claimed.push(id);
    }
    call.dirty++;
    left--;
  }
  if (isMore && group.pending.seekAtLeast(start)) start.copy(group.pending.id);
  else start.setMin();
}

function reply(call: Call, stream: StreamValue, isIdOnly: boolean): void {
  const { start, id } = windowsOf(call);
  const { claimed, deleted } = lists.of(call);
  call.reply.array(3);
  replyId(call, start);
  call.reply.array(claimed.count);
  for (let i = 0; i < claimed.count; i++) {
    claimed.read(i, id);
    if (isIdOnly) replyId(call, id);
    else if (stream.findEntry(id)) replyEntry(call, stream.range);
  }
  call.reply.array(deleted.count);
  for (let i = 0; i < deleted.count; i++) replyId(call, deleted.read(i, id));
}

export const xautoclaim = command({
  name: "xautoclaim",
  group: "stream",
  since: "6.2.0",
  summary: "Makes entries that have been pending for some time those of a consumer.",
  complexity: "O(N) where N is the number of entries looked at: ten times COUNT at the most.",
  arity: -6,
  flags: ["write", "fast"],
  keys: [keyAt(1, "RW", "delete")],
  args: [
    arg.key("key"),
    arg.string("group"),
    arg.string("consumer"),
    arg.string("min-idle-time"),
    arg.string("start"),
    arg.optional(arg.integer("count", { token: "COUNT" })),
    arg.optional(arg.token("justid", "JUSTID")),
  ],
  tips: ["nondeterministic_output"],
  history: [["7.0.0", "Also returns the IDs of entries that were pending and are gone."]],

  run(call) {
    const { start, change } = windowsOf(call);
    // The key is looked up first; what it holds is a matter for later.
    const entry = call.lookupRead(1);
    const idleMs = Math.max(0, call.integer(4, noIdle));
    startAt(call, 5, start);
    let count = COUNT_DEFAULT;
    let isIdOnly = false;
    for (let at = 6; at < call.argc; at++) {
      if (at + 1 < call.argc && call.is(at, "COUNT")) {
        count = call.integer(++at, noCount);
        if (count < 1 || count > COUNT_MAX) throw noCount;
      } else if (call.is(at, "JUSTID")) isIdOnly = true;
      else throw errors.syntax;
    }
    const stream = entry === NONE ? null : streamToChange(call, entry);
    const group = existingGroup(call, stream, 1, 2);
    if (stream === null) return;
    const { claimed, deleted } = lists.of(call);
    claimed.clear();
    deleted.clear();
    const isMade = consumerOrNew(call, group, 3);
    change.begin(stream, group, isMade);
    try {
      group.setSeen(call.nowMs);
      claim(call, stream, group, idleMs, count, isIdOnly);
    } catch (full) {
      change.rollBack();
      throw full;
    }
    change.commit();
    if (isMade) tellOfClaimer(call, claimed.count);
    reply(call, stream, isIdOnly);
    propagateNoMore(call);
  },
});
