/** XINFO: what a stream, its groups and their consumers know of themselves. */
import {
  deliveredMs,
  deliveriesHi,
  deliveriesLo,
  entriesBehind,
  type IdTree,
  type Ref,
  type StreamGroup,
  type StreamValue,
  showOwner,
} from "@kv/core";
import type { Call } from "../call/call.ts";
import { errors, fail, quoted } from "../call/errors.ts";
import { helpCommand, subcommandError } from "../call/help.ts";
import { arg } from "../declare/arg.ts";
import { command } from "../declare/command.ts";
import { keyAt } from "../declare/key-spec.ts";
import { groupAt } from "./group-at.ts";
import {
  readStream,
  replyEntries,
  replyEntry,
  replyId,
  replyText,
  windowsOf,
} from "./stream-at.ts";

/** Entries, and pending ones of each, that FULL shows unless told otherwise. */
const FULL_COUNT = 10;

/** The stream at argument 2. */
function existing(call: Call): StreamValue {
  const stream = readStream(call, 2);
  if (stream === null) throw errors.noSuchKey;
  return stream;
}

/** The count behind FULL COUNT; -1 without FULL. */
function fullCount(call: Call): number {
  const { argc } = call;
  if (argc === 3) return -1;
  if ((argc !== 4 && argc !== 6) || !call.is(3, "FULL")) throw subcommandError(call);
  if (argc === 4) return FULL_COUNT;
  if (!call.is(4, "COUNT")) throw subcommandError(call);
  const count = call.integer(5);
  return count < 0 ? FULL_COUNT : count;
}

/** What both forms of XINFO STREAM begin with: seven pairs. */
function replyFacts(call: Call, stream: StreamValue): void {
  const { reply } = call;
  const { id } = windowsOf(call);
  reply.bulkLatin1("length");
  reply.integer(stream.length);
  reply.bulkLatin1("radix-tree-keys");
  reply.integer(stream.blockCount);
  reply.bulkLatin1("radix-tree-nodes");
  // A node for each key and the one above them: our tree is of another kind.
  reply.integer(stream.blockCount + 1);
  reply.bulkLatin1("last-generated-id");
  replyId(call, stream.readLastId(id));
  reply.bulkLatin1("max-deleted-entry-id");
  replyId(call, stream.readDeletedId(id));
  reply.bulkLatin1("entries-added");
  reply.integer64(stream.addedHi, stream.addedLo);
  reply.bulkLatin1("recorded-first-entry-id");
  replyId(call, stream.readFirstId(id));
}

function replyEdge(call: Call, stream: StreamValue, isFirst: boolean): void {
  if (stream.edge(isFirst)) replyEntry(call, stream.range);
  else call.reply.null();
}

/** Replies with the entries that the group has read, and with those that it has yet to read. */
function replyProgress(call: Call, stream: StreamValue, group: StreamGroup): void {
  const { reply } = call;
  const { wide } = windowsOf(call);
  reply.bulkLatin1("entries-read");
  if (group.knowsRead) reply.integer64(group.readHi, group.readLo);
  else reply.null();
  reply.bulkLatin1("lag");
  if (entriesBehind(stream, group, wide)) reply.integer64(wide.hi, wide.lo);
  else reply.null();
}

/** Replies with up to `count` pending entries (0: all) of a tree. */
function replyPending(call: Call, tree: IdTree, count: number, showsOwner: boolean): void {
  const { reply, keyspace } = call;
  const { arena } = keyspace;
  const { text } = windowsOf(call);
  const shown = count === 0 ? tree.count : Math.min(count, tree.count);
  reply.array(shown);
  let isEntry = tree.first();
  for (let i = 0; i < shown && isEntry; i++, isEntry = tree.next()) {
    const entry: Ref = tree.value;
    reply.array(showsOwner ? 4 : 3);
    replyId(call, tree.id);
    if (showsOwner) {
      showOwner(arena, entry, text);
      replyText(call, text);
    }
    reply.integer(deliveredMs(arena, entry));
    reply.integer64(deliveriesHi(arena, entry), deliveriesLo(arena, entry));
  }
}

function replyFullConsumers(call: Call, group: StreamGroup, count: number): void {
  const { reply } = call;
  const { text } = windowsOf(call);
  reply.bulkLatin1("consumers");
  reply.array(group.consumerCount);
  for (let i = 0; i < group.consumerCount; i++) {
    group.consumerAt(i);
    reply.map(5);
    reply.bulkLatin1("name");
    group.showConsumer(text);
    replyText(call, text);
    reply.bulkLatin1("seen-time");
    reply.integer(group.seenMs);
    reply.bulkLatin1("active-time");
    reply.integer(group.activeMs);
    reply.bulkLatin1("pel-count");
    reply.integer(group.consumerPending.count);
    reply.bulkLatin1("pending");
    replyPending(call, group.consumerPending, count, false);
  }
}

function replyFullGroups(call: Call, stream: StreamValue, count: number): void {
  const { reply } = call;
  const { text, id } = windowsOf(call);
  reply.bulkLatin1("groups");
  reply.array(stream.groups.count);
  for (let i = 0; i < stream.groups.count; i++) {
    const group = stream.groups.at(i);
    reply.map(7);
    reply.bulkLatin1("name");
    group.showName(text);
    replyText(call, text);
    reply.bulkLatin1("last-delivered-id");
    replyId(call, group.readLastId(id));
    replyProgress(call, stream, group);
    reply.bulkLatin1("pel-count");
    reply.integer(group.pendingCount);
    reply.bulkLatin1("pending");
    replyPending(call, group.pending, count, true);
    replyFullConsumers(call, group, count);
  }
}

const stream = command({
  name: "stream",
  group: "stream",
  since: "5.0.0",
  summary: "Tells what a stream is like, with FULL to the last pending entry.",
  complexity: "O(1)",
  arity: -3,
  flags: ["readonly"],
  keys: [keyAt(2, "RO", "access")],
  args: [
    arg.key("key"),
    arg.optional(
      arg.block(
        "full-block",
        arg.token("full", "FULL"),
        arg.optional(arg.integer("count", { token: "COUNT" })),
      ),
    ),
  ],
  history: [
    ["6.0.0", "Takes `FULL`."],
    ["7.0.0", "Also tells of deleted and of added entries, and how far groups have read."],
    ["7.2.0", "Also tells when consumers were active, and what `seen-time` is has changed."],
  ],

  run(call) {
    const value = existing(call);
    const count = fullCount(call);
    const { reply } = call;
    if (count === -1) {
      reply.map(10);
      replyFacts(call, value);
      reply.bulkLatin1("groups");
      reply.integer(value.groups.count);
      reply.bulkLatin1("first-entry");
      replyEdge(call, value, true);
      reply.bulkLatin1("last-entry");
      replyEdge(call, value, false);
      return;
    }
    const { start, end } = windowsOf(call);
    reply.map(9);
    replyFacts(call, value);
    reply.bulkLatin1("entries");
    value.walk(start.setMin(), end.setMax(), false);
    replyEntries(call, value.range, count);
    replyFullGroups(call, value, count);
  },
});

const groups = command({
  name: "groups",
  group: "stream",
  since: "5.0.0",
  summary: "Tells of the groups of a stream.",
  complexity: "O(1)",
  arity: 3,
  flags: ["readonly"],
  keys: [keyAt(2, "RO", "access")],
  args: [arg.key("key")],
  history: [["7.0.0", "Also tells how far groups have read."]],

  run(call) {
    const value = existing(call);
    const { reply } = call;
    const { text, id } = windowsOf(call);
    reply.array(value.groups.count);
    for (let i = 0; i < value.groups.count; i++) {
      const group = value.groups.at(i);
      reply.map(6);
      reply.bulkLatin1("name");
      group.showName(text);
      replyText(call, text);
      reply.bulkLatin1("consumers");
      reply.integer(group.consumerCount);
      reply.bulkLatin1("pending");
      reply.integer(group.pendingCount);
      reply.bulkLatin1("last-delivered-id");
      replyId(call, group.readLastId(id));
      replyProgress(call, value, group);
    }
  },
});

const consumers = command({
  name: "consumers",
  group: "stream",
  since: "5.0.0",
  summary: "Tells of the consumers of a group.",
  complexity: "O(1)",
  arity: 4,
  flags: ["readonly"],
  keys: [keyAt(2, "RO", "access")],
  args: [arg.key("key"), arg.string("group")],
  tips: ["nondeterministic_output"],
  history: [["7.2.0", "Also tells for how long consumers have been inactive."]],

  run(call) {
    const value = existing(call);
    const group = groupAt(call, value, 3);
    if (group === null)
      fail(
        `NOGROUP No such consumer group '${quoted(call.text(3))}' for key name '${quoted(call.text(2))}'`,
      );
    const { reply, nowMs } = call;
    const { text } = windowsOf(call);
    reply.array(group.consumerCount);
    for (let i = 0; i < group.consumerCount; i++) {
      group.consumerAt(i);
      reply.map(4);
      reply.bulkLatin1("name");
      group.showConsumer(text);
      replyText(call, text);
      reply.bulkLatin1("pending");
      reply.integer(group.consumerPending.count);
      reply.bulkLatin1("idle");
      reply.integer(Math.max(0, nowMs - group.seenMs));
      reply.bulkLatin1("inactive");
      reply.integer(group.activeMs === -1 ? -1 : Math.max(0, nowMs - group.activeMs));
    }
  },
});

export const xinfo = command({
  name: "xinfo",
  group: "stream",
  since: "5.0.0",
  summary: "Groups the commands that look at streams, groups and consumers.",
  complexity: "As the subcommand.",
  arity: -2,
  flags: [],
  subcommands: [
    consumers,
    groups,
    helpCommand("xinfo", { group: "stream", since: "5.0.0" }),
    stream,
  ],
});
