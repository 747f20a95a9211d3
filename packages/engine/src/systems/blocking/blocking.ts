/**
 * Blocking: clients whose command waits for a key (BLPOP, XREAD BLOCK and their kin; commands say so
 * with Call.waitFor).
 *
 *      a command waits --hold()--> keys of its database, deadlines
 *      a key changes   --keyChanged()--> it is noted, if somebody waits for it
 *      a command ends  --commandRan()--> serve(): noted keys in their order, for each the clients in
 *                                        theirs; the request runs anew, whole
 *      time is up      --(systems/waiting)--> a null array
 *
 * Each database in which somebody waits has a table of its own, off-heap (core's membership.ts): who
 * waits for a key stands there in the order of coming. Whoever asks to wait again is the last then, as
 * in Redis, and waits no longer than it would have. While nothing happens, nobody is looked at: changes
 * are heard of by their keys.
 */
import type { CommandRow, Wait } from "@kv/commands";
import {
  bytesOf,
  type Database,
  keyIndex,
  keyLength,
  Membership,
  NONE,
  type Ref,
  RefList,
  typeOf,
  viewOf,
} from "@kv/core";
import { ArgVector, type ReplyWriter } from "@kv/resp";
import type { Client } from "../../kernel/client.ts";
import type { ClientCall } from "../../kernel/client-call.ts";
import { ClientState } from "../../kernel/client-state.ts";
import { CommandQueue } from "../../kernel/command-queue.ts";
import type { ChangeListener, CommandListener } from "../../kernel/effects.ts";
import { Port, type Ports, type Waiter, waitsPort } from "../../module/ports.ts";
import type { Running } from "../../module/system.ts";

export const blockingPort = new Port<Blocking>("blocking");

/** What a client waits for, and the request that runs anew then. */
class KeyWaiter implements Waiter {
  readonly client: Client;
  readonly row: CommandRow;
  /** Holds the one request. */
  readonly request: CommandQueue;
  readonly databaseIndex: number;
  readonly type: number;
  readonly isLossAwaited: boolean;
  untilMs: number;
  heapIndex = -1;
  private readonly blocking: Blocking;

  constructor(
    blocking: Blocking,
    client: Client,
    row: CommandRow,
    request: CommandQueue,
    databaseIndex: number,
    wait: Wait,
    untilMs: number,
  ) {
    this.blocking = blocking;
    this.client = client;
    this.row = row;
    this.request = request;
    this.databaseIndex = databaseIndex;
    this.type = wait.type;
    this.isLossAwaited = wait.isLossAwaited === true;
    this.untilMs = untilMs;
  }

  released(): void {
    this.blocking.released(this);
  }

  answer(box: ReplyWriter): void {
    box.nullArray();
  }

  ended(withError: boolean): void {
    this.blocking.ended(this, withError);
  }
}

/** A key that somebody waits for and that has changed. */
interface ReadyKey {
  readonly databaseIndex: number;
  readonly bytes: Uint8Array;
}

/** Flags of a pair of a client and a key. */
const LOSS_AWAITED = 1;
/** So many of those who wait for a key are looked up at first: mostly the first takes what is there. */
const FIRST_SERVED_MAX = 8;

type Needs = Pick<Ports, "host" | "situation" | "keyspace" | "clients" | "effects" | "pause"> &
  Pick<Ports, "caller" | "call" | "reexecution" | "of">;

export class Blocking implements Running, ChangeListener, CommandListener {
  readonly changeListener = this;
  readonly commandListener = this;
  readonly clientFacts = this;
  private readonly ports: Needs;
  private readonly waiters = new Map<Client, KeyWaiter>();
  private readonly byDatabase = new Map<number, Membership>();
  private lossAwaiters = 0;
  /** Keys to look at when the command at hand is over, in the order in which they changed. */
  private ready: ReadyKey[] = [];
  /** Databases whose keys are all to be looked at: they were emptied or replaced. */
  private readonly changedDatabases = new Set<number>();
  private isServing = false;
  /** Until when the client has waited whose request runs anew; null: none does. */
  private servedUntilMs: number | null = null;
  private readonly batch = new ArgVector();
  private readonly endedBatch = new ArgVector();
  private readonly members = new RefList(16);

  constructor(ports: Needs) {
    this.ports = ports;
    ports.call.mayWait = true;
    ports.caller.onWait = (client, row, call) => this.hold(client, row, call);
  }

  // What INFO and CLIENT LIST tell.

  /** Clients that wait for keys. */
  get clientCount(): number {
    return this.waiters.size;
  }

  /** Keys that somebody waits for. */
  get keyCount(): number {
    let sum = 0;
    for (const keys of this.byDatabase.values()) sum += keys.nameCount;
    return sum;
  }

  /** Those of them whose removal somebody waits for as well. */
  get lossAwaitedKeyCount(): number {
    let sum = 0;
    if (this.lossAwaiters === 0) return sum;
    for (const keys of this.byDatabase.values())
      for (let name = keys.firstName(); name !== NONE; name = keys.nextName(name))
        if (isLossAwaited(keys, name)) sum++;
    return sum;
  }

  bytesOf(client: Client): number {
    const waiter = this.waiters.get(client);
    if (waiter === undefined) return 0;
    const keys = this.byDatabase.get(waiter.databaseIndex);
    return waiter.request.heldBytes + (keys?.bytesOf(client.id) ?? 0);
  }

  // Beginning and ending a wait.

  /** The command that `call` points at asks to wait, and has answered nothing. */
  private hold(client: Client, row: CommandRow, call: ClientCall): void {
    const { wait } = call;
    if (wait === null) return;
    const waiter = this.waiterOf(client, row, call, wait);
    this.waiters.set(client, waiter);
    if (waiter.isLossAwaited) this.lossAwaiters++;
    this.ports.of(waitsPort).hold(waiter);
    if (this.waiters.size === 1) this.ports.effects.updateInterest();
  }

  /** Keeps the request and enters its keys, or throws and has done neither. */
  private waiterOf(client: Client, row: CommandRow, call: ClientCall, wait: Wait): KeyWaiter {
    const { keyspace, host } = this.ports;
    const { index: databaseIndex } = call.database;
    const request = new CommandQueue(keyspace.arena);
    let keys = this.byDatabase.get(databaseIndex);
    if (keys === undefined) {
      keys = new Membership(keyspace.arena, () => host.random32(), keyspace.lazyFree);
      this.byDatabase.set(databaseIndex, keys);
    }
    const isLossAwaited = wait.isLossAwaited === true;
    try {
      if (wait.rewritten === undefined) request.push(row, call);
      else request.pushRewritten(row, call, wait.rewritten);
      const { bytes, view } = call;
      for (let key = wait.firstKey; key < wait.firstKey + wait.keyCount; key++) {
        const start = call.start(key);
        const end = call.end(key);
        if (keys.add(client.id, bytes, view, start, end) && isLossAwaited)
          keys.setFlag(keys.pair(client.id, keys.find(bytes, view, start, end)), LOSS_AWAITED);
      }
    } catch (full) {
      request.free();
      this.leaveKeys(client, databaseIndex);
      throw full;
    }
    const untilMs = this.servedUntilMs ?? wait.untilMs;
    return new KeyWaiter(this, client, row, request, databaseIndex, wait, untilMs);
  }

  private leaveKeys(client: Client, databaseIndex: number): void {
    const keys = this.byDatabase.get(databaseIndex);
    keys?.removeMember(client.id);
    if (keys?.nameCount === 0) this.byDatabase.delete(databaseIndex);
  }

  /** @internal The client waits no more; its request is freed by ended(), or once it has run. */
  released({ client, databaseIndex, isLossAwaited }: KeyWaiter): void {
    this.waiters.delete(client);
    if (isLossAwaited) this.lossAwaiters--;
    this.leaveKeys(client, databaseIndex);
    if (this.waiters.size === 0) this.ports.effects.updateInterest();
  }

  /** @internal It has not got anything, or has gone. */
  ended({ client, request, row }: KeyWaiter, withError: boolean): void {
    if (!client.closed) {
      const { endedBatch } = this;
      request.rewind();
      request.next(endedBatch);
      this.ports.caller.waitEnded(client, row, endedBatch, withError);
      endedBatch.clear();
    }
    request.free();
  }

  // Keys that change.

  get wantsChanges(): boolean {
    return this.waiters.size > 0;
  }

  keyChanged(
    _by: Client | null,
    database: Database,
    bytes: Uint8Array,
    view: DataView,
    start: number,
    end: number,
  ): void {
    this.keyReady(database, bytes, view, start, end);
  }

  keyReady(
    { index: databaseIndex }: Database,
    bytes: Uint8Array,
    view: DataView,
    start: number,
    end: number,
  ): void {
    const keys = this.byDatabase.get(databaseIndex);
    if (keys === undefined || keys.find(bytes, view, start, end) === NONE) return;
    const last = this.ready[this.ready.length - 1];
    // A transaction may push to the same key a million times.
    if (last?.databaseIndex === databaseIndex && isSame(last.bytes, bytes, start, end)) return;
    this.ready.push({ databaseIndex, bytes: bytes.slice(start, end) });
    this.serveSoon();
  }

  databaseChanged(index: number): void {
    for (const each of this.byDatabase.keys())
      if (index === -1 || index === each) this.changedDatabases.add(each);
    this.serveSoon();
  }

  /** After the command at hand, or in the next turn when there is none. */
  private serveSoon(): void {
    this.ports.effects.updateInterest();
    if (this.ports.situation.current === null) this.ports.host.wake();
  }

  get wantsCommands(): boolean {
    return this.ready.length > 0 || this.changedDatabases.size > 0;
  }

  commandRan(): void {
    if (!this.ports.situation.isNested && !this.isServing) this.serve();
  }

  // Serving.

  cron(): void {
    // What a pause has held up.
    if (this.wantsCommands && !this.ports.pause.isInForce()) this.ports.host.wake();
  }

  turn(): void {
    if (this.wantsCommands && this.waiters.size > 0) this.serve();
  }

  private serve(): void {
    const { effects, pause, reexecution } = this.ports;
    // Whoever writes is held by a pause: all of this is for when it is over.
    if (pause.isInForce()) return;
    this.isServing = true;
    reexecution.begin();
    while (this.wantsCommands) {
      for (const index of [...this.changedDatabases]) this.noteDatabase(index);
      this.changedDatabases.clear();
      const { ready } = this;
      this.ready = [];
      for (const key of ready) this.serveKey(key);
    }
    reexecution.end();
    this.isServing = false;
    effects.updateInterest();
  }

  /** All keys of the database that somebody waits for have changed: those matter that are there. */
  private noteDatabase(databaseIndex: number): void {
    const { arena, databases } = this.ports.keyspace;
    const database = databases[databaseIndex] as Database;
    const keys = this.byDatabase.get(databaseIndex);
    if (keys === undefined) return;
    const isEmpty = database.dict.count === 0;
    if (isEmpty && this.lossAwaiters === 0) return;
    for (let name = keys.firstName(); name !== NONE; name = keys.nextName(name)) {
      const bytes = bytesOf(arena, name);
      const start = keyIndex(arena, name);
      const end = start + keyLength(arena, name);
      const isThere = !isEmpty && database.findKey(bytes, viewOf(arena, name), start, end) !== NONE;
      if (isThere || isLossAwaited(keys, name))
        this.ready.push({ databaseIndex, bytes: bytes.slice(start, end) });
    }
  }

  /** Serves those who wait for the key, the first to come first, as long as there is something. */
  private serveKey(key: ReadyKey): void {
    const { members } = this;
    members.clear();
    this.findWaiting(key, FIRST_SERVED_MAX);
    const firstCount = members.count;
    if (firstCount === 0 || !this.serveMembers(key, 0)) return;
    if (firstCount < FIRST_SERVED_MAX) return;
    // There is more than the first have taken: all others follow.
    this.findWaiting(key, Number.MAX_SAFE_INTEGER);
    this.serveMembers(key, firstCount);
  }

  /** Adds the first of those who wait for the key to `members`. */
  private findWaiting({ databaseIndex, bytes }: ReadyKey, countMax: number): void {
    const keys = this.byDatabase.get(databaseIndex);
    if (keys === undefined) return;
    const name = keys.find(bytes, new DataView(bytes.buffer), 0, bytes.length);
    keys.membersOf(name, this.members, countMax);
  }

  /** Serves `members` from `from` on, but nobody who is among those before; false: nothing is left. */
  private serveMembers({ databaseIndex, bytes }: ReadyKey, from: number): boolean {
    const { clients, keyspace } = this.ports;
    const database = keyspace.databases[databaseIndex] as Database;
    const view = new DataView(bytes.buffer);
    const { members } = this;
    for (let index = from; index < members.count; index++) {
      const type = this.typeAt(database, bytes, view);
      if (type === -1 && this.lossAwaiters === 0) return false;
      const member = members.at(index);
      if (isAmong(members, from, member)) continue;
      const client = clients.ofMember(member);
      const waiter = client === undefined ? undefined : this.waiters.get(client);
      if (waiter === undefined || waiter.databaseIndex !== databaseIndex) continue;
      if (waiter.type === type || waiter.isLossAwaited) this.serveWaiter(waiter);
    }
    return true;
  }

  /** The type of value that the key holds; -1: none, or one whose time has passed. */
  private typeAt(database: Database, bytes: Uint8Array, view: DataView): number {
    const entry = database.findKey(bytes, view, 0, bytes.length);
    if (entry === NONE || this.ports.call.isExpired(entry)) return -1;
    return typeOf(this.ports.keyspace.arena, entry);
  }

  private serveWaiter(waiter: KeyWaiter): void {
    const { client, row, request } = waiter;
    const waits = this.ports.of(waitsPort);
    waits.release(waiter);
    client.mark(ClientState.WAITING, false);
    request.rewind();
    request.next(this.batch);
    this.servedUntilMs = waiter.untilMs;
    const waitsAgain = this.ports.reexecution.run(client, this.batch, row);
    this.servedUntilMs = null;
    this.batch.clear();
    request.free();
    if (waitsAgain || client.closed) return;
    // What it has sent meanwhile is held until its turn comes.
    client.mark(ClientState.WAITING, true);
    waits.goOn(client);
  }
}

function isLossAwaited(keys: Membership, name: Ref): boolean {
  let pair = keys.firstPairOfName(name);
  while (pair !== NONE && keys.flagOf(pair) !== LOSS_AWAITED) pair = keys.nextPairOfName(pair);
  return pair !== NONE;
}

/** Whether a member is among the first so many. */
function isAmong(members: RefList, count: number, member: number): boolean {
  for (let index = 0; index < count; index++) if (members.at(index) === member) return true;
  return false;
}

function isSame(one: Uint8Array, other: Uint8Array, start: number, end: number): boolean {
  if (one.length !== end - start) return false;
  for (let i = 0; i < one.length; i++) if (one[i] !== other[start + i]) return false;
  return true;
}
