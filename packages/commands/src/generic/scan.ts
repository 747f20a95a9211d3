/**
 * SCAN: all keys of a database, a few at a time.
 *
 * A cursor is a position in the order of the hashes (core's dict.ts), 32 bits. Should the dict
 * have taken a new seed since, that order is void and the scan has to start anew; so a cursor
 * carries in its upper part how often that had happened when it was given out:
 *
 *      times reseeded | position, 32 bits          both together are far below 2^53
 */
import { bytesOf, keyIndex, keyLength, kindOfEntry, NONE, type Ref, RefList } from "@kv/core";
import { parseInteger } from "@kv/resp";
import type { Call } from "../call/call.ts";
import { Kept } from "../call/kept.ts";
import { ScanOptions, scanCursor } from "../call/scan-options.ts";
import { arg } from "../declare/arg.ts";
import { command } from "../declare/command.ts";

const POSITIONS = 2 ** 32;

const kept = new Kept(() => ({ options: new ScanOptions(), slice: new RefList() }));

export const scan = command({
  name: "scan",
  group: "generic",
  since: "2.8.0",
  summary: "Walks over the keys of the database, some at each call.",
  complexity: "O(COUNT) for each call, O(N) for the whole walk.",
  arity: -2,
  flags: ["readonly", "touches_arbitrary_keys"],
  categories: ["keyspace"],
  args: [
    arg.integer("cursor"),
    arg.optional(arg.pattern("pattern", { token: "MATCH" })),
    arg.optional(arg.integer("count", { token: "COUNT" })),
    arg.optional(arg.string("type", { token: "TYPE", since: "6.0.0" })),
  ],
  tips: ["nondeterministic_output", "request_policy:special", "response_policy:special"],
  history: [["6.0.0", "Takes the option `TYPE`."]],

  run(call) {
    const { reply } = call;
    const { dict } = call.database;
    const { options, slice } = kept.of(call);
    const position = startPosition(call, dict.generation);
    options.parse(call, 2, true);
    slice.clear();
    const next = dict.scan(position, options.count, slice);
    reply.array(2);
    reply.bulkInteger(next === 0 ? 0 : dict.generation * POSITIONS + next);
    const handle = reply.deferArray();
    let count = 0;
    for (let i = 0; i < slice.count; i++) if (showKey(call, options, slice.at(i))) count++;
    reply.closeArray(handle, count);
    slice.clear();
  },
});

/** Where the cursor at argument 1 goes on: at the start when it is from before a reseed. */
function startPosition(call: Call, generation: number): number {
  const position = scanCursor(call, 1);
  if (position === 0) return 0;
  const whole = parseInteger(call.bytes, call.start(1), call.end(1));
  // NaN is a number that was never given out, such as "+5": its position is as good as any.
  const cursorGeneration = whole >= 0 ? Math.floor(whole / POSITIONS) : generation;
  return cursorGeneration === generation ? position : 0;
}

/** Writes the key unless an option leaves it out, or its time has passed. */
function showKey(call: Call, options: ScanOptions, entry: Ref): boolean {
  const { arena } = call.keyspace;
  const from = keyIndex(arena, entry);
  const to = from + keyLength(arena, entry);
  const memory = bytesOf(arena, entry);
  if (!options.matches(memory, from, to)) return false;
  // Removing this key moves no other entry: the rest of the slice stays good.
  const isLive = call.unexpired(call.database, entry, false) !== NONE;
  if (options.typeArgument !== 0 && !countsAsTyped(call, options, entry, isLive)) return false;
  if (isLive) call.reply.bulk(memory, from, to);
  return isLive;
}

/** Asking for the type is a look at the key, which INFO counts as a hit or a miss. */
function countsAsTyped(call: Call, options: ScanOptions, entry: Ref, isLive: boolean): boolean {
  if (!isLive) {
    call.keyspaceMisses++;
    return false;
  }
  call.keyspaceHits++;
  const name = kindOfEntry(call.keyspace.arena, entry).typeName;
  return call.is(options.typeArgument, name.toUpperCase());
}
