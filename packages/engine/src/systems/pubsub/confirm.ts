/** The confirmation of a subscription or of its end: a push message to the client itself. */
import { ReplyMode } from "../../kernel/client-state.ts";
import type { EngineCall } from "../../module/engine-call.ts";
import type { Subscriptions } from "./subscriptions.ts";

/** Confirms something about the name bytes[start, end); `count` subscriptions are left. */
export function confirm(
  call: EngineCall,
  kind: string,
  bytes: Uint8Array,
  start: number,
  end: number,
  count: number,
): void {
  const { reply } = call;
  reply.push(3);
  reply.bulkLatin1(kind);
  reply.bulk(bytes, start, end);
  reply.integer(count);
  keep(call);
}

/** Everything was to be ended, and there was nothing. */
export function confirmNothing(call: EngineCall, kind: string, count: number): void {
  const { reply } = call;
  reply.push(3);
  reply.bulkLatin1(kind);
  reply.null();
  reply.integer(count);
  keep(call);
}

/** What a confirmation counts: shard channels are a world of their own. */
export function countedWith({ client }: EngineCall, { counter }: Subscriptions): number {
  return counter === "shardChannelCount"
    ? client.shardChannelCount
    : client.channelCount + client.patternCount;
}

/** A push is no reply: CLIENT REPLY OFF leaves it alone. */
function keep({ client, engine }: EngineCall): void {
  if (client.replyMode !== ReplyMode.ON) engine.muting.keep();
}
