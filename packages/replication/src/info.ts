/** Rows of INFO about replication: the section of that name, and what other sections say of replicas. */
import { dataSetFilePort, type InfoSection, type Ports } from "@kv/engine";
import { LinkState } from "./link-state.ts";
import { replicationPort } from "./primary.ts";
import type { Upstream } from "./upstream.ts";

type Row = readonly [name: string, value: string | number];

/** Of a server that follows another one. */
function upstreamRows({ config, situation }: Ports, upstream: Upstream, offset: number): Row[] {
  const { primary, state, arriving } = upstream;
  if (primary === null) return [];
  const rows: Row[] = [
    ["master_host", primary.host],
    ["master_port", primary.port],
    ["master_link_status", state === LinkState.CONNECTED ? "up" : "down"],
    ["master_last_io_seconds_ago", upstream.lastIoSeconds],
    ["master_sync_in_progress", state === LinkState.TRANSFER ? 1 : 0],
    ["slave_read_repl_offset", upstream.readOffset],
    ["slave_repl_offset", offset],
  ];
  if (arriving !== null) {
    const { totalBytes, takenBytes } = arriving;
    const share = totalBytes > 0 ? (takenBytes / totalBytes) * 100 : 0;
    rows.push(
      ["master_sync_total_bytes", totalBytes],
      ["master_sync_read_bytes", takenBytes],
      ["master_sync_left_bytes", totalBytes - takenBytes],
      ["master_sync_perc", share.toFixed(2)],
      ["master_sync_last_io_seconds_ago", upstream.lastIoSeconds],
    );
  }
  if (state !== LinkState.CONNECTED) {
    const { downSinceMs } = upstream;
    const seconds = downSinceMs === 0 ? -1 : Math.floor((situation.nowMs - downSinceMs) / 1000);
    rows.push(["master_link_down_since_seconds", seconds]);
  }
  rows.push(
    ["slave_priority", config.number("replica-priority")],
    ["slave_read_only", config.boolean("replica-read-only") ? 1 : 0],
    ["replica_announced", config.boolean("replica-announced") ? 1 : 0],
  );
  return rows;
}

function replicationRows(ports: Ports): Row[] {
  const { identity, config, situation } = ports;
  const { replicas, followers, goodReplicas, failover, upstream } = ports.of(replicationPort);
  const { stream, offset } = followers;
  return [
    ["role", upstream.isReplica ? "slave" : "master"],
    ...upstreamRows(ports, upstream, offset),
    ["connected_slaves", replicas.length],
    ...(goodReplicas.areWanted ? [["min_slaves_good_slaves", goodReplicas.count] as Row] : []),
    ...replicas.map((each, index): Row => [`slave${index}`, each.line(situation.nowMs)]),
    ["master_failover_state", failover.state],
    ["master_replid", identity.replicationId],
    ["master_replid2", identity.secondReplicationId],
    ["master_repl_offset", offset],
    ["second_repl_offset", identity.secondReplicationOffset],
    ["repl_backlog_active", stream === null ? 0 : 1],
    ["repl_backlog_size", config.number("repl-backlog-size")],
    ["repl_backlog_first_byte_offset", stream === null ? 0 : stream.firstOffset + 1],
    ["repl_backlog_histlen", stream === null ? 0 : stream.length],
  ];
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
      {
        name: "slave_expires_tracked_keys",
        value: (ports) => ports.of(replicationPort).ownExpiries.count,
      },
      { name: "sync_full", value: (ports) => ports.of(replicationPort).fullSyncCount },
      { name: "sync_partial_ok", value: (ports) => ports.of(replicationPort).partialSyncCount },
      {
        name: "sync_partial_err",
        value: (ports) => ports.of(replicationPort).refusedPartialSyncCount,
      },
    ],
  },
];
