/**
 * Transactions: the queue of MULTI, and the keys of WATCH.
 *
 * A watched key is registered in WatchedKeys under its database and bytes; any change of the key
 * marks every client watching it, and EXEC then answers null. A key that was already expired when
 * it was watched does not count as changed when it is removed.
 */
import type { CommandEntry } from "@kv/commands";
import type { Arena } from "@kv/core";
import type { Client } from "./client.ts";
import { CommandQueue } from "./command-queue.ts";
import type { EngineCall } from "./engine-call.ts";

/** Keeps the present request of a client in MULTI for EXEC. Throws ArenaFullError. */
export function queueCommand(client: Client, entry: CommandEntry, call: EngineCall): void {
  const transaction = client.transaction;
  if (transaction === null) return;
  // What cannot be executed any more need not be kept, and EXEC is not judged by it.
  if (transaction.refused || transaction.disturbed) return;
  transaction.queue.push(entry, call);
  transaction.flags |= entry.bits;
}

/** A client's open transaction and watched keys. */
export class Transaction {
  readonly queue: CommandQueue;
  /** A command was refused while queueing: EXEC aborts. */
  refused = false;
  /** A watched key changed: EXEC answers null. */
  disturbed = false;
  readonly watched: WatchedKey[] = [];
  /** Some queued command writes / is of the kinds that EXEC is checked for. */
  flags = 0;

  constructor(arena: Arena) {
    this.queue = new CommandQueue(arena);
  }
}

export interface WatchedKey {
  databaseIndex: number;
  /** The key, one character a byte. */
  key: string;
  expiredAlready: boolean;
}

/** Who watches which key, over all clients. */
export class WatchedKeys {
  private readonly byDatabase = new Map<number, Map<string, Map<Client, WatchedKey>>>();
  count = 0;

  watch(client: Client, transaction: Transaction, watched: WatchedKey): void {
    let keys = this.byDatabase.get(watched.databaseIndex);
    if (keys === undefined) {
      keys = new Map();
      this.byDatabase.set(watched.databaseIndex, keys);
    }
    let clients = keys.get(watched.key);
    if (clients === undefined) {
      clients = new Map();
      keys.set(watched.key, clients);
    }
    if (clients.has(client)) return;
    clients.set(client, watched);
    transaction.watched.push(watched);
    this.count++;
  }

  unwatchAll(client: Client): void {
    const transaction = client.transaction;
    if (transaction === null) return;
    for (const { databaseIndex, key } of transaction.watched) {
      const keys = this.byDatabase.get(databaseIndex);
      const clients = keys?.get(key);
      if (keys === undefined || clients === undefined) continue;
      clients.delete(client);
      this.count--;
      if (clients.size === 0) keys.delete(key);
      if (keys.size === 0) this.byDatabase.delete(databaseIndex);
    }
    transaction.watched.length = 0;
  }

  /**
   * The key changed: everybody watching it is disturbed. Only who began to watch it when it had
   * expired already is not, by its removal.
   */
  changed(databaseIndex: number, key: string, isThere: () => boolean): void {
    const clients = this.byDatabase.get(databaseIndex)?.get(key);
    if (clients === undefined) return;
    for (const [{ transaction }, watched] of clients) {
      if (transaction === null) continue;
      if (watched.expiredAlready && !isThere()) watched.expiredAlready = false;
      else transaction.disturbed = true;
    }
  }

  /** All keys of a database go, others may come: `affected` tells whose transaction that disturbs. */
  databaseChanged(databaseIndex: number, affected: (watched: WatchedKey) => boolean): void {
    const keys = this.byDatabase.get(databaseIndex);
    if (keys === undefined) return;
    for (const clients of keys.values()) {
      for (const [{ transaction }, watched] of clients)
        if (transaction !== null && affected(watched)) transaction.disturbed = true;
    }
  }

  /** True when anybody watches a key of the database. */
  any(databaseIndex: number): boolean {
    return this.byDatabase.has(databaseIndex);
  }
}
