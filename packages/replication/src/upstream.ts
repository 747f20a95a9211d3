/**
 * Upstream: the side of replication that follows. It has no sockets and no clock of its own.
 *
 *      NONE ── follow() ──> CONNECT ──> CONNECTING ──> HANDSHAKE ──┬─ +CONTINUE ─────────────> CONNECTED
 *        ^                     ^                                   └─ +FULLRESYNC ─> TRANSFER ──┘   │
 *        └── promote()         └──────────────── lost, refused, damaged, silent ────────────────────┘
 *
 * Promises: while there is nothing whole to take its place the present data set stays, and the history
 * that it belongs to; every byte that was applied is passed on as it came, and counted; a link that fails
 * is tried again each second.
 */
import { CommandError } from "@kv/commands";
import {
  appendOnlyFilePort,
  type Client,
  ClientState,
  type Connection,
  type Dialing,
  EngineState,
} from "@kv/engine";
import { encodeRequest, latin1, type RequestArgument } from "@kv/resp";
import { Applied, Reliable, type UpstreamNeeds } from "./applied.ts";
import type { Followers } from "./followers.ts";
import { Handshake, type Outcome } from "./handshake.ts";
import { type FailoverListener, LinkState, type PrimaryPlace } from "./link-state.ts";
import { SyncedOffset } from "./synced-offset.ts";
import { Transfer } from "./transfer.ts";

const SECOND_MS = 1000;
const roleChanged = new CommandError(
  "UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)",
);
const NEWLINE = new Uint8Array([0x0a]);
const LINE_BYTES_MAX = 1024;
/** So much of what we say may wait for the primary. */
const UNREAD_BYTES_MAX = 64 * 1024;

/** Follows a primary: see the head of this file. */
export class Upstream {
  state: number = LinkState.NONE;
  primary: PrimaryPlace | null = null;
  /** When the link was lost, by the wall clock; 0: it never was there. */
  downSinceMs = 0;
  private readonly ports: UpstreamNeeds;
  private readonly followers: Followers;
  private readonly applied: Applied;
  private readonly roleChanged: () => void;
  /** What is there is the primary's history up to followers.offset, so that may be gone on from. */
  private hasHistory = false;
  private failover: FailoverListener | null = null;
  private dialing: Dialing | null = null;
  private connection: Connection | null = null;
  private handshake: Handshake | null = null;
  private line = "";
  private transfer: Transfer | null = null;
  private readonly underWay = new Set<Promise<unknown>>();
  private readonly syncedOffset = new SyncedOffset();
  /** When the primary was last heard of. */
  private heardMs = 0;
  private lastSecondMs = 0;
  /** When the primary last asked how far this server is. */
  private askedMs = Number.NEGATIVE_INFINITY;
  private isPaused = false;
  private isHeldByScript = false;
  /** It is known where this server stands. */
  private hasBegun = false;
  private isStarted = false;
  private isStopped = false;
  private transferCount = 0;
  /** The last data set found no room beside the present one. */
  private isTight = false;

  /** `roleChanged` is told whenever it has the say, or has it no more, or clients may write meanwhile. */
  constructor(ports: UpstreamNeeds, followers: Followers, roleChanged: () => void) {
    this.ports = ports;
    this.roleChanged = roleChanged;
    this.followers = followers;
    this.applied = new Applied(ports, followers, (reason, reliable) =>
      this.distrust(reason, reliable),
    );
    this.primary = ports.config.value<PrimaryPlace | null>("replicaof");
    if (this.primary !== null) this.state = LinkState.CONNECT;
    this.updateSituation();
  }

  /** Whether another server has the say. */
  get isReplica(): boolean {
    return this.primary !== null;
  }

  /** The link as a client; null: it is not connected. */
  get client(): Client | null {
    return this.applied.client;
  }

  /** Bytes that have come so far: `slave_read_repl_offset`. */
  get readOffset(): number {
    return this.followers.offset + (this.client?.reader.pendingBytes ?? 0) + this.applied.heldBytes;
  }

  /** Seconds since the primary was heard of; -1: it is not connected. */
  get lastIoSeconds(): number {
    if (this.client === null && this.transfer === null) return -1;
    return Math.floor((this.ports.situation.nowMs - this.heardMs) / SECOND_MS);
  }

  /** The data set on its way; null: none is. */
  get arriving(): Transfer | null {
    return this.transfer;
  }

  /** Of the data set: the one that the primary's stream stands in. */
  get streamDatabase(): number {
    return this.applied.databaseIndex;
  }

  /** What follows from the role, for all commands. */
  updateSituation(): void {
    const { situation, config } = this.ports;
    const isLinked = this.state === LinkState.CONNECTED;
    const servesOld = config.boolean("replica-serve-stale-data");
    const { REPLICA, READ_ONLY, STALE } = EngineState;
    const before = situation.unusual & (REPLICA | READ_ONLY);
    situation.setUnusual(REPLICA, this.isReplica);
    situation.setUnusual(READ_ONLY, this.isReplica && config.boolean("replica-read-only"));
    situation.setUnusual(STALE, this.isReplica && !isLinked && !servesOld);
    if (before !== (situation.unusual & (REPLICA | READ_ONLY))) this.roleChanged();
  }

  // Roles.

  /** Follows this server from now on. */
  follow(primary: PrimaryPlace, failover: FailoverListener | null = null): void {
    const { config, host } = this.ports;
    const wasReplica = this.isReplica;
    this.drop();
    this.isStarted = true;
    this.primary = primary;
    this.failover = failover;
    config.assign("replicaof", primary);
    if (!wasReplica) {
      this.hasHistory = true;
      host.log(
        "notice",
        "Before turning into a replica, using my own master parameters to synthesize a cached master: I may be able to synchronize with the new master with just a partial transfer.",
      );
    }
    this.applied.databaseIndex = wasReplica ? this.applied.databaseIndex : 0;
    this.state = LinkState.CONNECT;
    this.downSinceMs = 0;
    if (!wasReplica) this.followers.passOn(true);
    this.updateSituation();
    if (!wasReplica) this.endWaits();
    this.dial("Connecting");
  }

  /** Follows nobody any more. The history goes on under another name. */
  promote(): void {
    if (!this.isReplica) return;
    const { config, host, identity } = this.ports;
    this.drop();
    this.primary = null;
    this.failover = null;
    config.assign("replicaof", null);
    this.state = LinkState.NONE;
    this.hasHistory = false;
    const { replicationId } = identity;
    identity.renameHistory(host.randomHex(20), replicationId, this.followers.offset + 1);
    host.log(
      "notice",
      `Setting secondary replication ID to ${replicationId}, valid up to offset: ${identity.secondReplicationOffset}. New replication ID is ${identity.replicationId}`,
    );
    this.followers.passOn(false);
    this.followers.disconnectAll();
    this.updateSituation();
  }

  /** Behind the load at the start. */
  started(facts: ReadonlyMap<string, string>): void {
    this.knowsFile(facts);
    this.isStarted = true;
  }

  /** While the file is loaded at the start, or behind that: it may say where this server stood. */
  knowsFile(facts: ReadonlyMap<string, string>): void {
    if (this.hasBegun) return;
    this.hasBegun = true;
    const id = facts.get("repl-id") ?? "";
    const offset = Number(facts.get("repl-offset") ?? -1);
    if (/^[0-9a-zA-Z]{40}$/.test(id) && Number.isSafeInteger(offset) && offset >= 0) {
      if (this.isReplica) {
        this.followers.takeHistory(id, offset);
        this.hasHistory = true;
        this.applied.databaseIndex = this.databaseOf(facts);
      } else {
        this.followers.continueHistory(id, offset);
      }
    } else if (this.isReplica) {
      this.followers.passOn(true);
    }
  }

  /** Who waits for what others write here would wait for ever. */
  private endWaits(): void {
    const { clients, output } = this.ports;
    for (const client of [...clients.values()]) {
      if (client.unblock === null) continue;
      client.unblock(roleChanged);
      clients.closeAfterReply(client, "another role");
      output.flushOutbox(client);
      output.end(client);
    }
  }

  // The link.

  /** `how` and `why` are words of the log. */
  private dial(how: "Connecting" | "Reconnecting", why = ""): void {
    const { config, host } = this.ports;
    const { primary } = this;
    if (primary === null) return;
    host.log("notice", `${how} to MASTER ${primary.host}:${primary.port}${why}`);
    this.state = LinkState.CONNECTING;
    this.heardMs = host.wallMs();
    this.dialing = host.dial(
      {
        host: primary.host,
        port: primary.port,
        isTls: config.boolean("tls-replication"),
        sourceAddress: config.text("bind-source-addr"),
      },
      {
        opened: (connection) => this.opened(connection),
        received: (chunk, view, start, end) => this.received(chunk, view, start, end),
        closed: (reason) => this.closed(reason),
        isPatient: () => this.isPatient(),
      },
    );
    host.log("notice", "MASTER <-> REPLICA sync started");
  }

  private opened(connection: Connection): void {
    const { config, host, identity, situation } = this.ports;
    situation.readClock();
    host.log("notice", "Non blocking connect for SYNC fired the event.");
    this.connection = connection;
    this.state = LinkState.HANDSHAKE;
    this.heardMs = situation.nowMs;
    this.line = "";
    const announcedPort = config.number("replica-announce-port");
    const ownPort = config.boolean("tls-replication") ? host.facts.tlsPort : host.facts.tcpPort;
    this.handshake = new Handshake(
      {
        user: config.text("masteruser"),
        password: config.text("masterauth"),
        port: announcedPort === 0 ? ownPort : announcedPort,
        ip: config.text("replica-announce-ip"),
        version: identity.redisVersion,
        history: this.hasHistory
          ? { id: identity.replicationId, offset: this.followers.offset }
          : null,
        isFailover: this.failover !== null,
      },
      {
        send: (...words) => this.send(...words),
        log: (level, line) => host.log(level, line),
      },
    );
  }

  private send(...words: RequestArgument[]): void {
    const { connection } = this;
    // Who does not read what we say, however often it asks, is not told more.
    if (connection === null || connection.pendingBytes > UNREAD_BYTES_MAX) return;
    const bytes = encodeRequest(words);
    connection.send(bytes, 0, bytes.length);
  }

  /** REPLCONF ACK: how far this server is. */
  acknowledge(): void {
    this.applied.passOn();
    const { offset } = this.followers;
    const log = this.ports.of(appendOnlyFilePort);
    if (log.isOn)
      this.send("REPLCONF", "ACK", `${offset}`, "FACK", `${this.syncedOffset.at(offset, log)}`);
    else this.send("REPLCONF", "ACK", `${offset}`);
  }

  /** GETACK: somebody at the primary waits for what is here. */
  asked(): void {
    this.askedMs = this.ports.situation.nowMs;
    this.acknowledge();
  }

  /** Nobody waits for what is done here. Who asks once will ask again. */
  private isPatient(): boolean {
    return this.client !== null && this.ports.situation.nowMs - this.askedMs > SECOND_MS;
  }

  private received(chunk: Uint8Array, view: DataView, start: number, end: number): void {
    this.heardMs = this.ports.situation.readClock();
    let at = start;
    while (at < end) {
      if (this.state === LinkState.HANDSHAKE) at = this.readLine(chunk, at, end);
      else if (this.transfer !== null) at = this.transfer.feed(chunk, at, end);
      else if (this.client !== null) {
        // A script that runs for too long is in the way of whatever changes data.
        if (this.ports.situation.is(EngineState.BUSY)) this.holdRequests(this.client);
        this.applied.receive(chunk, view, at, end);
        return;
      } else return;
    }
    if (this.transfer !== null && this.transfer.error !== "") this.lost(this.transfer.error);
  }

  private readLine(chunk: Uint8Array, start: number, end: number): number {
    let at = start;
    while (at < end && chunk[at] !== 0x0a) at++;
    this.line += latin1(chunk, start, Math.min(at, start + LINE_BYTES_MAX + 1));
    if (this.line.length > LINE_BYTES_MAX) {
      this.lost("MASTER sent a line that is too long during the handshake");
      return end;
    }
    if (at === end) return end;
    const line = this.line.replace(/\r$/, "");
    this.line = "";
    const outcome = this.handshake?.answer(line);
    if (outcome !== undefined) this.shaken(outcome);
    return at + 1;
  }

  /** The handshake is over. */
  private shaken(outcome: Outcome): void {
    const { identity, host } = this.ports;
    this.handshake = null;
    const { failover } = this;
    if (failover !== null && outcome.kind !== "retry") {
      this.failover = null;
      if (outcome.kind === "sync") {
        failover.rejected();
        return;
      }
      failover.accepted();
    }
    switch (outcome.kind) {
      case "retry":
        this.failover = null;
        this.lost("");
        failover?.rejected();
        return;
      case "continue": {
        const { id } = outcome;
        if (id !== undefined && id !== identity.replicationId) {
          const known = identity.replicationId;
          identity.renameHistory(id, known, this.followers.offset + 1);
          host.log("warning", `Master replication ID changed to ${id}`);
          // They learn of it when they come back.
          this.followers.disconnectAll();
        }
        this.connected();
        return;
      }
      case "full":
        this.beginTransfer(outcome.id, outcome.offset);
        return;
      case "sync":
        this.beginTransfer("", -1);
    }
  }

  private beginTransfer(id: string, offset: number): void {
    this.state = LinkState.TRANSFER;
    this.transferCount++;
    const transfer: Transfer = new Transfer(this.ports, this.transferCount, {
      isSameHistory: this.hasHistory && id === this.ports.identity.replicationId,
      isTight: this.isTight,
      full: (isFull) => this.hold(isFull),
      works: (until) => {
        this.underWay.add(until);
        void until.finally(() => this.underWay.delete(until));
      },
      progressed: () => this.sendNewline(),
      replacing: () => {
        this.hasHistory = false;
        this.followers.forgetHistory();
      },
      ended: (result) => {
        if (this.transfer !== transfer) return;
        this.transfer = null;
        this.isTight = !result.ok && result.lacksMemory;
        if (result.ok) this.dataSetArrived(id, offset, result.facts, transfer);
        else this.lost(result.reason);
      },
    });
    this.transfer = transfer;
  }

  private dataSetArrived(
    id: string,
    offset: number,
    facts: ReadonlyMap<string, string>,
    transfer: Transfer,
  ): void {
    const { host } = this.ports;
    // One that knows no PSYNC has no history that could be gone on from.
    const isKnown = id !== "";
    this.followers.takeHistory(isKnown ? id : host.randomHex(20), isKnown ? offset : 0);
    this.hasHistory = isKnown;
    this.syncedOffset.forget();
    this.applied.databaseIndex = this.databaseOf(facts);
    host.log("notice", "MASTER <-> REPLICA sync: Finished with success");
    if (this.connection === null) {
      this.cutOff();
      return;
    }
    this.connected();
    if (transfer.hasMark) this.acknowledge();
    const { rest } = transfer;
    if (rest.length > 0) this.applied.receive(rest, new DataView(rest.buffer), 0, rest.length);
    this.hold(false);
  }

  /** The database that a stream stands in behind a file that tells this. */
  private databaseOf(facts: ReadonlyMap<string, string>): number {
    const database = Number(facts.get("repl-stream-db") ?? 0);
    const count = this.ports.config.number("databases");
    return Number.isInteger(database) && database >= 0 && database < count ? database : 0;
  }

  private connected(): void {
    const { connection } = this;
    if (connection === null) return;
    this.state = LinkState.CONNECTED;
    this.downSinceMs = 0;
    this.heardMs = this.ports.situation.nowMs;
    this.applied.begin(connection);
    this.updateSituation();
  }

  private holdRequests(client: Client): void {
    client.mark(ClientState.WAITING, true);
    this.isHeldByScript = true;
    this.hold(true);
  }

  /** Nothing more is read from the primary for the moment, or again. */
  private hold(isHeld: boolean): void {
    if (this.isPaused === isHeld || this.connection === null) return;
    this.isPaused = isHeld;
    if (isHeld) this.connection.pause();
    else this.connection.resume();
  }

  private sendNewline(): void {
    const { nowMs } = this.ports.situation;
    if (nowMs - this.lastSecondMs < SECOND_MS) return;
    this.lastSecondMs = nowMs;
    this.connection?.send(NEWLINE, 0, 1);
  }

  private closed(reason: string): void {
    this.ports.situation.readClock();
    this.dialing = null;
    const why = reason === "" ? "the connection was closed" : reason;
    switch (this.state) {
      case LinkState.CONNECTING:
        this.lost(`Error condition on socket for SYNC: ${why}`);
        return;
      case LinkState.HANDSHAKE:
        this.lost(`Failed to read response from the server: ${why}`);
        return;
      case LinkState.TRANSFER:
        // All of the data set is here: it is had first, and then gone on from.
        this.connection = null;
        if (this.transfer?.isLoading === true) return;
        this.lost(`I/O error trying to sync with MASTER: ${why}`);
        this.dial("Reconnecting", " after failure");
        return;
      default:
        this.cutOff();
    }
  }

  /** The link has gone, and where this server stands is known: it asks at once for what it misses. */
  private cutOff(): void {
    const { host, situation } = this.ports;
    host.log("warning", "Connection with master lost.");
    host.log("notice", "Caching the disconnected master state.");
    this.downSinceMs = situation.nowMs;
    this.lost("");
    this.dial("Reconnecting");
  }

  /** The link is of no use; it is tried again in a while. */
  private lost(reason: string): void {
    const { host, situation } = this.ports;
    if (reason !== "") host.log("warning", reason);
    this.drop();
    if (this.downSinceMs === 0 && this.state === LinkState.CONNECTED)
      this.downSinceMs = situation.nowMs;
    this.state = this.isReplica ? LinkState.CONNECT : LinkState.NONE;
    this.updateSituation();
  }

  /** As lost(); and what is not Reliable any more is not gone on from, here or by those who follow. */
  private distrust(reason: string, reliable: number): void {
    if (reliable !== Reliable.OFFSET) this.hasHistory = false;
    if (reliable === Reliable.NOTHING) this.followers.forgetHistory();
    this.lost(reason);
  }

  /** Ends whatever link there is. */
  private drop(): void {
    const { dialing, transfer } = this;
    this.applied.end();
    this.transfer = null;
    transfer?.abort(this.isStopped);
    this.dialing = null;
    dialing?.abandon();
    this.connection?.destroy();
    this.connection = null;
    this.handshake = null;
    this.isPaused = false;
    this.isHeldByScript = false;
  }

  /** The client that the link is was closed by others (CLIENT KILL): it is made anew. */
  clientClosed(client: Client): void {
    if (client !== this.client) return;
    this.applied.forget();
    this.closed("");
  }

  // Time.

  /** Goes on with what waited. */
  turn(): void {
    this.applied.turn();
    const { client } = this;
    if (!this.isHeldByScript || this.ports.situation.is(EngineState.BUSY)) return;
    this.isHeldByScript = false;
    if (client === null) return;
    this.ports.resume(client);
    this.hold(false);
  }

  /** The wall clock was set: the primary was heard of as long ago as before. */
  clockStepped(stepMs: number): void {
    this.heardMs += stepMs;
    this.lastSecondMs += stepMs;
    this.askedMs += stepMs;
    if (this.downSinceMs !== 0) this.downSinceMs += stepMs;
  }

  cron(nowMs: number): void {
    if (!this.isReplica || !this.isStarted || this.isStopped) return;
    const passedMs = nowMs - this.lastSecondMs;
    if (passedMs >= 0 && passedMs < SECOND_MS) return;
    this.lastSecondMs = nowMs;
    const { config } = this.ports;
    const silentMs = nowMs - this.heardMs;
    const isSilent = silentMs > config.number("repl-timeout") * SECOND_MS;
    switch (this.state) {
      case LinkState.CONNECT:
        this.dial("Connecting");
        return;
      case LinkState.CONNECTING:
      case LinkState.HANDSHAKE:
        if (isSilent) this.lost("Timeout connecting to the MASTER...");
        return;
      case LinkState.TRANSFER:
        // While it is being loaded nothing is to come, and the primary wants to hear of us.
        if (this.transfer?.isLoading === true) this.connection?.send(NEWLINE, 0, 1);
        else if (isSilent && !this.isPaused)
          this.lost(
            "Timeout receiving bulk data from MASTER... If the problem persists try to set the 'repl-timeout' parameter in redis.conf to a larger value.",
          );
        return;
      case LinkState.CONNECTED:
        if (isSilent && this.applied.isIdle)
          this.lost("MASTER timeout: no data nor PING received...");
        else this.acknowledge();
    }
  }

  /** For good. */
  stop(): void {
    this.isStopped = true;
    this.drop();
  }

  get isSettled(): boolean {
    return this.underWay.size === 0;
  }

  async settled(): Promise<void> {
    while (!this.isSettled) await Promise.allSettled(this.underWay);
  }
}
