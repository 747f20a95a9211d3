/**
 * Output: replies leave in one write per client and batch, straight from the shared reply buffer;
 * what others have for a client (messages, invalidations) gathers in its outbox and leaves at the
 * end of the loop turn. Readers who do not read are held to `client-output-buffer-limit`.
 */
import type { BufferLimits } from "@kv/config";
import { ReplyWriter, release } from "@kv/resp";
import type { Engine } from "../engine.ts";
import { type Client, ClientState } from "./client.ts";
import { clientBytes } from "./client-costs.ts";

/** Before a client has logged in, it may have this much unread. */
const UNAUTHENTICATED_BYTES_MAX = 1024;

/** An outbox that has grown so far within one turn leaves at once. */
const OUTBOX_BYTES_MAX = 65_536;

/** So long a reply is given to the connection with its buffer, rather than copied where it waits. */
const GIVEN_BYTES_MIN = 256 * 1024;

export type OutputClass = "normal" | "replica" | "pubsub";

export class Output {
  private readonly engine: Engine;
  private readonly waiting = new Set<Client>();
  /** Messages that the running command causes for its own client: they follow its reply. */
  private readonly own = new ReplyWriter(1024);

  constructor(engine: Engine) {
    this.engine = engine;
    const allows = (bytes: number) =>
      engine.current === null || this.mayHold(engine.current, bytes);
    engine.reply.allows = allows;
    this.own.allows = allows;
  }

  /** Sends what the shared reply buffer holds, for this client. */
  sendReply(client: Client): void {
    const { reply } = this.engine;
    if (reply.isEmpty) return;
    this.send(client, reply);
    reply.reset();
  }

  /**
   * Whether so many bytes may wait for the client besides what is on its way. Asked while they are
   * written: a reply that is over the limit is never whole in memory.
   */
  private readonly mayHold = (client: Client, bytes: number): boolean => {
    const { hardBytes } = this.limitsOf(client);
    return hardBytes === 0 || client.connection.pendingBytes + bytes <= hardBytes;
  };

  private limitsOf(client: Client): BufferLimits[OutputClass] {
    const limits = this.engine.config.value<BufferLimits>("client-output-buffer-limit");
    return limits[this.classOf(client)];
  }

  private send(client: Client, from: ReplyWriter): void {
    const { engine } = this;
    const length = from.total;
    if (client.closed) return;
    if (from.isOverflowed) {
      this.closeOverLimit(client);
      return;
    }
    client.outputBytes += length;
    engine.stats.outputBytes += length;
    engine.stats.writesProcessed++;
    if (length > client.outputPeakBytes) client.outputPeakBytes = length;
    const { connection } = client;
    if (from.partsBytes > 0) for (const part of from.takeParts()) connection.give(part);
    // Where bytes wait already, these would be copied behind them.
    if (from.length > GIVEN_BYTES_MIN && connection.pendingBytes > 0)
      connection.give(from.takeBuffer());
    else if (from.length > 0 && !connection.send(from.bytes, 0, from.length)) from.takeBuffer();
    if (connection.pendingBytes > 0) {
      engine.memory.recount(client);
      this.checkLimit(client);
    }
  }

  /**
   * Where to write one message for a client, right now and in one go. Messages of a client's own
   * command follow the reply to it; all others go to the outbox.
   */
  pushWriter(client: Client): ReplyWriter {
    const { engine, own } = this;
    if (client === engine.current) {
      own.resp3 = client.protocol === 3;
      engine.effects.attends = true;
      return own;
    }
    const box = client.box(this.mayHold);
    if (box.total > OUTBOX_BYTES_MAX || box.isOverflowed) this.flushOutbox(client);
    this.schedule(client);
    return client.box(this.mayHold);
  }

  /** True while messages of the running command wait for the end of it. */
  get hasOwnPushes(): boolean {
    return this.own.total > 0;
  }

  /**
   * Puts the messages of the running command behind its reply. CLIENT REPLY OFF and SKIP are about
   * replies: what was replied is taken back first, and the messages stay.
   */
  flushOwn(client: Client): void {
    const { engine, own } = this;
    const { reply } = engine;
    if (engine.isMuted(client)) reply.rewind(engine.keptBytes);
    if (own.partsBytes > 0)
      for (const part of own.takeParts()) {
        reply.rawBytes(part, 0, part.length);
        release(part);
      }
    reply.rawBytes(own.bytes, 0, own.length);
    engine.keptBytes = reply.mark();
    own.reset();
    engine.updateInterest();
  }

  /** Others wrote into the client's outbox: it leaves with the next turn. */
  schedule(client: Client): void {
    if (this.waiting.size === 0) this.engine.host.wake();
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

  /** Sends all outboxes. */
  flushAll(): void {
    if (this.waiting.size === 0) return;
    for (const client of this.waiting) if (!client.closed) this.flushOutbox(client);
    this.waiting.clear();
  }

  clientClosed(client: Client): void {
    this.waiting.delete(client);
  }

  classOf(client: Client): OutputClass {
    if (client.is(ClientState.REPLICATION)) return "replica";
    return client.subscribes ? "pubsub" : "normal";
  }

  /** Bytes on their way to the client. */
  pendingBytes(client: Client): number {
    return client.connection.pendingBytes + (client.outbox?.total ?? 0);
  }

  /** Closes a client that has passed its limit: the hard one, or the soft one for too long. */
  checkLimit(client: Client): void {
    const { engine } = this;
    const pending = this.pendingBytes(client);
    const limit = this.limitsOf(client);
    let exceeded = limit.hardBytes > 0 && pending > limit.hardBytes;
    if (client.is(ClientState.UNAUTHENTICATED) && pending > UNAUTHENTICATED_BYTES_MAX * 64)
      exceeded = true;
    if (limit.softBytes > 0 && pending > limit.softBytes) {
      if (client.softLimitSinceMs === 0) client.softLimitSinceMs = engine.nowMs;
      else if (engine.nowMs - client.softLimitSinceMs > limit.softSeconds * 1000) exceeded = true;
    } else {
      client.softLimitSinceMs = 0;
    }
    if (exceeded) this.closeOverLimit(client);
  }

  private closeOverLimit(client: Client): void {
    const { engine } = this;
    client.isOverLimit = true;
    if (!client.is(ClientState.CLOSING)) {
      engine.stats.outputLimitDisconnections++;
      engine.host.log(
        "warning",
        `Client ${this.describe(client)} scheduled to be closed ASAP for overcoming of output buffer limits.`,
      );
    }
    engine.closeClient(client, "output buffer limit");
  }

  /** The client in the form of CLIENT LIST. */
  describe(client: Client): string {
    return describeClient(this.engine, client);
  }
}

/** One line of CLIENT LIST. */
export function describeClient(engine: Engine, client: Client): string {
  const { connection, reader } = client;
  const seconds = (sinceMs: number) => Math.max(0, Math.floor((engine.nowMs - sinceMs) / 1000));
  const pending = engine.output.pendingBytes(client);
  const request = requestBytes(engine, client);
  const transaction = client.transaction;
  const fields: (readonly [string, string | number])[] = [
    ["id", client.id],
    ["addr", connection.address],
    ["laddr", connection.localAddress],
    ["fd", connection.fileDescriptor],
    ["name", client.name],
    ["age", seconds(client.createdMs)],
    ["idle", seconds(client.lastActiveMs)],
    ["flags", clientFlags(engine, client)],
    ["db", client.databaseIndex],
    ["sub", client.channelCount],
    ["psub", client.patternCount],
    ["ssub", client.shardChannelCount],
    ["multi", client.inTransaction && transaction !== null ? transaction.queue.count : -1],
    ["qbuf", reader.pendingBytes + request.whole],
    ["qbuf-free", Math.max(0, reader.capacityBytes - reader.pendingBytes)],
    ["argv-mem", request.args],
    ["multi-mem", transaction?.queue.heldBytes ?? 0],
    ["rbs", client.outbox?.heldBytes ?? 0],
    ["rbp", client.outputPeakBytes],
    ["obl", 0],
    ["oll", pending > 0 ? 1 : 0],
    ["omem", pending],
    ["tot-mem", clientBytes(engine, client) + request.whole],
    ["events", pending > 0 ? "rw" : "r"],
    ["cmd", client.lastCommand?.fullName ?? "NULL"],
    ["user", client.user.name],
    ["redir", engine.tracking.redirectOf(client)],
    ["resp", client.protocol],
    ["lib-name", client.libraryName],
    ["lib-ver", client.libraryVersion],
  ];
  return fields.map(([name, value]) => `${name}=${value}`).join(" ");
}

/** Bytes of the requests that are being served, and of the present one's arguments. */
function requestBytes(engine: Engine, client: Client): { whole: number; args: number } {
  const { call } = engine;
  const { args } = call;
  if (client !== engine.current || args.commandCount === 0) return { whole: 0, args: 0 };
  let sum = 0;
  for (let index = 0; index < call.argc; index++) sum += call.length(index);
  const end = args.requestEnd[args.commandCount - 1] as number;
  return { whole: end - (args.requestStart[0] as number), args: sum };
}

function clientFlags(engine: Engine, client: Client): string {
  let flags = "";
  if (client.is(ClientState.MONITOR)) flags += "O";
  if (client.subscribes) flags += "P";
  if (client.inTransaction) flags += "x";
  if (client.is(ClientState.WAITING)) flags += "b";
  if (client.is(ClientState.TRACKING)) flags += engine.tracking.flagsOf(client);
  if (client.transaction?.disturbed === true) flags += "d";
  if (client.is(ClientState.CLOSING)) flags += "c";
  if (client.connection.kind === "unix") flags += "U";
  if (client.noEvict) flags += "e";
  if (client.is(ClientState.NO_TOUCH)) flags += "T";
  return flags === "" ? "N" : flags;
}
