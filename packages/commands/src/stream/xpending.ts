/** XPENDING: what is pending in a group, in short or entry by entry. */
import { deliveredMs, deliveriesHi, deliveriesLo, type StreamGroup, showOwner } from "@kv/core";
import type { Call } from "../call/call.ts";
import { errors } from "../call/errors.ts";
import { arg } from "../declare/arg.ts";
import { command } from "../declare/command.ts";
import { keyAt } from "../declare/key-spec.ts";
import { consumerAt, existingGroup } from "./group-at.ts";
import { endAt, startAt } from "./id-argument.ts";
import { readStream, replyId, replyText, windowsOf } from "./stream-at.ts";

function replySummary(call: Call, group: StreamGroup): void {
  const { reply } = call;
  const { pending } = group;
  reply.array(4);
  reply.integer(group.pendingCount);
  if (!pending.first()) {
    reply.null();
    reply.null();
    reply.nullArray();
    return;
  }
  replyId(call, pending.id);
  pending.last();
  replyId(call, pending.id);
  const { text } = windowsOf(call);
  const handle = reply.deferArray();
  let consumers = 0;
  for (let i = 0; i < group.consumerCount; i++) {
    group.consumerAt(i);
    const { count } = group.consumerPending;
    if (count === 0) continue;
    reply.array(2);
    group.showConsumer(text);
    replyText(call, text);
    reply.bulkInteger(count);
    consumers++;
  }
  reply.closeArray(handle, consumers);
}

/** Replies with what is pending between the IDs `start` and `end`, for at least `idleMs`. */
function replyRange(call: Call, group: StreamGroup, consumer: number, count: number): void {
  const { reply, keyspace, nowMs } = call;
  const { arena } = keyspace;
  const { start, end, text, other } = windowsOf(call);
  if (consumer !== 0 && !consumerAt(call, group, consumer)) {
    reply.array(0);
    return;
  }
  const tree = consumer === 0 ? group.pending : group.consumerPending;
  const idleMs = other.seqLo === 1 ? call.integer(4) : 0;
  const handle = reply.deferArray();
  let sent = 0;
  let isMore = tree.seekAtLeast(start);
  for (; isMore && sent < count && tree.id.compare(end) <= 0; isMore = tree.next()) {
    const entry = tree.value;
    const elapsedMs = nowMs - deliveredMs(arena, entry);
    if (idleMs !== 0 && elapsedMs < idleMs) continue;
    reply.array(4);
    replyId(call, tree.id);
    showOwner(arena, entry, text);
    replyText(call, text);
    reply.integer(Math.max(0, elapsedMs));
    reply.integer64(deliveriesHi(arena, entry), deliveriesLo(arena, entry));
    sent++;
  }
  reply.closeArray(handle, sent);
}

export const xpending = command({
  name: "xpending",
  group: "stream",
  since: "5.0.0",
  summary: "Tells what is pending in a group: delivered and not acknowledged.",
  complexity:
    "O(N) where N is the number of entries returned, or passed over for `IDLE`; in short, of consumers.",
  arity: -3,
  flags: ["readonly"],
  keys: [keyAt(1, "RO", "access")],
  args: [
    arg.key("key"),
    arg.string("group"),
    arg.optional(
      arg.block(
        "filters",
        arg.optional(arg.integer("min-idle-time", { token: "IDLE", since: "6.2.0" })),
        arg.string("start"),
        arg.string("end"),
        arg.integer("count"),
        arg.optional(arg.string("consumer")),
      ),
    ),
  ],
  tips: ["nondeterministic_output"],
  history: [["6.2.0", "Takes `IDLE`, and ends that are excluded."]],

  run(call) {
    const { argc } = call;
    if (argc === 3) {
      replySummary(call, existingGroup(call, readStream(call, 1), 1, 2));
      return;
    }
    if (argc < 6 || argc > 9) throw errors.syntax;
    const { start, end, other } = windowsOf(call);
    let at = 3;
    const isIdle = call.is(3, "IDLE");
    if (isIdle) {
      call.integer(4);
      if (argc < 8) throw errors.syntax;
      at = 5;
    }
    const count = call.integer(at + 2);
    startAt(call, at, start);
    endAt(call, at + 1, end);
    const group = existingGroup(call, readStream(call, 1), 1, 2);
    other.set(0, 0, 0, isIdle ? 1 : 0);
    replyRange(call, group, at + 3 < argc ? at + 3 : 0, count);
  },
});
