/**
 * SentinelFleet: servers and the sentinels that watch them, in one network in memory.
 *
 *      const fleet = new SentinelFleet();
 *      fleet.addServer("10.0.0.1:6379");
 *      fleet.addServer("10.0.0.2:6379", "10.0.0.1:6379");       // a replica
 *      const sentinel = await fleet.addSentinel("10.0.1.1:26379");
 *      await fleet.network.advance(12_000);
 *      sentinel.send("SENTINEL", "MASTER", "mymaster");
 */
import { engineCommand, type System } from "@kv/engine";
import { type ProgramEnd, type Programs, sentinelSystems } from "@kv/sentinel";
import { type Harness, harness, type TestClient } from "./harness.ts";
import { Network } from "./network.ts";

/** What a server says of replication. */
export interface ServerRole {
  /** Whom it follows, as host:port; null: nobody. */
  primary: string | null;
  offset: number;
  priority: number;
  isLinkUp: boolean;
  linkDownSeconds: number;
}

/** One server of the fleet. */
export interface FleetServer {
  readonly address: string;
  readonly role: ServerRole;
  readonly kv: Harness;
  /** What it was told to follow, in order. */
  readonly orders: string[];
}

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
  readonly network = new Network();
  readonly servers = new Map<string, FleetServer>();
  private seed = 1;

  /** A server that follows `primary`, or nobody. */
  addServer(address: string, primary: string | null = null): FleetServer {
    const role = { primary, offset: 100, priority: 100, isLinkUp: true, linkDownSeconds: 0 };
    const orders: string[] = [];
    const kv = harness({
      seed: this.seed++,
      config: { "protected-mode": "no" },
      modules: [this.replication(address, role, orders)],
    });
    const server = { address, role, kv, orders };
    this.servers.set(address, server);
    this.network.attach(address, kv);
    return server;
  }

  /** It has gone without a word. */
  kill(address: string): void {
    this.network.detach(address);
  }

  /** It is there again, as it was when it went, but for its run id. */
  restart(address: string): FleetServer {
    const { role } = this.servers.get(address) as FleetServer;
    const server = this.addServer(address, role.primary);
    return server;
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
    for (const { host } of this.network.nodes.values()) kv.host.nowMs = host.nowMs;
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

  /** SLAVEOF and what INFO says of it, without data. */
  private replication(address: string, role: ServerRole, orders: string[]): System {
    const slaveof = engineCommand({
      name: "slaveof",
      group: "server",
      since: "1.0.0",
      summary: "Follows another server.",
      complexity: "O(1)",
      arity: 3,
      arityBecause: "it is for tests.",
      flags: ["admin"],
      run: (call) => {
        const [host, port] = [call.text(1), call.text(2)];
        role.primary = host === "NO" ? null : `${host}:${port}`;
        orders.push(host === "NO" ? "NO ONE" : `${host}:${port}`);
        call.reply.ok();
      },
    });
    const isThere = (place: string) => this.network.nodes.has(place);
    const followers = () =>
      [...this.servers.values()].filter(
        (server) => server.role.primary === address && isThere(server.address),
      );
    const section = {
      name: "replication",
      title: "Replication",
      isDefault: true,
      replaces: true as const,
      fields: [{ name: "role", value: () => (role.primary === null ? "master" : "slave") }],
      *rows(): Iterable<readonly [string, string | number]> {
        if (role.primary === null) {
          let index = 0;
          for (const { address: place } of followers()) {
            const [ip, port] = place.split(":");
            yield [`slave${index++}`, `ip=${ip},port=${port},state=online,offset=100,lag=0`];
          }
          return;
        }
        const [host = "", port = ""] = role.primary.split(":");
        const isUp = role.isLinkUp && isThere(role.primary);
        yield ["master_host", host];
        yield ["master_port", port];
        yield ["master_link_status", isUp ? "up" : "down"];
        if (!isUp) yield ["master_link_down_since_seconds", role.linkDownSeconds];
        yield ["slave_repl_offset", role.offset];
        yield ["slave_priority", role.priority];
      },
    };
    return { name: "fake-replication", commands: [slaveof], info: [section] };
  }
}
