/** INFO clients: who is connected, and in what state. */

import type { Client } from "../../kernel/client.ts";
import { ClientState } from "../../kernel/client-state.ts";
import type { Ports } from "../../module/ports.ts";
import type { InfoSection } from "../../module/system.ts";

function countIn(engine: Ports, state: number): number {
  let count = 0;
  for (const client of engine.clients.values()) if (client.is(state)) count++;
  return count;
}

function largest(engine: Ports, bytesOf: (client: Client) => number): number {
  let most = 0;
  for (const client of engine.clients.values()) most = Math.max(most, bytesOf(client));
  return most;
}

export const clientsSection: InfoSection = {
  name: "clients",
  title: "Clients",
  isDefault: true,
  fields: [
    {
      name: "connected_clients",
      value: ({ clients }) => clients.size - clients.replicaCount,
    },
    { name: "cluster_connections", value: () => 0 },
    { name: "maxclients", value: ({ config }) => config.number("maxclients") },
    {
      name: "client_recent_max_input_buffer",
      value: (engine) => largest(engine, (client) => client.reader.bufferBytes),
    },
    {
      name: "client_recent_max_output_buffer",
      value: (engine) => largest(engine, (client) => client.outputPeakBytes),
    },
    { name: "blocked_clients", value: (engine) => countIn(engine, ClientState.WAITING) },
    { name: "clients_in_timeout_table", value: () => 0 },
    { name: "total_blocking_keys", value: () => 0 },
    { name: "total_blocking_keys_on_nokey", value: () => 0 },
  ],
};
