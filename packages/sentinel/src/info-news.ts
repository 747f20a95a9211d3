/**
 * What INFO of a primary or a replica changes: replicas are found, a promotion is seen to have worked,
 * and who is not what it should be is told so.
 *
 *      replica says master    the promoted one: the failover goes on. Else it is told to follow again
 *      replica says slave     of another primary: it is told whose, once that is sure
 *                             of the promoted one: the failover counts it
 */
import { Address } from "./address.ts";
import { promotionSeen } from "./failover.ts";
import { Flag } from "./flag.ts";
import { addReplica } from "./fleet.ts";
import { type InfoReport, readInfo } from "./info-report.ts";
import { FailoverState, type Primary, type Replica } from "./instance.ts";
import { sendFollow } from "./orders.ts";
import type { Sentinel } from "./sentinel.ts";

/** The text of INFO has come. */
export function takeInfo(sentinel: Sentinel, instance: Primary | Replica, text: string): void {
  const report = readInfo(text);
  const nowMs = sentinel.now();
  instance.info = text;
  instance.infoMs = nowMs;
  takeRunId(sentinel, instance, report, nowMs);
  takeReplicas(sentinel, instance, report);
  if (instance.kind === "slave") takeLink(instance, report, nowMs);
  const role = report.role ?? instance.roleReported;
  if (role !== instance.roleReported) {
    instance.roleReported = role;
    instance.roleReportedMs = nowMs;
    if (instance.kind === "slave" && role === "slave") instance.primaryChangedMs = nowMs;
    const type = role === instance.kind ? "+role-change" : "-role-change";
    sentinel.news.about("verbose", type, instance, `new reported role is ${role}`);
  }
  // Nothing is decided while time is not to be trusted, and a primary is what the operator says.
  if (sentinel.isTilted || instance.kind !== "slave") return;
  if (role === "master") takePrimaryRole(sentinel, instance, nowMs);
  else takeReplicaRole(sentinel, instance, nowMs);
}

function takeRunId(
  { news }: Sentinel,
  instance: Primary | Replica,
  { runId }: InfoReport,
  nowMs: number,
): void {
  if (runId === undefined || runId === instance.runId) return;
  if (instance.runId !== "") {
    news.about("notice", "+reboot", instance);
    if (instance.primary.rebootDownAfterMs !== 0) {
      instance.mark(Flag.MASTER_REBOOT);
      instance.rebootSinceMs = nowMs;
    }
  }
  instance.runId = runId;
}

function takeReplicas(
  sentinel: Sentinel,
  instance: Primary | Replica,
  { replicas }: InfoReport,
): void {
  if (instance.kind !== "master") return;
  for (const { host, port } of replicas) {
    const address = new Address(host, port);
    const known = [...instance.replicas.values()];
    if (!sentinel.mayBeAt(host) || known.some((replica) => replica.address.equals(address)))
      continue;
    const replica = addReplica(sentinel, instance, address);
    if (replica === undefined) continue;
    sentinel.news.about("notice", "+slave", replica);
    sentinel.saveState();
  }
}

function takeLink(replica: Replica, report: InfoReport, nowMs: number): void {
  replica.primaryLinkDownMs = (report.linkDownSeconds ?? 0) * 1000;
  if (report.role !== "slave") return;
  const { primaryHost = replica.primaryHost, primaryPort = replica.primaryPort } = report;
  if (primaryHost !== replica.primaryHost || primaryPort !== replica.primaryPort) {
    replica.primaryHost = primaryHost;
    replica.primaryPort = primaryPort;
    replica.primaryChangedMs = nowMs;
  }
  replica.isPrimaryLinkUp = report.isLinkUp ?? replica.isPrimaryLinkUp;
  replica.priority = report.priority ?? replica.priority;
  replica.offset = report.offset ?? replica.offset;
  replica.isAnnounced = report.isAnnounced ?? replica.isAnnounced;
}

/** A replica says that it is a primary. */
function takePrimaryRole(sentinel: Sentinel, replica: Replica, nowMs: number): void {
  const { primary } = replica;
  if (replica.is(Flag.PROMOTED)) {
    if (
      primary.is(Flag.FAILOVER_IN_PROGRESS) &&
      primary.failoverState === FailoverState.WAIT_PROMOTION
    )
      promotionSeen(sentinel, primary, replica);
    return;
  }
  // Another sentinel may have promoted it a moment ago: its greeting would come in this time.
  const waitMs = sentinel.periods.publishPeriod * 4;
  if (
    looksSane(sentinel, primary, nowMs) &&
    replica.wasUpFor(waitMs, nowMs) &&
    nowMs - replica.roleReportedMs > waitMs
  )
    tellToFollow(sentinel, replica, "+convert-to-slave");
}

/** A replica says that it is one. */
function takeReplicaRole(sentinel: Sentinel, replica: Replica, nowMs: number): void {
  const { primary } = replica;
  const waitMs = primary.failoverTimeoutMs;
  if (
    !primary.address.isAt(replica.primaryHost, replica.primaryPort) &&
    looksSane(sentinel, primary, nowMs) &&
    replica.wasUpFor(waitMs, nowMs) &&
    nowMs - replica.primaryChangedMs > waitMs
  )
    tellToFollow(sentinel, replica, "+fix-slave-config");
  const { promoted } = primary;
  if (
    replica.is(Flag.RECONF_SENT) &&
    promoted?.address.isAt(replica.primaryHost, replica.primaryPort) === true
  ) {
    replica.unmark(Flag.RECONF_SENT);
    replica.mark(Flag.RECONF_INPROG);
    sentinel.news.about("notice", "+slave-reconf-inprog", replica);
  }
  if (replica.is(Flag.RECONF_INPROG) && replica.isPrimaryLinkUp) {
    replica.unmark(Flag.RECONF_INPROG);
    replica.mark(Flag.RECONF_DONE);
    sentinel.news.about("notice", "+slave-reconf-done", replica);
  }
}

/** It is up, says that it is a primary, and said so not long ago. */
function looksSane({ periods }: Sentinel, primary: Primary, nowMs: number): boolean {
  return (
    primary.roleReported === "master" &&
    !primary.is(Flag.S_DOWN | Flag.O_DOWN) &&
    nowMs - primary.infoMs < periods.infoPeriod * 2
  );
}

function tellToFollow({ news, settings }: Sentinel, replica: Replica, type: string): void {
  const { address } = replica.primary;
  if (sendFollow(replica, address, settings.announcesHostnames))
    news.about("notice", type, replica);
}
