/**
 * Client upkeep: what the cron does for each client, once a second: those who do not read, or say
 * nothing for `timeout` seconds, go; buffers become as large as they had to be of late, and those of
 * clients that have gone are given back; what a client costs is counted anew.
 *
 * A turn of the cron sees to its share of the clients, in the order in which they came, and the next
 * one goes on behind them. So ten thousand clients are ten thousand looks a second, however often the
 * cron comes.
 */
import type { Client } from "../../kernel/client.ts";
import { ClientState } from "../../kernel/client-state.ts";
import { Port, type Ports } from "../../module/ports.ts";
import type { Running } from "../../module/system.ts";
import { RecentPeak } from "./recent-peak.ts";
import { StateReport } from "./state-report.ts";

/** With few clients, a turn sees to so many all the same. */
const CLIENTS_PER_TURN_MIN = 5;
/** An idle client's query buffer is given back after so long. */
const QUERY_BUFFER_IDLE_MS = 2000;
/** Less than that is not worth it. */
const QUERY_BUFFER_UNUSED_BYTES_MIN = 1024;

export const clientUpkeepPort = new Port<ClientUpkeep>("client-upkeep");

type Needs = Pick<
  Ports,
  "host" | "clients" | "output" | "keyspace" | "memory" | "situation" | "debug"
>;

/** What is done for each client now and then: see the head of this file. */
export class ClientUpkeep implements Running {
  /** timeout, in seconds; 0 is never. */
  timeoutSeconds = 0;
  /** The largest query buffer and the most that waited for a client, as the cron saw them of late. */
  readonly recentInput = new RecentPeak();
  readonly recentOutput = new RecentPeak();
  private readonly ports: Needs;
  private readonly report: StateReport;
  /** Those who have gone in the middle of what they sent. Their commands may be under way until the next turn. */
  private readonly gone: Client[] = [];
  /** Who is next. */
  private visit: Iterator<Client> | null = null;

  constructor(ports: Needs) {
    this.ports = ports;
    this.report = new StateReport(ports);
  }

  clientClosed(client: Client): void {
    if (client.reader.capacityBytes > 0) this.gone.push(client);
  }

  cron(nowMs: number): void {
    const { clients, situation } = this.ports;
    for (const { reader } of this.gone) reader.dispose();
    this.gone.length = 0;
    const share = Math.max(Math.ceil(clients.size / situation.hz), CLIENTS_PER_TURN_MIN);
    for (let left = Math.min(share, clients.size); left > 0; left--) this.next(nowMs);
    this.report.cron(nowMs);
  }

  private next(nowMs: number): void {
    const { clients } = this.ports;
    // Who comes or goes meanwhile disturbs no iterator.
    this.visit ??= clients.values();
    let { done, value } = this.visit.next();
    if (done === true) {
      this.visit = clients.values();
      ({ done, value } = this.visit.next());
    }
    if (done !== true) this.see(value as Client, nowMs);
  }

  private see(client: Client, nowMs: number): void {
    const { output, memory } = this.ports;
    if (client.pendingBytes > 0) output.checkLimit(client);
    if (client.closed || this.closeIdle(client, nowMs)) return;
    this.recentInput.note(client.reader.bufferBytes, nowMs);
    this.recentOutput.note(client.pendingBytes, nowMs);
    fitQueryBuffer(client, nowMs);
    this.forgetOutputPeak(client, nowMs);
    memory.recount(client);
  }

  private closeIdle(client: Client, nowMs: number): boolean {
    if (this.timeoutSeconds === 0) return false;
    // Who only listens is not idle.
    const listens = ClientState.REPLICATION | ClientState.MONITOR | ClientState.WAITING;
    if (client.is(listens) || client.subscribes) return false;
    if (nowMs - client.lastActiveMs <= this.timeoutSeconds * 1000) return false;
    const { host, clients } = this.ports;
    host.log("verbose", "Closing idle client");
    clients.close(client, "idle");
    return true;
  }

  private forgetOutputPeak(client: Client, nowMs: number): void {
    const periodMs = this.ports.debug.outputPeakPeriodMs;
    if (periodMs < 0 || nowMs - client.outputPeakSinceMs < periodMs) return;
    client.outputPeakSinceMs = nowMs;
    client.outputPeakBytes = client.pendingBytes;
  }
}

/** A client that says nothing gets by with what waits; another one, with what it needed since the last time. */
function fitQueryBuffer(client: Client, nowMs: number): void {
  const { reader } = client;
  if (nowMs - client.lastActiveMs <= QUERY_BUFFER_IDLE_MS) reader.fitToPeak();
  else if (reader.bufferBytes - reader.pendingBytes > QUERY_BUFFER_UNUSED_BYTES_MIN)
    reader.shrink();
}
