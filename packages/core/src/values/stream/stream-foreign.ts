/**
 * Blocks of entries that come from elsewhere: in files and payloads. Whether bytes are such a block as
 * stream-block.ts draws, to the last byte, and one of which it is true.
 */
import type { Arena, Ref } from "../../memory/arena.ts";
import { listpackFromBytes, validateListpack } from "../../memory/listpack.ts";
import { isString } from "../../memory/listpack-element.ts";
import { LISTPACK_HEADER_BYTES, positionAfter } from "../../memory/listpack-walk.ts";
import {
  DELETED,
  integerAt,
  readEntryId,
  SAME_FIELDS,
  slackBytes,
  totalCount,
} from "./stream-block.ts";
import { StreamId } from "./stream-id.ts";

const INTEGER_MAX = 0xf4;

/** A new block of foreign bytes that validateBlock() has found good. */
export function blockFromBytes(arena: Arena, bytes: Uint8Array, start: number, end: number): Ref {
  const lp = listpackFromBytes(arena, bytes, start, end);
  const needed = end - start + slackBytes(totalCount(arena, lp));
  if (arena.blockBytes(lp) >= needed) return lp;
  try {
    return arena.resize(lp, needed, end - start);
  } catch (full) {
    arena.free(lp);
    throw full;
  }
}

/** True when there is an integer at bytes[at], before `end`. */
function isInteger(bytes: Uint8Array, at: number, end: number): boolean {
  if (at >= end) return false;
  const lead = bytes[at] as number;
  return lead <= INTEGER_MAX && !isString(lead);
}

/** Index behind `count` elements from bytes[at] on; -1 when there are not so many before `end`. */
function pass(bytes: Uint8Array, from: number, count: number, end: number): number {
  let at = from;
  for (let left = count; left > 0; left--) {
    if (at >= end) return -1;
    at = positionAfter(bytes, at);
  }
  return at;
}

/**
 * Entries of the block bytes[start, end) that are there, or -1 when it is no whole block with the
 * master ID `master`: its IDs must ascend, from that on. `last` becomes the highest of them, and `first`
 * the lowest that is there.
 */
export function validateBlock(
  bytes: Uint8Array,
  start: number,
  end: number,
  master: StreamId,
  first: StreamId,
  last: StreamId,
): number {
  if (!validateListpack(bytes, start, end, true)) return -1;
  const limit = end - 1;
  let at = start + LISTPACK_HEADER_BYTES;
  if (!isInteger(bytes, at, limit)) return -1;
  const count = integerAt(bytes, at);
  at = positionAfter(bytes, at);
  if (!isInteger(bytes, at, limit)) return -1;
  const deleted = integerAt(bytes, at);
  at = positionAfter(bytes, at);
  if (!isInteger(bytes, at, limit)) return -1;
  const masterFields = integerAt(bytes, at);
  at = positionAfter(bytes, at);
  if (count < 0 || deleted < 0 || masterFields < 0) return -1;
  at = pass(bytes, at, masterFields, limit);
  // The end of the master entry is a zero, as if it led back to something.
  if (at === -1 || !isInteger(bytes, at, limit) || integerAt(bytes, at) !== 0) return -1;
  at = positionAfter(bytes, at);
  const id = new StreamId();
  last.copy(master);
  let live = 0;
  let gone = 0;
  for (; at < limit; at = entryEnd) {
    if (!isEntry(bytes, at, limit, masterFields)) return -1;
    readEntryId(bytes, at, master.msHi, master.msLo, master.seqHi, master.seqLo, id);
    const order = id.compare(last);
    if (order < 0 || (order === 0 && live + gone > 0)) return -1;
    last.copy(id);
    if (((bytes[at] as number) & DELETED) !== 0) gone++;
    else if (live++ === 0) first.copy(id);
  }
  // Deleted entries may be all there are; but some there must be.
  return live === count && gone === deleted && live + gone > 0 ? live : -1;
}

/** Where the entry ends that isEntry() has found good. */
let entryEnd = 0;

function isEntry(bytes: Uint8Array, start: number, limit: number, masterFields: number): boolean {
  const flags = bytes[start] as number;
  if (flags > (DELETED | SAME_FIELDS)) return false;
  let at = positionAfter(bytes, start);
  for (let i = 0; i < 2; i++) {
    if (!isInteger(bytes, at, limit)) return false;
    at = positionAfter(bytes, at);
  }
  let elements = 3 + masterFields;
  let texts = masterFields;
  if ((flags & SAME_FIELDS) === 0) {
    if (!isInteger(bytes, at, limit)) return false;
    const fields = integerAt(bytes, at);
    if (fields < 0) return false;
    at = positionAfter(bytes, at);
    elements = 4 + 2 * fields;
    texts = 2 * fields;
  }
  at = pass(bytes, at, texts, limit);
  if (at === -1 || !isInteger(bytes, at, limit) || integerAt(bytes, at) !== elements) return false;
  entryEnd = positionAfter(bytes, at);
  return true;
}
