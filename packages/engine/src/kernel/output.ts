/**
 * Output: replies leave in one write per client and batch, straight from the shared reply buffer;
 * what others have for a client (messages, invalidations) gathers in its outbox and leaves at the
 * end of the loop turn. Readers who do not read are held to `client-output-buffer-limit`.
 *
 * While the gate is closed, something that was done is not on disk yet, and no reply that may promise
 * it leaves: short ones wait for the end of the turn, when the disk is written to once for all of them.
 * Those to requests that take long wait for it, too (ReplyRounds). What is held leaves before anything else.
 */
import type { BufferLimits, ConfigStore, Integer } from "@kv/config";
import { type ReplyWriter, release } from "@kv/resp";
import type { Client, OutputClass } from "./client.ts";
import type { ClientReport } from "./client-report.ts";
import { ClientState } from "./client-state.ts";
import type { Clients } from "./clients.ts";
import { errorTextAt } from "./error-text.ts";
import { HeldReplies } from "./held-replies.ts";
import type { Host } from "./host.ts";
import type { Muting } from "./muting.ts";
import { OwnMessages } from "./own-messages.ts";
import { ReplyRounds } from "./reply-rounds.ts";
import type { Situation } from "./situation.ts";
import type { Stats } from "./stats.ts";
import type { UsedMemory } from "./used-memory.ts";

/** Before a client has logged in, it may have this much unread. */
const UNAUTHENTICATED_BYTES_MAX = 1024;

/** An outbox that has grown so far within one turn leaves at once. */
const OUTBOX_BYTES_MAX = 65_536;

/** So long a reply is given to the connection with its buffer, rather than copied where it waits. */
const GIVEN_BYTES_MIN = 256 * 1024;

/** A reply up to this size is within any limit, as if it went through a buffer of the client's own. */
const UNLIMITED_BYTES_MAX = 16 * 1024;

/** Whether what clients are told has reached the disk. */
export interface ReplyGate {
  /** Something that was done has not: replies wait. */
  readonly isClosed: boolean;
  /** Puts it there. False: that is not possible, and nothing may ever be promised again. */
  open(): boolean;
}

/** What an Output is made of. */
export interface OutputParts {
  /** Is asked for a turn while an outbox waits; takes the log line of a client that is closed. */
  host: Host;
  /** Has `client-output-buffer-limit`. */
  config: ConfigStore;
  /** Says whose command runs, and how late it is. */
  situation: Situation;
  /** Counts bytes, writes and clients closed at their limit. */
  stats: Stats;
  /** Closes a client that is over its limit. */
  clients: Clients;
  /** Counts what waits for a client. */
  memory: UsedMemory;
  /** The reply buffer that all clients share. */
  reply: ReplyWriter;
  /** Takes back the replies of a client that wants none. */
  muting: Muting;
  /** Describes a client for the log. */
  report: ClientReport;
}

/** How replies and messages leave: see the head of this file. One for each engine. */
export class Output {
  /** True while messages of the running command wait for the end of it. */
  hasOwnPushes = false;
  /** Null: replies promise nothing about a disk. */
  gate: ReplyGate | null = null;
  private readonly host: Host;
  private readonly config: ConfigStore;
  private readonly situation: Situation;
  private readonly stats: Stats;
  private readonly clients: Clients;
  private readonly memory: UsedMemory;
  private readonly reply: ReplyWriter;
  private readonly muting: Muting;
  private readonly report: ClientReport;
  private readonly waiting = new Set<Client>();
  /** What waits behind the gate, or for the replies of others. */
  private readonly held = new HeldReplies();
  private readonly rounds = new ReplyRounds();
  /** Messages that the running command causes for its own client: they follow its reply. */
  private own: OwnMessages;
  /** Those of a command that has stopped in its middle: nobody else's reply may carry them. */
  private ownOfStopped: OwnMessages | null = null;
  private readonly allows = (bytes: number) =>
    this.situation.current === null || this.mayHold(this.situation.current, bytes);

  constructor(parts: OutputParts) {
    this.host = parts.host;
    this.config = parts.config;
    this.situation = parts.situation;
    this.stats = parts.stats;
    this.clients = parts.clients;
    this.memory = parts.memory;
    this.reply = parts.reply;
    this.muting = parts.muting;
    this.report = parts.report;
    this.reply.allows = this.allows;
    this.own = new OwnMessages(this.allows);
  }

  /** Sends what the shared reply buffer holds, for this client; `mayWait`: with the replies of others. */
  sendReply(client: Client, mayWait = false): void {
    const { reply } = this;
    if (reply.isEmpty) return;
    // What others had for it came before this: it may have waited for just what they did.
    if (client.outbox !== null) this.flushOutbox(client);
    this.send(client, reply, mayWait);
    reply.reset();
  }

  /** The same behind requests that took from `startUs` to `nowUs`: it may wait for the replies of others. */
  sendReplyOf(client: Client, startUs: number, nowUs: number): void {
    if (this.reply.isEmpty) return;
    const { gate, held, rounds } = this;
    this.sendReply(client, gate?.isClosed !== true && rounds.gathers(held.count, startUs, nowUs));
  }

  /**
   * Whether so many bytes may wait for the client besides what is on its way. Asked while they are
   * written: a reply that is over the limit is never whole in memory.
   */
  private readonly mayHold = (client: Client, bytes: number): boolean => {
    // What a primary's requests answer is taken back: none of it gathers.
    if (client.is(ClientState.PRIMARY)) return true;
    const { hardBytes } = this.limitsOf(client);
    return hardBytes === 0 || client.connection.pendingBytes + bytes <= hardBytes;
  };

  private limitsOf(client: Client): BufferLimits[OutputClass] {
    const limits = this.config.value<BufferLimits>("client-output-buffer-limit");
    const { kind } = client;
    return limits[kind === "master" ? "normal" : kind];
  }

  /**
   * Sends bytes[start, end) of a data set or a stream of changes to a replica. True: the buffer may be
   * used again at once; false: the connection keeps it.
   */
  sendToReplica(client: Client, bytes: Uint8Array, start: number, end: number): boolean {
    this.openGate();
    client.outputBytes += end - start;
    this.stats.outputBytes += end - start;
    this.stats.replicaOutputBytes += end - start;
    this.stats.writesProcessed++;
    const isFree = client.connection.send(bytes, start, end);
    if (client.connection.pendingBytes > 0) this.memory.recount(client);
    return isFree;
  }

  private send(client: Client, from: ReplyWriter, mayWait = false): void {
    const { gate, held } = this;
    // Whoever closed the gate has asked for a turn.
    if (mayWait && held.isEmpty) this.host.wake();
    if ((mayWait || gate?.isClosed === true) && held.take(client, from)) return;
    if ((gate !== null || !held.isEmpty) && !this.openGate()) return;
    this.sendNow(client, from);
  }

  /**
   * What was done is on disk when this returns, and all replies that waited for that have left. False:
   * that is not possible, and nobody hears of it.
   */
  openGate(): boolean {
    const { gate, held } = this;
    if (gate?.isClosed === true && !gate.open()) {
      held.clear();
      return false;
    }
    if (!held.isEmpty) {
      this.rounds.left(held.count);
      held.release(this.sendHeld);
    }
    return true;
  }

  private readonly sendHeld = (client: Client, replies: ReplyWriter): void =>
    this.sendNow(client, replies);

  /** Closes the connection when all that was replied has left. */
  end(client: Client): void {
    this.openGate();
    client.connection.end();
  }

  private sendNow(client: Client, from: ReplyWriter): void {
    const length = from.total;
    if (client.closed) return;
    if (client.is(ClientState.REPLICA)) {
      this.refuseReply(client, from);
      return;
    }
    // The limit is about what gathers for a client, however soon the kernel would take it.
    if (length > UNLIMITED_BYTES_MAX && !this.mayHold(client, length)) from.drop();
    if (from.isOverflowed) {
      this.closeOverLimit(client);
      return;
    }
    client.outputBytes += length;
    this.stats.outputBytes += length;
    this.stats.writesProcessed++;
    if (length > client.outputPeakBytes) client.outputPeakBytes = length;
    const { connection } = client;
    if (from.partsBytes > 0) for (const part of from.takeParts()) connection.give(part);
    // Where bytes wait already, these would be copied behind them.
    if (from.length > GIVEN_BYTES_MIN && connection.pendingBytes > 0)
      connection.give(from.takeBuffer());
    else if (from.length > 0 && !connection.send(from.bytes, 0, from.length)) from.takeBuffer();
    if (connection.pendingBytes > 0) {
      this.memory.recount(client);
      this.checkLimit(client);
    }
  }

  /**
   * Where to write one message for a client, right now and in one go. Messages of a client's own
   * command follow the reply to it, those that come `last` behind the rest; all others go to the outbox,
   * if they come last when the command is over.
   */
  pushWriter(client: Client, comesLast = false): ReplyWriter {
    const { current } = this.situation;
    if (client === current) {
      const own = comesLast ? this.own.last : this.own.first;
      own.resp3 = client.protocol === 3;
      this.hasOwnPushes = true;
      return own;
    }
    if (comesLast && current !== null) {
      const named = this.own.writerFor(client, (bytes) => this.mayHold(client, bytes));
      named.resp3 = client.protocol === 3;
      this.hasOwnPushes = true;
      return named;
    }
    return this.outboxOf(client);
  }

  /** Where to write for another client than the one whose command runs: it leaves with the turn. */
  private outboxOf(client: Client): ReplyWriter {
    const box = client.box(this.mayHold);
    if (box.total > OUTBOX_BYTES_MAX || box.isOverflowed) this.flushOutbox(client);
    this.schedule(client);
    return client.box(this.mayHold);
  }

  /**
   * Puts the messages of the running command behind its reply. CLIENT REPLY OFF and SKIP are about
   * replies: what was replied is taken back first, and the messages stay.
   */
  flushOwn(client: Client): void {
    const { own } = this;
    this.muting.takeBack(client);
    move(own.first, this.reply);
    move(own.last, this.reply);
    this.muting.keep();
    this.hasOwnPushes = false;
    if (own.named.length > 0) this.sendNamed();
  }

  /** The command is over: whom its client has named hears what it did. */
  private sendNamed(): void {
    const { named } = this.own;
    this.own.named = [];
    for (const { target, writer } of named) if (!target.closed) move(writer, this.outboxOf(target));
  }

  /** The running command stops in its middle, and others run: its messages wait for its end. */
  setOwnAside(): void {
    if (!this.hasOwnPushes) return;
    this.ownOfStopped = this.own;
    this.own = new OwnMessages(this.allows);
    this.hasOwnPushes = false;
  }

  /** What had stopped goes on. */
  takeOwnBack(): void {
    if (this.ownOfStopped === null) return;
    this.own = this.ownOfStopped;
    this.ownOfStopped = null;
    this.hasOwnPushes = true;
  }

  /** Others wrote into the client's outbox: it leaves with the next turn. */
  schedule(client: Client): void {
    if (this.waiting.size === 0) this.host.wake();
    this.waiting.add(client);
  }

  /** Sends what others have for this client. */
  flushOutbox(client: Client): void {
    const { outbox } = client;
    if (outbox === null || outbox.isEmpty) return;
    this.send(client, outbox);
    outbox.reset();
    if (!client.subscribes) client.outbox = null;
    this.waiting.delete(client);
  }

  /** Sends all outboxes, and what waits for the disk. */
  flushAll(): void {
    this.openGate();
    if (this.waiting.size === 0) return;
    for (const client of this.waiting) if (!client.closed) this.flushOutbox(client);
    this.waiting.clear();
  }

  /** The client has gone: nothing more leaves for it. */
  clientClosed(client: Client): void {
    this.waiting.delete(client);
  }

  /** Closes a client that has passed its limit: the hard one, or the soft one for too long. */
  checkLimit(client: Client): void {
    const pending = client.pendingBytes;
    const limit = this.limitsOf(client);
    let exceeded = limit.hardBytes > 0 && pending > this.hardBytesFor(client, limit.hardBytes);
    if (client.is(ClientState.UNAUTHENTICATED) && pending > UNAUTHENTICATED_BYTES_MAX * 64)
      exceeded = true;
    if (limit.softBytes > 0 && pending > limit.softBytes) {
      if (client.softLimitSinceMs === 0) client.softLimitSinceMs = this.situation.nowMs;
      else if (this.situation.nowMs - client.softLimitSinceMs > limit.softSeconds * 1000)
        exceeded = true;
    } else {
      client.softLimitSinceMs = 0;
    }
    if (exceeded) this.closeOverLimit(client);
  }

  /**
   * What a replica lacks of the backlog is kept in any case, so that much may wait for it: else one that
   * came back within it would be closed for that.
   */
  private hardBytesFor(client: Client, hardBytes: Integer): Integer {
    if (!client.is(ClientState.REPLICA)) return hardBytes;
    const backlogBytes = this.config.number("repl-backlog-size");
    return hardBytes > backlogBytes ? hardBytes : backlogBytes;
  }

  /** A reply in the middle of a data set would be taken for a part of it. */
  private refuseReply(client: Client, reply: ReplyWriter): void {
    const command = client.lastCommand?.fullName ?? "NULL";
    const error = errorTextAt(reply, 0);
    if (error !== null) {
      this.stats.unexpectedErrors++;
      this.host.log(
        "warning",
        `== CRITICAL == This master is sending an error to its replica: '${error}' after processing the command '${command}'`,
      );
    }
    this.host.log(
      "warning",
      `Replica generated a reply to command '${command}', disconnecting it: ${this.report.describe(client)}`,
    );
    this.clients.close(client, "reply to a replica");
  }

  private closeOverLimit(client: Client): void {
    client.isOverLimit = true;
    if (!client.is(ClientState.CLOSING)) {
      this.stats.outputLimitDisconnections++;
      this.host.log(
        "warning",
        `Client ${this.report.describe(client)} scheduled to be closed ASAP for overcoming of output buffer limits.`,
      );
    }
    this.clients.close(client, "output buffer limit");
  }
}

/** Puts what one writer holds behind what another one does. What was too much for one is for the other. */
function move(from: ReplyWriter, to: ReplyWriter): void {
  if (from.isOverflowed) to.drop();
  else {
    if (from.partsBytes > 0)
      for (const part of from.takeParts()) {
        to.rawBytes(part, 0, part.length);
        release(part);
      }
    to.rawBytes(from.bytes, 0, from.length);
  }
  from.reset();
}
