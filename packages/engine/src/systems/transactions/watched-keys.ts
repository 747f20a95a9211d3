/**
 * Watched keys: who watches which keys (WATCH), over all clients. Any change of a key disturbs
 * everybody who watches it, and EXEC then answers null.
 *
 * Each database in which somebody watches has a table of its own, off-heap (core's membership.ts):
 * a key's name is never copied or put together to be looked up. A key that had already expired when
 * it was watched is flagged: it does not count as changed when it is removed.
 */
import {
  assert,
  bytesOf,
  type Database,
  keyIndex,
  keyLength,
  Membership,
  NONE,
  type Ref,
  viewOf,
} from "@kv/core";
import type { Client } from "../../kernel/client.ts";
import type { ClientCall } from "../../kernel/client-call.ts";
import type { ChangeListener } from "../../kernel/effects.ts";
import { Port, type Ports } from "../../module/ports.ts";
import type { Running } from "../../module/system.ts";

const EXPIRED_ALREADY = 1;

export const watchedKeysPort = new Port<WatchedKeys>("watched-keys");

type Needs = Pick<Ports, "host" | "keyspace" | "clients" | "call">;

export class WatchedKeys implements Running, ChangeListener {
  /** Pairs of a client and a key. */
  count = 0;
  readonly changeListener = this;
  readonly clientFacts = this;
  private readonly ports: Needs;
  private readonly byDatabase = new Map<number, Membership>();

  constructor(ports: Needs) {
    this.ports = ports;
  }

  get wantsChanges(): boolean {
    return this.count > 0;
  }

  transactionEnded(client: Client): void {
    this.unwatchAll(client);
  }

  /** The client begins to watch all keys from argument 1 on, or, where there is no room, none. */
  watch(client: Client, call: ClientCall): void {
    const { bytes, view, database } = call;
    const keys = this.tableOf(database);
    const before = keys.countOfMember(client.id);
    try {
      for (let index = 1; index < call.argc; index++) {
        const start = call.start(index);
        const end = call.end(index);
        if (!keys.add(client.id, bytes, view, start, end)) continue;
        const entry = database.findKey(bytes, view, start, end);
        if (entry === NONE || !call.isExpired(entry)) continue;
        keys.setFlag(keys.pair(client.id, keys.find(bytes, view, start, end)), EXPIRED_ALREADY);
      }
    } catch (error) {
      keys.keepFirst(client.id, before);
      throw error;
    } finally {
      this.countAgain(client, database.index, keys.countOfMember(client.id) - before);
    }
  }

  private tableOf({ index }: Database): Membership {
    let keys = this.byDatabase.get(index);
    if (keys === undefined) {
      const { host, keyspace } = this.ports;
      keys = new Membership(keyspace.arena, () => host.random32(), keyspace.lazyFree);
      this.byDatabase.set(index, keys);
    }
    return keys;
  }

  private countAgain({ transaction }: Client, databaseIndex: number, more: number): void {
    this.count += more;
    if (transaction !== null) transaction.watchedCount += more;
    if (this.byDatabase.get(databaseIndex)?.nameCount === 0) this.byDatabase.delete(databaseIndex);
  }

  unwatchAll(client: Client): void {
    if (client.transaction === null || client.transaction.watchedCount === 0) return;
    for (const [index, keys] of this.byDatabase) {
      const count = keys.countOfMember(client.id);
      if (count === 0) continue;
      keys.removeMember(client.id);
      this.countAgain(client, index, -count);
    }
  }

  /**
   * The key bytes[start, end) changed: everybody watching it is disturbed. Only who began to watch
   * it when it had expired already is not, by its removal.
   */
  keyChanged(
    _by: Client | null,
    database: Database,
    bytes: Uint8Array,
    view: DataView,
    start: number,
    end: number,
  ): void {
    const keys = this.byDatabase.get(database.index);
    if (keys === undefined) return;
    const name = keys.find(bytes, view, start, end);
    if (name === NONE) return;
    const first = keys.firstPairOfName(name);
    for (let pair = first; pair !== NONE; pair = keys.nextPairOfName(pair)) {
      const isExcused =
        keys.flagOf(pair) === EXPIRED_ALREADY && database.findKey(bytes, view, start, end) === NONE;
      if (isExcused) keys.setFlag(pair, 0);
      else this.disturb(keys.memberOf(pair));
    }
  }

  private disturb(member: number): void {
    const transaction = this.ports.clients.ofMember(member)?.transaction;
    if (transaction != null) transaction.disturbed = true;
  }

  /**
   * Before a database is emptied, or `successor` takes its place: whoever watches a key that is
   * there, or will be, is disturbed. Between missing and expired there is no difference.
   */
  databaseChanged(index: number, successor: number): void {
    const { databases } = this.ports.keyspace;
    for (const database of databases)
      if (index === -1 || database.index === index) this.replaced(database, databases[successor]);
  }

  private replaced(database: Database, successor: Database | undefined): void {
    const { call } = this.ports;
    const keys = this.byDatabase.get(database.index);
    if (keys === undefined) return;
    for (let name = keys.firstName(); name !== NONE; name = keys.nextName(name)) {
      const before = this.entryIn(database, name);
      const after = successor === undefined ? NONE : this.entryIn(successor, name);
      const isExpired = after !== NONE && call.isExpired(after);
      const first = keys.firstPairOfName(name);
      for (let pair = first; pair !== NONE; pair = keys.nextPairOfName(pair)) {
        const wasThere = before !== NONE && keys.flagOf(pair) !== EXPIRED_ALREADY;
        keys.setFlag(pair, isExpired ? EXPIRED_ALREADY : 0);
        if (wasThere || (after !== NONE && !isExpired)) this.disturb(keys.memberOf(pair));
      }
    }
  }

  /** Whether a key that the client watches has expired meanwhile, removed or not: that is a change. */
  anyExpired(client: Client, call: ClientCall): boolean {
    if (client.transaction === null || client.transaction.watchedCount === 0) return false;
    for (const [index, keys] of this.byDatabase) {
      const database = call.keyspace.databases[index];
      const first = keys.firstPairOfMember(client.id);
      for (let pair = first; pair !== NONE; pair = keys.nextPairOfMember(pair)) {
        if (database === undefined || keys.flagOf(pair) === EXPIRED_ALREADY) continue;
        const entry = this.entryIn(database, keys.nameOf(pair));
        if (entry !== NONE && call.isExpired(entry)) return true;
      }
    }
    return false;
  }

  private entryIn(database: Database, name: Ref): Ref {
    const { arena } = this.ports.keyspace;
    const at = keyIndex(arena, name);
    const end = at + keyLength(arena, name);
    return database.findKey(bytesOf(arena, name), viewOf(arena, name), at, end);
  }

  /** What the keys that the client watches cost. */
  bytesOf({ id, transaction }: Client): number {
    let sum = 0;
    if (transaction === null || transaction.watchedCount === 0) return sum;
    for (const keys of this.byDatabase.values()) sum += keys.bytesOf(id);
    return sum;
  }

  /** Throws unless the count is right and every table keeps its promises. For tests: slow. */
  check(): void {
    let count = 0;
    for (const keys of this.byDatabase.values()) {
      keys.check();
      assert(keys.nameCount > 0, "a database in which nobody watches has no table");
      count += keys.pairCount;
    }
    assert(count === this.count, "watched keys are counted");
  }
}
