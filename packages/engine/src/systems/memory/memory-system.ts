/** What keeps memory in bounds and in order, besides eviction of keys (kernel/used-memory.ts). */
import type { Client } from "../../kernel/client.ts";
import { Port, type Ports } from "../../module/ports.ts";
import type { Running } from "../../module/system.ts";
import { ActiveDefragmentation } from "./active-defragmentation.ts";
import { ClientEviction } from "./client-eviction.ts";

export const memoryPort = new Port<MemorySystem>("memory");

export class MemorySystem implements Running {
  readonly defragmentation: ActiveDefragmentation;
  readonly clientEviction: ClientEviction;

  constructor(
    ports: Pick<
      Ports,
      "host" | "situation" | "keyspace" | "latency" | "clients" | "report" | "memory"
    >,
  ) {
    this.defragmentation = new ActiveDefragmentation(ports);
    this.clientEviction = new ClientEviction(ports);
  }

  cron(): void {
    this.defragmentation.run();
  }

  turn(): void {
    this.clientEviction.turn();
  }

  slice(): number {
    return this.defragmentation.turn();
  }

  get needsTurn(): boolean {
    return this.clientEviction.isOn;
  }

  clientReset(client: Client): void {
    client.noEvict = false;
  }

  resetStatistics(): void {
    this.defragmentation.resetStatistics();
    this.clientEviction.evictedCount = 0;
  }
}
