/** What a client costs: the bytes that the server holds on its behalf. */
import type { Client } from "./client.ts";
import type { Engine } from "./engine.ts";

/** The client itself and its reader. */
const CLIENT_BYTES = 1024;

/** All bytes held for the client: `tot-mem` of CLIENT LIST, and what `maxmemory-clients` is about. */
export function clientBytes(engine: Engine, client: Client): number {
  const { pubsub, watchedKeys, tracking } = engine;
  const names = pubsub.bytesOf(client) + watchedKeys.bytesOf(client) + tracking.bytesOf(client);
  const queuedBytes = client.transaction?.queuedBytes ?? 0;
  return CLIENT_BYTES + client.bufferBytes + names + queuedBytes;
}
