/**
 * Down: an instance that is silent for too long is down as far as we can see (subjectively); a primary
 * that enough sentinels see so is down (objectively), and only then is there a failover.
 */

import { Flag } from "./flag.ts";
import { FailoverState, type Instance, type Peer, type Primary } from "./instance.ts";
import { askPeer } from "./orders.ts";
import type { Sentinel } from "./sentinel.ts";

/** Looks at one instance, and ends connections that bring nothing. */
export function checkSubjectivelyDown(sentinel: Sentinel, instance: Instance): void {
  const nowMs = sentinel.now();
  dropStale(sentinel, instance, nowMs);
  if (isSilent(instance, nowMs) || isNoPrimary(sentinel, instance, nowMs)) {
    if (instance.is(Flag.S_DOWN)) return;
    instance.subjectivelyDownSinceMs = nowMs;
    instance.mark(Flag.S_DOWN);
    sentinel.news.about("warning", "+sdown", instance);
  } else if (instance.is(Flag.S_DOWN)) {
    sentinel.news.about("warning", "-sdown", instance);
    instance.unmark(Flag.S_DOWN | Flag.SCRIPT_KILL_SENT);
  }
}

/** A connection may be dead without an end: then another one is tried before the instance counts as down. */
function dropStale({ periods }: Sentinel, { link, downAfterMs }: Instance, nowMs: number): void {
  const half = downAfterMs / 2;
  if (
    link.commands !== null &&
    nowMs - link.commandsSinceMs > periods.minLinkReconnectPeriod &&
    link.openPingMs !== 0 &&
    nowMs - link.openPingMs > half &&
    nowMs - link.lastPongMs > half
  )
    link.drop("commands");
  if (
    link.listening !== null &&
    nowMs - link.listeningSinceMs > periods.minLinkReconnectPeriod &&
    nowMs - link.lastHeardMs > periods.publishPeriod * 3
  )
    link.drop("listening");
}

function isSilent({ link, downAfterMs }: Instance, nowMs: number): boolean {
  if (link.openPingMs !== 0) return nowMs - link.openPingMs > downAfterMs;
  return link.isDisconnected && nowMs - link.lastAvailableMs > downAfterMs;
}

/** A primary that says it is a replica, or came back without its data. */
function isNoPrimary({ periods }: Sentinel, instance: Instance, nowMs: number): boolean {
  if (instance.kind !== "master") return false;
  const { roleReported, roleReportedMs, downAfterMs } = instance;
  if (roleReported === "slave" && nowMs - roleReportedMs > downAfterMs + periods.infoPeriod * 2)
    return true;
  return (
    instance.is(Flag.MASTER_REBOOT) && nowMs - instance.rebootSinceMs > instance.rebootDownAfterMs
  );
}

/** Counts who sees the primary down. */
export function checkObjectivelyDown(sentinel: Sentinel, primary: Primary): void {
  const peers = [...primary.sentinels.values()];
  const seen = primary.is(Flag.S_DOWN)
    ? 1 + peers.filter((peer) => peer.is(Flag.MASTER_DOWN)).length
    : 0;
  if (seen >= primary.quorum) {
    if (primary.is(Flag.O_DOWN)) return;
    const more = `#quorum ${seen}/${primary.quorum}`;
    sentinel.news.about("warning", "+odown", primary, more);
    primary.mark(Flag.O_DOWN);
    primary.objectivelyDownSinceMs = sentinel.now();
  } else if (primary.is(Flag.O_DOWN)) {
    sentinel.news.about("warning", "-odown", primary);
    primary.unmark(Flag.O_DOWN);
  }
}

/**
 * Asks the other sentinels about a primary that we see down, and for their votes once a failover has
 * begun. `isAtOnce`: whether or not they were asked a moment ago.
 */
export function askPeers(sentinel: Sentinel, primary: Primary, isAtOnce: boolean): void {
  const { periods } = sentinel;
  const nowMs = sentinel.now();
  for (const peer of primary.sentinels.values()) {
    const elapsedMs = nowMs - peer.lastDownReplyMs;
    // What it said so long ago counts no more.
    if (elapsedMs > periods.askPeriod * 5) {
      peer.unmark(Flag.MASTER_DOWN);
      peer.leader = "";
    }
    if (!primary.is(Flag.S_DOWN) || peer.link.isDisconnected) continue;
    if (!isAtOnce && elapsedMs < periods.askPeriod) continue;
    if (!isAtOnce && nowMs - peer.askedMs < periods.askPeriod) continue;
    peer.askedMs = nowMs;
    ask(sentinel, primary, peer);
  }
}

function ask(sentinel: Sentinel, primary: Primary, peer: Peer): void {
  const { address, failoverState } = primary;
  const { settings, currentEpoch, myId, host } = sentinel;
  const words = [
    address.shown(settings.announcesHostnames),
    `${address.port}`,
    `${currentEpoch}`,
    failoverState > FailoverState.NONE ? myId : "*",
  ];
  askPeer(peer, words, (reply) => {
    if (!Array.isArray(reply) || reply.length !== 3) return;
    const [isDown, leader, epoch] = reply;
    if (typeof isDown !== "number" || typeof leader !== "string" || typeof epoch !== "number")
      return;
    peer.lastDownReplyMs = sentinel.now();
    if (isDown === 1) peer.mark(Flag.MASTER_DOWN);
    else peer.unmark(Flag.MASTER_DOWN);
    if (leader === "*") return;
    if (peer.leaderEpoch !== epoch)
      host.log("warning", `${peer.name} voted for ${leader} ${epoch}`);
    peer.leader = leader;
    peer.leaderEpoch = epoch;
  });
}
