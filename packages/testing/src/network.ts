/**
 * Network: connections between simulated servers, in memory. Bytes and ends of connections travel in
 * order; nothing arrives but by deliver(), so a test says when.
 *
 *      const network = new Network();
 *      network.attach("10.0.0.1:6379", primary);       // a Harness: others may dial it
 *      replica.send("REPLICAOF", "10.0.0.1", 6379);
 *      await network.settle();                         // until nothing is under way
 */
import type { Client, Connection, Dialed, Dialing, DialTarget, Engine } from "@kv/engine";
import { latin1Bytes, ReplyParser } from "@kv/resp";
import { type Harness, type HarnessOptions, harness } from "./harness.ts";

/** Who takes what arrives at one end. */
interface Receiver {
  received(chunk: Uint8Array, view: DataView, start: number, end: number): void;
  closed(reason: string): void;
}

/** Bytes on their way, and when they arrive at the earliest. */
interface UnderWay {
  bytes: Uint8Array;
  dueMs: number;
}

/** One end of a connection. */
export class ConnectionEnd implements Connection {
  readonly fileDescriptor = 9;
  /** So that nobody is in protected mode's way. */
  readonly isLocal = true;
  readonly isUnix = false;
  readonly address: string;
  readonly localAddress: string;
  receiver: Receiver | null = null;
  other!: ConnectionEnd;
  pendingBytes = 0;
  /** Ended on this side: the other hears of it behind the bytes. */
  isClosed = false;
  /** The other never hears of it. */
  isSilent = false;
  /** What is on its way to the other end. */
  private readonly underWay: UnderWay[] = [];
  private readonly dueMs: (end: ConnectionEnd) => number;
  private lastDueMs = 0;
  private closeReason = "";
  private isPaused = false;
  private drained: (() => void) | null = null;

  /** `dueMs`: when what is sent now arrives. */
  constructor(address: string, localAddress: string, dueMs: (end: ConnectionEnd) => number) {
    this.address = address;
    this.localAddress = localAddress;
    this.dueMs = dueMs;
  }

  get heldBytes(): number {
    return this.pendingBytes;
  }

  /** The host on this side. */
  get from(): string {
    return hostOf(this.localAddress);
  }

  /** The host on the other. */
  get to(): string {
    return hostOf(this.address);
  }

  send(bytes: Uint8Array, start: number, end: number): boolean {
    if (this.isClosed || end === start) return true;
    this.underWay.push({ bytes: bytes.slice(start, end), dueMs: this.nextDueMs() });
    this.pendingBytes += end - start;
    return true;
  }

  /** Nothing overtakes what was sent before. */
  private nextDueMs(): number {
    this.lastDueMs = Math.max(this.lastDueMs, this.dueMs(this));
    return this.lastDueMs;
  }

  give(bytes: Uint8Array): void {
    this.send(bytes, 0, bytes.length);
  }

  whenDrained(listener: () => void): void {
    this.drained = listener;
  }

  end(): void {
    this.close("");
  }

  destroy(): void {
    this.forget();
    this.close("Connection reset by peer");
  }

  private close(reason: string): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.closeReason = reason;
    this.nextDueMs();
    const { receiver } = this;
    this.receiver = null;
    // A client of an engine hears of its own end, too; who dialed does not.
    if (receiver instanceof AcceptedClient) receiver.closed();
  }

  /** What is under way is lost. */
  forget(): void {
    this.underWay.length = 0;
    this.pendingBytes = 0;
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }

  /** Whether something of this end's can arrive at the other at this time. */
  hasNews(nowMs: number): boolean {
    const [next] = this.underWay;
    if (this.other.receiver !== null && this.other.isPaused) return false;
    if (next !== undefined) return next.dueMs <= nowMs;
    if (this.other.receiver === null || this.isSilent) return false;
    return this.isClosed && this.lastDueMs <= nowMs;
  }

  /** The next bytes, at most so many, or the end arrive at the other side. */
  deliver(bytesMax = Number.POSITIVE_INFINITY): void {
    const { other, underWay } = this;
    const [next] = underWay;
    if (other.receiver === null) {
      this.forget();
    } else if (next === undefined) {
      other.lost(this.closeReason);
    } else {
      const part = next.bytes.slice(0, bytesMax);
      if (part.length === next.bytes.length) underWay.shift();
      else next.bytes = next.bytes.subarray(part.length);
      this.pendingBytes -= part.length;
      other.receiver.received(part, new DataView(part.buffer), 0, part.length);
    }
    if (underWay.length > 0 || this.drained === null) return;
    const { drained } = this;
    this.drained = null;
    if (!this.isClosed) drained();
  }

  /** The peer is gone. */
  lost(reason: string): void {
    const { receiver } = this;
    this.receiver = null;
    this.isClosed = true;
    this.forget();
    receiver?.closed(reason);
  }

  /** Both sides are done with it. */
  get isOver(): boolean {
    return this.isClosed && this.other.isClosed && this.underWay.length === 0;
  }
}

/** The end that a server has accepted. */
class AcceptedClient implements Receiver {
  private readonly engine: Engine;
  client: Client | null = null;

  constructor(engine: Engine) {
    this.engine = engine;
  }

  received(chunk: Uint8Array, view: DataView, start: number, end: number): void {
    if (this.client !== null) this.engine.receive(this.client, chunk, view, start, end);
  }

  closed(): void {
    if (this.client !== null) this.engine.disconnected(this.client);
  }
}

type Say = (words: string[]) => string | Uint8Array | undefined;

/** Somebody who answers each request with bytes. */
class Talker implements Receiver {
  private readonly parser = new ReplyParser({ strings: "latin1" });
  private readonly end: ConnectionEnd;
  private readonly say: Say;

  constructor(end: ConnectionEnd, say: Say) {
    this.end = end;
    this.say = say;
  }

  received(chunk: Uint8Array, _view: DataView, start: number, end: number): void {
    let from = start;
    // Signs of life between requests, which are whole in what comes here.
    while (from < end && chunk[from] === 0x0a) from++;
    this.parser.feed(chunk.slice(from, end));
    for (let next = this.parser.next(); next !== undefined; next = this.parser.next()) {
      const answer = this.say((next as unknown[]).map(String));
      if (answer !== undefined) this.end.give(bytesOf(answer));
    }
  }

  closed(): void {}
}

const bytesOf = (text: string | Uint8Array) =>
  typeof text === "string" ? latin1Bytes(text) : text;

/** How somebody answers who is dialed. */
export type DialAnswer = "accepts" | "refuses" | "nothing";

/** Connections in memory: see the head of this file. */
export class Network {
  /** The servers by "host:port". */
  readonly nodes = new Map<string, Harness>();
  /** What lookups of names lead to. */
  readonly names = new Map<string, string>();
  /** Milliseconds that have passed. */
  nowMs = 0;
  /** Both ends of each connection. */
  protected ends: ConnectionEnd[] = [];
  private readonly talkers = new Map<string, Say>();
  private dialing: { from: string; connect: () => boolean }[] = [];
  private port = 40_000;

  // What a worse network does otherwise.

  /** How long what is sent takes. */
  protected delayMs(_from: string, _to: string): number {
    return 0;
  }

  /** Whether nothing arrives at the moment. */
  protected isCut(_from: string, _to: string): boolean {
    return false;
  }

  /** What becomes of a connection that is wanted. */
  protected answerOf(_from: string, _to: string): DialAnswer {
    return "accepts";
  }

  /** The ends of which something arrives next, in this order. */
  protected inOrder(ends: ConnectionEnd[]): ConnectionEnd[] {
    return ends;
  }

  /** How many bytes of the next piece arrive together. */
  protected pieceBytes(): number {
    return Number.POSITIVE_INFINITY;
  }

  /** Others may dial the server, and it them. In place of who was there (a restart). */
  attach(address: string, node: Harness): void {
    this.nodes.set(address, node);
    const host = hostOf(address);
    node.host.network = {
      dial: (target, dialed) => this.dial(host, target, dialed),
    };
  }

  /** Nobody real: each request that comes is answered with what `say` returns, byte for byte. */
  listen(address: string, say: (words: string[]) => string | Uint8Array | undefined): void {
    this.talkers.set(address, say);
  }

  /** Whoever has dialed one who listens there gets this, unasked. */
  say(address: string, text: string | Uint8Array): void {
    for (const end of this.ends)
      if (end.localAddress === address && end.receiver !== null) end.give(bytesOf(text));
  }

  /** Whoever listens there does not listen any more, and keeps the connections that there are. */
  deafen(address: string): void {
    for (const end of this.ends) if (end.localAddress === address) end.pause();
  }

  /** The server is gone: all of its connections end, and it cannot be dialed. `isSilent`: nobody hears of that. */
  detach(address: string, isSilent = false): void {
    const node = this.nodes.get(address);
    if (node !== undefined) node.host.network = nowhere;
    this.nodes.delete(address);
    this.dialing = this.dialing.filter(({ from }) => from !== hostOf(address));
    for (const end of [...this.ends]) {
      if (end.from !== hostOf(address)) continue;
      end.receiver = null;
      end.isSilent = isSilent;
      end.destroy();
    }
  }

  private dial(from: string, { host: given, port }: DialTarget, dialed: Dialed): Dialing {
    const number = this.names.get(given);
    const host = number ?? given;
    const to = `${host}:${port}`;
    const dueMs = this.nowMs + this.delayMs(from, host) + this.delayMs(host, from);
    let near: ConnectionEnd | null = null;
    let isAbandoned = false;
    const connect = () => {
      if (isAbandoned) return true;
      if (dueMs > this.nowMs) return false;
      if (number !== undefined) dialed.resolved?.([number]);
      const answer = this.answerOf(from, host);
      if (answer === "nothing") return false;
      const node = this.nodes.get(to);
      const say = this.talkers.get(to);
      if (answer === "refuses" || (node === undefined && say === undefined)) {
        dialed.closed("Connection refused");
        return true;
      }
      near = this.connect(from, to);
      near.receiver = dialed;
      const far = near.other;
      if (node !== undefined) {
        const accepted = new AcceptedClient(node.engine);
        far.receiver = accepted;
        accepted.client = node.engine.accept(far);
      } else if (say !== undefined) {
        far.receiver = new Talker(far, say);
      }
      dialed.opened(near);
      return true;
    };
    this.dialing.push({ from, connect });
    return {
      abandon() {
        isAbandoned = true;
        near?.destroy();
      },
    };
  }

  /** A connection, as its first end. */
  private connect(from: string, to: string): ConnectionEnd {
    const dueMs = (end: ConnectionEnd) => this.nowMs + this.delayMs(end.from, end.to);
    const local = `${from}:${this.port++}`;
    const near = new ConnectionEnd(to, local, dueMs);
    const far = new ConnectionEnd(local, to, dueMs);
    near.other = far;
    far.other = near;
    this.ends.push(near, far);
    return near;
  }

  /** What is due arrives, of each connection a piece. False: nothing was. */
  deliver(bytesMax = this.pieceBytes()): boolean {
    const dialing = this.dialing.splice(0);
    const waiting = dialing.filter(({ connect }) => !connect());
    this.dialing.push(...waiting);
    const hasNews = (end: ConnectionEnd) =>
      end.hasNews(this.nowMs) && !this.isCut(end.from, end.to);
    const talking = this.inOrder(this.ends.filter(hasNews));
    for (const end of talking) if (hasNews(end)) end.deliver(bytesMax);
    this.ends = this.ends.filter(({ isOver }) => !isOver);
    return dialing.length > waiting.length || talking.length > 0;
  }

  /**
   * Turns of all servers, promises and deliveries until nothing is under way and nobody's disk is at
   * work. Time stands still.
   */
  async settle(): Promise<void> {
    for (let quiet = 0, turn = 0; quiet < 20; turn++) {
      if (turn === 1_000_000) throw new Error("the network does not come to rest");
      let isBusy = this.deliver();
      for (const { engine } of this.nodes.values()) {
        engine.turn();
        if (!engine.isSettled) isBusy = true;
      }
      await Promise.resolve();
      quiet = isBusy ? 0 : quiet + 1;
    }
  }

  /** So much time passes everywhere, a tick of the cron at a time; what is under way arrives meanwhile. */
  async advance(durationMs: number): Promise<void> {
    const tickMs = 100;
    for (let leftMs = durationMs; leftMs > 0; leftMs -= tickMs) {
      this.tick(Math.min(leftMs, tickMs));
      await this.settle();
    }
  }

  /** So much time passes at once. */
  protected tick(durationMs: number): void {
    this.nowMs += durationMs;
    for (const { host, engine } of this.nodes.values()) {
      host.advance(durationMs);
      engine.cron();
    }
  }
}

/** Where a server dials that is gone. */
const nowhere = { dial: () => ({ abandon() {} }) };

function hostOf(address: string): string {
  return address.slice(0, address.lastIndexOf(":"));
}

/** Servers that can reach each other, as "n1:6379", "n2:6379" and so on. */
export function fleet(count: number, config: HarnessOptions["config"] = {}) {
  const network = new Network();
  const nodes: Harness[] = [];
  for (let index = 0; index < count; index++) {
    const node = harness({ seed: index + 1, config: { "repl-diskless-sync-delay": 0, ...config } });
    network.attach(`n${index + 1}:6379`, node);
    nodes.push(node);
  }
  return { network, nodes: nodes as [Harness, Harness, Harness] };
}
