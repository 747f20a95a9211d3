/**
 * Conversation: one connection to an instance: requests and their replies, in order, or what comes by
 * itself on a connection that listens.
 *
 *      send(words, taker)  ──> waiting: [taker, taker, ...]  <── a reply each
 *      lost, ended         ──> each taker that waits hears `undefined`
 *
 * Requests may be sent before the connection is there. A peer that sends what is no reply, or one
 * that does not end, is hung up on.
 */
import type { Connection, Dialed, Dialing, DialTarget, Host } from "@kv/engine";
import { encodeRequest, type Reply, ReplyParser, ReplySyntaxError } from "@kv/resp";

/** Takes a reply; undefined: none will come. */
export type ReplyTaker = (reply: Reply | undefined) => void;

/** Whose conversation it is. */
export interface ConversationOwner {
  /** The numbers behind the name of the host. */
  resolved(numbers: readonly string[]): void;
  /** It is there; addresses are known. */
  opened(connection: Connection): void;
  /** Something that nobody asked for. */
  heard(reply: Reply): void;
  /** It could not be had, or is gone. Not after end(). */
  lost(reason: string): void;
}

/** As many bytes a reply may have. */
const REPLY_BYTES_MAX = 16 * 2 ** 20;

/** One connection: see the head of this file. */
export class Conversation implements Dialed {
  /** Null: not there yet, or gone. */
  connection: Connection | null = null;
  private readonly host: Host;
  private readonly owner: ConversationOwner;
  private readonly dialing: Dialing;
  private readonly parser = new ReplyParser({ strings: "latin1" });
  private readonly waiting: ReplyTaker[] = [];
  private unsent: Uint8Array[] = [];
  private isOver = false;
  /** Bytes that have come of a reply that is no whole one yet. */
  private openBytes = 0;

  constructor(host: Host, target: DialTarget, owner: ConversationOwner) {
    this.host = host;
    this.owner = owner;
    this.dialing = host.dial(target, this);
  }

  /** Requests that are not answered yet. */
  get waitingCount(): number {
    return this.waiting.length;
  }

  send(words: readonly string[], taker: ReplyTaker): void {
    this.waiting.push(taker);
    this.write(words);
  }

  /** What is answered, if at all, by messages (SUBSCRIBE). */
  sendUnanswered(words: readonly string[]): void {
    this.write(words);
  }

  private write(words: readonly string[]): void {
    const bytes = encodeRequest(words);
    if (this.connection === null) this.unsent.push(bytes);
    else this.connection.give(bytes);
  }

  /** We end it. */
  end(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.connection = null;
    this.dialing.abandon();
    this.tellWaiting();
  }

  private tellWaiting(): void {
    for (const taker of this.waiting.splice(0)) taker(undefined);
  }

  resolved(numbers: readonly string[]): void {
    if (!this.isOver) this.owner.resolved(numbers);
  }

  opened(connection: Connection): void {
    if (this.isOver) return;
    this.connection = connection;
    this.owner.opened(connection);
    for (const bytes of this.unsent.splice(0)) connection.give(bytes);
  }

  received(chunk: Uint8Array, _view: DataView, start: number, end: number): void {
    if (this.isOver) return;
    this.openBytes += end - start;
    try {
      this.parser.feed(chunk.subarray(start, end));
      for (let reply = this.next(); reply !== undefined; reply = this.next()) {
        this.openBytes = this.parser.pendingBytes;
        const taker = this.waiting.shift();
        if (taker === undefined) this.owner.heard(reply);
        else taker(reply);
      }
    } catch (error) {
      if (!(error instanceof ReplySyntaxError)) throw error;
      this.hangUp("Protocol error");
    }
    if (!this.isOver && this.openBytes > REPLY_BYTES_MAX) this.hangUp("Reply too long");
    // What was told because of it leaves with the next turn.
    this.host.wake();
  }

  private next(): Reply | undefined {
    return this.isOver ? undefined : this.parser.next();
  }

  /** We end it, since it is of no use; the owner hears that it is lost. */
  hangUp(reason: string): void {
    if (this.isOver) return;
    this.end();
    this.owner.lost(reason);
  }

  closed(reason: string): void {
    if (this.isOver) return;
    this.isOver = true;
    this.connection = null;
    this.tellWaiting();
    this.owner.lost(reason === "" ? "Connection closed" : reason);
    this.host.wake();
  }
}
