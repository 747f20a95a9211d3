/** The steps that a simulated fleet lives through (fleet.ts), made from a seed. */
import { Chance } from "./chance.ts";
import type { Loss } from "./faulty-network.ts";
import type { HarnessOptions } from "./harness.ts";
import { simulationSteps } from "./simulation-steps.ts";

type Config = NonNullable<HarnessOptions["config"]>;

/** What becomes of a disk whose server ends. */
export type End = "shutdown" | "kill" | "power" | "power-names" | "power-half" | "power-zeros";

/** Nodes are numbers, which count modulo the size of the fleet. */
export type FleetStep =
  /** A client of the primary, or of another node that takes itself for one, sends these. */
  | {
      kind: "traffic";
      node: number | null;
      client: number;
      requests: readonly (readonly string[])[];
    }
  | { kind: "time"; durationMs: number }
  /** Deliveries and turns, while time stands still. */
  | { kind: "rounds"; count: number }
  /** Something is written that is never removed, and WAITed for. */
  | { kind: "token"; replicaCount: number; timeoutMs: number }
  | { kind: "lose"; loss: Loss }
  | { kind: "cut"; from: number; to: number }
  | { kind: "isolate"; node: number }
  | { kind: "refuse"; node: number }
  /** Networks, and memory. */
  | { kind: "heal" }
  /** It gets no more memory than it has. */
  | { kind: "full"; node: number }
  | { kind: "delay"; delayMaxMs: number }
  | { kind: "end"; node: number; end: End; isSilent: boolean }
  | { kind: "restart"; node: number }
  /** The node leads from now on; `late` nodes hear of that only when all follow. */
  | { kind: "promote"; node: number; late: number; isChain: boolean }
  | { kind: "follow"; node: number; target: number }
  | { kind: "command"; node: number; words: readonly string[] };

/** What a fleet is made of. */
export interface FleetPlan {
  readonly size: number;
  /** How much time passes at once. */
  readonly tickMs: number;
  readonly configs: readonly Config[];
  /** How far each clock is off. */
  readonly skewsMs: readonly number[];
  /** Of each machine: some have no room for two data sets. */
  readonly memoryBytes: readonly number[];
  /** In what pieces each gets its memory, at first. */
  readonly segmentBytes: readonly number[];
  readonly steps: readonly FleetStep[];
}

/** Of the clients' commands: not those that are about clients. */
const leftOut = /^(CLIENT|SUBSCRIBE|UNSUBSCRIBE|MONITOR|CONFIG|WAIT|REPLICAOF|SHUTDOWN|ECHO)$/i;

const library = (name: string, value: number) =>
  `#!lua name=${name}\nredis.register_function('f${name}', function(keys) return redis.call('INCRBY', keys[1], ${value}) end)`;

class PlanMaker {
  private readonly chance: Chance;
  private readonly requests: (readonly string[])[][] = [];
  private readonly size: number;

  constructor(seed: number, count: number) {
    this.chance = new Chance(seed);
    this.size = 2 + this.chance.below(4);
    for (const step of simulationSteps(seed, count)) {
      if (step.kind !== "send") continue;
      const wanted = step.requests.filter(([name = ""]) => !leftOut.test(name));
      if (wanted.length > 0 && wanted.length < 300) this.requests.push(wanted);
    }
  }

  private node(): number {
    return this.chance.below(this.size);
  }

  /** Requests with scripts, functions and large values among them. */
  private traffic(): (readonly string[])[] {
    const { chance } = this;
    const key = chance.of(["a", "b", "n"]);
    const name = chance.of(["one", "two"]);
    switch (chance.below(14)) {
      case 0:
        return [["SET", `large${chance.below(3)}`, "x".repeat(chance.of([1000, 70_000, 200_000]))]];
      case 1:
        return [
          ["SELECT", `${chance.below(3)}`],
          [
            "EVAL",
            "redis.call('SET', KEYS[1], redis.call('TIME')[2]) redis.call('SADD', 's', 1, 2, 3) return redis.call('SPOP', 's')",
            "1",
            key,
          ],
        ];
      case 2:
        return [["FUNCTION", "LOAD", "REPLACE", library(name, chance.below(9))]];
      case 3:
        return [["FCALL", `f${name}`, "1", key]];
      case 4:
        return [
          chance.of([
            ["FUNCTION", "DELETE", name],
            ["FUNCTION", "FLUSH"],
            ["SCRIPT", "FLUSH"],
          ]),
        ];
      case 5:
        return [
          ["MULTI"],
          ["SELECT", `${chance.below(3)}`],
          ["INCR", key],
          ["SET", `e${chance.below(5)}`, "v", "PX", chance.of(["1", "150", "4000"])],
          ["SELECT", `${chance.below(3)}`],
          ["INCR", key],
          [chance.of(["EXEC", "EXEC", "DISCARD"])],
        ];
      case 6:
        return Array.from({ length: 8 }, (_, index) => [
          "SET",
          `e${index}`,
          "v",
          "PX",
          `${50 * 2 ** chance.below(8)}`,
        ]);
      default:
        return this.requests.pop() ?? [["INCR", key]];
    }
  }

  private step(): FleetStep {
    const { chance } = this;
    const kind = chance.below(100);
    if (kind < 36)
      return {
        kind: "traffic",
        node: chance.percent(6) ? this.node() : null,
        client: chance.below(3),
        requests: this.traffic(),
      };
    if (kind < 58) return { kind: "time", durationMs: chance.of([100, 300, 1000, 2500, 7000]) };
    if (kind < 62) return { kind: "rounds", count: 1 + chance.below(6) };
    if (kind < 72)
      return {
        kind: "token",
        replicaCount: chance.of([1, 1, 1, 2]),
        timeoutMs: chance.of([0, 300, 3000]),
      };
    if (kind < 77) return { kind: "lose", loss: chance.of(["both", "both", "silent"] as const) };
    if (kind < 79) return { kind: "cut", from: this.node(), to: this.node() };
    if (kind < 80) return { kind: "isolate", node: this.node() };
    if (kind < 81) return { kind: chance.percent(50) ? "refuse" : "full", node: this.node() };
    if (kind < 85) return { kind: "heal" };
    if (kind < 86) return { kind: "delay", delayMaxMs: chance.of([0, 50, 400, 1500]) };
    if (kind < 89) {
      const ends: End[] = ["shutdown", "kill", "power", "power-names", "power-half", "power-zeros"];
      return { kind: "end", node: this.node(), end: chance.of(ends), isSilent: chance.percent(30) };
    }
    if (kind < 92) return { kind: "restart", node: this.node() };
    if (kind < 95)
      return {
        kind: "promote",
        node: this.node(),
        late: chance.percent(50) ? this.node() : -1,
        isChain: chance.percent(40),
      };
    if (kind < 97) return { kind: "follow", node: this.node(), target: this.node() };
    return { kind: "command", node: this.node(), words: this.command() };
  }

  private command(): string[] {
    const { chance } = this;
    return chance.of([
      ["BGSAVE"],
      ["BGREWRITEAOF"],
      ["SAVE"],
      ["CLIENT", "KILL", "TYPE", chance.of(["master", "replica"])],
      ["CONFIG", "SET", "repl-diskless-load", chance.of(["swapdb", "disabled", "on-empty-db"])],
      ["CONFIG", "SET", "repl-diskless-sync", chance.of(["yes", "no"])],
      ["CONFIG", "SET", "appendonly", chance.of(["yes", "no"])],
      ["CONFIG", "SET", "repl-backlog-size", chance.of(["1", "16384", "1000000"])],
      ["CONFIG", "SET", "replica-serve-stale-data", chance.of(["yes", "no"])],
    ]);
  }

  private config(): Config {
    const { chance } = this;
    const isLogged = chance.percent(40);
    return {
      appendonly: isLogged,
      appendfsync: chance.of(["everysec", "always"] as const),
      "aof-use-rdb-preamble": chance.percent(70),
      save: chance.of(["", "1 1", "3 5"]),
      "repl-diskless-sync": chance.percent(60),
      "repl-diskless-sync-delay": chance.of([0, 0, 1]),
      "repl-diskless-load": chance.of(["disabled", "swapdb", "on-empty-db"] as const),
      "repl-backlog-size": chance.of([1, 16_384, 1_000_000]),
      "repl-backlog-ttl": chance.of([0, 4, 3600]),
      "repl-timeout": chance.of([3, 5]),
      "repl-ping-replica-period": 1,
      "replica-lazy-flush": chance.percent(50),
      "replica-serve-stale-data": chance.percent(70),
      "loading-process-events-interval-bytes": chance.of([1024, 2 ** 20]),
    };
  }

  make(count: number): FleetPlan {
    const { chance, size } = this;
    const each = <T>(make: () => T): T[] => Array.from({ length: size }, make);
    return {
      size,
      tickMs: 100,
      configs: each(() => this.config()),
      skewsMs: each(() => chance.of([0, 0, -3000, 700])),
      memoryBytes: each(() => chance.of([2 ** 33, 2 ** 33, 2 ** 16])),
      segmentBytes: each(() => chance.of([2 ** 20, 2 ** 16])),
      steps: Array.from({ length: count }, () => this.step()),
    };
  }
}

/**
 * A primary and two replicas for a whole day: a little is written every few minutes, connections break
 * every hour or so, files are saved, and at noon one of the replicas is restarted and the other takes over.
 */
export function fleetDay(seed: number): FleetPlan {
  const chance = new Chance(seed);
  const config: Config = {
    // Their clocks strike once a second.
    hz: 1,
    "dynamic-hz": false,
    save: "3600 1",
    "repl-backlog-size": 100_000,
    "repl-diskless-sync-delay": 0,
    "repl-ping-replica-period": 10,
    "repl-timeout": 60,
  };
  const steps: FleetStep[] = [];
  const quarterMs = 15 * 60_000;
  for (let quarter = 0; quarter < 96; quarter++) {
    const key = `${quarter % 7}`;
    const requests = [
      ["SET", `day${key}`, `${quarter}`, "EX", `${60 * (1 + chance.below(90))}`],
      ["HINCRBY", "counts", key, "1"],
    ];
    steps.push({ kind: "traffic", node: null, client: 0, requests });
    steps.push({ kind: "token", replicaCount: 1, timeoutMs: 1000 });
    if (quarter % 4 === 1) steps.push({ kind: "lose", loss: chance.of(["both", "silent"]) });
    if (quarter === 47) steps.push({ kind: "end", node: 2, end: "shutdown", isSilent: false });
    if (quarter === 48) steps.push({ kind: "restart", node: 2 });
    if (quarter === 49) steps.push({ kind: "promote", node: 1, late: -1, isChain: false });
    steps.push({ kind: "time", durationMs: quarterMs });
  }
  const each = <T>(value: T): T[] => [value, value, value];
  return {
    size: 3,
    tickMs: 1000,
    configs: each(config),
    skewsMs: [0, 2000, -500],
    memoryBytes: each(2 ** 33),
    segmentBytes: each(2 ** 20),
    steps,
  };
}

/** The fleet of one seed, and what it lives through: always the same. */
export function fleetPlan(seed: number, count: number): FleetPlan {
  return new PlanMaker(seed, count).make(count);
}
