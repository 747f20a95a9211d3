/**
 * Client: what the engine knows of one connection. Its life is one line of states: open → closing
 * (nothing more is executed, what was replied still leaves) → closed; it never goes back.
 */
import type { CommandRow } from "@kv/commands";
import { ReplyWriter, type RequestLimits, RequestReader } from "@kv/resp";
import type { User } from "./acl/user.ts";
import type { Connection } from "./host.ts";
import type { ClientTracking } from "./tracking.ts";
import type { Transaction } from "./transaction.ts";

/** Bits of Client.unusual: reasons why a command cannot take the short way to its function. */
export const ClientState = {
  /** Not logged in though a password is needed. */
  UNAUTHENTICATED: 1,
  /** The user may not do everything. */
  RESTRICTED: 2,
  MULTI: 4,
  /** RESP2 client with subscriptions. */
  SUBSCRIBED: 8,
  /** CLIENT REPLY OFF or SKIP. */
  MUTED: 16,
  /** Waits: blocked by a command, or held by CLIENT PAUSE. */
  WAITING: 32,
  /** A replica or the primary: guards treat it differently. */
  REPLICATION: 64,
  /** CLIENT TRACKING is on: reads are remembered. */
  TRACKING: 128,
  CLOSING: 256,
  /** CLIENT NO-TOUCH: accesses do not count for LRU and LFU. */
  NO_TOUCH: 512,
  /** MONITOR: gets a copy of all commands. */
  MONITOR: 1024,
} as const;

export const ReplyMode = { ON: 0, OFF: 1, SKIP_NEXT: 2, SKIP: 3 } as const;

export class Client {
  readonly id: number;
  readonly connection: Connection;
  readonly reader: RequestReader;
  readonly createdMs: number;
  /** Bits of ClientState. */
  unusual = 0;
  databaseIndex = 0;
  /** 2 or 3. */
  protocol = 2;
  name = "";
  libraryName = "";
  libraryVersion = "";
  user: User;
  /** It has logged in, or came when nobody had to: what access.ts makes of it are the bits. */
  loggedIn = false;
  lastActiveMs: number;
  lastCommand: CommandRow | null = null;
  transaction: Transaction | null = null;
  /** How many channels, patterns and shard channels it listens to: pubsub.ts knows which. */
  channelCount = 0;
  patternCount = 0;
  shardChannelCount = 0;
  replyMode: number = ReplyMode.ON;
  noEvict = false;
  /** CLIENT TRACKING; null while it is off. */
  tracking: ClientTracking | null = null;
  /**
   * Ends the wait of a client that a command blocks, as if its time were up or with an error
   * (CLIENT UNBLOCK); null while no command does, or when that wait is not to be ended.
   */
  unblock: ((withError: boolean) => void) | null = null;
  /** Bytes for this client written by others (messages, invalidations, MONITOR lines). */
  outbox: ReplyWriter | null = null;
  /** Since when the soft output limit has been passed; 0: it has not. */
  softLimitSinceMs = 0;
  /** Reply bytes of the last moments, at most: for buffer statistics. */
  outputPeakBytes = 0;
  inputBytes = 0;
  outputBytes = 0;
  commandCount = 0;
  /** Free for modules, under their own key. */
  readonly data = new Map<symbol, unknown>();
  closed = false;
  closeReason = "";
  /** Has passed its output limit: gets no time to read the rest. */
  isOverLimit = false;
  /** Bytes of its buffers as of the last count: see Memory.recount(). */
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
  }

  is(state: number): boolean {
    return (this.unusual & state) !== 0;
  }

  mark(state: number, on: boolean): void {
    if (on) this.unusual |= state;
    else this.unusual &= ~state;
  }

  get inTransaction(): boolean {
    return (this.unusual & ClientState.MULTI) !== 0;
  }

  /** Whether it listens to anything: the one answer to this question. */
  get subscribes(): boolean {
    return (this.channelCount | this.patternCount | this.shardChannelCount) !== 0;
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
