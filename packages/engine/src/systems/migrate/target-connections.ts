/**
 * TargetConnections: connections to the servers that keys move to. One that a MIGRATE has used is kept for
 * the next one to the same place, logged in and with its database selected as it is, until nobody has used
 * it for ten seconds. At most 64 are kept.
 *
 *      take() ──> dialing ──> open ──> keep() ──> idle ──> take(), or ten seconds
 *                    └─ closed ─┴─ drop()           └─ closed by the other side: forgotten
 *
 * A connection that is in use is its user's alone; several to one place may be, and only one is kept.
 * What comes by it is lines; one that says anything else, or anything unasked, is no use to anybody.
 */
import { latin1 } from "@kv/resp";
import type { Connection, Dialed, Dialing, DialTarget } from "../../kernel/host.ts";
import type { Ports } from "../../module/ports.ts";

const IDLE_MS = 10_000;
const COUNT_MAX = 64;
/** Longer than any status or error that a server gives; what is longer still is no server's. */
const LINE_BYTES_MAX = 64 * 1024;
const CR = 13;
const LF = 10;

/** Who uses a connection. */
export interface TargetUser {
  /** It is there. */
  targetOpened(): void;
  /** A line has come, without its end. */
  targetSaid(line: string): void;
  /** All lines that had come by now have been told. */
  targetPaused(): void;
  /** It could not be made, is gone, or makes no sense. */
  targetLost(): void;
}

/** One connection to one server. */
export class TargetConnection implements Dialed {
  /** Which database is selected there; -1: nobody knows. */
  databaseIndex = 0;
  /** It was used before. */
  isReused = false;
  /** Null: nobody's. */
  user: TargetUser | null = null;
  connection: Connection | null = null;
  lastUsedMs = 0;
  readonly place: string;
  private readonly dialing: Dialing;
  private readonly forget: (target: TargetConnection) => void;
  private line = "";

  constructor(
    place: string,
    dial: (dialed: Dialed) => Dialing,
    forget: (target: TargetConnection) => void,
  ) {
    this.place = place;
    this.forget = forget;
    this.dialing = dial(this);
  }

  opened(connection: Connection): void {
    this.connection = connection;
    this.user?.targetOpened();
  }

  received(chunk: Uint8Array, _view: DataView, start: number, end: number): void {
    if (this.tookLines(chunk, start, end)) this.user?.targetPaused();
    else this.lost();
  }

  /** False: that is no line. */
  private tookLines(chunk: Uint8Array, start: number, end: number): boolean {
    let from = start;
    while (this.user !== null) {
      const at = chunk.indexOf(LF, from);
      if (at === -1 || at >= end) break;
      const isWhole = at > from ? chunk[at - 1] === CR : this.line.endsWith("\r");
      const line = (this.line + latin1(chunk, from, at)).slice(0, -1);
      this.line = "";
      from = at + 1;
      if (!isWhole) return false;
      this.user.targetSaid(line);
    }
    if (from === end) return true;
    if (this.user === null || this.line.length + end - from > LINE_BYTES_MAX) return false;
    this.line += latin1(chunk, from, end);
    return true;
  }

  closed(): void {
    this.lost();
  }

  private lost(): void {
    const { user } = this;
    this.drop();
    user?.targetLost();
  }

  /** A buffer that nobody else has. */
  give(bytes: Uint8Array): void {
    this.connection?.give(bytes);
  }

  /** Not wanted any more. */
  drop(): void {
    this.user = null;
    this.forget(this);
    this.dialing.abandon();
  }
}

/** Connections that are kept, and those in use: see the head of this file. */
export class TargetConnections {
  private readonly host: Ports["host"];
  private readonly all = new Set<TargetConnection>();
  private readonly idle = new Map<string, TargetConnection>();

  constructor(host: Ports["host"]) {
    this.host = host;
  }

  /** `migrate_cached_sockets` of INFO. */
  get count(): number {
    return this.all.size;
  }

  /** A connection for the user alone: one that is open already, or one that is being made. */
  take(dialTarget: DialTarget, user: TargetUser, mayReuse: boolean): TargetConnection {
    const place = `${dialTarget.host}:${dialTarget.port}`;
    const kept = this.idle.get(place);
    if (kept !== undefined && mayReuse) {
      this.idle.delete(place);
      kept.isReused = true;
      kept.user = user;
      return kept;
    }
    if (this.all.size >= COUNT_MAX) this.dropLongestIdle();
    const target = new TargetConnection(
      place,
      (dialed) => this.host.dial(dialTarget, dialed),
      (gone) => {
        this.all.delete(gone);
        if (this.idle.get(place) === gone) this.idle.delete(place);
      },
    );
    target.user = user;
    this.all.add(target);
    return target;
  }

  /** The user needs it no more, and all that it asked has been answered. */
  keep(target: TargetConnection, nowMs: number): void {
    target.user = null;
    target.lastUsedMs = nowMs;
    if (this.idle.has(target.place) || this.all.size > COUNT_MAX) target.drop();
    else this.idle.set(target.place, target);
  }

  private dropLongestIdle(): void {
    let longest: TargetConnection | undefined;
    for (const each of this.idle.values())
      if (longest === undefined || each.lastUsedMs < longest.lastUsedMs) longest = each;
    longest?.drop();
  }

  /** Those that nobody has used for long are closed. */
  cron(nowMs: number): void {
    for (const each of this.idle.values()) if (nowMs - each.lastUsedMs > IDLE_MS) each.drop();
  }

  /** For good. */
  stop(): void {
    for (const each of [...this.all]) each.drop();
  }
}
