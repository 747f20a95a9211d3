/** INFO replication and cluster, as long as there is neither: a primary without replicas. */
import type { InfoSection } from "../../module/system.ts";

export const replicationSection: InfoSection = {
  name: "replication",
  title: "Replication",
  isDefault: true,
  fields: [
    { name: "role", value: () => "master" },
    { name: "connected_slaves", value: () => 0 },
    { name: "master_failover_state", value: () => "no-failover" },
    { name: "master_replid", value: ({ identity }) => identity.replicationId },
    { name: "master_replid2", value: () => "0".repeat(40) },
    { name: "master_repl_offset", value: () => 0 },
    { name: "second_repl_offset", value: () => -1 },
    { name: "repl_backlog_active", value: () => 0 },
    { name: "repl_backlog_size", value: ({ config }) => config.number("repl-backlog-size") },
    { name: "repl_backlog_first_byte_offset", value: () => 0 },
    { name: "repl_backlog_histlen", value: () => 0 },
  ],
};

export const clusterSection: InfoSection = {
  name: "cluster",
  title: "Cluster",
  isDefault: true,
  fields: [{ name: "cluster_enabled", value: () => 0 }],
};
