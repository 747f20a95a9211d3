/** XREAD: the entries of streams behind given IDs, at once or as soon as there are some. */
import { StreamId as Id, NONE, type StreamId, type StreamValue, Type } from "@kv/core";
import type { Call } from "../call/call.ts";
import { CommandError } from "../call/errors.ts";
import { Kept } from "../call/kept.ts";
import { arg } from "../declare/arg.ts";
import { command } from "../declare/command.ts";
import type { KeySpec } from "../declare/key-spec.ts";
import { idAt } from "./id-argument.ts";
import { isMark, ReadOptions } from "./read-options.ts";
import { readStream, replyEntries, windowsOf } from "./stream-at.ts";

const options = new Kept(() => new ReadOptions());
const groupOnly = new CommandError(
  "ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> <consumer> option.",
);

/** The keys behind STREAMS: half of what follows. */
export function streamKeys(startFrom: number): KeySpec {
  return {
    flags: ["RO", "access"],
    begin: { type: "keyword", keyword: "STREAMS", startFrom },
    find: { type: "range", last: -1, step: 1, limit: 2 },
  };
}

/**
 * Reads into `id` the ID behind which the stream is to be read. `$` is its last one; with `+` the ID is
 * the one in front of its last entry's.
 */
function readAfter(call: Call, stream: StreamValue | null, index: number, id: StreamId): void {
  if (isMark(call, index, ">")) throw groupOnly;
  if (isMark(call, index, "$")) {
    if (stream === null) id.setMin();
    else stream.readLastId(id);
  } else if (isMark(call, index, "+")) {
    id.setMin();
    if (stream?.edge(false)) id.copy(stream.range.id).decrement();
  } else idAt(call, index, id);
}

/** Replies with a key and what follows: the beginning of a pair. */
export function replyKey(call: Call, key: number): void {
  if (!call.reply.resp3) call.reply.array(2);
  call.reply.bulkFrom(call.bytes, call.view, call.start(key), call.end(key));
}

/** What `$` stands for, for the request when it runs anew. */
function lastIds(call: Call, { firstKey, keyCount }: ReadOptions): Map<number, string> {
  const words = new Map<number, string>();
  const id = new Id();
  for (let i = 0; i < keyCount; i++) {
    const index = firstKey + keyCount + i;
    if (!isMark(call, index, "$")) continue;
    const entry = call.find(firstKey + i);
    id.setMin();
    if (entry !== NONE) windowsOf(call).stream.attach(entry).readLastId(id);
    words.set(index, id.toString());
  }
  return words;
}

/** Closes the reply, waits for entries, or says that there are none. */
export function endRead(
  call: Call,
  read: ReadOptions,
  handle: number,
  served: number,
  isLossAwaited: boolean,
): void {
  const { reply } = call;
  if (served > 0) {
    if (reply.resp3) reply.closeMap(handle, served);
    else reply.closeArray(handle, served);
    return;
  }
  const { firstKey, keyCount, untilMs } = read;
  if (untilMs === -1 || !call.mayWait) {
    reply.nullArray();
    return;
  }
  const wait = { firstKey, keyCount, type: Type.STREAM, untilMs };
  if (isLossAwaited) call.waitFor({ ...wait, isLossAwaited });
  else call.waitFor({ ...wait, rewritten: lastIds(call, read) });
}

export const xread = command({
  name: "xread",
  group: "stream",
  since: "5.0.0",
  summary: "Returns the entries of streams behind given IDs, and may wait for some.",
  complexity: "O(N) for each stream, where N is the number of its entries that are returned.",
  arity: -4,
  flags: ["readonly", "blocking", "movablekeys"],
  keys: [streamKeys(1)],
  args: [
    arg.optional(arg.integer("count", { token: "COUNT" })),
    arg.optional(arg.integer("milliseconds", { token: "BLOCK" })),
    {
      ...arg.block("streams", arg.many(arg.key("key")), arg.many(arg.string("id"))),
      token: "STREAMS",
    },
  ],

  run(call) {
    const read = options.of(call);
    read.parse(call, false);
    const { id, end } = windowsOf(call);
    const { firstKey, keyCount, count } = read;
    // All IDs are looked at before anything is read.
    for (let i = 0; i < keyCount; i++) {
      const stream = readStream(call, firstKey + i);
      readAfter(call, stream, firstKey + keyCount + i, id);
    }
    end.setMax();
    let handle = 0;
    let served = 0;
    for (let i = 0; i < keyCount; i++) {
      const stream = readStream(call, firstKey + i);
      if (stream === null || stream.length === 0) continue;
      readAfter(call, stream, firstKey + keyCount + i, id);
      if (!stream.edge(false) || stream.range.id.compare(id) <= 0) continue;
      if (served++ === 0) handle = call.reply.deferLength();
      replyKey(call, firstKey + i);
      id.increment();
      stream.walk(id, end, false);
      replyEntries(call, stream.range, count);
    }
    endRead(call, read, handle, served, false);
  },
});
