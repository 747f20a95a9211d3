/** Idle clients: those who say nothing for `timeout` seconds go, and their buffers before them. */
import { ClientState } from "../../kernel/client-state.ts";
import { Port, type Ports } from "../../module/ports.ts";
import type { Running } from "../../module/system.ts";

/** An idle client's query buffer is given back after so long. */
const QUERY_BUFFER_IDLE_MS = 2000;
/** Smaller ones are not worth it. */
const QUERY_BUFFER_BYTES_MIN = 1024;
/** The log, for those who read the verbose one, tells so often how many clients and keys there are. */
const REPORT_PERIOD_MS = 5000;

export const idleClientsPort = new Port<IdleClients>("idle-clients");

type Needs = Pick<Ports, "host" | "clients" | "output" | "keyspace" | "memory">;

export class IdleClients implements Running {
  /** timeout, in seconds; 0 is never. */
  timeoutSeconds = 0;
  private readonly ports: Needs;
  private lastReportMs = 0;

  constructor(ports: Needs) {
    this.ports = ports;
  }

  cron(nowMs: number): void {
    const { host, clients, output } = this.ports;
    for (const client of clients.values()) {
      if (client.connection.pendingBytes > 0) output.checkLimit(client);
      if (client.closed) continue;
      const idleMs = nowMs - client.lastActiveMs;
      // Who only listens is not idle.
      const listens = ClientState.REPLICATION | ClientState.MONITOR | ClientState.WAITING;
      const exempt = client.is(listens) || client.subscribes;
      if (this.timeoutSeconds > 0 && !exempt && idleMs > this.timeoutSeconds * 1000) {
        host.log("verbose", "Closing idle client");
        clients.close(client, "idle");
        continue;
      }
      if (idleMs <= QUERY_BUFFER_IDLE_MS) continue;
      if (client.reader.bufferBytes > QUERY_BUFFER_BYTES_MIN) client.reader.shrink();
      client.outputPeakBytes = 0;
    }
    this.report(nowMs);
  }

  private report(nowMs: number): void {
    const { host, clients, keyspace, memory } = this.ports;
    if (nowMs - this.lastReportMs < REPORT_PERIOD_MS) return;
    this.lastReportMs = nowMs;
    for (const { index, size, expires, dict } of keyspace.databases) {
      if (size === 0) continue;
      host.log(
        "verbose",
        `DB ${index}: ${size} keys (${expires.count} volatile) in ${dict.slotCount()} slots HT.`,
      );
    }
    host.log(
      "debug",
      `${clients.size - clients.replicaCount} clients connected (${clients.replicaCount} replicas), ${memory.usedBytes} bytes in use`,
    );
  }
}
