/**
 * Tracking: client-side caching. The server remembers which keys a client read, and tells it when
 * one of them changes; or, in BCAST mode, tells it of every key with certain prefixes.
 *
 *      GET k        remember()    k → clients            (tracking-table.ts)
 *      SET k        keyChanged()  clients of k are told and forgotten, or the change is kept for
 *                                 the end of the turn    (tracking-broadcast.ts)
 *
 * A key is known by its name alone: the same name in another database counts as the same key, as
 * in Redis. Names are text with one character a byte.
 *
 * A RESP3 client gets push messages. A RESP2 client has no room for them: it names a second
 * connection, subscribed to `__redis__:invalidate`, that gets them in its place.
 */
import { type CommandEntry, FLAG_BITS, keysOf } from "@kv/commands";
import { type ReplyWriter, TEXT_BYTES_MAX } from "@kv/resp";
import { type Client, ClientState } from "./client.ts";
import type { Engine } from "./engine.ts";
import type { EngineCall } from "./engine-call.ts";
import { Broadcasts } from "./tracking-broadcast.ts";
import { clientIdsOf, TRACKED_KEYS_MAX, TrackingTable } from "./tracking-table.ts";

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
  /** Prefixes in BCAST mode; an empty one stands for all keys. */
  readonly prefixes: Set<string>;
}

export type TrackingRequest = Pick<
  ClientTracking,
  "redirectId" | "broadcast" | "optIn" | "optOut" | "noLoop"
> & { prefixes: readonly string[] };

const CHANNEL = "__redis__:invalidate";
/** Keys that a command evicts from the full table; more for each time it did not suffice. */
const EVICTIONS_PER_COMMAND = 100;

export class Tracking {
  /** True while any client tracks. */
  isOn = false;
  private readonly engine: Engine;
  private readonly clients = new Set<Client>();
  private readonly table = new TrackingTable();
  private readonly broadcasts: Broadcasts;
  /** tracking-table-max-keys, or what a Map can hold. */
  private keysMax = TRACKED_KEYS_MAX;
  private evictionRounds = 0;

  constructor(engine: Engine) {
    this.engine = engine;
    this.broadcasts = new Broadcasts((client, keys) => this.send(client, keys));
    const readLimit = () => {
      const keys = engine.config.number("tracking-table-max-keys");
      this.keysMax = keys === 0 ? TRACKED_KEYS_MAX : Math.min(keys, TRACKED_KEYS_MAX);
      return undefined;
    };
    readLimit();
    engine.config.onApply("tracking-table-max-keys", readLimit);
  }

  // What INFO shows.

  get clientCount(): number {
    return this.clients.size;
  }

  get keyCount(): number {
    return this.table.keyCount;
  }

  /** Pairs of key and client. */
  get itemCount(): number {
    return this.table.itemCount;
  }

  get prefixCount(): number {
    return this.broadcasts.prefixCount;
  }

  // Switching it on and off.

  /** Begins, or goes on in another way. The request has been checked. */
  enable(client: Client, request: TrackingRequest): void {
    const { redirectId, broadcast, optIn, optOut, noLoop } = request;
    const prefixes = client.tracking?.prefixes ?? new Set<string>();
    const caching = client.tracking?.caching ?? false;
    client.tracking = {
      redirectId,
      broadcast,
      optIn,
      optOut,
      noLoop,
      caching,
      redirectBroken: false,
      prefixes,
    };
    if (broadcast) {
      for (const prefix of request.prefixes.length === 0 ? [""] : request.prefixes) {
        prefixes.add(prefix);
        this.broadcasts.add(client, prefix);
      }
    }
    this.clients.add(client);
    client.mark(ClientState.TRACKING, true);
    this.updateState();
  }

  disable(client: Client): void {
    const { tracking } = client;
    if (tracking === null) return;
    this.broadcasts.remove(client, tracking.prefixes);
    client.tracking = null;
    client.mark(ClientState.TRACKING, false);
    this.clients.delete(client);
    this.updateState();
  }

  clientClosed(client: Client): void {
    this.disable(client);
  }

  private updateState(): void {
    const isOn = this.clients.size > 0;
    if (isOn === this.isOn) return;
    this.isOn = isOn;
    // Nobody is left who could be told.
    if (!isOn) this.table.clear();
    this.engine.updateInterest();
  }

  // Reading and changing keys.

  /** A key changed. `by` is null when the server itself removed it. */
  keyChanged(by: Client | null, key: string): void {
    const { engine } = this;
    if (this.broadcasts.prefixCount > 0 && this.broadcasts.keyChanged(by, key)) engine.host.wake();
    this.invalidate(key);
  }

  private invalidate(name: string): void {
    const key = this.table.take(name);
    if (key === undefined) return;
    const { engine } = this;
    for (const id of clientIdsOf(key)) {
      const client = engine.clients.get(id);
      if (client === undefined || client.tracking === null || client.tracking.broadcast) continue;
      if (client.tracking.noLoop && client === engine.current) continue;
      this.send(client, [name]);
    }
  }

  /** A tracking client ran a command that reads: its keys are remembered for it. */
  remember(client: Client, entry: CommandEntry, call: EngineCall): void {
    const { tracking } = client;
    if (tracking === null || tracking.broadcast) return;
    if (tracking.optIn ? !tracking.caching : tracking.optOut && tracking.caching) return;
    if ((entry.bits & FLAG_BITS.pubsub) !== 0) return;
    const { keys, getKeys } = entry.command;
    const found = (getKeys === undefined ? null : getKeys(call)) ?? keysOf(keys, call);
    if (found === null) return;
    for (const { index } of found) {
      if (call.length(index) > TEXT_BYTES_MAX) continue; // Its changes are not told either.
      if (this.table.keyCount >= TRACKED_KEYS_MAX) this.evictOne();
      this.table.remember(call.text(index), client.id);
    }
  }

  /** A request was answered, be it with a refusal; null: its command is unknown. */
  requestEnded(client: Client, entry: CommandEntry | null): void {
    const { tracking } = client;
    // CLIENT CACHING is about the next command, or all of a transaction.
    if (
      tracking?.caching === true &&
      !client.inTransaction &&
      !this.engine.propagator.isOpen &&
      entry?.container?.fullName !== "client"
    ) {
      tracking.caching = false;
    }
  }

  /** After a command, while tracking is on. */
  afterCommand(client: Client, entry: CommandEntry): void {
    this.requestEnded(client, entry);
    if (this.table.keyCount > this.keysMax) this.limit();
  }

  /** Forgets keys at random while there are too many; those who have them are told. */
  private limit(): void {
    this.evictionRounds++;
    for (let left = EVICTIONS_PER_COMMAND * this.evictionRounds; left > 0; left--) {
      this.evictOne();
      if (this.table.keyCount > this.keysMax) continue;
      this.evictionRounds = 0;
      return;
    }
  }

  private evictOne(): void {
    this.invalidate(this.table.nameAt(this.engine.host.random32()));
  }

  /** All keys went at once: every cache is worthless. */
  flushed(): void {
    for (const client of this.clients) this.send(client, null);
    this.table.clear();
  }

  /** Before the host waits for events: what BCAST clients have to hear. */
  turn(): void {
    if (this.broadcasts.hasChanges) this.broadcasts.sendAll();
  }

  // Messages.

  /** Tells the client, or whom it has named, that the keys changed; null: all of them. */
  private send(client: Client, keys: readonly string[] | null): void {
    const tracking = client.tracking as ClientTracking;
    const { engine } = this;
    const { redirectId } = tracking;
    const target = redirectId === 0 ? client : engine.clients.get(redirectId);
    if (target === undefined) {
      tracking.redirectBroken = true;
      if (client.protocol === 2) return;
      const out = engine.output.pushWriter(client);
      out.push(2);
      out.bulkLatin1("tracking-redir-broken");
      out.integer(redirectId);
      return;
    }
    // Whoever is neither RESP3 nor listening on the channel could not tell this from a reply.
    if (target.protocol === 2 && (redirectId === 0 || !target.is(ClientState.SUBSCRIBED))) return;
    const out = engine.output.pushWriter(target);
    if (target.protocol === 3) {
      out.push(2);
      out.bulkLatin1("invalidate");
    } else {
      out.push(3);
      out.bulkLatin1("message");
      out.bulkLatin1(CHANNEL);
    }
    if (keys === null) writeNull(out, client.protocol === 3);
    else {
      out.array(keys.length);
      for (const key of keys) out.bulkLatin1(key);
    }
  }

  // What CLIENT LIST shows.

  /** Client id for the redir field of CLIENT LIST: -1 not tracking, 0 no redirection. */
  redirectOf(client: Client): number {
    return client.tracking?.redirectId ?? -1;
  }

  /** The letters of CLIENT LIST's flags. */
  flagsOf({ tracking }: Client): string {
    if (tracking === null) return "";
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
