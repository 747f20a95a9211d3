/** What a client costs: the bytes that the server holds on its behalf. */

import type { Engine } from "../engine.ts";
import type { Client } from "./client.ts";

/** The client itself, its reader and its socket: measured as what 5,000 idle ones take. */
export const CLIENT_BYTES = 8192;

/** All bytes held for the client: `tot-mem` of CLIENT LIST, and what `maxmemory-clients` is about. */
export function clientBytes(engine: Engine, client: Client): number {
  const { pubsub, watchedKeys, tracking } = engine;
  const names = pubsub.bytesOf(client) + watchedKeys.bytesOf(client) + tracking.bytesOf(client);
  const queuedBytes = client.transaction?.queue.heldBytes ?? 0;
  return CLIENT_BYTES + client.bufferBytes + names + queuedBytes;
}
