/**
 * MovingKeys: the keys that are on their way to other servers. What protects them meanwhile, and how far
 * each has come.
 *
 *      NAMED ──dump──> SENT ──+OK──> TAKEN ──> removed here, when the client is answered
 *                        └──a change──┴──────> CHANGED: stays here
 *
 * Whoever would change one of them waits until it has moved or is there to stay: a command that may write
 * and names one among its keys, and an EXEC with such a command in its queue. So a busy key can be moved,
 * and nobody sees it change in between. Readers find the key here to the end; other keys are not concerned.
 *
 * Some changes cannot be foreseen from the words of a request: FLUSHALL, SWAPDB, a script that uses keys
 * which it has not named, BLMOVE and its kin served at last, expiry, eviction. They are heard of. A key
 * that has changed since it was dumped is not removed.
 *
 * Keys lie off-heap, in a table for each database (core's membership.ts), with the state as flag of the pair
 * of client and key.
 */
import { type CommandRow, FLAG_BITS, keysOf } from "@kv/commands";
import { type Database, Membership, NONE, type Ref } from "@kv/core";
import type { Client } from "../../kernel/client.ts";
import type { ChangeListener } from "../../kernel/effects.ts";
import { Verdict } from "../../kernel/guards.ts";
import { EngineState } from "../../kernel/situation.ts";
import type { Ports } from "../../module/ports.ts";
import { QueuedRequest, type StoredRequest } from "./stored-request.ts";

/** How far a key has come: see the head of this file. */
export const KeyState = { NAMED: 0, SENT: 1, TAKEN: 2, CHANGED: 3 } as const;

const WRITES = FLAG_BITS.write | FLAG_BITS.may_replicate;

type Needs = Pick<
  Ports,
  "host" | "situation" | "keyspace" | "commands" | "effects" | "pause" | "queuedBatch"
>;

/** Keys on their way: see the head of this file. */
export class MovingKeys implements ChangeListener {
  private readonly ports: Needs;
  private readonly byDatabase = new Map<number, Membership>();
  private readonly queued: QueuedRequest;

  constructor(ports: Needs) {
    this.ports = ports;
    this.queued = new QueuedRequest(ports.queuedBatch);
  }

  /** The client moves `count` keys of the request, from `first` on. Throws ArenaFullError, and none is held. */
  add(client: Client, databaseIndex: number, request: StoredRequest, first: number, count: number) {
    const { host, keyspace, situation } = this.ports;
    let keys = this.byDatabase.get(databaseIndex);
    if (keys === undefined) {
      keys = new Membership(keyspace.arena, () => host.random32(), keyspace.lazyFree);
      this.byDatabase.set(databaseIndex, keys);
    }
    try {
      for (let key = first; key < first + count; key++)
        keys.add(client.id, request.bytes, request.view, request.start(key), request.end(key));
    } catch (full) {
      this.remove(client, databaseIndex);
      throw full;
    }
    situation.setUnusual(EngineState.MIGRATING, true);
    this.ports.effects.updateInterest();
  }

  /** The client's keys are where they are to be: whoever waited for that goes on. */
  remove(client: Client, databaseIndex: number): void {
    const { effects, pause, situation } = this.ports;
    const keys = this.byDatabase.get(databaseIndex);
    if (keys === undefined) return;
    keys.removeMember(client.id);
    if (keys.nameCount === 0) this.byDatabase.delete(databaseIndex);
    situation.setUnusual(EngineState.MIGRATING, this.wantsChanges);
    effects.updateInterest();
    pause.ease();
  }

  /** How far the client's key has come. */
  stateOf(client: Client, databaseIndex: number, request: StoredRequest, key: number): number {
    const keys = this.byDatabase.get(databaseIndex);
    const pair = this.pairOf(client, databaseIndex, request, key);
    return keys === undefined || pair === NONE ? KeyState.NAMED : keys.flagOf(pair);
  }

  setState(
    client: Client,
    databaseIndex: number,
    request: StoredRequest,
    key: number,
    state: number,
  ): void {
    const pair = this.pairOf(client, databaseIndex, request, key);
    if (pair !== NONE) this.byDatabase.get(databaseIndex)?.setFlag(pair, state);
  }

  private pairOf(client: Client, databaseIndex: number, request: StoredRequest, key: number): Ref {
    const keys = this.byDatabase.get(databaseIndex);
    if (keys === undefined) return NONE;
    const name = keys.find(request.bytes, request.view, request.start(key), request.end(key));
    return name === NONE ? NONE : keys.pair(client.id, name);
  }

  // Who waits.

  /** Whether the client's request, which is to run now, may change a key that moves. */
  holds(client: Client, row: CommandRow, request: StoredRequest): boolean {
    if (!this.wantsChanges) return false;
    if ((row.bits & FLAG_BITS.runs_queue) !== 0) return this.holdsQueue(client);
    // What is queued waits when its time has come.
    if (client.inTransaction || (row.bits & WRITES) === 0) return false;
    return this.namesOne(row, request, this.byDatabase.get(client.databaseIndex));
  }

  /** The queue may select other databases on its way: a key counts in whichever one it moves. */
  private holdsQueue({ transaction }: Client): boolean {
    if (transaction === null || (transaction.flags & WRITES) === 0) return false;
    const { commands, queuedBatch } = this.ports;
    const { queue } = transaction;
    let isHeld = false;
    for (let id = queue.next(queuedBatch); id !== -1 && !isHeld; id = queue.next(queuedBatch)) {
      const row = commands.all[id] as CommandRow;
      if ((row.bits & WRITES) === 0) continue;
      for (const keys of this.byDatabase.values())
        isHeld = isHeld || this.namesOne(row, this.queued, keys);
    }
    queue.rewind();
    queuedBatch.clear();
    return isHeld;
  }

  private namesOne(row: CommandRow, request: StoredRequest, keys: Membership | undefined): boolean {
    if (keys === undefined) return false;
    const { getKeys, keys: specs } = row.command;
    const found = (getKeys === undefined ? null : getKeys(request)) ?? keysOf(specs, request);
    if (found === null) return false;
    const { bytes, view } = request;
    for (const { index, count, step } of found)
      for (let key = index; key < index + count * step; key += step)
        if (keys.find(bytes, view, request.start(key), request.end(key)) !== NONE) return true;
    return false;
  }

  /** What a guard answers. */
  verdictOn(client: Client, row: CommandRow, request: StoredRequest): number | null {
    return this.holds(client, row, request) ? Verdict.WAIT : null;
  }

  // What is heard of.

  get wantsChanges(): boolean {
    return this.byDatabase.size > 0;
  }

  keyChanged(
    _by: Client | null,
    { index }: Database,
    bytes: Uint8Array,
    view: DataView,
    start: number,
    end: number,
  ): void {
    const keys = this.byDatabase.get(index);
    const name = keys === undefined ? NONE : keys.find(bytes, view, start, end);
    if (keys !== undefined && name !== NONE) markChanged(keys, name);
  }

  databaseChanged(index: number, successor: number): void {
    for (const [each, keys] of this.byDatabase) {
      if (index !== -1 && each !== index && each !== successor) continue;
      for (let name = keys.firstName(); name !== NONE; name = keys.nextName(name))
        markChanged(keys, name);
    }
  }
}

/** Whoever moves the key has dumped what it was before. */
function markChanged(keys: Membership, name: Ref): void {
  for (let pair = keys.firstPairOfName(name); pair !== NONE; pair = keys.nextPairOfName(pair))
    if (keys.flagOf(pair) !== KeyState.NAMED) keys.setFlag(pair, KeyState.CHANGED);
}
