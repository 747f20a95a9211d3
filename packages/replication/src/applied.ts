/**
 * Applied: what the primary's stream does here. The link is a client of this server, whose requests are
 * done without being answered; each that was done goes on, byte for byte, to those who follow us.
 *
 *      bytes ─> Client ─> UpstreamRequests ─> applied() ─> the stream of our own followers
 *                                               └── within MULTI: kept until EXEC, as what is half done
 *                                                   is neither counted nor passed on
 */
import {
  type Client,
  ClientState,
  type Connection,
  type Ports,
  type UpstreamListener,
} from "@kv/engine";
import type { ArrivalNeeds } from "./arrival.ts";
import type { Followers } from "./followers.ts";

/** What the side that follows takes of the engine. */
export type UpstreamNeeds = ArrivalNeeds &
  Pick<
    Ports,
    "identity" | "clients" | "output" | "primaryLimits" | "stats" | "adopt" | "receive" | "resume"
  >;

/** What can be relied on when a link is of no use any more. */
export const Reliable = {
  /** The data are those of our offset: it can go on from there. */
  OFFSET: 0,
  /** The data are, but the stream would go wrong there again: all data are asked for. */
  DATA: 1,
  /** Nothing: the data are those of no offset. */
  NOTHING: 2,
} as const;

/** What goes on and on is told so often. */
const TOLD_AGAIN_MS = 10_000;

export class Applied implements UpstreamListener {
  /** The link as a client; null: there is none. */
  client: Client | null = null;
  /** The database that the stream has selected. */
  databaseIndex = 0;
  /** Requests that have been done, side by side, and have not gone on yet. */
  private done: Uint8Array | null = null;
  private doneStart = 0;
  private doneEnd = -1;
  /** What comes is not done any more. */
  isHalted = false;
  /** Bytes of a transaction whose EXEC has not come. */
  heldBytes = 0;
  /** Bytes of this link that came, and those that were requests. */
  private receivedBytes = 0;
  private requestBytes = 0;
  private readonly ports: UpstreamNeeds;
  private readonly followers: Followers;
  private readonly fail: (reason: string, reliable: number) => void;
  private held: Uint8Array[] = [];
  /** Why the link is of no use: its own command may run just now. */
  private failure = "";
  private reliable: number = Reliable.DATA;
  /** When the log was last told that changes are not logged. */
  private toldMs = 0;

  /** `fail` is told why the link is of no use any more, and what is Reliable. */
  constructor(
    ports: UpstreamNeeds,
    followers: Followers,
    fail: (reason: string, reliable: number) => void,
  ) {
    this.ports = ports;
    this.followers = followers;
    this.fail = fail;
  }

  /** What comes by the connection is done from now on. */
  begin(connection: Connection): void {
    const client = this.ports.adopt(connection);
    client.databaseIndex = this.databaseIndex;
    client.upstream = this;
    this.client = client;
    this.isHalted = false;
    this.receivedBytes = 0;
    this.requestBytes = 0;
  }

  /** Does what has come in chunk[start, end). */
  receive(chunk: Uint8Array, view: DataView, start: number, end: number): void {
    const { client } = this;
    if (client === null) return;
    this.receivedBytes += end - start;
    this.ports.receive(client, chunk, view, start, end);
    if (this.client !== client || client.is(ClientState.WAITING) || this.isHalted) return;
    const { error, overLimit, pendingBytes } = client.reader;
    if (overLimit) this.failSoon("MASTER sends more than a command may be");
    else if (error !== "") this.failSoon(`MASTER sends what is no command: ${error}`);
    // Whoever counts other bytes than we do would go on in another place than we stand.
    else if (this.receivedBytes - pendingBytes !== this.requestBytes)
      this.failSoon("MASTER sends bytes that belong to no command");
  }

  /** Nothing waits to be done. */
  get isIdle(): boolean {
    return this.client !== null && !this.client.is(ClientState.WAITING);
  }

  applied(bytes: Uint8Array, start: number, end: number, isQueued: boolean): void {
    this.requestBytes += end - start;
    if (!isQueued && this.heldBytes === 0) {
      // What stands side by side goes on together.
      if (this.doneEnd !== start) {
        this.passOn();
        this.doneStart = start;
      }
      this.done = bytes;
      this.doneEnd = end;
      return;
    }
    this.passOn();
    this.held.push(bytes.slice(start, end));
    this.heldBytes += end - start;
    if (!isQueued) this.transactionEnded();
    else if (this.heldBytes > this.ports.primaryLimits.queryBufferMax)
      this.failSoon("MASTER sends a transaction that does not end");
  }

  private transactionEnded(): void {
    for (const part of this.held) this.followers.stream?.passOn(part, 0, part.length);
    this.forgetHeld();
  }

  /** What has been done goes on to those who follow, and counts. */
  passOn(): void {
    const { done, doneStart, doneEnd } = this;
    if (done === null) return;
    this.done = null;
    this.doneEnd = -1;
    this.followers.stream?.passOn(done, doneStart, doneEnd);
  }

  batchEnds(): void {
    this.passOn();
    if (this.client !== null) this.databaseIndex = this.client.databaseIndex;
  }

  /** The disk does not take what is changed here. */
  cannotBeLogged(): void {
    const { host, config, situation } = this.ports;
    if (!config.boolean("replica-ignore-disk-write-errors")) {
      host.log("warning", "Replica was unable to write command to disk.");
      host.exit(1);
      return;
    }
    if (situation.nowMs - this.toldMs < TOLD_AGAIN_MS) return;
    this.toldMs = situation.nowMs;
    host.log("warning", "Replica is applying a command even though it is unable to write to disk.");
  }

  failed(error: string, commandName: string): void {
    const { host, config, stats } = this.ports;
    stats.unexpectedErrors++;
    host.log(
      "warning",
      `== CRITICAL == This replica is sending an error to its master: '${error}' after processing the command '${commandName}'`,
    );
    if (config.text("propagation-error-behavior") === "ignore") return;
    // Whose clients write what they like has other data, and errors are to be expected.
    if (!config.boolean("replica-read-only")) return;
    host.log(
      "warning",
      "This replica panicked sending an error to its master because 'propagation-error-behavior' says so",
    );
    host.exit(1);
  }

  /**
   * The primary has made a change that cannot be made here. Whatever follows would be done to other data than
   * it was done to there, so nothing is: it is asked for again, from ahead of that change.
   */
  noRoom(commandName: string, isHalfDone: boolean): void {
    this.isHalted = true;
    const what = `== CRITICAL == There is no memory for '${commandName}' of the master`;
    if (!isHalfDone) this.failSoon(`${what}: it is asked for again`, Reliable.OFFSET);
    else this.failSoon(`${what}, and half of it is done: all data are asked for`, Reliable.NOTHING);
  }

  private failSoon(reason: string, reliable: number = Reliable.DATA): void {
    this.failure = reason;
    this.reliable = reliable;
    this.ports.host.wake();
  }

  private forgetHeld(): void {
    this.held = [];
    this.heldBytes = 0;
  }

  /** Ends a link that has turned out to be of no use. */
  turn(): void {
    const { failure } = this;
    this.failure = "";
    if (failure !== "") this.fail(failure, this.reliable);
  }

  /** The client has gone. */
  forget(): void {
    this.client = null;
    this.done = null;
    this.doneEnd = -1;
    this.forgetHeld();
  }

  /** The link is over. */
  end(): void {
    const { client } = this;
    this.forget();
    if (client !== null) this.ports.clients.close(client, "replication link");
  }
}
