/** Directives: Redis Cluster. */
import { directive } from "../directive.ts";
import { boolean, integer, memory, oneOf, text } from "../kinds.ts";
import { intMax, longMax, ulongMax } from "../value-grammar.ts";

const hostNameLengthMax = 256;

function refuseHostName(name: string): string | undefined {
  if (name.length >= hostNameLengthMax) {
    return `Hostnames must be less than ${hostNameLengthMax} characters`;
  }
  return /^[A-Za-z0-9.-]*$/.test(name)
    ? undefined
    : "Hostnames may only contain alphanumeric characters, hyphens or dots";
}

/** The name stands in nodes.conf, where these characters mean something. */
function refuseNodeName(name: string): string | undefined {
  return /[!#$%&()*+:;<>?@[\]^{|}~]/.test(name)
    ? "Announced human node name contained invalid character"
    : undefined;
}

export const cluster = [
  directive({
    name: "cluster-enabled",
    kind: boolean,
    default: false,
    immutable: true,
    summary: "Be a node of a cluster.",
  }),
  directive({
    name: "cluster-config-file",
    kind: text(),
    default: "nodes.conf",
    immutable: true,
    summary: "File in which the node keeps what it knows of the cluster.",
  }),
  directive({
    name: "cluster-node-timeout",
    kind: integer(0, longMax),
    default: 15000,
    summary: "Milliseconds without an answer after which a node counts as failed.",
  }),
  directive({
    name: "cluster-port",
    kind: integer(0, 65535),
    default: 0,
    immutable: true,
    summary: "Port of the cluster bus; 0 takes the client port and adds 10000.",
  }),
  directive({
    name: "cluster-replica-validity-factor",
    aliases: ["cluster-slave-validity-factor"],
    kind: integer(0, intMax),
    default: 10,
    summary: "How stale a replica may be and still be promoted; 0 sets no limit.",
  }),
  directive({
    name: "cluster-migration-barrier",
    kind: integer(0, intMax),
    default: 1,
    summary: "Replicas that a primary keeps when one moves to a primary without any.",
  }),
  directive({
    name: "cluster-allow-replica-migration",
    kind: boolean,
    default: true,
    summary: "Let replicas move between primaries.",
  }),
  directive({
    name: "cluster-require-full-coverage",
    kind: boolean,
    default: true,
    summary: "Refuse commands while a slot is not served.",
  }),
  directive({
    name: "cluster-replica-no-failover",
    aliases: ["cluster-slave-no-failover"],
    kind: boolean,
    default: false,
    summary: "Never promote this replica by itself.",
  }),
  directive({
    name: "cluster-allow-reads-when-down",
    kind: boolean,
    default: false,
    summary: "Answer reads while the cluster is down.",
  }),
  directive({
    name: "cluster-allow-pubsubshard-when-down",
    kind: boolean,
    default: true,
    summary: "Serve shard channels while the cluster is down.",
  }),
  directive({
    name: "cluster-link-sendbuf-limit",
    kind: memory(0, ulongMax),
    default: 0,
    summary: "Unsent bytes at which a bus link is dropped; 0 sets no limit.",
  }),
  directive({
    name: "cluster-announce-hostname",
    kind: text({ refuse: refuseHostName }),
    default: "",
    emptyIsUnset: true,
    summary: "Host name to announce.",
  }),
  directive({
    name: "cluster-announce-human-nodename",
    since: "7.2.0",
    kind: text({ refuse: refuseNodeName }),
    default: "",
    emptyIsUnset: true,
    summary: "Name for people, shown in logs beside the node's id.",
  }),
  directive({
    name: "cluster-preferred-endpoint-type",
    kind: oneOf(["ip", "hostname", "unknown-endpoint"]),
    default: "ip",
    summary: "What redirections name.",
  }),
  directive({
    name: "cluster-announce-ip",
    kind: text(),
    default: "",
    emptyIsUnset: true,
    summary: "Address to announce.",
  }),
  directive({
    name: "cluster-announce-port",
    kind: integer(0, 65535),
    default: 0,
    summary: "Client port to announce; 0 announces the real one.",
  }),
  directive({
    name: "cluster-announce-tls-port",
    kind: integer(0, 65535),
    default: 0,
    summary: "TLS port to announce; 0 announces the real one.",
  }),
  directive({
    name: "cluster-announce-bus-port",
    kind: integer(0, 65535),
    default: 0,
    summary: "Bus port to announce; 0 announces the real one.",
  }),
] as const;
