/** Taking elements out: LREM by what they are, LTRIM by where they are. */
import { TextMatcher } from "@kv/core";
import { Kept } from "../call/kept.ts";
import { arg } from "../declare/arg.ts";
import { command } from "../declare/command.ts";
import { keyAt } from "../declare/key-spec.ts";
import { elementsRemoved, writeList } from "./list-at.ts";

const matchers = new Kept(() => new TextMatcher());

export const lrem = command({
  name: "lrem",
  group: "list",
  since: "1.0.0",
  summary:
    "Removes elements that are the same as one, from the head or, with a negative count, from the tail on.",
  complexity: "O(N+M) where N is the number of elements and M is how many are removed.",
  arity: 4,
  flags: ["write"],
  keys: [keyAt(1, "RW", "delete")],
  args: [arg.key("key"), arg.integer("count"), arg.string("element")],

  run(call) {
    const count = call.integer(2);
    const list = writeList(call, 1);
    if (list === null) return call.reply.integer(0);
    const matcher = matchers.of(call);
    matcher.begin(call.bytes, call.start(3), call.end(3));
    const { length } = list;
    const wanted = count === 0 ? length : Math.min(Math.abs(count), length);
    const removed = list.removeMatches(matcher, wanted, count >= 0);
    if (removed > 0) elementsRemoved(call, 1, list, "lrem", removed);
    call.reply.integer(removed);
  },
});

export const ltrim = command({
  name: "ltrim",
  group: "list",
  since: "1.0.0",
  summary: "Leaves only the elements of a list between two indexes.",
  complexity: "O(N) where N is the number of elements that are removed.",
  arity: 4,
  flags: ["write"],
  keys: [keyAt(1, "RW", "delete")],
  args: [arg.key("key"), arg.integer("start"), arg.integer("stop")],

  run(call) {
    let start = call.integer(2);
    let stop = call.integer(3);
    const list = writeList(call, 1);
    if (list === null) return call.reply.ok();
    const { length } = list;
    if (start < 0) start = Math.max(0, length + start);
    if (stop < 0) stop += length;
    if (stop >= length) stop = length - 1;
    const kept = start > stop ? 0 : stop - start + 1;
    if (kept === 0) list.removeRange(0, length);
    else list.trim(start, kept);
    // The event comes even when nothing was removed.
    elementsRemoved(call, 1, list, "ltrim", length - kept);
    call.reply.ok();
  },
});
