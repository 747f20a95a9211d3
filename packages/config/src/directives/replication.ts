/** Directives: primaries and replicas. */
import { directive } from "../directive.ts";
import { boolean, integer, memory, oneOf, text } from "../kinds.ts";
import { primaryAddress } from "../special-kinds.ts";
import { type Integer, intMax, longMax } from "../value-grammar.ts";

const backlogSizeMin = 16 * 1024;

export const replication = [
  directive({
    name: "replicaof",
    aliases: ["slaveof"],
    kind: primaryAddress,
    default: null,
    immutable: true,
    summary: "The primary to copy from.",
  }),
  directive({
    name: "masteruser",
    kind: text(),
    default: "",
    emptyIsUnset: true,
    sensitive: true,
    summary: "User name for the primary.",
  }),
  directive({
    name: "masterauth",
    kind: text(),
    default: "",
    emptyIsUnset: true,
    sensitive: true,
    summary: "Password for the primary.",
  }),
  directive({
    name: "replica-serve-stale-data",
    aliases: ["slave-serve-stale-data"],
    kind: boolean,
    default: true,
    summary: "Answer reads while the link to the primary is down.",
  }),
  directive({
    name: "replica-read-only",
    aliases: ["slave-read-only"],
    kind: boolean,
    default: true,
    summary: "Refuse writes of clients on a replica.",
  }),
  directive({
    name: "replica-lazy-flush",
    aliases: ["slave-lazy-flush"],
    kind: boolean,
    default: false,
    summary: "Free the old data set in the background before a full copy is loaded.",
  }),
  directive({
    name: "replica-ignore-maxmemory",
    aliases: ["slave-ignore-maxmemory"],
    kind: boolean,
    default: true,
    summary: "Leave eviction to the primary.",
  }),
  directive({
    name: "replica-ignore-disk-write-errors",
    kind: boolean,
    default: false,
    summary: "On a replica, go on with the primary's writes when they cannot be persisted.",
  }),
  directive({
    name: "replica-priority",
    aliases: ["slave-priority"],
    kind: integer(0, intMax),
    default: 100,
    summary: "Rank in a failover, lowest first; 0 is never promoted.",
  }),
  directive({
    name: "replica-announced",
    kind: boolean,
    default: true,
    summary: "Let sentinels tell clients of this replica.",
  }),
  directive({
    name: "replica-announce-ip",
    aliases: ["slave-announce-ip"],
    kind: text(),
    default: "",
    emptyIsUnset: true,
    summary: "Address that the primary should report for this replica.",
  }),
  directive({
    name: "replica-announce-port",
    aliases: ["slave-announce-port"],
    kind: integer(0, 65535),
    default: 0,
    summary: "Port that the primary should report for this replica.",
  }),
  directive({
    name: "repl-diskless-sync",
    kind: boolean,
    default: true,
    summary: "Send the snapshot for a full copy without a file in between.",
  }),
  directive({
    name: "repl-diskless-sync-delay",
    kind: integer(0, intMax),
    default: 5,
    summary: "Seconds to wait for more replicas before such a transfer.",
  }),
  directive({
    name: "repl-diskless-sync-max-replicas",
    kind: integer(0, intMax),
    default: 0,
    summary: "Begin without waiting once so many replicas are there; 0 always waits.",
  }),
  directive({
    name: "repl-diskless-load",
    kind: oneOf(["disabled", "on-empty-db", "swapdb"]),
    default: "disabled",
    denyLoading: true,
    summary: "Load a full copy from the socket rather than from a file.",
  }),
  directive({
    name: "repl-ping-replica-period",
    aliases: ["repl-ping-slave-period"],
    kind: integer(1, intMax),
    default: 10,
    summary: "Seconds between pings to the replicas.",
  }),
  directive({
    name: "repl-timeout",
    kind: integer(1, intMax),
    default: 60,
    summary: "Seconds without a word after which a replication link is down.",
  }),
  directive({
    name: "repl-disable-tcp-nodelay",
    noEffectBecause: "What changes within a turn leaves for each replica in one write as it is.",
    kind: boolean,
    default: false,
    summary: "Send fewer, fuller packets to replicas.",
  }),
  directive({
    name: "repl-backlog-size",
    kind: memory(1, longMax),
    default: 1024 * 1024,
    clamp: (bytes: Integer) => (bytes < backlogSizeMin ? backlogSizeMin : bytes),
    summary: "Bytes of recent writes kept for replicas that come back.",
  }),
  directive({
    name: "repl-backlog-ttl",
    kind: integer(0, longMax),
    default: 3600,
    summary: "Seconds after the last replica left until the backlog is freed; 0 keeps it.",
  }),
  directive({
    name: "min-replicas-to-write",
    aliases: ["min-slaves-to-write"],
    kind: integer(0, intMax),
    default: 0,
    summary: "Refuse writes with fewer good replicas than this.",
  }),
  directive({
    name: "min-replicas-max-lag",
    aliases: ["min-slaves-max-lag"],
    kind: integer(0, intMax),
    default: 10,
    summary: "Seconds of silence up to which a replica counts as good.",
  }),
  directive({
    name: "propagation-error-behavior",
    kind: oneOf(["ignore", "panic", "panic-on-replicas"]),
    default: "ignore",
    summary: "What to do when a replicated command or one of the append-only file fails.",
  }),
] as const;
