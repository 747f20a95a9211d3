/**
 * Waiting clients: those whose command waits for something (a key, replicas). Whoever knows what for has
 * them held here, and looks whether it has come; how a wait ends is the same for all of them:
 *
 *      hold() ──┬── end()             it has come, or never will: the client is answered
 *               ├── its time is up    likewise, with what there is
 *               ├── Client.unblock    likewise, or with an error
 *               ├── release()         unanswered: whoever held it answers in its own way, then goOn()
 *               └── the client goes
 *
 * A client that waits executes nothing: what it sends is held until the turn after its reply. Only the
 * deadline that is next is known to the host.
 */
import type { CommandError } from "@kv/commands";
import type { Client } from "../../kernel/client.ts";
import { ClientState } from "../../kernel/client-state.ts";
import type { Ports, Waiter, Waits } from "../../module/ports.ts";
import type { Running } from "../../module/system.ts";
import { Deadlines } from "./deadlines.ts";

type Needs = Pick<Ports, "host" | "situation" | "stats" | "output" | "muting" | "resume">;

export class WaitingClients implements Running, Waits {
  private readonly ports: Needs;
  private readonly waiters = new Map<Client, Waiter>();
  private readonly deadlines = new Deadlines<Waiter>();
  /** Those who were answered: what they sent meanwhile is served in the next turn. */
  private answered: Client[] = [];

  constructor(ports: Needs) {
    this.ports = ports;
  }

  get deadlineCount(): number {
    return this.deadlines.count;
  }

  hold(waiter: Waiter): void {
    const { client } = waiter;
    this.waiters.set(client, waiter);
    if (waiter.untilMs !== 0) {
      this.deadlines.add(waiter);
      if (this.deadlines.first === waiter) this.setAlarm();
    }
    client.mark(ClientState.WAITING, true);
    client.unblock = (error) => this.end(waiter, error);
  }

  release(waiter: Waiter): void {
    const { client } = waiter;
    this.waiters.delete(client);
    this.deadlines.remove(waiter);
    client.unblock = null;
    waiter.released();
  }

  end(waiter: Waiter, error: CommandError | null = null): void {
    const { muting, output, stats } = this.ports;
    const { client } = waiter;
    this.release(waiter);
    waiter.ended?.(error !== null);
    if (error !== null) stats.countError(error.reply);
    if (!client.isMuted) {
      const box = output.pushWriter(client);
      if (error !== null) box.error(error.reply);
      else waiter.answer(box);
    }
    muting.waitEnds(client);
    this.goOn(client);
  }

  goOn(client: Client): void {
    if (this.answered.length === 0) this.ports.host.wake();
    this.answered.push(client);
  }

  clientClosed(client: Client): void {
    const waiter = this.waiters.get(client);
    if (waiter === undefined) return;
    this.release(waiter);
    waiter.ended?.(true);
  }

  /** Each waits for as long as it was to wait: their order is the same. */
  clockStepped(stepMs: number): void {
    for (const waiter of this.waiters.values()) if (waiter.untilMs !== 0) waiter.untilMs += stepMs;
    this.setAlarm();
  }

  turn(): void {
    if (this.deadlines.count > 0) this.endOverdue();
    if (this.answered.length === 0) return;
    const clients = this.answered;
    this.answered = [];
    for (const client of clients) if (!client.closed) this.ports.resume(client);
  }

  private endOverdue(): void {
    const { nowMs } = this.ports.situation;
    for (let next = this.deadlines.first; next !== undefined; next = this.deadlines.first) {
      if (next.untilMs > nowMs) break;
      this.end(next);
    }
    this.setAlarm();
  }

  /** The host has a turn run when the next deadline has come. */
  private setAlarm(): void {
    const next = this.deadlines.first;
    if (next !== undefined) this.ports.host.wakeAfter(next.untilMs - this.ports.situation.nowMs);
  }
}
