/**
 * Broadcasts: client-side caching without remembering who read what. A client names prefixes, and
 * hears of every key that begins with one of them. Changes gather until the turn of the event loop
 * ends, so that a thousand writes to a key are one message.
 */
import type { Client } from "./client.ts";

/** What one prefix has to tell, and to whom. */
interface Broadcast {
  readonly clients: Set<Client>;
  /** Changed keys, with the client that changed each last; null: the server itself did. */
  readonly changed: Map<string, Client | null>;
}

/** Sends the names of changed keys to a client. */
export type SendKeys = (client: Client, keys: readonly string[]) => void;

/** A turn in which more keys change than this has its messages sent early. */
const CHANGED_MAX = 65_536;

export class Broadcasts {
  private readonly byPrefix = new Map<string, Broadcast>();
  private readonly send: SendKeys;
  private pending = false;

  constructor(send: SendKeys) {
    this.send = send;
  }

  get prefixCount(): number {
    return this.byPrefix.size;
  }

  /** True while changes wait for sendAll(). */
  get hasChanges(): boolean {
    return this.pending;
  }

  add(client: Client, prefix: string): void {
    let broadcast = this.byPrefix.get(prefix);
    if (broadcast === undefined) {
      broadcast = { clients: new Set(), changed: new Map() };
      this.byPrefix.set(prefix, broadcast);
    }
    broadcast.clients.add(client);
  }

  remove(client: Client, prefixes: Iterable<string>): void {
    for (const prefix of prefixes) {
      const broadcast = this.byPrefix.get(prefix);
      broadcast?.clients.delete(client);
      if (broadcast?.clients.size === 0) this.byPrefix.delete(prefix);
    }
  }

  /** True when somebody hears of it. */
  keyChanged(by: Client | null, key: string): boolean {
    let heard = false;
    for (const [prefix, { changed }] of this.byPrefix) {
      if (!key.startsWith(prefix)) continue;
      changed.set(key, by);
      heard = true;
      this.pending = true;
      if (changed.size >= CHANGED_MAX) this.sendAll();
    }
    return heard;
  }

  /** Tells everybody, in the order of the names; NOLOOP clients not what they did themselves. */
  sendAll(): void {
    this.pending = false;
    for (const { clients, changed } of this.byPrefix.values()) {
      if (changed.size === 0) continue;
      const keys = [...changed.keys()].sort(byBytes);
      for (const client of clients) {
        const wanted =
          client.tracking?.noLoop === true
            ? keys.filter((key) => changed.get(key) !== client)
            : keys;
        if (wanted.length > 0) this.send(client, wanted);
      }
      changed.clear();
    }
  }
}

/** Names hold one character a byte, so comparing code units compares bytes. */
function byBytes(a: string, b: string): number {
  if (a < b) return -1;
  return a > b ? 1 : 0;
}
