/**
 * TrackingTable: which clients may have which keys in their caches.
 *
 *      names   "user:1" → { index 0, client 7, others: none   }     keys[0]
 *              "user:2" → { index 1, client 7, others: 9, 12  }     keys[1]
 *
 * A key nearly always belongs to one client, so the first has a field and only more of them a set.
 * The list `keys` is there to pick one at random: its order means nothing, and a removed key's
 * place is taken by the last.
 *
 * Clients are known by id. A client that went, or stopped tracking, stays in the table until its
 * keys change: whoever reads an id looks whether that client still cares.
 *
 * True whenever no method is running; check() verifies it: each key of the list is the one found
 * under its name, at its own index, and `itemCount` is the number of ids in all keys together.
 */

/** A key that somebody has read. */
export interface TrackedKey {
  readonly name: string;
  /** Place in the list. */
  index: number;
  /** Id of the first client that read it. */
  readonly clientId: number;
  /** Ids of all others; null while there are none. */
  others: Set<number> | null;
}

/** A Map breaks at 2^24 entries; the table stays well below, whatever the configuration says. */
export const TRACKED_KEYS_MAX = 16_000_000;

export class TrackingTable {
  /** Pairs of key and client. */
  itemCount = 0;
  private readonly names = new Map<string, TrackedKey>();
  private readonly keys: TrackedKey[] = [];

  get keyCount(): number {
    return this.keys.length;
  }

  /** The client has read the key. */
  remember(name: string, clientId: number): void {
    const key = this.names.get(name);
    if (key === undefined) {
      const fresh = { name, index: this.keys.length, clientId, others: null };
      this.names.set(name, fresh);
      this.keys.push(fresh);
      this.itemCount++;
      return;
    }
    if (key.clientId === clientId) return;
    key.others ??= new Set();
    if (key.others.has(clientId)) return;
    key.others.add(clientId);
    this.itemCount++;
  }

  /** Removes the key; undefined when nobody has read it. */
  take(name: string): TrackedKey | undefined {
    const key = this.names.get(name);
    if (key === undefined) return undefined;
    this.names.delete(name);
    const last = this.keys.pop() as TrackedKey;
    if (last !== key) {
      this.keys[key.index] = last;
      last.index = key.index;
    }
    this.itemCount -= 1 + (key.others?.size ?? 0);
    return key;
  }

  /** Any key, chosen by 32 random bits. The table must not be empty. */
  nameAt(random: number): string {
    return (this.keys[(random >>> 0) % this.keys.length] as TrackedKey).name;
  }

  clear(): void {
    this.names.clear();
    this.keys.length = 0;
    this.itemCount = 0;
  }

  /** Throws unless the promises of the header hold. For tests: slow. */
  check(): void {
    let items = 0;
    for (const [index, key] of this.keys.entries()) {
      if (this.names.get(key.name) !== key || key.index !== index)
        throw new Error(`key ${key.name} is not where it should be`);
      items += 1 + (key.others?.size ?? 0);
    }
    if (this.names.size !== this.keys.length || items !== this.itemCount)
      throw new Error("the counts of the tracking table are wrong");
  }
}

/** The ids of all clients that have read the key. */
export function* clientIdsOf(key: TrackedKey): Generator<number> {
  yield key.clientId;
  if (key.others !== null) yield* key.others;
}
