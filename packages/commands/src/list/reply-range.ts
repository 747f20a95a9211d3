/**
 * Elements on their way to the client: from the listpack straight into the reply.
 *
 * LRANGE is a copy of many small pieces, so the loop over a node's elements writes short strings and
 * small integers itself, with one look at the room that is left for each; what is longer takes the
 * ReplyWriter's way.
 */
import { type ListpackValue, type ListValue, listpackWalk, type NodeView } from "@kv/core";
import type { ReplyWriter } from "@kv/resp";
import type { Call } from "../call/call.ts";
import { scratchText } from "./list-at.ts";

const { positionAfter, positionBefore, positionOf, readPosition } = listpackWalk;

/** Room that is asked for at a time, and what one element written here takes at most. */
const CHUNK_BYTES = 16384;
const ELEMENT_BYTES_MAX = 80;
const BULK = 36; // $
const CR = 13;
const LF = 10;
const DIGIT = 48;

/** Replies with `count` elements of a list, as an array: from `index` on, towards an end. */
export function replyRange(
  call: Call,
  list: ListValue,
  index: number,
  count: number,
  isForward: boolean,
): void {
  const { reply } = call;
  reply.array(count);
  const { node } = list;
  const text = scratchText(call);
  let at = list.open(index);
  for (let left = count; left > 0; ) {
    const here = Math.min(left, isForward ? node.count - at : at + 1);
    replyNode(reply, node, at, here, isForward, text);
    left -= here;
    if (left === 0) return;
    list.openBeside(isForward);
    at = isForward ? 0 : node.count - 1;
  }
}

function replyNode(
  reply: ReplyWriter,
  node: NodeView,
  index: number,
  count: number,
  isForward: boolean,
  text: ListpackValue,
): void {
  const { bytes, view, start, end } = node;
  if (node.isPlain) {
    reply.bulkFrom(bytes, view, start, end);
    return;
  }
  const at = positionOf(bytes, start, end, node.count, index);
  if (isForward) {
    replyForward(reply, bytes, view, at, count, text);
    return;
  }
  for (let i = 0, position = at; i < count; i++) {
    readPosition(bytes, view, position, text);
    reply.bulkFrom(text.bytes, text.view, text.start, text.end);
    if (i + 1 < count) position = positionBefore(bytes, position);
  }
}

/** The hot loop: longer than others, because a call for each element would cost as much as it does. */
function replyForward(
  reply: ReplyWriter,
  bytes: Uint8Array,
  view: DataView,
  at: number,
  count: number,
  text: ListpackValue,
): void {
  let left = count;
  while (left > 0) {
    if (!reply.ensure(CHUNK_BYTES)) return; // The client is lost.
    const out = reply.bytes;
    const limit = out.length - ELEMENT_BYTES_MAX;
    let to = reply.length;
    for (; left > 0 && to < limit; left--) {
      const lead = bytes[at] as number;
      if (lead >= 0x80 && lead < 0xc0) {
        const length = lead & 0x3f;
        out[to++] = BULK;
        if (length > 9) out[to++] = DIGIT + ((length * 205) >> 11);
        out[to++] = DIGIT + (length % 10);
        out[to] = CR;
        out[to + 1] = LF;
        to += 2;
        at++;
        for (const stop = at + length; at < stop; ) out[to++] = bytes[at++] as number;
        at++;
      } else if (lead < 0x80 || lead < 0xe0) {
        let value = lead;
        if (lead >= 0x80) value = (((lead << 8) | (bytes[at + 1] as number)) << 19) >> 19;
        at += lead < 0x80 ? 2 : 3;
        to = writeSmall(out, to, value);
      } else {
        break;
      }
      out[to] = CR;
      out[to + 1] = LF;
      to += 2;
    }
    reply.length = to;
    if (left > 0 && to < limit) {
      readPosition(bytes, view, at, text);
      reply.bulkFrom(text.bytes, text.view, text.start, text.end);
      at = positionAfter(bytes, at);
      left--;
    }
  }
}

/** The head and the digits of an integer between -4096 and 4095 as a bulk string. */
function writeSmall(out: Uint8Array, to: number, value: number): number {
  const size = value < 0 ? -value : value;
  const digits = size < 10 ? 1 : size < 100 ? 2 : size < 1000 ? 3 : 4;
  out[to] = BULK;
  out[to + 1] = DIGIT + digits + (value < 0 ? 1 : 0);
  out[to + 2] = CR;
  out[to + 3] = LF;
  to += 4;
  if (value < 0) out[to++] = 45;
  let rest = size;
  for (let i = to + digits - 1; i >= to; i--) {
    const tens = Math.floor(rest / 10);
    out[i] = DIGIT + rest - tens * 10;
    rest = tens;
  }
  return to + digits;
}
