/**
 * The harness: a whole engine in a test, without sockets and without sleeping.
 *
 *     const kv = harness();
 *     kv.send("SET", "k", "v", "PX", 10); // "OK"
 *     kv.clock.advance(11);
 *     kv.send("GET", "k"); // null
 *
 * Replies come as plain values: text for strings (one character a byte), numbers, null, arrays,
 * Map, Set, booleans; errors as the very objects of @kv/commands' `errors` where they are one of
 * those, so that toBe() works, else as the object that kv.error(text) gives.
 */
import { CommandError, errors } from "@kv/commands";
import { type ConfigOptions, ConfigStore } from "@kv/config";
import {
  type Client,
  type Connection,
  checkStatements,
  createEngine,
  directiveRows,
  type Engine,
  type System,
  Target,
} from "@kv/engine";
import { luaModule } from "@kv/lua/node";
import type { MemoryStorage } from "@kv/persistence/testing";
import { replicationSystem } from "@kv/replication";
import {
  AttributedReply,
  encodeRequest,
  latin1,
  latin1Bytes,
  PushReply,
  type Reply,
  ReplyError,
  ReplyParser,
  type RequestArgument,
  VerbatimReply,
} from "@kv/resp";
import { scriptingSystem } from "@kv/scripting";
import { FakeHost } from "./fake-host.ts";

export interface HarnessOptions {
  /** Directives, as an embedder writes them. */
  config?: ConfigOptions;
  /** The text of a configuration file, read behind those. */
  configText?: string;
  /** Protocol of the clients: 2 or 3. Default 2. */
  resp?: 2 | 3;
  seed?: number;
  modules?: readonly System[];
  /** All systems, where it is to be no data server; `modules` come on top. */
  systems?: readonly System[];
  /** The disk of a server that was there before. */
  disk?: MemoryStorage;
  /** False: a server that is given neither scripts nor functions. Default true. */
  hasScripts?: boolean;
  /**
   * Bytes of the arena's first segment. Default 1 MiB: what a server takes by itself is many times what most
   * tests need, and making it takes longer than they do.
   */
  segmentBytes?: number;
}

const SEGMENT_BYTES = 2 ** 20;

const interned = new Map<string, CommandError>(
  Object.values(errors).map((error) => [error.reply, error]),
);

function errorOf(text: string): CommandError {
  let error = interned.get(text);
  if (error === undefined) {
    error = new CommandError(text);
    interned.set(text, error);
  }
  return error;
}

/** A reply as a plain value. */
export function plain(reply: Reply): unknown {
  if (reply instanceof ReplyError) return errorOf(reply.message);
  if (Array.isArray(reply)) return reply.map(plain);
  if (reply instanceof Map)
    return new Map([...reply].map(([key, value]) => [plain(key), plain(value)]));
  if (reply instanceof Set) return new Set([...reply].map(plain));
  if (reply instanceof VerbatimReply) return reply.text;
  if (reply instanceof AttributedReply) return plain(reply.value);
  return reply;
}

/** One simulated connection. */
export class TestClient implements Connection {
  readonly address: string;
  readonly localAddress = "127.0.0.1:6379";
  readonly fileDescriptor = 8;
  readonly isUnix = false;
  readonly isLocal = true;
  /** Set by tests of slow readers: bytes that the kernel does not take. */
  pendingBytes = 0;
  /** While true, what is sent stays pending. */
  isStuck = false;
  /** Set by who only takes what comes as bytes: then nothing waits to be parsed. */
  isRaw = false;
  closed = false;
  paused = false;
  /** Null: refused, which may be while the engine is still asked. */
  readonly client: Client | null = null;
  private readonly engine: Engine;
  private readonly parser = new ReplyParser({ strings: "latin1" });
  private readonly messages: unknown[] = [];
  private raw = "";
  private drained: (() => void) | null = null;

  /** The engine's host is to be a FakeHost: it knows when a turn is due. */
  constructor(engine: Engine, port: number) {
    this.engine = engine;
    this.address = `127.0.0.1:${port}`;
    this.client = engine.accept(this);
  }

  send(bytes: Uint8Array, start: number, end: number): boolean;
  send(...words: RequestArgument[]): unknown;
  send(...given: unknown[]): unknown {
    if (given.length === 3 && given[0] instanceof Uint8Array && typeof given[2] === "number")
      return this.take(given[0], given[1] as number, given[2]);
    return this.request(given as RequestArgument[]);
  }

  private take(bytes: Uint8Array, start: number, end: number): boolean {
    if (this.isStuck) {
      this.pendingBytes += end - start;
      return true;
    }
    this.raw += latin1(bytes, start, end);
    if (!this.isRaw) this.parser.feed(bytes.slice(start, end));
    return true;
  }

  get heldBytes(): number {
    return this.pendingBytes;
  }

  whenDrained(listener: () => void): void {
    this.drained = listener;
  }

  /** The kernel takes what was stuck, and what comes from now on. */
  drain(): void {
    this.isStuck = false;
    this.pendingBytes = 0;
    const { drained } = this;
    this.drained = null;
    drained?.();
  }

  give(bytes: Uint8Array): void {
    this.take(bytes, 0, bytes.length);
  }

  /** Sends one request and returns its reply; undefined when none came (yet). */
  private request(words: RequestArgument[]): unknown {
    const bytewise = words.map((word) => (typeof word === "string" ? latin1Bytes(word) : word));
    this.sendBytes(encodeRequest(bytewise));
    return this.receive();
  }

  /** Sends bytes as they are. */
  sendBytes(bytes: Uint8Array | string): void {
    const data = typeof bytes === "string" ? latin1Bytes(bytes) : bytes;
    if (this.client === null || this.closed) return;
    const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
    this.engine.receive(this.client, data, view, 0, data.length);
    // As with a real host: who has something left to do asks for a turn, or has none before the cron.
    const isAsked = (this.engine.host as FakeHost).takeWake();
    if (isAsked || this.engine.needsTurn) this.engine.turn();
  }

  /** The next reply that is no push; undefined when there is none. Pushes go to pushed(). */
  receive(): unknown {
    for (;;) {
      const reply = this.parser.next();
      if (reply === undefined) return undefined;
      if (reply instanceof PushReply) this.messages.push(plain(reply.push));
      else return plain(reply);
    }
  }

  /** Out-of-band messages so far: RESP3 pushes, or whatever waits unread in RESP2. */
  pushed(): unknown[] {
    for (let reply = this.receive(); reply !== undefined; reply = this.receive())
      this.messages.push(reply);
    return this.messages.splice(0);
  }

  /** All bytes received so far, as text; forgets them. */
  takeRaw(): string {
    const text = this.raw;
    this.raw = "";
    return text;
  }

  end(): void {
    this.destroy();
  }

  destroy(): void {
    if (this.closed) return;
    this.closed = true;
    if (this.client !== null) this.engine.disconnected(this.client);
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
  }
}

/** Calls `hear` with each keyspace event that is published, before it is. */
export function onKeyspaceEvent(
  { effects }: Engine,
  hear: (channel: string, message: string) => void,
): void {
  const { events } = effects;
  effects.events = {
    publishEvent(prefix, bytes, start, end, message, view, from, to) {
      hear(latin1(prefix) + latin1(bytes, start, end), latin1(message, from, to));
      events?.publishEvent(prefix, bytes, start, end, message, view, from, to);
    },
  };
}

/** A running engine with a default client. */
export class Harness {
  readonly host: FakeHost;
  readonly config: ConfigStore;
  readonly engine: Engine;
  /** Keyspace events so far, each "event key". */
  readonly events: string[] = [];
  /** Commands that went to the append-only file and replicas so far, as words. */
  readonly propagated: string[][] = [];
  readonly clock: { advance: (durationMs: number) => void };
  private readonly resp: 2 | 3;
  private readonly first: TestClient;
  private port = 50000;

  constructor(options: HarnessOptions) {
    this.resp = options.resp ?? 2;
    this.host = new FakeHost(options.seed ?? 1, options.disk);
    this.config = new ConfigStore(directiveRows, {
      options: {
        "notify-keyspace-events": "KEA",
        "enable-debug-command": "yes",
        save: "",
        ...options.config,
      } as ConfigOptions,
    });
    const { systems, modules: further = [] } = options;
    const scripting = options.hasScripts === false ? [] : [scriptingSystem(luaModule)];
    const modules = [
      ...(systems === undefined ? [...scripting, replicationSystem] : []),
      ...further,
    ];
    if (options.configText !== undefined) this.readFile(options.configText, modules, systems);
    this.engine = createEngine({
      host: this.host,
      config: this.config,
      modules,
      ...(systems === undefined ? {} : { systems }),
      segmentBytes: options.segmentBytes ?? SEGMENT_BYTES,
    });
    onKeyspaceEvent(this.engine, (channel, message) => {
      const event = /^__keyevent@\d+__:(.*)$/s.exec(channel);
      if (event !== null) this.events.push(`${event[1]} ${message}`);
    });
    this.engine.propagator.sinks.push({
      targets: Target.BOTH,
      append: (_databaseIndex, bytes, start, end) => this.recordPropagated(bytes, start, end),
    });
    this.engine.effects.updateInterest();
    this.clock = { advance: (durationMs) => this.advance(durationMs) };
    this.first = this.client();
  }

  /** The configuration file, which the host has from now on, too. */
  private readFile(text: string, modules: readonly System[], systems?: readonly System[]): void {
    const { config, host } = this;
    host.facts.configFile = "/etc/kv.conf";
    host.writeText(host.facts.configFile, text);
    checkStatements(config, modules, systems);
    config.load(text, { sentinel: systems !== undefined });
    host.facts.tcpPort = config.number("port");
  }

  private recordPropagated(bytes: Uint8Array, start: number, end: number): void {
    const parser = new ReplyParser({ strings: "latin1" });
    parser.feed(bytes.slice(start, end));
    for (let next = parser.next(); next !== undefined; next = parser.next())
      this.propagated.push(plain(next) as string[]);
  }

  /** A further client. */
  client(): TestClient {
    const client = new TestClient(this.engine, this.port++);
    if (this.resp === 3) client.send("HELLO", 3);
    client.takeRaw();
    return client;
  }

  /** Sends a request on the default client and returns its reply. */
  send(...words: RequestArgument[]): unknown {
    return this.first.send(...words);
  }

  /** The default client. */
  get self(): TestClient {
    return this.first;
  }

  /** The object that stands for an error reply with this text. */
  error(text: string): CommandError {
    return errorOf(text);
  }

  /** Log messages so far. */
  get log(): string[] {
    return this.host.logLines.map((line) => line.message);
  }

  /**
   * Turns and promises until `isOver`, with the clock going on a little in each; throws when that takes too
   * long.
   */
  async until(isOver: () => boolean): Promise<void> {
    for (let turn = 0; !isOver(); turn++) {
      if (turn === 100_000) throw new Error("it does not come to an end");
      this.engine.turn();
      await Promise.resolve();
    }
  }

  private advance(durationMs: number): void {
    const stepMs = Math.max(1000 / this.engine.hz, durationMs / 1000);
    for (let left = durationMs; left > 0; left -= stepMs) {
      this.host.advance(Math.min(left, stepMs));
      this.engine.cron();
      while (this.engine.turn());
    }
  }

  /** Throws unless the data set keeps all its promises. */
  check(): void {
    this.engine.keyspace.check();
  }
}

/** A running engine with a default client. */
export function harness(options: HarnessOptions = {}): Harness {
  return new Harness(options);
}
