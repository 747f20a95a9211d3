/**
 * How many entries of a stream a group has read that is at some ID, and how many it has yet to read: what
 * can be told from the stream's facts alone (entries added, first and last ID, the highest deleted one),
 * without counting.
 */
import { Int64, splitNumber } from "../../int64.ts";
import type { StreamGroup } from "./stream-group.ts";
import { StreamId } from "./stream-id.ts";
import type { StreamValue } from "./stream-value.ts";

const first = new StreamId();
const last = new StreamId();
const deleted = new StreamId();
const at = new StreamId();
const difference = new Int64();

/** added - subtrahend, for a subtrahend of a few words. */
function addedLess(stream: StreamValue, subtrahend: number, out: Int64): void {
  splitNumber(subtrahend, difference);
  const low = (stream.addedLo >>> 0) - (difference.lo >>> 0);
  out.lo = low | 0;
  out.hi = (stream.addedHi - difference.hi - (low < 0 ? 1 : 0)) | 0;
}

/**
 * Puts into `out` how many entries were added up to `id`, itself included. False, and -1, when it
 * cannot be told: the ID is yet to come, lies within the stream, or entries in front were deleted.
 */
export function estimateRead(stream: StreamValue, id: StreamId, out: Int64): boolean {
  out.hi = 0;
  out.lo = 0;
  if ((stream.addedHi | stream.addedLo) === 0) return true;
  stream.readLastId(last);
  const toLast = id.compare(last);
  if (toLast === 0 || (stream.length === 0 && toLast < 0)) {
    addedLess(stream, 0, out);
    return true;
  }
  if (toLast < 0) {
    stream.readFirstId(first);
    stream.readDeletedId(deleted);
    const toFirst = id.compare(first);
    // Of the entries behind the ID one is deleted, and maybe more.
    if (!id.isZero && id.compare(deleted) < 0) return unknown(out);
    if (toFirst <= 0 && (deleted.isZero || deleted.compare(first) < 0)) {
      addedLess(stream, stream.length - (toFirst === 0 ? 1 : 0), out);
      return true;
    }
  }
  return unknown(out);
}

function unknown(out: Int64): boolean {
  out.hi = -1;
  out.lo = -1;
  return false;
}

/**
 * True when nothing that was deleted or trimmed lies behind where the group is, so that its count of
 * entries goes on one by one.
 */
export function readsOnUnbroken(stream: StreamValue, group: StreamGroup): boolean {
  if (!group.knowsRead) return false;
  group.readLastId(at);
  return at.compare(stream.readFirstId(first)) >= 0 && !stream.hasDeletedFrom(at);
}

/**
 * Puts into `out` how many entries of the stream the group has not read yet. False, and -1, when it
 * cannot be told.
 */
export function entriesBehind(stream: StreamValue, group: StreamGroup, out: Int64): boolean {
  out.hi = 0;
  out.lo = 0;
  if ((stream.addedHi | stream.addedLo) === 0 || stream.length === 0) return true;
  group.readLastId(at);
  stream.readFirstId(first);
  stream.readDeletedId(deleted);
  if (at.compare(first) < 0 && deleted.compare(first) < 0) {
    // It is in front of all there are, and none is missing between them.
    splitNumber(stream.length, out);
    return true;
  }
  out.hi = group.readHi;
  out.lo = group.readLo;
  if ((!group.knowsRead || stream.hasDeletedFrom(at)) && !estimateRead(stream, at, out))
    return false;
  const low = (stream.addedLo >>> 0) - (out.lo >>> 0);
  out.hi = (stream.addedHi - out.hi - (low < 0 ? 1 : 0)) | 0;
  out.lo = low | 0;
  return true;
}
