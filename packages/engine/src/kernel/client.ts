/**
 * Client: what the engine knows of one connection. Its life is one line of states: open → closing
 * (nothing more is executed, what was replied still leaves) → closed; it never goes back.
 */

import type { User } from "@kv/acl";
import type { CommandRow } from "@kv/commands";
import { ReplyWriter, type RequestLimits, RequestReader } from "@kv/resp";
import { ClientState, ReplyMode } from "./client-state.ts";
import type { Connection } from "./host.ts";
import type { Transaction } from "./transaction.ts";

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

  /** CLIENT REPLY OFF and SKIP: replies are cut away again, messages are not. */
  get isMuted(): boolean {
    return this.replyMode === ReplyMode.OFF || this.replyMode === ReplyMode.SKIP;
  }

  /** Whether it listens to anything: the one answer to this question. */
  get subscribes(): boolean {
    return (this.channelCount | this.patternCount | this.shardChannelCount) !== 0;
  }

  /** After a change of what it listens to, or of the protocol: only RESP2 restricts who does. */
  subscriptionsChanged(): void {
    this.mark(ClientState.SUBSCRIBED, this.protocol === 2 && this.subscribes);
  }

  /** Bytes on their way to the client. */
  get pendingBytes(): number {
    return this.connection.pendingBytes + (this.outbox?.total ?? 0);
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
