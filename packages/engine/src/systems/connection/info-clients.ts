/** INFO clients: who is connected, and in what state. */

import { ClientState } from "../../kernel/client-state.ts";
import type { Ports } from "../../module/ports.ts";
import type { InfoSection } from "../../module/system.ts";
import { clientUpkeepPort } from "./client-upkeep.ts";

function countIn(engine: Ports, state: number): number {
  let count = 0;
  for (const client of engine.clients.values()) if (client.is(state)) count++;
  return count;
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
      value: (engine) => engine.of(clientUpkeepPort).recentInput.at(engine.situation.nowMs),
    },
    {
      name: "client_recent_max_output_buffer",
      value: (engine) => engine.of(clientUpkeepPort).recentOutput.at(engine.situation.nowMs),
    },
    { name: "blocked_clients", value: (engine) => countIn(engine, ClientState.WAITING) },
    { name: "clients_in_timeout_table", value: () => 0 },
    { name: "total_blocking_keys", value: () => 0 },
    { name: "total_blocking_keys_on_nokey", value: () => 0 },
  ],
};
