/**
 * Simulation: a whole server lives through a random day, and its promises are checked all along.
 *
 * One seed makes a list of steps: clients send pipelines cut at any byte, read slowly, leave in the
 * middle of everything; time passes; the disk fails; snapshots run in slices. What must hold:
 *
 *   - every request is answered once, in order, and to nobody else (each ECHO carries its client
 *     and number; what a transaction answers is known from what was queued);
 *   - the keyspace keeps its invariants after each few steps;
 *   - what was propagated, replayed into an empty server, gives the same data set;
 *   - a snapshot holds the instant at which it began;
 *   - when everything is flushed, memory is back to where it was.
 *
 * A failing run is cut down to the steps that still fail: see simulationReport().
 */
import {
  bytesOf,
  ElementVisitor,
  eachElement,
  expiryMs,
  type Keyspace,
  keyIndex,
  keyLength,
  kindOfEntry,
  type ListpackValue,
} from "@kv/core";
import type { Client, Connection, Engine } from "@kv/engine";
import { savingPort, Target } from "@kv/engine";
import { encodeRequest, latin1, latin1Bytes, PushReply, ReplyError, ReplyParser } from "@kv/resp";
import { Chance } from "./chance.ts";
import { type Harness, harness, plain } from "./harness.ts";
import { pipeline } from "./pipeline.ts";
import { type SimulationStep, simulationSteps } from "./simulation-steps.ts";

/** Before all expiries, so that a replayed data set changes by what is replayed and nothing else. */
const LONG_AGO_MS = 1_600_000_000_000;

/** What one client is known to wait for. */
interface Expected {
  /** The request, for the report. */
  words: string;
  check: (reply: unknown) => boolean;
}

/** One simulated connection, with what its client must get. */
class SimulatedClient implements Connection {
  readonly address: string;
  readonly localAddress = "127.0.0.1:6379";
  readonly fileDescriptor = 8;
  readonly isUnix = false;
  readonly isLocal = true;
  pendingBytes = 0;
  closed = false;
  isStuck = false;
  readonly client: Client | null;
  readonly number: number;
  readonly expected: Expected[] = [];
  /** What the client knows of its transaction: replies that EXEC will bring; null outside. */
  queued: Expected[] | null = null;
  isMonitor = false;
  replies: "on" | "off" | "skip" = "on";
  sequence = 0;
  private drained: (() => void) | null = null;
  private readonly stuck: Uint8Array[] = [];
  private readonly parser = new ReplyParser({ strings: "latin1" });
  private readonly engine: Engine;

  constructor(engine: Engine, number: number) {
    this.engine = engine;
    this.number = number;
    this.address = `127.0.0.9:${number}`;
    this.client = engine.accept(this);
  }

  send(bytes: Uint8Array, start: number, end: number): boolean {
    const copy = bytes.slice(start, end);
    if (this.isStuck) {
      this.stuck.push(copy);
      this.pendingBytes += copy.length;
    } else {
      this.arrived(copy);
    }
    return true;
  }

  give(bytes: Uint8Array): void {
    this.send(bytes, 0, bytes.length);
  }

  get heldBytes(): number {
    return this.pendingBytes;
  }

  whenDrained(listener: () => void): void {
    this.drained = listener;
  }

  /** The reader reads again. */
  unstick(): void {
    this.isStuck = false;
    for (const bytes of this.stuck.splice(0)) this.arrived(bytes);
    this.pendingBytes = 0;
    this.drained?.();
    this.drained = null;
  }

  private arrived(bytes: Uint8Array): void {
    if (this.isMonitor) return;
    this.parser.feed(bytes);
    for (let reply = this.parser.next(); reply !== undefined; reply = this.parser.next()) {
      if (reply instanceof PushReply) continue;
      const next = this.expected.shift();
      const value = plain(reply);
      if (next === undefined)
        throw new Error(`client ${this.number} got a reply to nothing: ${show(value)}`);
      if (!next.check(reply instanceof ReplyError ? reply : value))
        throw new Error(`client ${this.number} got ${show(value)} as reply to ${next.words}`);
    }
  }

  end(): void {
    this.destroy();
  }

  destroy(): void {
    if (this.closed) return;
    this.closed = true;
    if (this.client !== null) this.engine.disconnected(this.client);
  }

  pause(): void {}
  resume(): void {}
}

function show(value: unknown): string {
  const text = value instanceof ReplyError ? `error ${value.message}` : JSON.stringify(value);
  return (text ?? "nothing").slice(0, 300);
}

const isError = (reply: unknown) => reply instanceof ReplyError;
const anything = () => true;

/** Takes down what a value holds, whatever its kind. */
class Texts extends ElementVisitor {
  readonly parts: string[] = [];

  element(): void {
    this.parts.push(JSON.stringify(textOf(this.text)));
  }

  pair(): void {
    const expiry = this.expiryMs === -1 ? [] : [this.expiryMs];
    this.parts.push(JSON.stringify([textOf(this.text), textOf(this.value), ...expiry]));
  }

  override scored(): void {
    this.parts.push(JSON.stringify([textOf(this.text), `${this.score}`]));
  }

  override entry(): void {
    this.parts.push(`${this.id}`);
  }

  override entryField(): void {
    this.pair();
  }
}

function textOf({ bytes, start, end }: ListpackValue): string {
  return latin1(bytes, start, end);
}

/** All keys with their values and expiries, whether or not they have expired. */
export function contentsOf(keyspace: Keyspace): Map<string, string> {
  const { arena } = keyspace;
  const contents = new Map<string, string>();
  for (const database of keyspace.databases) {
    database.dict.eachEntry((entry) => {
      const at = keyIndex(arena, entry);
      const key = latin1(bytesOf(arena, entry), at, at + keyLength(arena, entry));
      const { shape } = kindOfEntry(arena, entry);
      const texts = new Texts();
      eachElement(arena, entry, texts);
      const name = `${database.index}:${key}`;
      if (contents.has(name)) throw new Error(`the key ${JSON.stringify(name)} is there twice`);
      const value = shape === "sequence" || shape === "text" ? texts.parts : texts.parts.sort();
      contents.set(name, `${expiryMs(arena, entry)} ${value.join()}`);
    });
  }
  return contents;
}

/** The first difference of two data sets, or an empty text. */
export function difference(ours: Map<string, string>, theirs: Map<string, string>): string {
  for (const key of new Set([...ours.keys(), ...theirs.keys()])) {
    const left = ours.get(key)?.slice(0, 200);
    const right = theirs.get(key)?.slice(0, 200);
    if (ours.get(key) !== theirs.get(key))
      return `${JSON.stringify(key)} is ${left} and not ${right}`;
  }
  return "";
}

class Simulation {
  readonly kv: Harness;
  private readonly clients: SimulatedClient[] = [];
  private readonly stream: { databaseIndex: number; bytes: Uint8Array }[] = [];
  private readonly chunk = new Uint8Array(1 << 16);
  private readonly chunkView = new DataView(this.chunk.buffer);
  private readonly baseline: number;
  private readonly chance: Chance;
  private born = 0;
  private instant: Map<string, string> | null = null;
  private savesBefore = 0;

  constructor(seed: number) {
    this.kv = harness({ seed });
    this.chance = new Chance(seed);
    const { engine, host } = this.kv;
    // Clocks are slow to look at, so that snapshots and expiry cycles run out of their time.
    const look = host.monotonicUs.bind(host);
    let spentUs = 0;
    host.monotonicUs = () => {
      spentUs += 90;
      return look() + spentUs;
    };
    engine.propagator.sinks.push({
      targets: Target.BOTH,
      append: (databaseIndex, bytes, start, end) => {
        this.stream.push({ databaseIndex, bytes: bytes.slice(start, end) });
      },
    });
    engine.effects.updateInterest();
    this.kv.send("FLUSHALL");
    this.baseline = engine.keyspace.arena.usedBytes;
  }

  private client(index: number): SimulatedClient {
    let client = this.clients[index];
    if (client === undefined || client.closed) {
      client = new SimulatedClient(this.kv.engine, 1000 + this.born++);
      this.clients[index] = client;
      client.expected.push({ words: "HELLO 3", check: (reply) => reply instanceof Map });
      this.feed(client, encodeRequest(["HELLO", "3"]), 0);
    }
    return client;
  }

  /** Hands over bytes in pieces, in a buffer that is overwritten at once. */
  private feed(client: SimulatedClient, bytes: Uint8Array, cuts: number): void {
    const { engine } = this.kv;
    let from = 0;
    for (let piece = 0; from < bytes.length; piece++) {
      let length = Math.min(bytes.length - from, this.chunk.length);
      if (piece < cuts) length = 1 + this.chance.below(length);
      if (client.closed || client.client === null) return;
      this.chunk.set(bytes.subarray(from, from + length));
      engine.receive(client.client, this.chunk, this.chunkView, 0, length);
      this.chunk.fill(0x2a, 0, length);
      from += length;
      if (this.chance.percent(20)) engine.turn();
    }
  }

  private sendAll(client: SimulatedClient, requests: readonly (readonly string[])[]): Uint8Array {
    const sent = requests.map((words) => {
      const filled = words.map((word) =>
        word === "<token>" ? `c${client.number}-${client.sequence++}` : word,
      );
      this.expect(client, filled);
      return filled.map((word) => latin1Bytes(word));
    });
    return pipeline(sent);
  }

  /** What the reply to a request must be, as far as the client can know. */
  private expect(client: SimulatedClient, words: readonly string[]): void {
    const name = `${words[0]}`.toUpperCase();
    const text = words.join(" ").slice(0, 100);
    if (client.isMonitor) return;
    if (name === "MONITOR") {
      // From here on lines come between the replies.
      client.isMonitor = true;
      client.expected.length = 0;
      return;
    }
    if (name === "CLIENT" && words[1] === "REPLY") {
      if (client.replies === "skip") client.replies = "on";
      if (words[2] === "ON") {
        client.expected.push({ words: text, check: (reply) => reply === "OK" });
        client.replies = "on";
      } else if (words[2] === "OFF") client.replies = "off";
      else if (client.replies === "on") client.replies = "skip";
      return;
    }
    if (client.replies === "skip") {
      client.replies = "on";
      return;
    }
    if (client.replies === "off") return;
    const check =
      name === "ECHO" ? (reply: unknown) => isError(reply) || reply === words[1] : anything;
    const { queued } = client;
    if (queued === null) {
      if (name === "MULTI") {
        client.queued = [];
        client.expected.push({ words: text, check: (reply) => reply === "OK" });
      } else if (name !== "SUBSCRIBE" && name !== "UNSUBSCRIBE") {
        client.expected.push({ words: text, check });
      }
    } else if (name === "EXEC") {
      client.queued = null;
      client.expected.push({ words: text, check: (reply) => isExecReply(reply, queued) });
    } else if (name === "DISCARD") {
      client.queued = null;
      client.expected.push({ words: text, check: (reply) => reply === "OK" });
    } else {
      queued.push({ words: text, check });
      client.expected.push({
        words: `${text} (queued)`,
        check: (reply) => isError(reply) || reply === "QUEUED",
      });
    }
  }

  async run(steps: readonly SimulationStep[]): Promise<void> {
    for (const [index, step] of steps.entries()) {
      this.step(step);
      for (let turn = 0; turn < 8; turn++) await Promise.resolve();
      await this.watchSnapshot();
      if (index % 4 === 0) this.kv.engine.keyspace.check();
      if (index % 10 === 0) this.compareReplay();
    }
    await this.evening();
  }

  private step(step: SimulationStep): void {
    const { kv } = this;
    const { engine, host } = kv;
    if (step.kind === "send") {
      const client = this.client(step.client);
      const bytes = this.sendAll(client, step.requests);
      const shown = step.leaves ? bytes.subarray(0, this.chance.below(bytes.length + 1)) : bytes;
      this.feed(client, shown, step.cuts);
      if (step.leaves) client.destroy();
    } else if (step.kind === "time") {
      if (step.withCron) kv.clock.advance(step.durationMs);
      else host.advance(step.durationMs);
    } else if (step.kind === "turn") {
      engine.turn();
    } else if (step.kind === "leave") {
      this.clients[step.client]?.destroy();
    } else if (step.kind === "stick") {
      const client = this.clients[step.client];
      if (client !== undefined) client.isStuck = true;
    } else if (step.kind === "unstick") {
      this.clients[step.client]?.unstick();
    } else if (step.kind === "limit") {
      const used = engine.memory.usedBytes + step.roomBytes;
      kv.config.configSet([["maxmemory", step.roomBytes < 0 ? "0" : `${used}`]]);
    } else if (step.kind === "save") {
      if (engine.of(savingPort).isRunning) return;
      host.disk.fault =
        step.failsAfter < 0
          ? undefined
          : {
              at: host.disk.operations.length + 1 + step.failsAfter,
              code: "EIO",
              message: "Input/output error",
            };
      this.savesBefore = engine.of(savingPort).saveCount;
      this.instant = contentsOf(engine.keyspace);
      engine.of(savingPort).beginBackground();
    }
  }

  /** A snapshot that is done and was saved holds the instant at which it began. */
  private async watchSnapshot(): Promise<void> {
    const saving = this.kv.engine.of(savingPort);
    if (this.instant === null || saving.isRunning) return;
    const instant = this.instant;
    this.instant = null;
    if (saving.saveCount === this.savesBefore) return;
    const bytes = this.kv.host.disk.contents("dump.rdb");
    if (bytes === undefined) throw new Error("a saved snapshot is not there");
    const other = harness();
    other.host.nowMs = LONG_AGO_MS;
    other.host.disk.put("dump.rdb", bytes);
    if (!(await other.engine.load())) throw new Error(`not loaded: ${other.log.join(" / ")}`);
    const found = difference(contentsOf(other.engine.keyspace), instant);
    if (found !== "") throw new Error(`the snapshot is not of its instant: ${found}`);
    other.check();
  }

  /** The end of the day: everybody gets what is due, and all books are compared. */
  private async evening(): Promise<void> {
    const { kv } = this;
    const { engine } = kv;
    for (const client of this.clients) client?.unstick();
    kv.config.configSet([["maxmemory", "0"]]);
    kv.clock.advance(20_000);
    for (let round = 0; round < 200 && engine.of(savingPort).isRunning; round++) {
      engine.turn();
      for (let turn = 0; turn < 8; turn++) await Promise.resolve();
    }
    if (engine.of(savingPort).isRunning) throw new Error("a snapshot does not end");
    await this.watchSnapshot();
    while (engine.turn());
    for (const client of this.clients) {
      const due = client?.expected[0];
      if (due !== undefined && !client.closed)
        throw new Error(`client ${client.number} waits for the reply to ${due.words}`);
    }
    engine.keyspace.check();
    this.compareReplay();
    for (const client of this.clients) client?.destroy();
    kv.send("FLUSHALL");
    while (engine.turn());
    const { usedBytes } = engine.keyspace.arena;
    if (usedBytes !== this.baseline)
      throw new Error(`${usedBytes - this.baseline} bytes stay after FLUSHALL`);
    engine.keyspace.check();
  }

  private compareReplay(): void {
    const replica = harness();
    replica.host.nowMs = LONG_AGO_MS;
    let selected = 0;
    for (const { databaseIndex, bytes } of this.stream) {
      if (databaseIndex !== selected) replica.send("SELECT", databaseIndex);
      selected = databaseIndex;
      replica.self.sendBytes(bytes);
      for (let reply = replica.self.receive(); reply !== undefined; reply = replica.self.receive());
    }
    while (replica.engine.turn());
    const ours = contentsOf(this.kv.engine.keyspace);
    const found = difference(contentsOf(replica.engine.keyspace), ours);
    if (found !== "") throw new Error(`the replayed data set differs: ${found}`);
  }
}

function isExecReply(reply: unknown, queued: readonly Expected[]): boolean {
  if (reply === null || isError(reply)) return true;
  if (!Array.isArray(reply) || reply.length !== queued.length) return false;
  // Errors inside are plain values by now: they are objects, which no ECHO answers with.
  return reply.every(
    (each, index) =>
      (typeof each === "object" && each !== null) || (queued[index] as Expected).check(each),
  );
}

export interface SimulationFailure {
  seed: number;
  steps: readonly SimulationStep[];
  message: string;
}

async function failureOf(seed: number, steps: readonly SimulationStep[]): Promise<string> {
  try {
    await new Simulation(seed).run(steps);
    return "";
  } catch (error) {
    return error instanceof Error ? `${error.message}\n${error.stack}` : `${error}`;
  }
}

/** One run; null when all went well, else the shortest list of steps found that still fails. */
export async function simulate(seed: number, count: number): Promise<SimulationFailure | null> {
  let steps: readonly SimulationStep[] = simulationSteps(seed, count);
  let message = await failureOf(seed, steps);
  if (message === "") return null;
  const shrunk = async (fewer: readonly SimulationStep[]) => {
    const again = await failureOf(seed, fewer);
    if (again === "") return false;
    steps = fewer;
    message = again;
    return true;
  };
  for (let size = steps.length >> 1; size >= 1; size >>= 1) {
    for (let from = 0; from < steps.length; ) {
      if (!(await shrunk([...steps.slice(0, from), ...steps.slice(from + size)]))) from += size;
    }
  }
  // Then single requests inside the steps that are left.
  for (let at = 0; at < steps.length; at++) {
    for (let request = 0; ; ) {
      const step = steps[at] as SimulationStep;
      if (step.kind !== "send" || step.requests.length < 2 || request >= step.requests.length)
        break;
      const requests = step.requests.filter((_, index) => index !== request);
      const fewer = steps.map((each, index) => (index === at ? { ...step, requests } : each));
      if (!(await shrunk(fewer))) request++;
    }
  }
  return { seed, steps, message };
}

export function simulationReport(failure: SimulationFailure | null): string {
  if (failure === null) return "";
  const lines = failure.steps.map((step) => `   ${JSON.stringify(step).slice(0, 600)}`);
  return [`seed ${failure.seed}: ${failure.message}`, ...lines].join("\n");
}
