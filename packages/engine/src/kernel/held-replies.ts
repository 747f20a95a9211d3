/**
 * HeldReplies: replies that wait until what they promise is on disk, or for those of others (ReplyRounds),
 * in the order in which they were written.
 *
 *      bytes    [ +OK | :1 | +OK  +OK | ...                  ]     one buffer for all clients
 *      ends       5     9    19                                    of each client's part
 *
 * Only short replies are held: the memory is bounded, and a long one is worth a write of its own.
 */
import { ReplyWriter } from "@kv/resp";
import type { Client } from "./client.ts";

/** Longer replies are not held. */
const REPLY_BYTES_MAX = 16 * 1024;
/** Nor are any, when so much waits already. */
const HELD_BYTES_MAX = 256 * 1024;

/** Replies that wait: see the head of this file. */
export class HeldReplies {
  private readonly clients: (Client | null)[] = [];
  private readonly ends: number[] = [];
  /** How many of these are in use: arrays that are emptied would grow anew each time. */
  private heldCount = 0;
  private isReleasing = false;
  private readonly replies = new ReplyWriter(REPLY_BYTES_MAX);
  /** The front of this is where each part leaves from: a connection knows views of it. */
  private readonly front = new ReplyWriter(1024);

  /** Nothing waits. */
  get isEmpty(): boolean {
    return this.heldCount === 0;
  }

  /** How many replies wait. */
  get count(): number {
    return this.heldCount;
  }

  /** Keeps what `from` holds, for the client. False: it is too much. */
  take(client: Client, from: ReplyWriter): boolean {
    const { replies, clients, ends } = this;
    const { length } = from;
    if (this.isReleasing || from.partsBytes > 0 || from.isOverflowed || length > REPLY_BYTES_MAX)
      return false;
    if (replies.length + length > HELD_BYTES_MAX) return false;
    replies.rawBytes(from.bytes, 0, length);
    const index = this.heldCount++;
    clients[index] = client;
    ends[index] = replies.length;
    return true;
  }

  /** All that was held, one after the other. What `send` leads to finds nothing held, and holds nothing. */
  release(send: (client: Client, replies: ReplyWriter) => void): void {
    const { clients, ends, replies, front, heldCount } = this;
    const { bytes } = replies;
    this.heldCount = 0;
    this.isReleasing = true;
    let start = 0;
    for (let index = 0; index < heldCount; index++) {
      const end = ends[index] as number;
      front.rawBytes(bytes, start, end);
      send(clients[index] as Client, front);
      front.reset();
      clients[index] = null;
      start = end;
    }
    this.isReleasing = false;
    replies.reset();
  }

  /** Nobody gets it. */
  clear(): void {
    this.clients.fill(null);
    this.heldCount = 0;
    this.replies.reset();
  }
}
