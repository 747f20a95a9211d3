/**
 * Fleets in which servers and sentinels come and go at random, and do not always hear each other. At
 * every moment: nobody leads twice in one epoch, and one configuration epoch names one primary. When all
 * are back and time has passed, all sentinels name the same primary, and all servers follow it.
 *
 * One number makes a run: KV_SENTINEL_SEED=7 runs that one, KV_SENTINEL_RUNS=100 more of them.
 */
import {
  Chance,
  FaultyNetwork,
  type FleetSentinel,
  type Harness,
  SentinelFleet,
} from "@kv/testing";
import { expect, test } from "vitest";

const servers = ["10.0.0.1:6379", "10.0.0.2:6379", "10.0.0.3:6379"] as const;
const sentinels = ["10.0.1.1:26379", "10.0.1.2:26379", "10.0.1.3:26379"] as const;

const lines = `sentinel monitor mymaster 10.0.0.1 6379 2
sentinel down-after-milliseconds mymaster 1000
sentinel failover-timeout mymaster 3000
`;

const hostOf = (address: string) => address.split(":")[0] as string;

class Story {
  readonly fleet: SentinelFleet;
  private readonly network: FaultyNetwork;
  private readonly chance: Chance;
  private readonly running = new Map<string, Harness>();
  private readonly watching = new Map<string, FleetSentinel>();
  /** Files of those that have gone. */
  private readonly files = new Map<string, string>();
  /** Who was elected, by the epoch. */
  private readonly leaders = new Map<string, string>();
  /** Which primary a configuration epoch stands for. */
  private readonly primaries = new Map<string, string>();
  readonly log: string[] = [];

  constructor(seed: number) {
    this.chance = new Chance(seed);
    this.network = new FaultyNetwork(this.chance);
    this.network.delayMaxMs = 50;
    this.fleet = new SentinelFleet(seed * 1000, this.network);
  }

  async begin(): Promise<void> {
    for (const address of servers)
      this.running.set(
        address,
        await this.fleet.addServer(address, address === servers[0] ? null : servers[0]),
      );
    await this.network.pass(1000);
    for (const address of sentinels) await this.watch(address, lines);
    await this.pass(5000);
  }

  private async watch(address: string, text: string): Promise<void> {
    const sentinel = await this.fleet.addSentinel(address, text);
    // Hours of a fleet in minutes.
    sentinel.send("SENTINEL", "DEBUG", "info-period", 1000, "publish-period", 500);
    this.watching.set(address, sentinel);
  }

  private async pass(durationMs: number): Promise<void> {
    for (let leftMs = durationMs; leftMs > 0; leftMs -= 500) {
      await this.network.pass(500);
      this.check();
    }
  }

  /** What holds at every moment. */
  private check(): void {
    for (const [address, sentinel] of this.watching) {
      for (const event of sentinel.events()) {
        this.log.push(`${address} ${event}`);
        if (!event.startsWith("+elected-leader")) continue;
        const epoch = /current-epoch (\d+)/.exec(sentinel.file)?.[1] ?? "";
        const other = this.leaders.get(epoch);
        expect(other ?? address, `leader of epoch ${epoch}`).toBe(address);
        this.leaders.set(epoch, address);
      }
      const [, host, port] = /monitor mymaster (\S+) (\d+)/.exec(sentinel.file) ?? [];
      const epoch = /config-epoch mymaster (\d+)/.exec(sentinel.file)?.[1] ?? "";
      const place = `${host}:${port}`;
      expect(this.primaries.get(epoch) ?? place, `primary of epoch ${epoch}`).toBe(place);
      this.primaries.set(epoch, place);
    }
  }

  /** One of them goes, or comes back as its file says; or the network fails, or works again. */
  async step(): Promise<void> {
    if (this.chance.percent(30)) this.disturb();
    else await this.comeOrGo();
    await this.pass(500 * (1 + this.chance.below(16)));
  }

  private disturb(): void {
    const all = [...servers, ...sentinels].map(hostOf);
    const some = all.filter(() => this.chance.percent(40));
    // It works more often than not.
    const kind = Math.max(0, this.chance.below(7) - 3);
    if (kind === 0) this.network.heal();
    else if (kind === 1) this.network.lose(this.chance.percent(50) ? "silent" : "both");
    else if (kind === 2) this.network.cut(this.chance.of(all), this.chance.of(all));
    else
      this.network.partition(
        some,
        all.filter((host) => !some.includes(host)),
      );
    this.log.push(
      `network ${["heals", "loses a connection", "is cut one way", `parts ${some}`][kind]}`,
    );
  }

  private async comeOrGo(): Promise<void> {
    const away = [...this.files.keys()];
    const isRich = away.length < 2 || this.chance.percent(20);
    const address = this.chance.of(isRich ? [...servers, ...sentinels] : away);
    if (this.files.has(address)) await this.back(address);
    else this.gone(address);
  }

  private gone(address: string): void {
    const kv = this.running.get(address) ?? this.watching.get(address)?.kv;
    if (kv === undefined) return;
    this.log.push(`${address} goes`);
    this.files.set(address, kv.host.readText(kv.host.facts.configFile));
    this.fleet.kill(address);
    this.running.delete(address);
    this.watching.delete(address);
  }

  private async back(address: string): Promise<void> {
    const text = this.files.get(address) ?? "";
    this.log.push(`${address} comes back`);
    this.files.delete(address);
    if (address.endsWith(":26379")) await this.watch(address, text);
    else this.running.set(address, await this.fleet.startServer(address, text));
  }

  /** All are there again, and agree in the end. */
  async end(): Promise<void> {
    this.network.heal();
    for (const address of [...this.files.keys()]) await this.back(address);
    await this.pass(40_000);
    const named = [...this.watching.values()].map((sentinel) =>
      (sentinel.send("SENTINEL", "GET-MASTER-ADDR-BY-NAME", "mymaster") as string[]).join(":"),
    );
    expect(new Set(named).size, named.join(" ")).toBe(1);
    const [primary] = named;
    for (const [address, kv] of this.running) {
      const role = kv.client().send("ROLE") as unknown[];
      if (address === primary) expect(role[0]).toBe("master");
      else
        expect([role[0], `${role[1]}:${role[2]}`, role[3]]).toEqual([
          "slave",
          primary,
          "connected",
        ]);
    }
  }
}

async function run(seed: number): Promise<void> {
  const story = new Story(seed);
  try {
    await story.begin();
    for (let step = 0; step < 25; step++) await story.step();
    await story.end();
  } catch (error) {
    throw new Error(`KV_SENTINEL_SEED=${seed}\n${story.log.join("\n")}`, { cause: error });
  }
}

const only = process.env.KV_SENTINEL_SEED;
const runCount = Number(process.env.KV_SENTINEL_RUNS ?? 3);
const seeds =
  only === undefined ? Array.from({ length: runCount }, (_, i) => i + 1) : [Number(only)];

test.each(seeds)("a fleet finds together again: seed %i", (seed) => run(seed), 120_000);
