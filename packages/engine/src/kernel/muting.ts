/**
 * Muting: CLIENT REPLY OFF and SKIP cut away what was just replied. Messages that stand among the
 * replies (the confirmation of a subscription, an invalidation) are no replies and stay: whoever
 * wrote one says keep().
 */
import type { ReplyWriter } from "@kv/resp";
import type { Client } from "./client.ts";
import { ClientState, ReplyMode } from "./client-state.ts";

/** CLIENT REPLY OFF and SKIP: see the head of this file. */
export class Muting {
  private readonly reply: ReplyWriter;
  /** Up to here the reply buffer stays even if the client wants no replies. */
  private keptBytes = 0;

  constructor(reply: ReplyWriter) {
    this.reply = reply;
  }

  /** What is written by now stays, whatever the client wants. */
  keep(): void {
    this.keptBytes = this.reply.mark();
  }

  /** Takes back the replies that were written since, if the client wants none. */
  takeBack(client: Client): void {
    if (client.isMuted) this.reply.rewind(this.keptBytes);
  }

  /** A request of the client begins. */
  requestBegins(client: Client): void {
    this.keep();
    if (client.replyMode === ReplyMode.SKIP_NEXT) client.replyMode = ReplyMode.SKIP;
  }

  /** It is over. CLIENT REPLY SKIP itself answered nothing; the command behind it is the one skipped. */
  requestEnds(client: Client): void {
    if (!client.isMuted) return;
    this.takeBack(client);
    this.waitEnds(client);
  }

  /** A request that made its client wait is over, and what was to be said of it has been said. */
  waitEnds(client: Client): void {
    if (client.replyMode !== ReplyMode.SKIP) return;
    client.replyMode = ReplyMode.ON;
    client.mark(ClientState.MUTED, false);
  }
}
