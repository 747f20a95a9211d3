/** Fleet: instances come, go and change their places; what others have to be told of it is told. */
import type { Address } from "./address.ts";
import { Flag } from "./flag.ts";
import { FailoverState, Peer, Primary, Replica } from "./instance.ts";
import type { Sentinel } from "./sentinel.ts";

/** A primary that is to be watched; there is none of this name. */
export function addPrimary(
  sentinel: Sentinel,
  name: string,
  address: Address,
  quorum: number,
): Primary {
  const { defaultDownAfter, defaultFailoverTimeout } = sentinel.periods;
  const times = { downAfterMs: defaultDownAfter, failoverTimeoutMs: defaultFailoverTimeout };
  const primary = new Primary(name, address, quorum, times, sentinel.now());
  sentinel.primaries.set(name, primary);
  return primary;
}

/** A replica, unless it is known. Undefined: it was. */
export function addReplica(
  sentinel: Sentinel,
  primary: Primary,
  address: Address,
): Replica | undefined {
  const host = address.shown(sentinel.settings.announcesHostnames);
  const name = host.includes(":") ? `[${host}]:${address.port}` : `${host}:${address.port}`;
  if (primary.replicas.has(name)) return undefined;
  const replica = new Replica(name, address, primary, sentinel.now());
  primary.replicas.set(name, replica);
  return replica;
}

/** Another sentinel. One that watches other primaries of ours, too, is one: it has one link. */
export function addPeer(sentinel: Sentinel, primary: Primary, id: string, address: Address): Peer {
  const peer = new Peer(id, address, primary, sentinel.now());
  primary.sentinels.set(id, peer);
  for (const other of sentinel.primaries.values()) {
    const same = other === primary ? undefined : other.sentinels.get(id);
    if (same === undefined) continue;
    peer.link = same.link;
    peer.link.userCount++;
    break;
  }
  return peer;
}

/** Another sentinel is no more, whatever primaries it watched. */
export function removePeer(sentinel: Sentinel, id: string): void {
  for (const { sentinels } of sentinel.primaries.values()) {
    sentinels.get(id)?.link.release();
    sentinels.delete(id);
  }
}

/** It is watched no longer, and all that was known of it is forgotten. */
export function removePrimary(sentinel: Sentinel, primary: Primary): void {
  sentinel.primaries.delete(primary.name);
  forgetReplicas(primary);
  forgetSentinels(primary);
  primary.link.release();
}

function forgetReplicas({ replicas }: Primary): void {
  for (const { link } of replicas.values()) link.release();
  replicas.clear();
}

function forgetSentinels({ sentinels }: Primary): void {
  for (const { link } of sentinels.values()) link.release();
  sentinels.clear();
}

/** SENTINEL RESET: as if it had just been given to us. */
export function resetPrimary(sentinel: Sentinel, primary: Primary): void {
  forgetSentinels(primary);
  begin(primary, sentinel.now());
  sentinel.news.about("warning", "+reset-master", primary);
}

function begin(primary: Primary, nowMs: number): void {
  forgetReplicas(primary);
  // What they have said was about the one that was there before.
  for (const peer of primary.sentinels.values()) peer.unmark(Flag.MASTER_DOWN);
  const { link } = primary;
  link.drop("both");
  // At once, lest it counts as down before it was asked.
  link.lastReconnectMs = 0;
  primary.flags = 0;
  primary.leader = "";
  primary.failoverState = FailoverState.NONE;
  primary.failoverStateMs = 0;
  // No failover of the one that was there before holds up one of the new one.
  primary.failoverStartMs = 0;
  primary.promoted = null;
  primary.runId = "";
  link.openPingMs = nowMs;
  link.lastPingMs = 0;
  link.lastAvailableMs = nowMs;
  link.lastPongMs = nowMs;
  primary.roleReported = "master";
  primary.roleReportedMs = nowMs;
  primary.isAskedForInfo = false;
  primary.infoMs = 0;
  primary.info = null;
}

/** The primary of this name is another server from now on; clients and the log hear of it. */
export function switchPrimary(sentinel: Sentinel, primary: Primary, to: Address): void {
  const { news, settings } = sentinel;
  const byName = settings.announcesHostnames;
  const from = primary.address;
  const places = [from, to].map((address) => `${address.shown(byName)} ${address.port}`);
  news.tell("warning", "+switch-master", primary, `${primary.name} ${places.join(" ")}`);
  moveTo(sentinel, primary, to);
}

/** All others, the old primary too, are replicas of the new one now: they are told so in time. */
function moveTo(sentinel: Sentinel, primary: Primary, to: Address): void {
  const others = [...primary.replicas.values()]
    .map(({ address }) => address)
    .filter((address) => !address.equals(to));
  if (!primary.address.equals(to)) others.push(primary.address);
  begin(primary, sentinel.now());
  primary.address = to;
  primary.subjectivelyDownSinceMs = 0;
  primary.objectivelyDownSinceMs = 0;
  for (const address of others) {
    const replica = addReplica(sentinel, primary, address);
    if (replica !== undefined) sentinel.news.about("notice", "+slave", replica);
  }
  sentinel.saveState();
}

/** The operator's script hears that clients are to go elsewhere. */
export function callReconfigurationScript(
  { scripts, settings }: Sentinel,
  { name, reconfigurationScript }: Primary,
  role: "leader" | "observer",
  state: "start",
  from: Address,
  to: Address,
): void {
  if (reconfigurationScript === "") return;
  const byName = settings.announcesHostnames;
  const places = [from, to].flatMap((address) => [address.shown(byName), `${address.port}`]);
  scripts.schedule(reconfigurationScript, [name, role, state, ...places]);
}
