/**
 * Greetings: what sentinels tell each other by way of the servers that they watch, on one channel.
 * So they find each other, and learn of a failover that another one has carried out.
 *
 *      127.0.0.1,26379,<run id>,3,mymaster,127.0.0.1,6379,2
 *      who greets                | primary, its address   |
 *                          its epoch                      the epoch of the primary's configuration
 */
import { PushReply, type Reply } from "@kv/resp";
import { Address } from "./address.ts";
import { addPeer, callReconfigurationScript, removePeer, switchPrimary } from "./fleet.ts";
import type { Peer, Primary } from "./instance.ts";
import type { Sentinel } from "./sentinel.ts";

/** Where greetings are published. */
export const helloChannel = "__sentinel__:hello";

/** Our own greeting about a primary. `ip`: our address, as the receiver sees it. */
export function helloText(sentinel: Sentinel, primary: Primary, ip: string): string {
  const { settings, myId, currentEpoch } = sentinel;
  const { name, configEpoch, currentAddress } = primary;
  return [
    settings.announceIp || ip,
    settings.announcePort || sentinel.listeningPort,
    myId,
    currentEpoch,
    name,
    currentAddress.shown(settings.announcesHostnames),
    currentAddress.port,
    configEpoch,
  ].join(",");
}

/** What came on a connection that listens. */
export function hearGreeting(sentinel: Sentinel, reply: Reply): void {
  const words = reply instanceof PushReply ? reply.push : reply;
  if (!Array.isArray(words) || words.length !== 3) return;
  const [kind, , text] = words;
  if (kind !== "message" || typeof text !== "string") return;
  // Our own comes back from every server.
  if (!text.includes(sentinel.myId)) takeGreeting(sentinel, text);
}

/** A greeting of another sentinel. What is none is passed over. */
export function takeGreeting(sentinel: Sentinel, text: string): void {
  const words = text.split(",");
  if (words.length !== 8) return;
  const [ip, portText, id, epochText, name, primaryHost, primaryPortText, configText] = words as [
    string,
    string,
    string,
    string,
    string,
    string,
    string,
    string,
  ];
  const primary = sentinel.primaries.get(name);
  const port = Number(portText);
  const primaryPort = Number(primaryPortText);
  const epoch = Number(epochText);
  const configEpoch = Number(configText);
  const numbers = [port, primaryPort, epoch, configEpoch];
  if (primary === undefined || !numbers.every((number) => Number.isSafeInteger(number))) return;
  if (!isPort(port) || !isPort(primaryPort) || id === "" || epoch < 0 || configEpoch < 0) return;
  if (!sentinel.mayBeAt(ip) || !sentinel.mayBeAt(primaryHost)) return;

  const peer = peerBehind(sentinel, primary, id, new Address(ip, port));
  sentinel.raiseEpoch(epoch, primary);
  if (primary.configEpoch < configEpoch)
    takeConfiguration(sentinel, primary, peer, new Address(primaryHost, primaryPort), configEpoch);
  peer.lastHelloMs = sentinel.now();
}

function isPort(port: number): boolean {
  return port > 0 && port <= 65_535;
}

/** The sentinel that greets: known, known by another address, or new. */
function peerBehind(sentinel: Sentinel, primary: Primary, id: string, address: Address): Peer {
  const { news } = sentinel;
  const known = primary.sentinels.get(id);
  if (known?.address.equals(address) === true) return known;
  if (known === undefined) {
    // Who was there before has gone for good: it would count in every majority.
    for (const other of [...primary.sentinels.values()]) {
      if (!other.address.equals(address)) continue;
      news.about("notice", "+sentinel-invalid-addr", other);
      removePeer(sentinel, other.name);
    }
    const peer = addPeer(sentinel, primary, id, address);
    news.about("notice", "+sentinel", peer);
    sentinel.saveState();
    return peer;
  }
  const more = `ip ${address.host} port ${address.port} for ${id}`;
  news.about("notice", "+sentinel-address-switch", primary, more);
  moveEverywhere(sentinel, id, address);
  sentinel.saveState();
  return known;
}

/** One sentinel is at one place, whatever primaries it watches. */
function moveEverywhere(sentinel: Sentinel, id: string, address: Address): void {
  for (const primary of sentinel.primaries.values()) {
    const peer = primary.sentinels.get(id);
    if (peer === undefined) continue;
    peer.address = address;
    peer.link.drop("commands");
  }
}

/** Another one has carried out a failover, or knows of one. */
function takeConfiguration(
  sentinel: Sentinel,
  primary: Primary,
  peer: Peer,
  address: Address,
  configEpoch: number,
): void {
  primary.configEpoch = configEpoch;
  if (primary.address.equals(address)) return;
  const before = primary.address;
  sentinel.news.about("warning", "+config-update-from", peer);
  switchPrimary(sentinel, primary, address);
  callReconfigurationScript(sentinel, primary, "observer", "start", before, primary.address);
}
