/**
 * Election: one sentinel carries out a failover, and it is the one that most others voted for. Each
 * has one vote an epoch, the first who asks gets it, and it is on disk before it is told.
 */
import type { Primary } from "./instance.ts";
import type { Sentinel } from "./sentinel.ts";

/** Failovers do not begin at the same moment everywhere, lest nobody gets enough votes. */
const DESYNC_MS = 1000;

/** A moment within the next second. */
export function soon(sentinel: Sentinel): number {
  return sentinel.now() + ((sentinel.host.random32() >>> 0) % DESYNC_MS);
}

/** Who has our vote about the primary, after `candidate` asked for it in `epoch`. */
export function vote(
  sentinel: Sentinel,
  primary: Primary,
  epoch: number,
  candidate: string,
): { leader: string; epoch: number } {
  sentinel.raiseEpoch(epoch, primary);
  if (primary.leaderEpoch < epoch && sentinel.currentEpoch <= epoch) {
    primary.leader = candidate;
    primary.leaderEpoch = sentinel.currentEpoch;
    sentinel.saveState();
    const message = `${candidate} ${primary.leaderEpoch}`;
    sentinel.news.tell("warning", "+vote-for-leader", primary, message);
    // Who voted for another one lets it try first.
    if (candidate !== sentinel.myId) primary.failoverStartMs = soon(sentinel);
  }
  return { leader: primary.leader, epoch: primary.leaderEpoch };
}

/** Who is elected in the epoch; "": nobody, so far. Our own vote goes to who has most others'. */
export function electedLeader(sentinel: Sentinel, primary: Primary, epoch: number): string {
  const counts = new Map<string, number>();
  const count = (leader: string) => counts.set(leader, (counts.get(leader) ?? 0) + 1);
  for (const { leader, leaderEpoch } of primary.sentinels.values())
    if (leader !== "" && leaderEpoch === sentinel.currentEpoch) count(leader);
  const [favourite = sentinel.myId] = mostVoted(counts);
  const own = vote(sentinel, primary, epoch, favourite);
  if (own.leader !== "" && own.epoch === epoch) count(own.leader);
  const [winner = "", votes = 0] = mostVoted(counts);
  const majority = Math.floor((primary.sentinels.size + 1) / 2) + 1;
  return votes >= majority && votes >= primary.quorum ? winner : "";
}

function mostVoted(counts: ReadonlyMap<string, number>): [string, number] | [] {
  let most: [string, number] | [] = [];
  for (const entry of counts) if (entry[1] > (most[1] ?? 0)) most = entry;
  return most;
}
