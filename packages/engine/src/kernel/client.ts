/**
 * Client: what the engine knows of one connection. Its life is one line of states: open → closing
 * (nothing more is executed, what was replied still leaves) → closed; it never goes back.
 */

import type { User } from "@kv/acl";
import type { CommandError, CommandRow } from "@kv/commands";
import { ReplyWriter, type RequestLimits, RequestReader } from "@kv/resp";
import { ClientState, ReplyMode } from "./client-state.ts";
import type { CommandQueue } from "./command-queue.ts";
import type { Connection } from "./host.ts";
import type { Transaction } from "./transaction.ts";

/** Whose limits of `client-output-buffer-limit` hold for a client. */
export type OutputClass = "normal" | "replica" | "pubsub";

/** What CLIENT LIST TYPE and CLIENT KILL TYPE take a client for. */
export type ClientKind = OutputClass | "master";

/** Follows what the primary of this server has it do. */
export interface UpstreamListener {
  /** The request bytes[start, end) has been done or, within a transaction, queued. */
  applied(bytes: Uint8Array, start: number, end: number, isQueued: boolean): void;
  /** The bytes of all requests so far are about to be overwritten. */
  batchEnds(): void;
  /** A change is about to be made while the disk refuses to keep such. */
  cannotBeLogged(): void;
  /** It could not be done, as the error says that would be the answer to a client. */
  failed(error: string, commandName: string): void;
  /**
   * There was no memory for it, and nothing that follows is done. `isHalfDone`: it consists of several
   * changes, of which some have been made.
   */
  noRoom(commandName: string, isHalfDone: boolean): void;
  /** There was no memory for one of the requests: none is done any more. */
  readonly isHalted: boolean;
}

/** What the engine knows of one connection: see the head of this file. */
export class Client {
  /** As CLIENT ID answers: from 1, never given twice by one engine. */
  readonly id: number;
  /** Where its replies leave, given by the host. */
  readonly connection: Connection;
  /** Parses what it sends, and holds what is not parsed yet. */
  readonly reader: RequestReader;
  /** When it came, by the wall clock: `age` of CLIENT LIST counts from here. */
  createdMs: number;
  /** Bits of ClientState. */
  unusual = 0;
  /** Number of the database that it has selected, from 0. */
  databaseIndex = 0;
  /** 2 or 3. */
  protocol = 2;
  /** CLIENT SETNAME; "" is none. */
  name = "";
  /** CLIENT SETINFO LIB-NAME; "" is none. */
  libraryName = "";
  /** CLIENT SETINFO LIB-VER; "" is none. */
  libraryVersion = "";
  /** Whom it acts as: the default user until it logs in as another one. */
  user: User;
  /** It has logged in, or came when nobody had to: what access.ts makes of it are the bits. */
  loggedIn = false;
  /**
   * When it last sent something, by the wall clock: `idle` of CLIENT LIST and `timeout` count from
   * here.
   */
  lastActiveMs: number;
  /** `cmd` of CLIENT LIST: the command that it sent last; null before the first. */
  lastCommand: CommandRow | null = null;
  /** What it has queued and watches; null when it neither queues nor watches anything. */
  transaction: Transaction | null = null;
  /** What EXEC runs for it now. */
  executing: Pick<CommandQueue, "count" | "heldBytes"> | null = null;
  /** How many channels it listens to; the pub/sub system knows which. */
  channelCount = 0;
  /** How many patterns of channels it listens to. */
  patternCount = 0;
  /** How many shard channels it listens to. */
  shardChannelCount = 0;
  /** CLIENT REPLY, as one of ReplyMode. */
  replyMode: number = ReplyMode.ON;
  /** CLIENT NO-EVICT: `maxmemory-clients` does not close it. */
  noEvict = false;
  /**
   * Ends the wait of a client that a command blocks, as if its time were up or with an error
   * (CLIENT UNBLOCK, another role of the server); null while no command does, or when that wait is not to be ended.
   */
  unblock: ((error: CommandError | null) => void) | null = null;
  /**
   * Microseconds that the command which made it wait has taken so far: they count when that is over, with what is
   * left of it.
   */
  tookUs = 0;
  /** Of the link to the primary: hears of each request that was done. */
  upstream: UpstreamListener | null = null;
  /** Bytes for this client written by others (messages, invalidations, MONITOR lines). */
  outbox: ReplyWriter | null = null;
  /**
   * Bytes for this client that wait in buffers which it shares with others: what it has not been
   * sent of a data set or of a stream of changes, as far as its output limit is about them.
   */
  sharedBytes = 0;
  /** Where the stream of changes to replicas stood behind its last write: WAIT waits for that. */
  writtenOffset = 0;
  /** Where the append-only file stood behind its last write: WAITAOF waits for that. */
  loggedOffset = 0;
  /** Since when the soft output limit has been passed; 0: it has not. */
  softLimitSinceMs = 0;
  /** Most bytes of replies that left in one go: `rbp` of CLIENT LIST. */
  outputPeakBytes = 0;
  /** Since when: now and then the cron forgets what was before. */
  outputPeakSinceMs: number;
  /** Bytes that it has sent so far. */
  inputBytes = 0;
  /** Bytes that it has been given so far. */
  outputBytes = 0;
  /** Requests that it has sent so far, those that were refused included. */
  commandCount = 0;
  /** The connection is gone, and everybody has been told. */
  closed = false;
  /** Why the server closes it, in a few words; "" while it does not. */
  closeReason = "";
  /** Has passed its output limit: gets no time to read the rest. */
  isOverLimit = false;
  /** Bytes of its buffers as of the last count: see UsedMemory.recount(). */
  countedBytes = 0;

  constructor(
    id: number,
    connection: Connection,
    limits: RequestLimits,
    user: User,
    nowMs: number,
  ) {
    this.id = id;
    this.connection = connection;
    this.reader = new RequestReader(limits);
    this.user = user;
    this.createdMs = nowMs;
    this.lastActiveMs = nowMs;
    this.outputPeakSinceMs = nowMs;
  }

  /** The wall clock was set: it has been here, and idle, for as long as before. */
  clockStepped(stepMs: number): void {
    this.createdMs += stepMs;
    this.lastActiveMs += stepMs;
    this.outputPeakSinceMs += stepMs;
    if (this.softLimitSinceMs !== 0) this.softLimitSinceMs += stepMs;
  }

  /** True when any of these bits of ClientState is set. */
  is(state: number): boolean {
    return (this.unusual & state) !== 0;
  }

  /** Sets or clears bits of ClientState. */
  mark(state: number, on: boolean): void {
    if (on) this.unusual |= state;
    else this.unusual &= ~state;
  }

  /** Between MULTI and EXEC or DISCARD. */
  get inTransaction(): boolean {
    return (this.unusual & ClientState.MULTI) !== 0;
  }

  /** CLIENT REPLY OFF and SKIP: replies are cut away again, messages are not. */
  get isMuted(): boolean {
    return this.replyMode === ReplyMode.OFF || this.replyMode === ReplyMode.SKIP;
  }

  /** Whether it listens to anything: the one answer to this question. */
  get subscribes(): boolean {
    return (this.channelCount | this.patternCount | this.shardChannelCount) !== 0;
  }

  /** The one answer to the question what it is to others. */
  get kind(): ClientKind {
    if (this.is(ClientState.PRIMARY)) return "master";
    if (this.is(ClientState.REPLICATION)) return "replica";
    return this.subscribes ? "pubsub" : "normal";
  }

  /** After a change of what it listens to, or of the protocol: only RESP2 restricts who does. */
  subscriptionsChanged(): void {
    this.mark(ClientState.SUBSCRIBED, this.protocol === 2 && this.subscribes);
  }

  /** Bytes on their way to the client. */
  get pendingBytes(): number {
    return this.connection.pendingBytes + (this.outbox?.total ?? 0) + this.sharedBytes;
  }

  /**
   * Where others write for this client; it leaves with the next flush. `allows` is asked how much
   * may gather there.
   */
  box(allows: (client: Client, bytes: number) => boolean): ReplyWriter {
    if (this.outbox === null) {
      this.outbox = new ReplyWriter(1024);
      this.outbox.allows = (bytes) => allows(this, bytes);
    }
    this.outbox.resp3 = this.protocol === 3;
    return this.outbox;
  }

  /**
   * Bytes of memory held for this client: not yet parsed, not yet taken by the kernel, and what it
   * is called.
   */
  get bufferBytes(): number {
    const names = this.name.length + this.libraryName.length + this.libraryVersion.length;
    const outboxBytes = this.outbox?.heldBytes ?? 0;
    return names + this.reader.bufferBytes + this.connection.heldBytes + outboxBytes;
  }
}
