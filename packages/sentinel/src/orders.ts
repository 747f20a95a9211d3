/** Orders: what instances are told and asked to do, beside what each gets at its time (contact.ts). */
import type { Address } from "./address.ts";
import type { ReplyTaker } from "./conversation.ts";
import type { Instance, Peer } from "./instance.ts";

/** Nobody waits for what this request brings. */
export const ignored: ReplyTaker = () => undefined;

/** How the instance calls a command: its configuration may have given it another name. */
export function nameFor(instance: Instance, name: string): string {
  if (instance.kind === "sentinel") return name;
  return instance.primary.renamedCommands.get(name) ?? name;
}

/**
 * Tells a server to follow another one; null: nobody. In one transaction with what makes it last and
 * sends its clients to look again. False: it cannot be told now.
 */
export function sendFollow(instance: Instance, address: Address | null, byName: boolean): boolean {
  const { commands, isDisconnected } = instance.link;
  if (commands === null || isDisconnected) return false;
  const target = address === null ? ["NO", "ONE"] : [address.shown(byName), `${address.port}`];
  const client = nameFor(instance, "CLIENT");
  commands.send([nameFor(instance, "MULTI")], ignored);
  commands.send([nameFor(instance, "SLAVEOF"), ...target], ignored);
  commands.send([nameFor(instance, "CONFIG"), "REWRITE"], ignored);
  commands.send([client, "KILL", "TYPE", "normal"], ignored);
  commands.send([client, "KILL", "TYPE", "pubsub"], ignored);
  commands.send([nameFor(instance, "EXEC")], ignored);
  return true;
}

/** Asks another sentinel whether it sees the primary down; with a run id, also for its vote. */
export function askPeer(peer: Peer, words: readonly string[], taker: ReplyTaker): void {
  peer.link.commands?.send(["SENTINEL", "is-master-down-by-addr", ...words], taker);
}
