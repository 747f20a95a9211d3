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

/** One end of a connection. */
class End implements Connection {
  readonly fileDescriptor = 9;
  /** So that nobody is in protected mode's way. */
  readonly isLocal = true;
  readonly isUnix = false;
  readonly address: string;
  readonly localAddress: string;
  receiver: Receiver | null = null;
  other!: End;
  /** What is on its way to the other end. */
  readonly underWay: Uint8Array[] = [];
  /** Ended on this side: the other hears of it behind the bytes. */
  isClosed = false;
  private closeReason = "";
  private isPaused = false;
  private drained: (() => void) | null = null;

  constructor(address: string, localAddress: string) {
    this.address = address;
    this.localAddress = localAddress;
  }

  get pendingBytes(): number {
    return this.underWay.reduce((sum, { length }) => sum + length, 0);
  }

  get heldBytes(): number {
    return this.pendingBytes;
  }

  send(bytes: Uint8Array, start: number, end: number): boolean {
    if (!this.isClosed && end > start) this.underWay.push(bytes.slice(start, end));
    return true;
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
    this.underWay.length = 0;
    this.close("Connection reset by peer");
  }

  private close(reason: string): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.closeReason = reason;
    const { receiver } = this;
    this.receiver = null;
    // A client of an engine hears of its own end, too; who dialed does not.
    if (receiver instanceof AcceptedClient) receiver.closed();
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }

  /** Whether something of this end's can arrive at the other. */
  get hasNews(): boolean {
    if (this.other.receiver === null) return this.underWay.length > 0;
    return !this.other.isPaused && (this.underWay.length > 0 || this.isClosed);
  }

  /** The next bytes, at most so many, or the end arrive at the other side. */
  deliver(bytesMax = Number.POSITIVE_INFINITY): void {
    const { other } = this;
    const chunk = this.underWay.shift();
    if (other.receiver === null) {
      this.underWay.length = 0;
    } else if (chunk === undefined) {
      other.lost(this.closeReason);
    } else {
      if (chunk.length > bytesMax) this.underWay.unshift(chunk.subarray(bytesMax));
      const part = chunk.slice(0, bytesMax);
      other.receiver.received(part, new DataView(part.buffer), 0, part.length);
    }
    if (this.underWay.length > 0 || this.drained === null) return;
    const { drained } = this;
    this.drained = null;
    if (!this.isClosed) drained();
  }

  /** The peer is gone. */
  lost(reason: string): void {
    const { receiver } = this;
    this.receiver = null;
    this.isClosed = true;
    this.underWay.length = 0;
    receiver?.closed(reason);
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
  private readonly end: End;
  private readonly say: Say;

  constructor(end: End, say: Say) {
    this.end = end;
    this.say = say;
  }

  received(chunk: Uint8Array, _view: DataView, start: number, end: number): void {
    this.parser.feed(chunk.slice(start, end));
    for (let next = this.parser.next(); next !== undefined; next = this.parser.next()) {
      const answer = this.say((next as unknown[]).map(String));
      if (answer === undefined) continue;
      const bytes = typeof answer === "string" ? latin1Bytes(answer) : answer;
      this.end.send(bytes, 0, bytes.length);
    }
  }

  closed(): void {}
}

/** Connections in memory: see the head of this file. */
export class Network {
  /** The servers by "host:port". */
  readonly nodes = new Map<string, Harness>();
  private readonly talkers = new Map<string, Say>();
  private readonly dialing: (() => void)[] = [];
  private ends: End[] = [];
  private port = 40_000;

  /** Others may dial the server, and it them. In place of who was there (a restart). */
  attach(address: string, node: Harness): void {
    this.nodes.set(address, node);
    const [host = ""] = address.split(":");
    node.host.network = {
      dial: (target, dialed) => this.dial(host, target, dialed),
    };
  }

  /** Nobody real: each request that comes is answered with what `say` returns, byte for byte. */
  listen(address: string, say: (words: string[]) => string | Uint8Array | undefined): void {
    this.talkers.set(address, say);
  }

  /** The server is gone: all of its connections end, and it cannot be dialed. */
  detach(address: string): void {
    this.nodes.delete(address);
    for (const end of [...this.ends]) {
      if (end.localAddress !== address && !end.localAddress.startsWith(`${hostOf(address)}:`))
        continue;
      end.receiver = null;
      end.destroy();
    }
  }

  private dial(from: string, { host, port }: DialTarget, dialed: Dialed): Dialing {
    let near: End | null = null;
    let isAbandoned = false;
    this.dialing.push(() => {
      if (isAbandoned) return;
      const node = this.nodes.get(`${host}:${port}`);
      const say = this.talkers.get(`${host}:${port}`);
      if (node === undefined && say === undefined) {
        dialed.closed("Connection refused");
        return;
      }
      const local = `${from}:${this.port++}`;
      near = new End(`${host}:${port}`, local);
      const far = new End(local, `${host}:${port}`);
      near.other = far;
      far.other = near;
      this.ends.push(near, far);
      near.receiver = dialed;
      if (node !== undefined) {
        const accepted = new AcceptedClient(node.engine);
        far.receiver = accepted;
        accepted.client = node.engine.accept(far);
      } else if (say !== undefined) {
        far.receiver = new Talker(far, say);
      }
      dialed.opened(near);
    });
    return {
      abandon() {
        isAbandoned = true;
        near?.destroy();
      },
    };
  }

  /** All that is under way arrives. False: nothing was. */
  deliver(bytesMax?: number): boolean {
    const dialing = this.dialing.splice(0);
    for (const connect of dialing) connect();
    const talking = this.ends.filter(({ hasNews }) => hasNews);
    for (const end of talking) if (end.hasNews) end.deliver(bytesMax);
    this.ends = this.ends.filter(({ isClosed, receiver, other, underWay }) => {
      return !(isClosed && receiver === null && other.isClosed && underWay.length === 0);
    });
    return dialing.length > 0 || talking.length > 0;
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
      for (const { host, engine } of this.nodes.values()) {
        host.advance(Math.min(leftMs, tickMs));
        engine.cron();
      }
      await this.settle();
    }
  }
}

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
