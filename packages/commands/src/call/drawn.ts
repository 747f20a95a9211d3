/**
 * Elements that are drawn at random, of which some may come several times: what HRANDFIELD, SRANDMEMBER and
 * ZRANDMEMBER reply with where their count is below 0.
 */
import type { Call } from "./call.ts";
import { errors } from "./errors.ts";

/**
 * Redis goes on drawing until memory or the client's output limit ends it. The limit ends it here as well;
 * but a reply of a gigabyte is no use to anybody: counts and replies beyond these are out of range.
 */
const DRAWN_MAX = 2 ** 26;
/** The shortest that one of them can be as a reply: "$0" and two line ends. */
const BULK_BYTES_MIN = 6;
const REPLY_BYTES_MAX = 2 ** 30;

/** Replies with `count` elements: `begin` writes what stands ahead of them, `draw` one of them. */
export function replyDrawn(call: Call, count: number, begin: () => void, draw: () => void): void {
  const { reply } = call;
  if (!reply.announce(count * BULK_BYTES_MIN)) return;
  if (count > DRAWN_MAX) throw errors.outOfRange;
  const bytesMax = reply.mark() + REPLY_BYTES_MAX;
  begin();
  for (let i = 0; i < count; i++) {
    draw();
    if (reply.isOverflowed) return;
    if (reply.mark() > bytesMax) throw errors.outOfRange;
  }
}
