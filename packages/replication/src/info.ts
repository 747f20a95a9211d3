/** Rows of INFO about replication: the section of that name, and what other sections say of replicas. */
import {
  type Client,
  ClientState,
  dataSetFilePort,
  type InfoSection,
  type Ports,
} from "@kv/engine";
import { replicationPort } from "./primary.ts";

type Row = readonly [name: string, value: string | number];

function replicationRows(ports: Ports): Row[] {
  const { identity, config, situation } = ports;
  const { replicas, followers, goodReplicas, failover } = ports.of(replicationPort);
  const { stream, offset } = followers;
  return [
    ["role", "master"],
    ["connected_slaves", replicas.length],
    ...(goodReplicas.areWanted ? [["min_slaves_good_slaves", goodReplicas.count] as Row] : []),
    ...replicas.map((each, index): Row => [`slave${index}`, each.line(situation.nowMs)]),
    ["master_failover_state", failover.state],
    ["master_replid", identity.replicationId],
    ["master_replid2", "0".repeat(40)],
    ["master_repl_offset", offset],
    ["second_repl_offset", -1],
    ["repl_backlog_active", stream === null ? 0 : 1],
    ["repl_backlog_size", config.number("repl-backlog-size")],
    ["repl_backlog_first_byte_offset", stream === null ? 0 : stream.firstOffset + 1],
    ["repl_backlog_histlen", stream === null ? 0 : stream.length],
  ];
}

/** What the server holds for its replicas, and for all others. */
function bufferBytes({ clients }: Ports): { replicas: number; others: number } {
  const sums = { replicas: 0, others: 0 };
  const isReplica = (client: Client) => client.is(ClientState.REPLICA);
  for (const client of clients.values())
    sums[isReplica(client) ? "replicas" : "others"] += client.countedBytes;
  return sums;
}

export const infoSections: readonly InfoSection[] = [
  {
    name: "replication",
    title: "Replication",
    isDefault: true,
    replaces: true,
    fields: [],
    rows: replicationRows,
  },
  {
    name: "memory",
    title: "Memory",
    isDefault: true,
    fields: [
      {
        name: "mem_replication_backlog",
        value: (ports) => ports.of(replicationPort).followers.stream?.heldBytes ?? 0,
      },
      {
        name: "mem_total_replication_buffers",
        value: (ports) => ports.of(replicationPort).uncountedBytes(),
      },
      { name: "mem_clients_slaves", value: (ports) => bufferBytes(ports).replicas },
      { name: "mem_clients_normal", value: (ports) => bufferBytes(ports).others },
    ],
  },
  {
    name: "persistence",
    title: "Persistence",
    isDefault: true,
    fields: [
      {
        // To Redis what is written for a replica is a save.
        name: "rdb_bgsave_in_progress",
        value: (ports) =>
          ports.of(dataSetFilePort).isRunning || ports.of(replicationPort).isSaving ? 1 : 0,
      },
    ],
  },
  {
    name: "stats",
    title: "Stats",
    isDefault: true,
    fields: [
      { name: "sync_full", value: (ports) => ports.of(replicationPort).fullSyncCount },
      { name: "sync_partial_ok", value: (ports) => ports.of(replicationPort).partialSyncCount },
      {
        name: "sync_partial_err",
        value: (ports) => ports.of(replicationPort).refusedPartialSyncCount,
      },
    ],
  },
];
