/**
 * Client eviction: when all clients together cost more than `maxmemory-clients`, the costliest are
 * closed until they cost less. A client that called CLIENT NO-EVICT ON stays, and so do replicas.
 */

import type { Client } from "../../kernel/client.ts";
import { ClientState } from "../../kernel/client-state.ts";
import type { ClientLimit } from "../../kernel/used-memory.ts";
import type { Ports } from "../../module/ports.ts";

/** With a lower limit nobody could talk to the server any more, not even to raise it. */
const LIMIT_BYTES_MIN = 128 * 1024;
/** Counting this many clients takes about a tenth of a millisecond. */
const CLIENTS_PER_MILLISECOND = 1000;

type Needs = Pick<Ports, "host" | "situation" | "clients" | "report" | "memory">;

export class ClientEviction implements ClientLimit {
  /** Clients closed since the start, or since CONFIG RESETSTAT. */
  evictedCount = 0;
  private readonly ports: Needs;
  /** 0: no limit. */
  private limitBytes = 0;
  private countedMs = 0;
  /** When there was nobody to close, though clients cost too much. */
  private inVainMs = -1;
  /** What all cost, as of the last count. */
  private costBytes = 0;

  constructor(ports: Needs) {
    this.ports = ports;
  }

  /** maxmemory-clients; a negative one is a percentage of maxmemory. */
  configure(limit: number, maxmemoryBytes: number): void {
    this.limitBytes = limitOf(limit, maxmemoryBytes);
    this.ports.memory.clientLimit = this.isOn ? this : null;
  }

  /** Whether there is a limit at all. */
  get isOn(): boolean {
    return this.limitBytes !== 0;
  }

  /** Before the host waits for events: closes clients while they cost too much. */
  turn(): void {
    if (this.limitBytes === 0) return;
    const { situation, clients } = this.ports;
    const sinceMs = Math.abs(situation.nowMs - this.countedMs);
    // Thousands of clients are not counted with every turn.
    if (sinceMs < Math.floor(clients.size / CLIENTS_PER_MILLISECOND)) return;
    this.countedMs = situation.nowMs;
    this.hold(null, 0);
  }

  /**
   * A large request is no more a part of what its client is counted for, but it is in memory until it is
   * done. Counted anew only where the last count leaves a doubt.
   */
  mayServe(client: Client, requestBytes: number): boolean {
    if (this.costBytes + requestBytes > this.limitBytes && isEvictable(client))
      this.hold(client, requestBytes);
    return !client.closed;
  }

  /** No key goes for what clients cost beyond the limit. Whose command runs is closed later, if it has to be. */
  goBeforeKeys(): void {
    const { memory, situation } = this.ports;
    if (memory.clientBufferBytes <= this.limitBytes) return;
    const { evictedCount } = this;
    if (situation.nowMs === this.inVainMs) return;
    this.hold(null, 0, situation.current);
    if (this.evictedCount === evictedCount) this.inVainMs = situation.nowMs;
  }

  /** Counts, and closes clients while they cost too much; `asker` costs so much more. */
  private hold(asker: Client | null, requestBytes: number, spared: Client | null = null): void {
    const { clients, report } = this.ports;
    let sum = requestBytes;
    for (const client of clients.values()) if (isEvictable(client)) sum += report.bytesOf(client);
    this.costBytes = sum - requestBytes;
    if (sum > this.limitBytes) this.evict(sum - this.limitBytes, asker, requestBytes, spared);
  }

  private evict(
    overBytes: number,
    asker: Client | null,
    requestBytes: number,
    spared: Client | null,
  ): void {
    const { host, clients, report } = this.ports;
    const costs = [...clients.values()]
      .filter(isEvictable)
      .map((client) => ({
        client,
        bytes: report.bytesOf(client) + (client === asker ? requestBytes : 0),
      }))
      .sort((a, b) => b.bytes - a.bytes);
    let left = overBytes;
    for (const { client, bytes } of costs) {
      if (left <= 0) return;
      if (client === spared) continue;
      host.log("notice", `Evicting client: ${report.describe(client)}`);
      clients.close(client, "eviction");
      this.evictedCount++;
      left -= bytes;
    }
  }
}

/** The limit in bytes; a negative directive is a percentage of `maxmemory`. */
function limitOf(directive: number, maxmemoryBytes: number): number {
  if (directive > 0) return Math.max(directive, LIMIT_BYTES_MIN);
  if (directive === 0 || maxmemoryBytes === 0) return 0;
  return Math.max(Math.floor((maxmemoryBytes * -directive) / 100), LIMIT_BYTES_MIN);
}

function isEvictable(client: Client): boolean {
  return !client.noEvict && !client.is(ClientState.REPLICATION | ClientState.MONITOR);
}
