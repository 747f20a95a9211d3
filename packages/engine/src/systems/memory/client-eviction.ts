/**
 * Client eviction: when all clients together cost more than `maxmemory-clients`, the costliest are
 * closed until they cost less. A client that called CLIENT NO-EVICT ON stays, and so do replicas.
 */

import type { Engine } from "../../engine.ts";
import { type Client, ClientState } from "../../kernel/client.ts";
import { clientBytes } from "../../kernel/client-costs.ts";

/** With a lower limit nobody could talk to the server any more, not even to raise it. */
const LIMIT_BYTES_MIN = 128 * 1024;
/** Counting this many clients takes about a tenth of a millisecond. */
const CLIENTS_PER_MILLISECOND = 1000;

export class ClientEviction {
  private readonly engine: Engine;
  /** 0: no limit. */
  private limitBytes = 0;
  private countedMs = 0;

  constructor(engine: Engine) {
    this.engine = engine;
    const readLimit = () => {
      this.limitBytes = limitOf(
        engine.config.number("maxmemory-clients"),
        engine.config.number("maxmemory"),
      );
      return undefined;
    };
    readLimit();
    engine.config.onApply(["maxmemory-clients", "maxmemory"], readLimit);
  }

  /** Whether there is a limit at all. */
  get isOn(): boolean {
    return this.limitBytes !== 0;
  }

  /** Before the host waits for events: closes clients while they cost too much. */
  turn(): void {
    if (this.limitBytes === 0) return;
    const { engine } = this;
    const sinceMs = Math.abs(engine.nowMs - this.countedMs);
    // Thousands of clients are not counted with every turn.
    if (sinceMs < Math.floor(engine.clients.size / CLIENTS_PER_MILLISECOND)) return;
    this.countedMs = engine.nowMs;
    let sum = 0;
    for (const client of engine.clients.values())
      if (isEvictable(client)) sum += clientBytes(engine, client);
    if (sum > this.limitBytes) this.evict(sum - this.limitBytes);
  }

  private evict(overBytes: number): void {
    const { engine } = this;
    const costs = [...engine.clients.values()]
      .filter(isEvictable)
      .map((client) => ({ client, bytes: clientBytes(engine, client) }))
      .sort((a, b) => b.bytes - a.bytes);
    let left = overBytes;
    for (const { client, bytes } of costs) {
      if (left <= 0) return;
      engine.host.log("notice", `Evicting client: ${engine.output.describe(client)}`);
      engine.closeClient(client, "eviction");
      engine.stats.evictedClients++;
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
