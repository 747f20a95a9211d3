/**
 * Streams by argument: finding the one at a key, and showing entries.
 *
 * A StreamValue is a window that is moved from stream to stream, so one per engine does; what these
 * functions return is void as soon as the next one is called.
 */
import {
  createStream,
  freeEntry,
  Int64,
  ListpackValue,
  NONE,
  PendingChange,
  type Ref,
  STREAM_ID_TEXT_BYTES,
  StreamId,
  type StreamRange,
  StreamValue,
  setIdleBits,
  Type,
  typeOf,
} from "@kv/core";
import type { Call } from "../call/call.ts";
import { errors } from "../call/errors.ts";
import { Kept } from "../call/kept.ts";
import { Notify } from "../call/notify.ts";

const idText = new Uint8Array(STREAM_ID_TEXT_BYTES);
const idView = new DataView(idText.buffer);

/** What an engine's commands on streams have for use. */
class StreamWindows {
  readonly stream: StreamValue;
  readonly change: PendingChange;
  /** IDs for use by one command. */
  readonly start = new StreamId();
  readonly end = new StreamId();
  readonly id = new StreamId();
  readonly other = new StreamId();
  readonly text = new ListpackValue();
  readonly wide = new Int64();
  /** Where a reply of several streams began. */
  handle = 0;

  constructor({ keyspace: { arena } }: Call) {
    this.stream = new StreamValue(arena);
    this.change = new PendingChange(arena);
  }
}

const windows = new Kept((call) => new StreamWindows(call));

/** What the engine's commands on streams have for use: void when the command ends. */
export function windowsOf(call: Call): StreamWindows {
  return windows.of(call);
}

/** The stream at an argument for reading, or null when missing. Throws wrongType. */
export function readStream(call: Call, index: number): StreamValue | null {
  const entry = call.readTyped(index, Type.STREAM);
  return entry === NONE ? null : windows.of(call).stream.attach(entry);
}

/** The stream at an argument for changing it, or null when missing. Throws wrongType. */
export function writeStream(call: Call, index: number): StreamValue | null {
  const entry = call.writeTyped(index, Type.STREAM);
  return entry === NONE ? null : windows.of(call).stream.attach(entry);
}

/**
 * As writeStream(), for a change of what is pending: to Redis that is reading, so it counts hits and
 * misses and marks the access as reading does.
 */
export function readStreamToChange(call: Call, index: number): StreamValue | null {
  const entry = call.readTyped(index, Type.STREAM);
  return entry === NONE ? null : streamToChange(call, entry);
}

/** The stream that an entry holds, for changing it. Throws wrongType. */
export function streamToChange(call: Call, entry: Ref): StreamValue {
  if (typeOf(call.keyspace.arena, entry) !== Type.STREAM) throw errors.wrongType;
  call.database.preserve(entry);
  return windows.of(call).stream.attach(entry);
}

/** An empty stream for the key at an argument, which is in no database yet: see adopt() and forget(). */
export function createAside(call: Call, index: number): Ref {
  const { arena, cuts } = call.keyspace;
  const entry = createStream(arena, cuts.epoch, call.bytes, call.start(index), call.end(index));
  setIdleBits(arena, entry, call.idle.fresh);
  windows.of(call).stream.attach(entry);
  return entry;
}

/** Makes what createAside() has made the value of its key. */
export function adopt(call: Call, index: number, entry: Ref): void {
  call.database.put(entry, NONE, call.hashOf(index), false);
  call.event(index, "new", Notify.NEW);
}

/** Gives it back. */
export function forget(call: Call, entry: Ref): void {
  freeEntry(call.keyspace.arena, entry);
}

/** Replies with an ID. */
export function replyId(call: Call, id: StreamId): void {
  call.reply.bulkFrom(idText, idView, 0, id.format(idText, 0));
}

/** Replies with a text in the arena. */
export function replyText(call: Call, text: ListpackValue): void {
  call.reply.bulkFrom(text.bytes, text.view, text.start, text.end);
}

/** Replies with the entry that a walk has come to: its ID, and its fields and values. */
export function replyEntry(call: Call, range: StreamRange): void {
  const { reply } = call;
  reply.array(2);
  replyId(call, range.id);
  reply.array(2 * range.fieldCount);
  while (range.nextField()) {
    const { field, value } = range;
    reply.bulkFrom(field.bytes, field.view, field.start, field.end);
    reply.bulkFrom(value.bytes, value.view, value.start, value.end);
  }
}

/** Replies with up to `count` entries of the walk that was begun (0: all). Returns how many. */
export function replyEntries(call: Call, range: StreamRange, count: number): number {
  const handle = call.reply.deferArray();
  let sent = 0;
  while ((count === 0 || sent < count) && range.next()) {
    replyEntry(call, range);
    sent++;
  }
  call.reply.closeArray(handle, sent);
  return sent;
}
