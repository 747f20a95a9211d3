/**
 * Migration: one MIGRATE that waits for the other server. It says what is to be said there and hears the
 * answers; when it is over the request runs anew, removes the keys that were taken, and is answered.
 *
 *      connection ──> AUTH, SELECT ──> RESTORE, RESTORE, ... ──> over
 *                        answers            answers
 *
 * SELECT is sent only where another database is selected than the one wanted. No key is sent before both
 * have been answered with +OK: it would land in a place where nobody looks for it. Of the keys so many are
 * under way as WINDOW allows, and at least one: a payload is as large as DUMP's, and memory is not taken for
 * all keys at once. Each is dumped when it is sent.
 *
 * Errors of the other server, the first of them, are told to the client; they concern only the keys that
 * they are about. Whatever ends the connection ends the migration; a key whose +OK has come is there, and
 * of all others nobody knows: they stay here. If a connection that was kept turns out to be dead before it
 * has said anything, everything begins again on a new one, once.
 *
 * The timeout counts from the last sign of progress: bytes that come, or leave.
 */
import { type Database, expiryMs, NONE, type Ref } from "@kv/core";
import { PayloadWriter, type RdbWriteVersion } from "@kv/persistence";
import { type ArgVector, encodeRequest } from "@kv/resp";
import { isTooLarge, tooLarge } from "../../kernel/caller.ts";
import type { Client } from "../../kernel/client.ts";
import type { DialTarget } from "../../kernel/host.ts";
import type { Ports } from "../../module/ports.ts";
import { KeyState, type MovingKeys } from "./moving-keys.ts";
import { QueuedRequest } from "./stored-request.ts";
import type { TargetConnection, TargetConnections, TargetUser } from "./target-connections.ts";

/** Keys that are sent ahead of the answers: no more than so many bytes of payload, and so many keys. */
const WINDOW_BYTES = 2 ** 20;
const WINDOW_KEYS = 256;
/** Requests that leave together. */
const GATHERED_BYTES_MAX = 64 * 1024;

/** What MIGRATE asks for. */
export interface Plan {
  readonly dialTarget: DialTarget;
  /** Database of the other server. */
  readonly targetIndex: number;
  readonly timeoutMs: number;
  readonly isCopy: boolean;
  readonly replaces: boolean;
  /** Words behind AUTH; null: nobody logs in. */
  readonly login: readonly Uint8Array[] | null;
  /** The arguments that are the keys. */
  readonly firstKey: number;
  readonly keyCount: number;
}

/** What a migration takes of the engine and of its system. */
export interface MigrationNeeds {
  ports: Pick<Ports, "host" | "situation" | "keyspace">;
  targets: TargetConnections;
  moving: MovingKeys;
  /** The command that makes a key there. */
  restoreName: string;
  version: RdbWriteVersion;
  /** Is told once, when it is over. */
  over: (migration: Migration) => void;
}

/** A key that is under way. */
interface Sent {
  readonly key: number;
  readonly bytes: number;
}

/** One MIGRATE that waits: see the head of this file. */
export class Migration implements TargetUser {
  readonly client: Client;
  readonly plan: Plan;
  /** Of the keys. */
  readonly databaseIndex: number;
  readonly request: QueuedRequest;
  /** What the client is told; "": all is well. */
  error = "";
  isOver = false;
  private readonly needs: MigrationNeeds;
  private target: TargetConnection | null = null;
  /** Answers to AUTH and SELECT that are to come. */
  private awaitedWords: ("AUTH" | "SELECT")[] = [];
  private nextKey: number;
  private payloads: PayloadWriter | null = null;
  private readonly sent: Sent[] = [];
  private sentBytes = 0;
  /** Requests that leave next, together. */
  private gathered: Uint8Array[] = [];
  private gatheredBytes = 0;
  private hasHeard = false;
  private pendingBytes = 0;
  private lastProgressMs = 0;

  constructor(needs: MigrationNeeds, client: Client, plan: Plan, batch: ArgVector) {
    this.needs = needs;
    this.client = client;
    this.plan = plan;
    this.databaseIndex = client.databaseIndex;
    this.request = new QueuedRequest(batch);
    this.nextKey = plan.firstKey;
  }

  begin(): void {
    const { port } = this.plan.dialTarget;
    // Where nobody can listen, Redis says the same as where nobody does.
    if (port < 1 || port > 65535) this.end(ioError("writing"));
    else this.connect(true);
  }

  private connect(mayReuse: boolean): void {
    const { targets } = this.needs;
    this.progressed();
    this.target = targets.take(this.plan.dialTarget, this, mayReuse);
    if (this.target.connection !== null) this.targetOpened();
  }

  private progressed(): void {
    this.lastProgressMs = this.nowMs;
    this.pendingBytes = this.target?.connection?.pendingBytes ?? 0;
  }

  /** By the clock that does not jump. */
  private get nowMs(): number {
    return this.needs.ports.host.monotonicUs() / 1000;
  }

  // What happens on the connection.

  targetOpened(): void {
    const { login, targetIndex } = this.plan;
    const target = this.target as TargetConnection;
    if (login !== null) this.say(target, "AUTH", login);
    if (target.databaseIndex !== targetIndex) this.say(target, "SELECT", [`${targetIndex}`]);
    this.progressed();
    this.sendMore();
  }

  private say(
    target: TargetConnection,
    word: "AUTH" | "SELECT",
    rest: readonly (string | Uint8Array)[],
  ) {
    target.give(encodeRequest([word, ...rest]));
    this.awaitedWords.push(word);
  }

  targetSaid(line: string): void {
    this.hasHeard = true;
    this.progressed();
    const isError = line.startsWith("-");
    // A server that says something else than +OK is none that has taken a key.
    const word = this.awaitedWords.shift();
    if (!isError && line !== "+OK") this.end(ioError("reading"));
    else if (word !== undefined) this.answeredWord(word, line);
    else if (!this.answeredKey(line)) this.end(ioError("reading"));
  }

  targetPaused(): void {
    this.sendMore();
  }

  private answeredWord(word: "AUTH" | "SELECT", line: string): void {
    const { targetIndex } = this.plan;
    if (line.startsWith("-")) {
      this.note(line);
      // Whatever is selected there now: no key is sent.
      this.nextKey = this.plan.firstKey + this.plan.keyCount;
    } else if (word === "SELECT" && this.target !== null) this.target.databaseIndex = targetIndex;
  }

  /** False: no answer is due. */
  private answeredKey(line: string): boolean {
    const sent = this.sent.shift();
    if (sent === undefined) return false;
    this.sentBytes -= sent.bytes;
    if (line.startsWith("-")) this.note(line);
    else this.moveOn(sent.key, KeyState.SENT, KeyState.TAKEN);
    return true;
  }

  private moveOn(key: number, from: number, to: number): void {
    const { client, databaseIndex, request } = this;
    const { moving } = this.needs;
    if (moving.stateOf(client, databaseIndex, request, key) === from)
      moving.setState(client, databaseIndex, request, key, to);
  }

  /** The first error is the one that is told. */
  private note(line: string): void {
    if (this.error === "") this.error = `ERR Target instance replied with error: ${line.slice(1)}`;
  }

  targetLost(): void {
    const { target } = this;
    this.target = null;
    if (target?.isReused === true && !this.hasHeard) this.beginAnew();
    else
      this.end(
        ioError(target?.connection === null || this.pendingBytes > 0 ? "writing" : "reading"),
      );
  }

  /** The connection that was kept was dead: nothing of what was sent has been answered. */
  private beginAnew(): void {
    this.awaitedWords = [];
    this.sent.length = 0;
    this.sentBytes = 0;
    this.nextKey = this.plan.firstKey;
    this.connect(false);
  }

  /** Now and then: whether the other server has said or taken nothing for too long. */
  checkTime(): void {
    if (this.isOver) return;
    const connection = this.target?.connection ?? null;
    const pendingBytes = connection?.pendingBytes ?? 0;
    if (pendingBytes < this.pendingBytes) this.progressed();
    this.pendingBytes = pendingBytes;
    if (this.nowMs - this.lastProgressMs < this.plan.timeoutMs) return;
    this.timeOut();
  }

  /** It has waited long enough, whatever comes later. */
  timeOut(): void {
    const connection = this.target?.connection ?? null;
    if (connection === null) this.end("IOERR error or timeout connecting to the client");
    else this.end(ioError(connection.pendingBytes > 0 ? "writing" : "reading"));
  }

  // Sending keys.

  private sendMore(): void {
    if (this.isOver || this.awaitedWords.length > 0) return;
    const { firstKey, keyCount } = this.plan;
    const { sent } = this;
    while (this.nextKey < firstKey + keyCount) {
      if (sent.length > 0 && (sent.length >= WINDOW_KEYS || this.sentBytes >= WINDOW_BYTES)) break;
      this.sendKey(this.nextKey++);
      if (this.isOver) return;
    }
    this.giveGathered();
    if (sent.length === 0) this.end("");
  }

  /** Sends the key as it is now; one that has gone is passed over. */
  private sendKey(key: number): void {
    const { databaseIndex, needs, request } = this;
    const { keyspace, situation } = needs.ports;
    const { bytes, view } = request;
    const start = request.start(key);
    const end = request.end(key);
    const database = keyspace.databases[databaseIndex] as Database;
    const entry = database.findKey(bytes, view, start, end);
    if (entry === NONE) return;
    const untilMs = expiryMs(keyspace.arena, entry);
    const leftMs = untilMs - situation.readClock();
    if (untilMs !== -1 && leftMs < 0) return;
    const ttl = untilMs === -1 ? 0 : Math.max(1, leftMs);
    const restore = this.restoreOf(bytes.subarray(start, end), entry, ttl);
    if (restore === null) return;
    needs.moving.setState(this.client, databaseIndex, request, key, KeyState.SENT);
    this.sent.push({ key, bytes: restore.length });
    this.sentBytes += restore.length;
    this.gathered.push(restore);
    this.gatheredBytes += restore.length;
    if (this.gatheredBytes >= GATHERED_BYTES_MAX) this.giveGathered();
  }

  /** Small requests leave together. */
  private giveGathered(): void {
    const { gathered, gatheredBytes, target } = this;
    if (gathered.length === 0 || target === null) return;
    target.give(
      gathered.length === 1 ? (gathered[0] as Uint8Array) : joined(gathered, gatheredBytes),
    );
    this.gathered = [];
    this.gatheredBytes = 0;
    this.pendingBytes = target.connection?.pendingBytes ?? 0;
  }

  /** The request that makes the key there; null: nobody can hold it, and the migration is over. */
  private restoreOf(key: Uint8Array, entry: Ref, ttl: number): Uint8Array | null {
    const { keyspace } = this.needs.ports;
    try {
      this.payloads ??= new PayloadWriter(keyspace.arena, this.needs.version);
      const payload = this.payloads.payloadOf(entry);
      const words = [this.needs.restoreName, key, ttl, payload];
      return encodeRequest(this.plan.replaces ? [...words, "REPLACE"] : words);
    } catch (error) {
      if (!isTooLarge(error)) throw error;
      this.end(tooLarge.reply);
      return null;
    }
  }

  // The end.

  /** `failure` is "" when all that was asked has been answered: then the connection is kept. */
  private end(failure: string): void {
    if (this.isOver) return;
    this.isOver = true;
    if (failure !== "") this.error = failure;
    this.release(failure === "");
    this.needs.over(this);
  }

  /** The client has gone, or the server ends: nobody is told. */
  abandon(): void {
    this.isOver = true;
    this.release(false);
  }

  private release(isGood: boolean): void {
    const { target } = this;
    this.target = null;
    this.payloads = null;
    if (target === null) return;
    target.user = null;
    // One with which something went wrong is of no use: nobody knows what is selected there.
    if (isGood) this.needs.targets.keep(target, this.nowMs);
    else target.drop();
  }
}

function ioError(doing: "writing" | "reading"): string {
  return `IOERR error or timeout ${doing} to target instance`;
}

function joined(parts: readonly Uint8Array[], bytes: number): Uint8Array {
  const whole = new Uint8Array(bytes);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
