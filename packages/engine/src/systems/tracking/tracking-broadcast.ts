/**
 * Broadcasts: client-side caching without remembering who read what. A client names prefixes, and
 * hears of every key that begins with one of them. Changes gather until the turn of the event loop
 * ends, so that a thousand writes to a key are one message.
 *
 * Prefixes and changed keys are kept off-heap, as bytes. A changed key is kept once, whatever the
 * number of prefixes: in the order of bytes, the keys of a prefix stand one behind the other.
 *
 *      prefixes   "u"      clients 3, 5          changed   "a1" | "u7" "user:1" "user:2" | "x"
 *                 "user:"  client 9                               ^^^^^^^^^^^^^^^^^^^^^^ of "u"
 *
 * What gathers is bounded in number and in bytes; beyond, it is sent early.
 */
import {
  type Arena,
  ArenaFullError,
  bytesOf,
  createEntry,
  Dict,
  keyIndex,
  keyLength,
  Membership,
  NONE,
  type Ref,
  RefList,
  viewOf,
  wordIndex,
  wordsOf,
} from "@kv/core";
import type { ReplyWriter } from "@kv/resp";
import type { Client } from "../../kernel/client.ts";
import type { Ports } from "../../module/ports.ts";

/** Begins a message to a client: its keys follow, as an array. Null: nobody gets it. */
export type BeginMessage = (client: Client) => ReplyWriter | null;

/** A turn in which more keys change than this, or longer ones, has its messages sent early. */
const CHANGED_MAX = 65_536;
const CHANGED_BYTES_MAX = 4 * 2 ** 20;

/** The word of a changed key's entry that says who changed it last; 0: the server itself. */
const CHANGED_BY = 1;

type Needs = Pick<Ports, "host" | "keyspace" | "clients">;

export class Broadcasts {
  /** Which clients hear of which prefixes. */
  readonly prefixes: Membership;
  private readonly ports: Needs;
  /** Whether the client does not want to hear of its own changes. */
  private readonly isNoLoop: (client: Client) => boolean;
  private readonly arena: Arena;
  private readonly begin: BeginMessage;
  /** Keys that changed since the last sending. The table is there only while there are some. */
  private readonly changed: Dict;
  private changedBytes = 0;

  constructor(ports: Needs, begin: BeginMessage, isNoLoop: (client: Client) => boolean) {
    this.ports = ports;
    this.begin = begin;
    this.isNoLoop = isNoLoop;
    const { arena, lazyFree } = ports.keyspace;
    this.arena = arena;
    this.prefixes = new Membership(arena, () => ports.host.random32(), lazyFree);
    this.changed = new Dict(arena);
  }

  /** True while changes wait for sendAll(). */
  get hasChanges(): boolean {
    return this.changed.header !== NONE;
  }

  /** True when somebody hears of it at the end of the turn. */
  keyChanged(
    by: Client | null,
    bytes: Uint8Array,
    view: DataView,
    start: number,
    end: number,
  ): boolean {
    if (!this.isHeard(bytes, start, end)) return false;
    const byId = by === null ? 0 : by.id | 0;
    try {
      this.keep(byId, bytes, view, start, end);
    } catch (full) {
      // The change has happened, so it has to be told, now and with this key alone.
      if (!(full instanceof ArenaFullError)) throw full;
      this.sendAll();
      this.sendOne(byId, bytes, view, start, end);
      return false;
    }
    if (this.changed.count >= CHANGED_MAX || this.changedBytes >= CHANGED_BYTES_MAX) this.sendAll();
    return this.hasChanges;
  }

  private isHeard(bytes: Uint8Array, start: number, end: number): boolean {
    const { prefixes } = this;
    for (let name = prefixes.firstName(); name !== NONE; name = prefixes.nextName(name))
      if (this.begins(name, bytes, start, end)) return true;
    return false;
  }

  /** Whether bytes[start, end) begins with the prefix. */
  private begins(prefix: Ref, bytes: Uint8Array, start: number, end: number): boolean {
    const { arena } = this;
    const length = keyLength(arena, prefix);
    if (length > end - start) return false;
    const own = bytesOf(arena, prefix);
    const at = keyIndex(arena, prefix);
    for (let i = 0; i < length; i++) if (own[at + i] !== bytes[start + i]) return false;
    return true;
  }

  private keep(byId: number, bytes: Uint8Array, view: DataView, start: number, end: number): void {
    const { arena, changed } = this;
    if (changed.header === NONE)
      changed.attach(Dict.create(arena, this.ports.host.random32() & ~1));
    const hash = changed.hash(bytes, view, start, end);
    let entry = changed.find(bytes, view, start, end, hash);
    if (entry === NONE) {
      entry = createEntry(arena, 0, 0, 0, bytes, start, end, 0);
      try {
        changed.insert(entry, hash);
      } catch (full) {
        arena.free(entry);
        throw full;
      }
      this.changedBytes += end - start;
    }
    wordsOf(arena, entry)[wordIndex(entry) + CHANGED_BY] = byId;
  }

  /** Tells everybody, prefix by prefix in the order of bytes; NOLOOP clients not what they did themselves. */
  sendAll(): void {
    const { arena, prefixes } = this;
    const keys = this.takeSorted();
    // Sending may close clients, and so change the prefixes: what is to be sent is settled first.
    const heard: { name: Ref; from: number; to: number }[] = [];
    for (let name = prefixes.firstName(); name !== NONE; name = prefixes.nextName(name)) {
      const from = firstIndex(keys, (key) => compareNames(arena, key, name) >= 0);
      const to = firstIndex(keys, (key) => this.isPast(key, name));
      if (from < to) heard.push({ name, from, to });
    }
    const jobs = new RefList();
    for (const { name, from, to } of heard.sort((a, b) => compareNames(arena, a.name, b.name))) {
      const first = prefixes.firstPairOfName(name);
      for (let pair = first; pair !== NONE; pair = prefixes.nextPairOfName(pair)) {
        jobs.push(prefixes.memberOf(pair) | 0);
        jobs.push(from);
        jobs.push(to);
      }
    }
    try {
      for (let i = 0; i < jobs.count; i += 3) {
        const client = this.ports.clients.ofMember(jobs.at(i));
        if (client != null) this.send(client, keys.subarray(jobs.at(i + 1), jobs.at(i + 2)));
      }
    } finally {
      for (const key of keys) arena.free(key);
    }
  }

  /** Whether a key stands behind all that begin with the prefix. */
  private isPast(key: Ref, prefix: Ref): boolean {
    const { arena } = this;
    const at = keyIndex(arena, key);
    if (this.begins(prefix, bytesOf(arena, key), at, at + keyLength(arena, key))) return false;
    return compareNames(arena, key, prefix) > 0;
  }

  /** The changed keys, sorted; they are the caller's now. */
  private takeSorted(): Int32Array {
    const { arena, changed } = this;
    const keys = new Int32Array(changed.count);
    if (changed.header === NONE) return keys;
    let count = 0;
    changed.eachEntry((entry) => {
      keys[count++] = entry;
    });
    changed.free();
    this.changedBytes = 0;
    return keys.sort((a, b) => compareNames(arena, a, b));
  }

  private send(client: Client, keys: Int32Array): void {
    const { arena } = this;
    const skippedId = this.isNoLoop(client) ? client.id | 0 : 0;
    let count = 0;
    for (const key of keys) if (this.isWanted(key, skippedId)) count++;
    const out = count === 0 ? null : this.begin(client);
    if (out === null) return;
    out.array(count);
    for (const key of keys) {
      if (!this.isWanted(key, skippedId)) continue;
      const at = keyIndex(arena, key);
      out.bulkFrom(bytesOf(arena, key), viewOf(arena, key), at, at + keyLength(arena, key));
    }
  }

  private isWanted(key: Ref, skippedId: number): boolean {
    if (skippedId === 0) return true;
    return wordsOf(this.arena, key)[wordIndex(key) + CHANGED_BY] !== skippedId;
  }

  /** Tells everybody of one key that could not be kept. */
  private sendOne(
    byId: number,
    bytes: Uint8Array,
    view: DataView,
    start: number,
    end: number,
  ): void {
    const { prefixes } = this;
    const members = new RefList();
    for (let name = prefixes.firstName(); name !== NONE; name = prefixes.nextName(name))
      if (this.begins(name, bytes, start, end)) prefixes.membersOf(name, members);
    for (let i = 0; i < members.count; i++) {
      const client = this.ports.clients.ofMember(members.at(i));
      if (client === undefined) continue;
      if (this.isNoLoop(client) && members.at(i) === byId) continue;
      const out = this.begin(client);
      if (out === null) continue;
      out.array(1);
      out.bulkFrom(bytes, view, start, end);
    }
  }

  /** The prefixes of a client, in the order of bytes. */
  prefixesOf(client: Client): Int32Array {
    const { arena, prefixes } = this;
    const own = new Int32Array(prefixes.countOfMember(client.id));
    let count = 0;
    const first = prefixes.firstPairOfMember(client.id);
    for (let pair = first; pair !== NONE; pair = prefixes.nextPairOfMember(pair))
      own[count++] = prefixes.nameOf(pair);
    return own.sort((a, b) => compareNames(arena, a, b));
  }
}

/** Index of the first key for which `holds` is true; it is for all behind. */
function firstIndex(keys: Int32Array, holds: (key: Ref) => boolean): number {
  let from = 0;
  let to = keys.length;
  while (from < to) {
    const middle = (from + to) >>> 1;
    if (holds(keys[middle] as Ref)) to = middle;
    else from = middle + 1;
  }
  return from;
}

/** Below, at or above 0: the order of the bytes of two entries' names. */
function compareNames(arena: Arena, a: Ref, b: Ref): number {
  const aStart = keyIndex(arena, a);
  const bStart = keyIndex(arena, b);
  const aEnd = aStart + keyLength(arena, a);
  const bEnd = bStart + keyLength(arena, b);
  return compareBytes(bytesOf(arena, a), aStart, aEnd, bytesOf(arena, b), bStart, bEnd);
}

/** The order of two strings of bytes; of two that begin alike the shorter one is first. */
export function compareBytes(
  a: Uint8Array,
  aStart: number,
  aEnd: number,
  b: Uint8Array,
  bStart: number,
  bEnd: number,
): number {
  const aLength = aEnd - aStart;
  const bLength = bEnd - bStart;
  const length = Math.min(aLength, bLength);
  for (let i = 0; i < length; i++) {
    const difference = (a[aStart + i] as number) - (b[bStart + i] as number);
    if (difference !== 0) return difference;
  }
  return aLength - bLength;
}
