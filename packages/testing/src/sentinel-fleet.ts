/**
 * SentinelFleet: servers and the sentinels that watch them, in one network in memory.
 *
 *      const fleet = new SentinelFleet();
 *      await fleet.addServer("10.0.0.1:6379");
 *      await fleet.addServer("10.0.0.2:6379", "10.0.0.1:6379");       // a replica
 *      const sentinel = await fleet.addSentinel("10.0.1.1:26379");
 *      await fleet.network.advance(12_000);
 *      sentinel.send("SENTINEL", "MASTER", "mymaster");
 */
import type { ConfigOptions } from "@kv/config";
import { type ProgramEnd, type Programs, sentinelSystems } from "@kv/sentinel";
import { type Harness, harness, type TestClient } from "./harness.ts";
import { Network } from "./network.ts";

/** A script that was started. */
export interface StartedProgram {
  readonly path: string;
  readonly words: readonly string[];
  isKilled: boolean;
  end(end: ProgramEnd): void;
}

/** Programs that do nothing until a test says how they end. */
export class FakePrograms implements Programs {
  readonly started: StartedProgram[] = [];

  isExecutable(path: string): boolean {
    return path.startsWith("/usr/bin/");
  }

  run(path: string, words: readonly string[], ended: (end: ProgramEnd) => void) {
    const program: StartedProgram = { path, words, isKilled: false, end: ended };
    this.started.push(program);
    return {
      processId: 100 + this.started.length,
      kill: () => {
        program.isKilled = true;
      },
    };
  }
}

/** A sentinel of the fleet. */
export interface FleetSentinel {
  readonly address: string;
  readonly kv: Harness;
  readonly programs: FakePrograms;
  /** Events since it was last asked, each "channel message". */
  events(): string[];
  /** What its configuration file says now. */
  readonly file: string;
  send: Harness["send"];
}

export const usualLines =
  "sentinel monitor mymaster 10.0.0.1 6379 2\nsentinel down-after-milliseconds mymaster 3000\nsentinel failover-timeout mymaster 20000\n";

export class SentinelFleet {
  readonly network: Network;
  private seed: number;

  constructor(seed = 1, network = new Network()) {
    this.seed = seed;
    this.network = network;
  }

  /** A server that follows `primary` (host:port), or nobody. */
  addServer(
    address: string,
    primary: string | null = null,
    config: ConfigOptions = {},
  ): Promise<Harness> {
    const [host, port] = address.split(":");
    const lines = [`port ${port}`, `replica-announce-ip ${host}`];
    if (primary !== null) lines.push(`replicaof ${primary.replace(":", " ")}`);
    return this.startServer(address, `${lines.join("\n")}\n`, config);
  }

  /** A server with this configuration file: what one that has gone has left behind, say. */
  async startServer(
    address: string,
    configText: string,
    config: ConfigOptions = {},
  ): Promise<Harness> {
    const kv = harness({
      seed: this.seed++,
      config: { "protected-mode": "no", "repl-diskless-sync-delay": 0, ...config },
      configText,
    });
    this.settleClock(kv);
    this.network.attach(address, kv);
    await kv.engine.load();
    return kv;
  }

  /** It has gone without a word. */
  kill(address: string): void {
    this.network.detach(address);
  }

  /** As late as everybody else. */
  private settleClock({ host }: Harness): void {
    for (const other of this.network.nodes.values()) host.nowMs = other.host.nowMs;
  }

  /** A sentinel with these lines in its file. */
  async addSentinel(address: string, lines = usualLines): Promise<FleetSentinel> {
    const programs = new FakePrograms();
    const port = Number(address.split(":")[1]);
    const kv = harness({
      seed: this.seed++,
      config: { "protected-mode": "no" },
      systems: sentinelSystems(programs),
      configText: lines.includes("port ") ? lines : `port ${port}\n${lines}`,
    });
    this.settleClock(kv);
    this.network.attach(address, kv);
    const listener: TestClient = kv.client();
    listener.send("PSUBSCRIBE", "*");
    if (!(await kv.engine.load())) throw new Error(kv.log.join("\n"));
    kv.engine.turn();
    listener.pushed();
    return {
      address,
      kv,
      programs,
      events: () =>
        (listener.pushed() as string[][]).map(([, , channel, message]) => `${channel} ${message}`),
      get file() {
        return kv.host.readText(kv.host.facts.configFile);
      },
      send: (...words) => kv.send(...words),
    };
  }
}
