/**
 * OwnExpiries: keys with a time to live that clients of a writable replica have set. The primary knows
 * nothing of them, so nobody would ever say that they go; all others wait for its word.
 *
 * They are remembered by name, outside of the JavaScript heap, and looked at a few at a time. One that the
 * primary has written since is the primary's again.
 */
import { Notify } from "@kv/commands";
import { bytesOf, type Database, expiryMs, keyIndex, keyLength, Membership, NONE } from "@kv/core";
import { type ChangeListener, type Client, ClientState, EngineState, type Ports } from "@kv/engine";

/** So many are looked at in a turn of the cron. */
const LOOKS_MAX = 128;

export type OwnExpiriesNeeds = Pick<
  Ports,
  "host" | "situation" | "stats" | "keyspace" | "effects" | "propagator"
>;

export class OwnExpiries implements ChangeListener {
  private readonly ports: OwnExpiriesNeeds;
  /** Keys by name; their members are the numbers of databases. */
  private readonly keys: Membership;

  constructor(ports: OwnExpiriesNeeds) {
    this.ports = ports;
    const { keyspace, host } = ports;
    this.keys = new Membership(keyspace.arena, () => host.random32(), keyspace.lazyFree);
  }

  /** How many there are: `slave_expires_tracked_keys` of INFO. */
  get count(): number {
    return this.keys.pairCount;
  }

  /** Of a replica that takes writes, or took some: those keys may become the primary's. */
  get wantsChanges(): boolean {
    const { situation } = this.ports;
    if (!situation.is(EngineState.REPLICA)) return false;
    return !situation.is(EngineState.READ_ONLY) || this.count > 0;
  }

  /** Who has become a primary has no need of them. */
  roleChanged(): void {
    if (!this.ports.situation.is(EngineState.REPLICA)) this.clear();
  }

  keyChanged(
    by: Client | null,
    database: Database,
    bytes: Uint8Array,
    view: DataView,
    start: number,
    end: number,
  ): void {
    const isOurs = by !== null && !by.is(ClientState.PRIMARY);
    const entry = isOurs ? database.findKey(bytes, view, start, end) : NONE;
    const expires = entry !== NONE && expiryMs(database.arena, entry) !== -1;
    if (expires) this.keys.add(database.index, bytes, view, start, end);
    else if (this.count > 0) this.keys.remove(database.index, bytes, view, start, end);
  }

  databaseChanged(index: number): void {
    if (index === -1) this.clear();
    else this.keys.removeMember(index);
  }

  /** The primary's word counts for all of them, or nobody's. */
  clear(): void {
    if (this.count > 0) this.keys.clear();
  }

  /** Removes some of those whose time has passed. */
  cron(nowMs: number): void {
    for (let looks = Math.min(LOOKS_MAX, this.count); looks > 0 && this.count > 0; looks--)
      this.look(nowMs);
    this.ports.propagator.finish();
    if (this.count === 0) this.ports.effects.updateInterest();
  }

  private look(nowMs: number): void {
    const { effects, keyspace, stats } = this.ports;
    const { arena } = keyspace;
    const { keys } = this;
    const name = keys.randomName();
    if (name === NONE) return;
    const pair = keys.firstPairOfName(name);
    const database = keyspace.databases[keys.memberOf(pair)] as Database;
    const start = keyIndex(arena, name);
    const key = bytesOf(arena, name).slice(start, start + keyLength(arena, name));
    const entry = database.findKey(key, new DataView(key.buffer), 0, key.length);
    const timeMs = entry === NONE ? -1 : expiryMs(arena, entry);
    if (timeMs !== -1 && nowMs <= timeMs) return;
    keys.removePair(pair);
    if (timeMs === -1) return;
    effects.removeKey(database, entry, "expired", Notify.EXPIRED, effects.lazyExpire);
    stats.expiredKeys++;
  }
}
