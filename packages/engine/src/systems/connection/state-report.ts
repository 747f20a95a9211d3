/** State report: how many keys and clients there are, every five seconds, for those who read a log that says much. */
import type { Ports } from "../../module/ports.ts";

const PERIOD_MS = 5000;

type Needs = Pick<Ports, "host" | "clients" | "keyspace" | "memory">;

export class StateReport {
  private readonly ports: Needs;
  private lastMs = 0;

  constructor(ports: Needs) {
    this.ports = ports;
  }

  cron(nowMs: number): void {
    // A clock that was set back is no reason to be silent.
    if (nowMs >= this.lastMs && nowMs - this.lastMs < PERIOD_MS) return;
    this.lastMs = nowMs;
    this.databases();
    this.clients();
  }

  private databases(): void {
    const { host, keyspace } = this.ports;
    for (const { index, size, expires, dict } of keyspace.databases) {
      if (size === 0) continue;
      host.log(
        "verbose",
        `DB ${index}: ${size} keys (${expires.count} volatile) in ${dict.slotCount()} slots HT.`,
      );
    }
  }

  private clients(): void {
    const { host, clients, memory } = this.ports;
    const { size, replicaCount } = clients;
    host.log(
      "debug",
      `${size - replicaCount} clients connected (${replicaCount} replicas), ${memory.usedBytes} bytes in use`,
    );
  }
}
