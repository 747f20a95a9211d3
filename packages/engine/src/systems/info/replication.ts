/**
 * INFO replication and cluster of a server that has neither: a primary without replicas. A module of
 * replication puts a section of its own in the place of the first.
 */
import type { InfoSection } from "../../module/system.ts";

export const replicationSection: InfoSection = {
  name: "replication",
  title: "Replication",
  isDefault: true,
  fields: [
    { name: "role", value: () => "master" },
    { name: "connected_slaves", value: () => 0 },
    { name: "master_replid", value: ({ identity }) => identity.replicationId },
    { name: "master_repl_offset", value: () => 0 },
  ],
};

export const clusterSection: InfoSection = {
  name: "cluster",
  title: "Cluster",
  isDefault: true,
  fields: [{ name: "cluster_enabled", value: () => 0 }],
};
