/** The confirmation of a subscription or of its end: a push message to the client itself. */
import { ReplyMode } from "../../client.ts";
import type { EngineCall } from "../../engine-call.ts";

/** `name` is null when everything was to be ended and there was nothing. */
export function confirm(call: EngineCall, kind: string, name: string | null, count: number): void {
  const { client, engine, reply } = call;
  reply.push(3);
  reply.bulkLatin1(kind);
  if (name === null) reply.null();
  else reply.bulkLatin1(name);
  reply.integer(count);
  // A push is no reply: CLIENT REPLY OFF leaves it alone.
  if (client.replyMode !== ReplyMode.ON) engine.keptBytes = reply.mark();
}
