/**
 * FaultyNetwork: a network that does what networks do. From one seed: bytes take their time, each
 * direction its own, and arrive in pieces of any size; of what several connections carry, nobody knows
 * what arrives first. When told so it also loses connections, with or without a word to either side,
 * keeps servers apart, in one direction or in both, and lets nobody connect.
 *
 *      const network = new FaultyNetwork(new Chance(seed));
 *      network.delayMaxMs = 300;
 *      network.cut("n1", "n2");              // n2 hears nothing of n1 any more; n1 still hears n2
 *      network.lose("silent");               // a connection: one side never hears of its end
 *      network.heal();
 *      await network.pass(100);
 *
 * Within a connection nothing is lost, changed or overtaken: that is what TCP is for. What is sent to who
 * is kept apart waits, and arrives when that is over, if the connection has lived so long.
 */
import type { Chance } from "./chance.ts";
import { type ConnectionEnd, type DialAnswer, Network } from "./network.ts";

/** Who hears of a connection's end: both sides at once, or one and never the other. */
export type Loss = "both" | "silent";

/** Turns of each server, and deliveries, in a step of time. */
const ROUNDS = 3;
/** Promises that are kept in each of them: a step of the disk takes several. */
const PROMISES = 4;

export class FaultyNetwork extends Network {
  /** What is sent takes as long at most. */
  delayMaxMs = 0;
  /** As often clocks strike. */
  tickMs = 100;
  /** So often what arrives is cut to pieces. */
  splitPercent = 30;
  private readonly chance: Chance;
  /** Of each direction: its share of delayMaxMs, in hundredths. */
  private readonly shares = new Map<string, number>();
  private readonly cutWays = new Set<string>();
  private readonly refusing = new Set<string>();

  constructor(chance: Chance) {
    super();
    this.chance = chance;
  }

  /** Nothing arrives any more that the one host sends to the other. */
  cut(from: string, to: string): void {
    this.cutWays.add(`${from} ${to}`);
  }

  /** None of these hears any of those. */
  partition(some: readonly string[], others: readonly string[]): void {
    for (const one of some) {
      for (const other of others) {
        this.cut(one, other);
        this.cut(other, one);
      }
    }
  }

  /** Nobody can connect to the host. */
  refuse(host: string): void {
    this.refusing.add(host);
  }

  /** Everybody hears everybody again. */
  heal(): void {
    this.cutWays.clear();
    this.refusing.clear();
  }

  /** Loses one of the connections, and what is under way. False: there is none. */
  lose(loss: Loss): boolean {
    const open = this.ends.filter((end) => end.receiver !== null && end.other.receiver !== null);
    if (open.length === 0) return false;
    const end = this.chance.of(open);
    end.forget();
    end.other.forget();
    end.isSilent = true;
    end.lost("Connection timed out");
    if (loss === "both") end.other.lost("Connection reset by peer");
    return true;
  }

  protected override delayMs(from: string, to: string): number {
    const way = `${from} ${to}`;
    let share = this.shares.get(way);
    if (share === undefined) {
      share = this.chance.below(100);
      this.shares.set(way, share);
    }
    return Math.floor((this.delayMaxMs * share) / 100);
  }

  protected override isCut(from: string, to: string): boolean {
    return this.cutWays.has(`${from} ${to}`);
  }

  protected override answerOf(from: string, to: string): DialAnswer {
    if (this.isCut(from, to) || this.isCut(to, from)) return "nothing";
    return this.refusing.has(to) ? "refuses" : "accepts";
  }

  /** Some of them, in any order. */
  protected override inOrder(ends: ConnectionEnd[]): ConnectionEnd[] {
    const { chance } = this;
    for (let last = ends.length - 1; last > 0; last--) {
      const other = chance.below(last + 1);
      const end = ends[last] as ConnectionEnd;
      ends[last] = ends[other] as ConnectionEnd;
      ends[other] = end;
    }
    return ends.filter(() => chance.percent(80));
  }

  protected override pieceBytes(): number {
    const { chance } = this;
    if (!chance.percent(this.splitPercent)) return Number.POSITIVE_INFINITY;
    return 1 + chance.below(chance.of([1, 8, 60, 1000, 20_000]));
  }

  /** So much time passes everywhere, with whatever happens meanwhile; nothing need come to its end. */
  async pass(durationMs: number): Promise<void> {
    for (let leftMs = durationMs; leftMs > 0; leftMs -= this.tickMs) {
      this.tick(Math.min(leftMs, this.tickMs));
      for (let round = 0; round < ROUNDS; round++) await this.round();
    }
  }

  /** A delivery and a turn of everybody, and what follows at once. */
  async round(): Promise<void> {
    this.deliver();
    for (const { engine } of this.nodes.values()) engine.turn();
    for (let promise = 0; promise < PROMISES; promise++) await Promise.resolve();
  }
}
