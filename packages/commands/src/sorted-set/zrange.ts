/** ZRANGE and ZRANGESTORE: a range by rank, score or member, in either direction. */
import { freeEntry, type SortedSetValue } from "@kv/core";
import type { Call } from "../call/call.ts";
import { arg } from "../declare/arg.ts";
import { command } from "../declare/command.ts";
import { keyAt } from "../declare/key-spec.ts";
import { RangeRequest } from "./range-request.ts";
import { createAside, readSortedSet, store } from "./sorted-set-at.ts";

const request = new RangeRequest();

const sortBy = arg.oneOf("sortby", arg.token("byscore", "BYSCORE"), arg.token("bylex", "BYLEX"));
const limit = arg.block("limit", arg.integer("offset"), arg.integer("count"));

export const zrange = command({
  name: "zrange",
  group: "sorted-set",
  since: "1.2.0",
  summary: "Returns a range of the members of a sorted set.",
  complexity: "O(log(N)+M) where N is the number of members and M that of those returned.",
  arity: -4,
  flags: ["readonly", "timed_in_runs"],
  keys: [keyAt(1, "RO", "access")],
  args: [
    arg.key("key"),
    arg.string("start"),
    arg.string("stop"),
    { ...sortBy, optional: true, since: "6.2.0" },
    arg.optional(arg.token("rev", "REV", { since: "6.2.0" })),
    { ...limit, token: "LIMIT", optional: true, since: "6.2.0" },
    arg.optional(arg.token("withscores", "WITHSCORES")),
  ],
  history: [["6.2.0", "Takes `REV`, `BYSCORE`, `BYLEX` and `LIMIT`."]],

  run(call) {
    request.parse(call, 2, null, null, false);
    request.reply(call, readSortedSet(call, 1));
  },
});

/** Adds the range that is asked for to the sorted set that is made. */
function copyRange(call: Call, from: SortedSetValue, made: SortedSetValue): void {
  const { range, fromEnd } = request;
  const limits = call.settings.limits.sortedSet;
  from.seek(fromEnd ? range.first + range.count - 1 : range.first);
  for (let left = range.count; left > 0; left--) {
    if (fromEnd) from.previous();
    else from.next();
    const { bytes, view, start, end } = from.member;
    made.add(bytes, view, start, end, from.score, limits);
  }
}

export const zrangestore = command({
  name: "zrangestore",
  group: "sorted-set",
  since: "6.2.0",
  summary: "Stores a range of the members of a sorted set as another one.",
  complexity: "O(log(N)+M) where N is the number of members and M that of those stored.",
  arity: -5,
  flags: ["write", "denyoom"],
  keys: [keyAt(1, "OW", "update"), keyAt(2, "RO", "access")],
  args: [
    arg.key("dst"),
    arg.key("src", { keySpecIndex: 1 }),
    arg.string("min"),
    arg.string("max"),
    arg.optional(sortBy),
    arg.optional(arg.token("rev", "REV")),
    { ...limit, token: "LIMIT", optional: true },
  ],

  run(call) {
    request.parse(call, 3, null, null, true);
    const from = readSortedSet(call, 2);
    const count = from === null ? 0 : request.resolve(from).count;
    const isTable = count > call.settings.limits.sortedSet.listpackEntriesMax;
    const made = createAside(call, 1, isTable, count);
    try {
      if (from !== null) copyRange(call, from, made);
      store(call, made, "zrangestore");
    } catch (full) {
      freeEntry(call.keyspace.arena, made.entry);
      throw full;
    }
  },
});
