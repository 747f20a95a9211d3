/**
 * Turns: all that a sentinel does by itself, some ten times a second:
 *
 *      clock ── each primary ── its replicas ── its sentinels ── scripts
 *                  └─ connections ── PING, INFO, greetings ── down? ── failover
 *
 * Nothing in here waits. Connections, time, files and randomness are the host's, so that a run with the
 * same host is the same run.
 */
import { reconnect, sendWhatIsDue } from "./contact.ts";
import { askPeers, checkObjectivelyDown, checkSubjectivelyDown } from "./down.ts";
import { beginIfNeeded, continueFailover, takeUpNewPrimary } from "./failover.ts";
import type { Instance } from "./instance.ts";
import { Sentinel } from "./sentinel.ts";

/** A sentinel that does something: see the head of this file. */
export class Turns extends Sentinel {
  private lastTurnMs = this.now();

  override async load(): Promise<boolean> {
    const isLoaded = await super.load();
    this.lastTurnMs = this.now();
    return isLoaded;
  }

  cron(): void {
    if (!this.isRunning) return;
    this.watchClock();
    for (const primary of [...this.primaries.values()]) {
      this.turnOf(primary);
      for (const replica of [...primary.replicas.values()]) this.turnOf(replica);
      for (const peer of [...primary.sentinels.values()]) this.turnOf(peer);
      takeUpNewPrimary(this, primary);
    }
    this.scripts.turn();
    // Sentinels that began at the same moment would ask for votes at the same moment, for ever.
    this.ports.cronJobs.configuredHz = 10 + ((this.host.random32() >>> 0) % 10);
  }

  private watchClock(): void {
    const nowMs = this.now();
    const elapsedMs = nowMs - this.lastTurnMs;
    this.lastTurnMs = nowMs;
    if (elapsedMs >= 0 && elapsedMs <= this.periods.tiltTrigger) return;
    this.tiltSinceMs = nowMs;
    this.news.tell("warning", "+tilt", null, "#tilt mode entered");
  }

  private turnOf(instance: Instance): void {
    reconnect(this, instance);
    sendWhatIsDue(this, instance);
    if (this.isTilted) {
      if (this.now() - this.tiltSinceMs < this.periods.tiltPeriod) return;
      this.tiltSinceMs = 0;
      this.news.tell("warning", "-tilt", null, "#tilt mode exited");
    }
    checkSubjectivelyDown(this, instance);
    if (instance.kind !== "master") return;
    checkObjectivelyDown(this, instance);
    if (beginIfNeeded(this, instance)) askPeers(this, instance, true);
    continueFailover(this, instance);
    askPeers(this, instance, false);
  }
}
