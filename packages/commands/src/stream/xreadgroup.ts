/**
 * XREADGROUP: entries of streams for one consumer of a group: with `>` those that no consumer has been
 * given yet, which are pending then; with an ID those behind it that are pending for this one.
 */
import { estimateRead, NONE, readsOnUnbroken, type StreamGroup, type StreamValue } from "@kv/core";
import type { Call } from "../call/call.ts";
import { CommandError, fail, quoted } from "../call/errors.ts";
import { Kept } from "../call/kept.ts";
import { arg } from "../declare/arg.ts";
import { command } from "../declare/command.ts";
import {
  consumerOrNew,
  groupAt,
  propagateClaim,
  propagateConsumer,
  propagateLastId,
  propagateNoMore,
  tellOfConsumer,
} from "./group-at.ts";
import { idAt } from "./id-argument.ts";
import { isMark, ReadOptions } from "./read-options.ts";
import { readStream, readStreamToChange, replyEntry, replyId, windowsOf } from "./stream-at.ts";
import { endRead, replyKey, streamKeys } from "./xread.ts";

const options = new Kept(() => new ReadOptions());
const meaningless = (mark: string) =>
  new CommandError(
    `ERR The ${mark} ID is meaningless in the context of XREADGROUP: you want to read the history of this consumer by specifying a proper ID, or use the > ID to get new messages. The ${mark} ID would just return an empty result set.`,
  );
const noLast = meaningless("$");
const noPlus = meaningless("+");

/** Looks at a key, its group and its ID before anything is done. */
function checkStream(call: Call, key: number, id: number, group: number): void {
  const stream = readStream(call, key);
  if (stream === null || groupAt(call, stream, group) === null)
    fail(
      `NOGROUP No such key '${quoted(call.text(key))}' or consumer group '${quoted(call.text(group))}' in XREADGROUP with GROUP option`,
    );
  if (isMark(call, id, "$")) throw noLast;
  if (isMark(call, id, "+")) throw noPlus;
  if (!isMark(call, id, ">")) idAt(call, id, windowsOf(call).id);
}

/** Counts the entry that the walk has come to as read by the group. */
function countRead(call: Call, stream: StreamValue, group: StreamGroup): void {
  const { wide } = windowsOf(call);
  const { id } = stream.range;
  if (readsOnUnbroken(stream, group)) {
    const lo = (group.readLo + 1) | 0;
    group.setRead(lo === 0 ? group.readHi + 1 : group.readHi, lo);
  } else if ((stream.addedHi | stream.addedLo) !== 0) {
    estimateRead(stream, id, wide);
    group.setRead(wide.hi, wide.lo);
  }
  group.setLastId(id);
}

/** Makes the entry that the walk has come to pending for the consumer. */
function deliver(call: Call, stream: StreamValue, group: StreamGroup): void {
  const { change } = windowsOf(call);
  const { id } = stream.range;
  if (change.find(id) === NONE) {
    change.add(id, call.nowMs, 1);
    return;
  }
  change.take(id);
  group.setDelivery(id, call.nowMs, 0, 1);
}

/** Replies with the entries that the group has not read yet. */
function replyNew(
  call: Call,
  read: ReadOptions,
  key: number,
  stream: StreamValue,
  group: StreamGroup,
): void {
  const { start, end } = windowsOf(call);
  group.readLastId(start).increment();
  stream.walk(start, end.setMax(), false);
  const handle = call.reply.deferArray();
  const { range } = stream;
  let sent = 0;
  while ((read.count === 0 || sent < read.count) && range.next()) {
    countRead(call, stream, group);
    if (!read.isUnacknowledged) {
      deliver(call, stream, group);
      group.setActive(call.nowMs);
      if (call.propagates)
        propagateClaim(call, group, key, read.groupIndex, range.id, group.findPending(range.id));
    }
    replyEntry(call, range);
    sent++;
  }
  call.reply.closeArray(handle, sent);
  if (sent > 0) propagateLastId(call, group, key, read.groupIndex);
}

/** Replies with what is pending for the consumer behind the ID at an argument. */
function replyHistory(
  call: Call,
  count: number,
  index: number,
  stream: StreamValue,
  group: StreamGroup,
): void {
  const { id } = windowsOf(call);
  const handle = call.reply.deferArray();
  let sent = 0;
  let isMore = idAt(call, index, id).increment();
  while (isMore && (count === 0 || sent < count) && group.consumerPending.seekAtLeast(id)) {
    id.copy(group.consumerPending.id);
    if (stream.findEntry(id)) {
      replyEntry(call, stream.range);
      group.deliveredAgain(id, call.nowMs);
    } else {
      call.reply.array(2);
      replyId(call, id);
      call.reply.nullArray();
    }
    sent++;
    isMore = id.increment();
  }
  call.reply.closeArray(handle, sent);
}

/** Serves one stream. True when there was something to reply. */
function serve(call: Call, read: ReadOptions, key: number, isFirst: boolean): boolean {
  const { change, other } = windowsOf(call);
  const stream = readStreamToChange(call, key);
  if (stream === null) return false;
  const group = groupAt(call, stream, read.groupIndex) as StreamGroup;
  const index = key + read.keyCount;
  const isNew = isMark(call, index, ">");
  const isMade = consumerOrNew(call, group, read.groupIndex + 1);
  change.begin(stream, group, isMade);
  const hasNew =
    isNew && stream.edge(false) && stream.range.id.compare(group.readLastId(other)) > 0;
  if (isMade) {
    tellOfConsumer(call, key);
    // What it is given to acknowledge goes out as claims, which make it where they are run.
    if (!hasNew || read.isUnacknowledged)
      propagateConsumer(call, key, read.groupIndex, read.groupIndex + 1);
  }
  group.setSeen(call.nowMs);
  if (isNew && !hasNew) return false;
  if (isFirst) windowsOf(call).handle = call.reply.deferLength();
  replyKey(call, key);
  if (isNew) replyNew(call, read, key, stream, group);
  else replyHistory(call, read.count, index, stream, group);
  call.dirty++;
  return true;
}

export const xreadgroup = command({
  name: "xreadgroup",
  group: "stream",
  since: "5.0.0",
  summary: "Returns entries of streams for a consumer of a group, and may wait for some.",
  complexity: "O(N) for each stream, where N is the number of its entries that are returned.",
  arity: -7,
  flags: ["write", "blocking", "movablekeys"],
  keys: [streamKeys(4)],
  args: [
    { ...arg.block("group-block", arg.string("group"), arg.string("consumer")), token: "GROUP" },
    arg.optional(arg.integer("count", { token: "COUNT" })),
    arg.optional(arg.integer("milliseconds", { token: "BLOCK" })),
    arg.optional(arg.token("noack", "NOACK")),
    {
      ...arg.block("streams", arg.many(arg.key("key")), arg.many(arg.string("id"))),
      token: "STREAMS",
    },
  ],

  run(call) {
    const read = options.of(call);
    read.parse(call, true);
    const { firstKey, keyCount, groupIndex } = read;
    for (let i = 0; i < keyCount; i++)
      checkStream(call, firstKey + i, firstKey + keyCount + i, groupIndex);
    const windows = windowsOf(call);
    let served = 0;
    try {
      for (let i = 0; i < keyCount; i++)
        if (serve(call, read, firstKey + i, served === 0)) served++;
    } catch (full) {
      windows.change.rollBack();
      throw full;
    }
    windows.change.commit();
    propagateNoMore(call);
    endRead(call, read, windows.handle, served, true);
  },
});
