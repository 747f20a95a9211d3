/** What a client costs: the bytes that the server holds on its behalf. */
import type { Client } from "./client.ts";

/** A name that is kept costs more than its characters: the entries of a table and of a set. */
export const NAME_OVERHEAD_BYTES = 64;
/** The client itself and its reader. */
const CLIENT_BYTES = 1024;

/** All bytes held for the client: `tot-mem` of CLIENT LIST, and what `maxmemory-clients` is about. */
export function clientBytes(client: Client): number {
  let sum = CLIENT_BYTES + client.bufferBytes + client.subscribedBytes;
  const { transaction, tracking } = client;
  if (transaction !== null) {
    sum += transaction.queue.heldBytes;
    for (const { key } of transaction.watched) sum += key.length + NAME_OVERHEAD_BYTES;
  }
  if (tracking !== null)
    for (const prefix of tracking.prefixes) sum += prefix.length + NAME_OVERHEAD_BYTES;
  return sum;
}
