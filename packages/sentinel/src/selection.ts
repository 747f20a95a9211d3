/** Selection: which replica of a primary is to take its place. */
import { Flag } from "./flag.ts";
import type { Primary, Replica } from "./instance.ts";
import type { Sentinel } from "./sentinel.ts";

/**
 * The replica to promote: of those that are well and did not lose their primary long before it was
 * down, the one with the lowest priority, then with most of the data, then with the lowest run id.
 */
export function selectReplica(sentinel: Sentinel, primary: Primary): Replica | undefined {
  const good = [...primary.replicas.values()].filter((replica) =>
    isGood(sentinel, primary, replica),
  );
  return good.sort(compare)[0];
}

function isGood(sentinel: Sentinel, primary: Primary, replica: Replica): boolean {
  const { pingPeriod, infoPeriod } = sentinel.periods;
  const nowMs = sentinel.now();
  const { link } = replica;
  if (replica.is(Flag.S_DOWN | Flag.O_DOWN) || link.isDisconnected) return false;
  if (nowMs - link.lastAvailableMs > pingPeriod * 5 || replica.priority === 0) return false;
  // While the primary is down INFO comes each second.
  const isDown = primary.is(Flag.S_DOWN);
  if (nowMs - replica.infoMs > (isDown ? pingPeriod * 5 : infoPeriod * 3)) return false;
  const downMs = isDown ? nowMs - primary.subjectivelyDownSinceMs : 0;
  return replica.primaryLinkDownMs <= downMs + primary.downAfterMs * 10;
}

function compare(one: Replica, other: Replica): number {
  if (one.priority !== other.priority) return one.priority - other.priority;
  if (one.offset !== other.offset) return other.offset - one.offset;
  // Very old servers have no run id: they come last.
  if (one.runId === "" || other.runId === "") return one.runId === "" ? 1 : -1;
  return one.runId.toLowerCase() < other.runId.toLowerCase() ? -1 : 1;
}
