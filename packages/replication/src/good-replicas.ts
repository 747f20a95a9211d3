/**
 * Good replicas: those that are online and have said within `min-replicas-max-lag` seconds how far they
 * are. While fewer than `min-replicas-to-write` are good, writes are refused: what nobody else would
 * have soon is rather not promised. The guard of the kernel does that, by the bit that is kept here.
 */
import { EngineState, type Ports } from "@kv/engine";
import type { Followers } from "./followers.ts";

/** What they take of the engine. */
export type GoodReplicasNeeds = Pick<Ports, "config" | "situation">;

export class GoodReplicas {
  private readonly ports: GoodReplicasNeeds;
  private readonly followers: Followers;

  constructor(ports: GoodReplicasNeeds, followers: Followers) {
    this.ports = ports;
    this.followers = followers;
  }

  /** Whether any are asked for; with a lag of 0 seconds none are. */
  get areWanted(): boolean {
    const { config } = this.ports;
    return config.number("min-replicas-to-write") > 0 && config.number("min-replicas-max-lag") > 0;
  }

  /** How many there are now. */
  get count(): number {
    const { config, situation } = this.ports;
    const lagMax = config.number("min-replicas-max-lag");
    return this.followers.online.filter((each) => each.lagSeconds(situation.nowMs) <= lagMax)
      .length;
  }

  /** A replica has come, gone or spoken, time has passed, or other numbers are asked for. */
  update(): void {
    const { config, situation } = this.ports;
    const isLacking = this.areWanted && this.count < config.number("min-replicas-to-write");
    situation.setUnusual(EngineState.LACKS_REPLICAS, isLacking);
  }
}
