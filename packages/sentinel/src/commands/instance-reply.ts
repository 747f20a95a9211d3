/** An instance as SENTINEL MASTER, REPLICAS and SENTINELS show it: a map, whose order tools may rely on. */
import type { ReplyWriter } from "@kv/resp";
import { Flag, flagWords } from "../flag.ts";
import {
  failoverStateNames,
  type Instance,
  type Peer,
  type Primary,
  type Replica,
} from "../instance.ts";
import type { Sentinel } from "../sentinel.ts";

/** Pairs of a name and a value, all of them as text. */
type Fields = [name: string, value: string | number][];

export function replyInstance(sentinel: Sentinel, reply: ReplyWriter, instance: Instance): void {
  const fields = fieldsOf(sentinel, instance);
  reply.map(fields.length);
  for (const [name, value] of fields) {
    reply.bulkLatin1(name);
    reply.bulkLatin1(`${value}`);
  }
}

/** Those of several instances. */
export function replyInstances(
  sentinel: Sentinel,
  reply: ReplyWriter,
  instances: readonly Instance[],
): void {
  reply.array(instances.length);
  for (const instance of instances) replyInstance(sentinel, reply, instance);
}

function fieldsOf(sentinel: Sentinel, instance: Instance): Fields {
  const nowMs = sentinel.now();
  const since = (ms: number) => (ms === 0 ? 0 : nowMs - ms);
  const { link, address, kind, flags } = instance;
  const fields: Fields = [
    ["name", instance.name],
    ["ip", address.shown(sentinel.settings.announcesHostnames)],
    ["port", address.port],
    ["runid", instance.runId],
    ["flags", flagWords(flags, kind, link.isDisconnected)],
    ["link-pending-commands", link.pendingCount],
    ["link-refcount", link.userCount],
  ];
  if (instance.kind === "master" && instance.is(Flag.FAILOVER_IN_PROGRESS))
    fields.push(["failover-state", failoverStateNames[instance.failoverState] ?? ""]);
  fields.push(
    ["last-ping-sent", since(link.openPingMs)],
    ["last-ok-ping-reply", nowMs - link.lastAvailableMs],
    ["last-ping-reply", nowMs - link.lastPongMs],
  );
  if (instance.is(Flag.S_DOWN))
    fields.push(["s-down-time", nowMs - instance.subjectivelyDownSinceMs]);
  if (instance.is(Flag.O_DOWN))
    fields.push(["o-down-time", nowMs - instance.objectivelyDownSinceMs]);
  fields.push(["down-after-milliseconds", instance.downAfterMs]);
  if (instance.kind === "sentinel") return [...fields, ...peerFields(instance, nowMs)];
  fields.push(
    ["info-refresh", since(instance.infoMs)],
    ["role-reported", instance.roleReported],
    ["role-reported-time", nowMs - instance.roleReportedMs],
  );
  return [
    ...fields,
    ...(instance.kind === "master" ? primaryFields(instance) : replicaFields(instance)),
  ];
}

function primaryFields(primary: Primary): Fields {
  const fields: Fields = [
    ["config-epoch", primary.configEpoch],
    ["num-slaves", primary.replicas.size],
    ["num-other-sentinels", primary.sentinels.size],
    ["quorum", primary.quorum],
    ["failover-timeout", primary.failoverTimeoutMs],
    ["parallel-syncs", primary.parallelSyncs],
  ];
  const { notificationScript, reconfigurationScript } = primary;
  if (notificationScript !== "") fields.push(["notification-script", notificationScript]);
  if (reconfigurationScript !== "") fields.push(["client-reconfig-script", reconfigurationScript]);
  return fields;
}

function replicaFields(replica: Replica): Fields {
  return [
    ["master-link-down-time", replica.primaryLinkDownMs],
    ["master-link-status", replica.isPrimaryLinkUp ? "ok" : "err"],
    ["master-host", replica.primaryHost || "?"],
    ["master-port", replica.primaryPort],
    ["slave-priority", replica.priority],
    ["slave-repl-offset", replica.offset],
    ["replica-announced", replica.isAnnounced ? 1 : 0],
  ];
}

function peerFields(peer: Peer, nowMs: number): Fields {
  return [
    ["last-hello-message", nowMs - peer.lastHelloMs],
    ["voted-leader", peer.leader || "?"],
    ["voted-leader-epoch", peer.leaderEpoch],
  ];
}
