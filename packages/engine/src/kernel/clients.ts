/**
 * Clients: all that are connected, by id. Tables of names know a client as a member, by 32 bits of
 * its id (core's membership.ts).
 */
import type { Client } from "./client.ts";

export class Clients extends Map<number, Client> {
  /** Id of the next one to come: no id is given twice. */
  nextId = 1;

  /** The client that is this member, signed or not; undefined when it has gone. */
  ofMember(member: number): Client | undefined {
    const half = member >>> 0;
    // Ids count on past 32 bits; of those with the same lower half, the latest is meant.
    return this.get(half + Math.floor((this.nextId - 1 - half) / 2 ** 32) * 2 ** 32);
  }
}
