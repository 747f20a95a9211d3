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
  private readonly clients: Client[] = [];
  private readonly ends: number[] = [];
  private readonly replies = new ReplyWriter(REPLY_BYTES_MAX);
  /** The front of this is where each part leaves from: a connection knows views of it. */
  private readonly front = new ReplyWriter(1024);

  /** Nothing waits. */
  get isEmpty(): boolean {
    return this.clients.length === 0;
  }

  /** How many replies wait. */
  get count(): number {
    return this.clients.length;
  }

  /** Keeps what `from` holds, for the client. False: it is too much. */
  take(client: Client, from: ReplyWriter): boolean {
    const { replies, clients, ends } = this;
    const { length } = from;
    if (from.partsBytes > 0 || from.isOverflowed || length > REPLY_BYTES_MAX) return false;
    if (replies.length + length > HELD_BYTES_MAX) return false;
    replies.rawBytes(from.bytes, 0, length);
    clients.push(client);
    ends.push(replies.length);
    return true;
  }

  /** All that was held, one after the other. */
  release(send: (client: Client, replies: ReplyWriter) => void): void {
    const { clients, ends, replies, front } = this;
    const { bytes } = replies;
    let start = 0;
    for (let index = 0; index < clients.length; index++) {
      const end = ends[index] as number;
      front.rawBytes(bytes, start, end);
      send(clients[index] as Client, front);
      front.reset();
      start = end;
    }
    this.clear();
  }

  /** Nobody gets it. */
  clear(): void {
    this.clients.length = 0;
    this.ends.length = 0;
    this.replies.reset();
  }
}
