/**
 * Failover: a replica takes the place of a primary that is down, or that the operator wants replaced.
 *
 *      none ──> wait_start ──> select_slave ──> send_slaveof_noone ──> wait_promotion
 *                   |elected?       |a good one?        |it can be told?     |INFO: it is a primary
 *                   v               v                   v                    v
 *                 given up        given up            given up        reconf_slaves ──> update_config ──> none
 *                                                                     others follow it    everybody is told
 *
 * Until a replica is a primary it can be given up, and nothing has changed. From then on it is
 * carried to its end, whatever happens: who does not follow in time is told so later.
 */

import { electedLeader, soon } from "./election.ts";
import { Flag } from "./flag.ts";
import { callReconfigurationScript, switchPrimary } from "./fleet.ts";
import { FailoverState, type Primary, type Replica } from "./instance.ts";
import { sendFollow } from "./orders.ts";
import { selectReplica } from "./selection.ts";
import type { Sentinel } from "./sentinel.ts";

/** Begins one where the primary is down and none began a short while ago. True: it has begun. */
export function beginIfNeeded(sentinel: Sentinel, primary: Primary): boolean {
  if (!primary.is(Flag.O_DOWN) || primary.is(Flag.FAILOVER_IN_PROGRESS)) return false;
  const { failoverStartMs, failoverTimeoutMs } = primary;
  const nextMs = failoverStartMs + failoverTimeoutMs * 2;
  if (sentinel.now() < nextMs) {
    if (primary.delayLoggedMs !== failoverStartMs) {
      primary.delayLoggedMs = failoverStartMs;
      const seconds = Math.ceil((nextMs - sentinel.now()) / 1000);
      sentinel.host.log(
        "warning",
        `Next failover delay: I will not start a failover for ${seconds} seconds`,
      );
    }
    return false;
  }
  begin(sentinel, primary);
  return true;
}

function begin(sentinel: Sentinel, primary: Primary): void {
  primary.mark(Flag.FAILOVER_IN_PROGRESS);
  primary.failoverEpoch = sentinel.nextEpoch(primary);
  sentinel.news.about("warning", "+try-failover", primary);
  primary.failoverStartMs = soon(sentinel);
  enter(sentinel, primary, FailoverState.WAIT_START);
}

/** An operator asks: without votes. */
export function force(sentinel: Sentinel, primary: Primary): void {
  begin(sentinel, primary);
  primary.mark(Flag.FORCE_FAILOVER);
}

function enter(sentinel: Sentinel, primary: Primary, state: number): void {
  primary.failoverState = state;
  primary.failoverStateMs = sentinel.now();
}

/** One step, if it is time for one. */
export function continueFailover(sentinel: Sentinel, primary: Primary): void {
  if (!primary.is(Flag.FAILOVER_IN_PROGRESS)) return;
  steps.get(primary.failoverState)?.(sentinel, primary);
}

function waitStart(sentinel: Sentinel, primary: Primary): void {
  const { news, periods, myId } = sentinel;
  const leader = electedLeader(sentinel, primary, primary.failoverEpoch);
  if (leader !== myId && !primary.is(Flag.FORCE_FAILOVER)) {
    const timeoutMs = Math.min(periods.electionTimeout, primary.failoverTimeoutMs);
    if (sentinel.now() - primary.failoverStartMs > timeoutMs) {
      news.about("warning", "-failover-abort-not-elected", primary);
      giveUp(sentinel, primary);
    }
    return;
  }
  news.about("warning", "+elected-leader", primary);
  if (sentinel.simulated.afterElection) {
    sentinel.crash();
    return;
  }
  enter(sentinel, primary, FailoverState.SELECT_SLAVE);
  news.about("warning", "+failover-state-select-slave", primary);
}

function select(sentinel: Sentinel, primary: Primary): void {
  const { news } = sentinel;
  const replica = selectReplica(sentinel, primary);
  if (replica === undefined) {
    news.about("warning", "-failover-abort-no-good-slave", primary);
    giveUp(sentinel, primary);
    return;
  }
  news.about("warning", "+selected-slave", replica);
  replica.mark(Flag.PROMOTED);
  primary.promoted = replica;
  enter(sentinel, primary, FailoverState.SEND_SLAVEOF_NOONE);
  news.about("notice", "+failover-state-send-slaveof-noone", replica);
}

function promote(sentinel: Sentinel, primary: Primary): void {
  const { promoted } = primary;
  if (promoted === null) return;
  if (!sendFollow(promoted, null, false)) {
    giveUpInTime(sentinel, primary);
    return;
  }
  sentinel.news.about("notice", "+failover-state-wait-promotion", promoted);
  enter(sentinel, primary, FailoverState.WAIT_PROMOTION);
}

function giveUpInTime(sentinel: Sentinel, primary: Primary): void {
  if (sentinel.now() - primary.failoverStateMs <= primary.failoverTimeoutMs) return;
  sentinel.news.about("warning", "-failover-abort-slave-timeout", primary);
  giveUp(sentinel, primary);
}

function giveUp(sentinel: Sentinel, primary: Primary): void {
  primary.unmark(Flag.FAILOVER_IN_PROGRESS | Flag.FORCE_FAILOVER);
  enter(sentinel, primary, FailoverState.NONE);
  primary.promoted?.unmark(Flag.PROMOTED);
  primary.promoted = null;
}

/** The promoted replica says that it is a primary: there is no way back. */
export function promotionSeen(sentinel: Sentinel, primary: Primary, replica: Replica): void {
  const { news } = sentinel;
  // Whoever hears of this configuration takes it, unless it knows of a later one.
  primary.configEpoch = primary.failoverEpoch;
  enter(sentinel, primary, FailoverState.RECONF_SLAVES);
  sentinel.saveState();
  news.about("warning", "+promoted-slave", replica);
  if (sentinel.simulated.afterPromotion) {
    sentinel.crash();
    return;
  }
  news.about("warning", "+failover-state-reconf-slaves", primary);
  const { address } = primary;
  callReconfigurationScript(sentinel, primary, "leader", "start", address, replica.address);
  greetSoon(sentinel, primary);
}

/** All of its instances get a greeting with the next turn. */
function greetSoon({ periods, now }: Sentinel, primary: Primary): void {
  const pastMs = now() - periods.publishPeriod - 1;
  primary.lastPublishMs = pastMs;
  for (const instance of primary.replicas.values()) instance.lastPublishMs = pastMs;
  for (const instance of primary.sentinels.values()) instance.lastPublishMs = pastMs;
}

/** The others are told to follow the promoted one, a few at a time since each copies all data. */
function reconfigure(sentinel: Sentinel, primary: Primary): void {
  const { promoted, parallelSyncs, replicas } = primary;
  if (promoted === null) return;
  const nowMs = sentinel.now();
  const { news, periods, settings } = sentinel;
  const isCopying = Flag.RECONF_SENT | Flag.RECONF_INPROG;
  let copying = [...replicas.values()].filter((replica) => replica.is(isCopying)).length;
  for (const replica of replicas.values()) {
    if (copying >= parallelSyncs) break;
    if (replica.is(Flag.PROMOTED | Flag.RECONF_DONE)) continue;
    // One that never says that it follows is left to be mended later.
    if (replica.is(Flag.RECONF_SENT) && nowMs - replica.reconfSentMs > periods.slaveReconfTimeout) {
      news.about("notice", "-slave-reconf-sent-timeout", replica);
      replica.unmark(Flag.RECONF_SENT);
      replica.mark(Flag.RECONF_DONE);
    }
    if (replica.is(isCopying) || replica.link.isDisconnected) continue;
    if (!sendFollow(replica, promoted.address, settings.announcesHostnames)) continue;
    replica.mark(Flag.RECONF_SENT);
    replica.reconfSentMs = nowMs;
    news.about("notice", "+slave-reconf-sent", replica);
    copying++;
  }
  endIfDone(sentinel, primary, promoted);
}

function endIfDone(sentinel: Sentinel, primary: Primary, promoted: Replica): void {
  if (promoted.is(Flag.S_DOWN)) return;
  const { news, settings } = sentinel;
  const isLate = sentinel.now() - primary.failoverStateMs > primary.failoverTimeoutMs;
  const left = [...primary.replicas.values()].filter(
    (replica) => !replica.is(Flag.PROMOTED | Flag.RECONF_DONE | Flag.S_DOWN),
  );
  if (isLate) news.about("warning", "+failover-end-for-timeout", primary);
  else if (left.length > 0) return;
  news.about("warning", "+failover-end", primary);
  enter(sentinel, primary, FailoverState.UPDATE_CONFIG);
  if (!isLate) return;
  for (const replica of primary.replicas.values()) {
    if (replica.is(Flag.PROMOTED | Flag.RECONF_DONE | Flag.RECONF_SENT)) continue;
    if (!sendFollow(replica, promoted.address, settings.announcesHostnames)) continue;
    news.about("notice", "+slave-reconf-sent-be", replica);
    replica.mark(Flag.RECONF_SENT);
  }
}

const steps = new Map<number, (sentinel: Sentinel, primary: Primary) => void>([
  [FailoverState.WAIT_START, waitStart],
  [FailoverState.SELECT_SLAVE, select],
  [FailoverState.SEND_SLAVEOF_NOONE, promote],
  // INFO of the replica is what ends this state: see promotionSeen().
  [FailoverState.WAIT_PROMOTION, giveUpInTime],
  [FailoverState.RECONF_SLAVES, reconfigure],
]);

/** The last step, once all of the primary's instances had their turn. */
export function takeUpNewPrimary(sentinel: Sentinel, primary: Primary): void {
  const { promoted, failoverState } = primary;
  if (failoverState !== FailoverState.UPDATE_CONFIG) return;
  switchPrimary(sentinel, primary, (promoted ?? primary).address);
}
