/**
 * Tracking: client-side caching. The server remembers which keys a client read, and tells it when
 * one of them changes; or, in BCAST mode, tells it of every key with certain prefixes.
 *
 *      GET k        remember()    k → clients            (core's membership.ts)
 *      SET k        keyChanged()  clients of k are told and forgotten, or the change is kept for
 *                                 the end of the turn    (tracking-broadcast.ts)
 *
 * A key is known by its name alone: the same name in another database counts as the same key, as
 * in Redis. Names are bytes of any length, kept off-heap.
 *
 * Who has read a key is known by id. A client that went, or stopped tracking, stays among them until
 * the key changes or is forgotten: whoever reads an id looks whether that client still cares.
 *
 * A RESP3 client gets push messages. A RESP2 client has no room for them: it names a second
 * connection, subscribed to `__redis__:invalidate`, that gets them in its place.
 */
import { type CommandRow, FLAG_BITS, keysOf } from "@kv/commands";
import {
  type Arena,
  ArenaFullError,
  bytesOf,
  type Database,
  keyIndex,
  keyLength,
  Membership,
  NONE,
  type Ref,
  RefList,
  viewOf,
} from "@kv/core";
import type { ReplyWriter } from "@kv/resp";
import type { Client } from "../../kernel/client.ts";
import type { ClientCall } from "../../kernel/client-call.ts";
import type { ClientFacts } from "../../kernel/client-report.ts";
import { ClientState } from "../../kernel/client-state.ts";
import type { ChangeListener, CommandListener } from "../../kernel/effects.ts";
import { Port, type Ports } from "../../module/ports.ts";
import type { Running } from "../../module/system.ts";
import { Broadcasts } from "./tracking-broadcast.ts";

/** How one client tracks. */
export interface ClientTracking {
  /** Id of the client that gets the messages; 0: itself. */
  redirectId: number;
  broadcast: boolean;
  optIn: boolean;
  optOut: boolean;
  noLoop: boolean;
  /** CLIENT CACHING was called: an exception for the next command. */
  caching: boolean;
  /** The client that should get the messages is gone. */
  redirectBroken: boolean;
}

export type TrackingRequest = Pick<
  ClientTracking,
  "redirectId" | "broadcast" | "optIn" | "optOut" | "noLoop"
> & {
  /** Arguments that are prefixes for BCAST mode; none stands for all keys. */
  prefixes: RefList;
};

const CHANNEL = "__redis__:invalidate";
const { readonly, no_mandatory_keys } = FLAG_BITS;
/** Keys that a command evicts from the full table; more for each time it did not suffice. */
const EVICTIONS_PER_COMMAND = 100;

export const trackingPort = new Port<Tracking>("tracking");

type Needs = Pick<
  Ports,
  "host" | "keyspace" | "situation" | "clients" | "effects" | "output" | "execution"
>;

export class Tracking implements Running, ChangeListener, CommandListener, ClientFacts {
  /** True while any client tracks. */
  isOn = false;
  readonly changeListener = this;
  readonly commandListener = this;
  readonly clientFacts = this;
  private readonly ports: Needs;
  /** How each of those that track does it. */
  private readonly trackers = new Map<Client, ClientTracking>();
  private readonly arena: Arena;
  /** Which clients have read which keys. */
  private readonly table: Membership;
  private readonly broadcasts: Broadcasts;
  /** tracking-table-max-keys; infinite where that is 0. */
  private keysMax = 0;
  private evictionRounds = 0;
  /** Clients that are to be told of the present key. */
  private readonly readers = new RefList();

  constructor(ports: Needs) {
    this.ports = ports;
    const { arena, lazyFree } = ports.keyspace;
    this.arena = arena;
    this.table = new Membership(arena, () => ports.host.random32(), lazyFree);
    this.broadcasts = new Broadcasts(
      ports,
      (client) => this.begin(client),
      (client) => this.trackers.get(client)?.noLoop === true,
    );
  }

  /** tracking-table-max-keys; 0 is no limit. */
  limitKeys(keysMax: number): void {
    this.keysMax = keysMax === 0 ? Number.POSITIVE_INFINITY : keysMax;
  }

  get wantsChanges(): boolean {
    return this.isOn;
  }

  get wantsCommands(): boolean {
    return this.isOn;
  }

  /** How the client tracks; undefined: it does not. */
  of(client: Client): ClientTracking | undefined {
    return this.trackers.get(client);
  }

  // What INFO shows.

  get clientCount(): number {
    return this.trackers.size;
  }

  get keyCount(): number {
    return this.table.nameCount;
  }

  /** Pairs of key and client. */
  get itemCount(): number {
    return this.table.pairCount;
  }

  get prefixCount(): number {
    return this.broadcasts.prefixes.nameCount;
  }

  // Switching it on and off.

  /** Begins, or goes on in another way. The request, whose words `call` has, has been checked. */
  enable(client: Client, request: TrackingRequest, call: ClientCall): void {
    const { redirectId, broadcast, optIn, optOut, noLoop } = request;
    if (broadcast) this.addPrefixes(client, request.prefixes, call);
    const caching = this.trackers.get(client)?.caching ?? false;
    this.trackers.set(client, {
      redirectId,
      broadcast,
      optIn,
      optOut,
      noLoop,
      caching,
      redirectBroken: false,
    });
    client.mark(ClientState.TRACKING, true);
    this.updateState();
  }

  /** Adds all of them or, where there is no room, none. */
  private addPrefixes({ id }: Client, given: RefList, call: ClientCall): void {
    const { prefixes } = this.broadcasts;
    const { bytes, view } = call;
    const before = prefixes.countOfMember(id);
    try {
      if (given.count === 0) prefixes.add(id, bytes, view, 0, 0);
      for (let i = 0; i < given.count; i++) {
        const index = given.at(i);
        prefixes.add(id, bytes, view, call.start(index), call.end(index));
      }
    } catch (full) {
      prefixes.keepFirst(id, before);
      throw full;
    }
  }

  disable(client: Client): void {
    if (!this.trackers.delete(client)) return;
    this.broadcasts.prefixes.removeMember(client.id);
    client.mark(ClientState.TRACKING, false);
    this.updateState();
  }

  clientClosed(client: Client): void {
    this.disable(client);
  }

  clientReset(client: Client): void {
    this.disable(client);
  }

  private updateState(): void {
    const isOn = this.trackers.size > 0;
    if (isOn === this.isOn) return;
    this.isOn = isOn;
    // Nobody is left who could be told.
    if (!isOn) this.table.clear();
    this.ports.effects.updateInterest();
  }

  // Reading and changing keys.

  /** The key bytes[start, end) changed. `by` is null when the server itself removed it. */
  keyChanged(
    by: Client | null,
    _database: Database,
    bytes: Uint8Array,
    view: DataView,
    start: number,
    end: number,
  ): void {
    const { broadcasts, table } = this;
    if (broadcasts.prefixes.nameCount > 0) {
      // What a script does is nobody's own change here: in Redis a client of its own does it.
      const doer = this.ports.execution.isScripted ? null : by;
      if (broadcasts.keyChanged(doer, bytes, view, start, end)) this.ports.host.wake();
    }
    const name = table.find(bytes, view, start, end);
    if (name !== NONE) this.invalidate(name, by === null);
  }

  /**
   * Forgets a key of the table, and tells those who have read it. `byItself`: for want of room, or
   * since the server removed the key. NOLOOP is about what a client does and spares nobody then,
   * not even whose command made the server evict the key, or come upon it when its time had passed.
   */
  private invalidate(name: Ref, byItself: boolean): void {
    const { arena, readers, table, trackers } = this;
    const { clients, situation } = this.ports;
    readers.clear();
    table.detachName(name, readers);
    const bytes = bytesOf(arena, name);
    const view = viewOf(arena, name);
    const start = keyIndex(arena, name);
    const end = start + keyLength(arena, name);
    try {
      for (let i = 0; i < readers.count; i++) {
        const client = clients.ofMember(readers.at(i));
        const own = client === undefined ? undefined : trackers.get(client);
        if (client === undefined || own === undefined || own.broadcast) continue;
        if (own.noLoop && client === situation.current && !byItself) continue;
        this.sendKey(client, bytes, view, start, end);
      }
    } finally {
      table.release(name);
    }
  }

  /** A tracking client ran a command that reads: its keys are remembered for it. */
  private remember(client: Client, row: CommandRow, call: ClientCall): void {
    const tracking = this.trackers.get(client);
    if (tracking === undefined || tracking.broadcast) return;
    if (tracking.optIn ? !tracking.caching : tracking.optOut && tracking.caching) return;
    if ((row.bits & FLAG_BITS.pubsub) !== 0) return;
    const { keys, getKeys } = row.command;
    const found = (getKeys === undefined ? null : getKeys(call)) ?? keysOf(keys, call);
    if (found === null) return;
    for (const run of found)
      for (let i = 0; i < run.count; i++) this.rememberKey(client, call, run.index + i * run.step);
  }

  private rememberKey(client: Client, call: ClientCall, index: number): void {
    const { bytes, view } = call;
    const start = call.start(index);
    const end = call.end(index);
    try {
      this.table.add(client.id, bytes, view, start, end);
    } catch (full) {
      if (!(full instanceof ArenaFullError)) throw full;
      // What cannot be remembered must not be cached either.
      this.sendKey(client, bytes, view, start, end);
    }
  }

  /** A request was answered, be it with a refusal or the end of a wait; null: its command is unknown. */
  commandRefused(client: Client, row: CommandRow | null): void {
    const tracking = this.trackers.get(client);
    const { current, isNested } = this.ports.situation;
    // CLIENT CACHING is about the next command, or all of a transaction.
    if (
      tracking?.caching === true &&
      !client.inTransaction &&
      !(isNested && client === current) &&
      row?.container?.fullName !== "client"
    ) {
      tracking.caching = false;
    }
  }

  commandRan(client: Client, row: CommandRow, call: ClientCall): void {
    // What runs a script names keys, which the script need not read. Who waits has found nothing, and
    // knows that: it hears when it is true no more.
    const reads = (row.bits & (readonly | no_mandatory_keys)) === readonly;
    if (reads && client.is(ClientState.TRACKING)) this.remember(client, row, call);
    if (call.wait === null) this.commandRefused(client, row);
    if (this.table.nameCount > this.keysMax) this.limit();
  }

  /** What is over the limit goes though nobody sends commands any more. */
  cron(): void {
    if (this.table.nameCount > this.keysMax) this.limit();
  }

  /** Forgets keys at random while there are too many; those who have them are told. */
  private limit(): void {
    this.evictionRounds++;
    for (let left = EVICTIONS_PER_COMMAND * this.evictionRounds; left > 0; left--) {
      this.evictOne();
      if (this.table.nameCount > this.keysMax) continue;
      this.evictionRounds = 0;
      return;
    }
  }

  private evictOne(): void {
    this.invalidate(this.table.randomName(), true);
  }

  /** All keys of a database went at once: every cache is worthless. */
  databaseChanged(_index: number, successor: number): void {
    // Names are all that is known here, and those outlive a swap: like Redis, this says nothing.
    if (successor !== -1) return;
    for (const client of this.ports.clients.values()) this.sendAllKeys(client);
    this.table.clear();
  }

  /** Before the host waits for events: what BCAST clients have to hear, of this turn as well. */
  turnEnds(): void {
    if (this.broadcasts.hasChanges) this.broadcasts.sendAll();
  }

  // Messages.

  /** Tells the client, or whom it has named, that a key changed. */
  private sendKey(
    client: Client,
    bytes: Uint8Array,
    view: DataView,
    start: number,
    end: number,
  ): void {
    const out = this.begin(client);
    if (out === null) return;
    out.array(1);
    out.bulkFrom(bytes, view, start, end);
  }

  /** Tells it that all keys changed. */
  private sendAllKeys(client: Client): void {
    const out = this.begin(client);
    if (out !== null) writeNull(out, client.protocol === 3);
  }

  /** Begins a message to the client, or to whom it has named. Null: nobody gets it. */
  private begin(client: Client): ReplyWriter | null {
    const tracking = this.trackers.get(client);
    if (tracking === undefined) return null;
    const { clients, output, situation } = this.ports;
    const { redirectId } = tracking;
    const target = redirectId === 0 ? client : clients.get(redirectId);
    // What a client does itself is told, to whomever, when its command is over.
    const comesLast = client === situation.current;
    if (target === undefined) {
      tracking.redirectBroken = true;
      if (client.protocol === 2) return null;
      const out = output.pushWriter(client, comesLast);
      out.push(2);
      out.bulkLatin1("tracking-redir-broken");
      out.integer(redirectId);
      return null;
    }
    // Whoever is neither RESP3 nor listening on the channel could not tell this from a reply.
    const isDeaf = redirectId === 0 || !target.is(ClientState.SUBSCRIBED);
    if (target.protocol === 2 && isDeaf) return null;
    const out = output.pushWriter(target, comesLast);
    if (target.protocol === 3) {
      out.push(2);
      out.bulkLatin1("invalidate");
    } else {
      out.push(3);
      out.bulkLatin1("message");
      out.bulkLatin1(CHANNEL);
    }
    return out;
  }

  // What CLIENT LIST and CLIENT TRACKINGINFO show.

  /** The client's prefixes as entries with names, in the order of bytes. */
  prefixesOf(client: Client): Int32Array {
    return this.broadcasts.prefixesOf(client);
  }

  /** What the client's prefixes cost. Keys it has read are the table's, which has a limit. */
  bytesOf(client: Client): number {
    return !this.trackers.has(client) ? 0 : this.broadcasts.prefixes.bytesOf(client.id);
  }

  /** Client id for the redir field of CLIENT LIST: -1 not tracking, 0 no redirection. */
  redirectOf(client: Client): number {
    return this.trackers.get(client)?.redirectId ?? -1;
  }

  fieldsOf(client: Client): { redir: number } {
    return { redir: this.redirectOf(client) };
  }

  /** The letters of CLIENT LIST's flags. */
  flagsOf(client: Client): string {
    const tracking = this.trackers.get(client);
    if (tracking === undefined) return "";
    return `t${tracking.redirectBroken ? "R" : ""}${tracking.broadcast ? "B" : ""}`;
  }
}

/** Redis writes the null in the protocol of the client that tracks, even where another gets it. */
function writeNull(out: ReplyWriter, resp3: boolean): void {
  const { resp3: own } = out;
  out.resp3 = resp3;
  out.null();
  out.resp3 = own;
}
