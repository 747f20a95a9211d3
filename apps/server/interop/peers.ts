/**
 * A primary of one kind with two replicas of the other, both ways at once: what a scenario comes to is the
 * same whoever leads.
 */
import { hasRedisServer, type ServerProcess } from "@kv/testing";
import { afterAll, beforeAll, expect } from "vitest";
import { startOurs, startRedis } from "./both-servers.ts";
import { field, type Start, send, stateOf, type Words } from "./replicated.ts";

export const limits = { timeout: 20_000, interval: 50 };

const common = {
  "repl-diskless-sync-delay": 0,
  "repl-ping-replica-period": 1,
  "propagation-error-behavior": "panic",
};

/** What a scenario is about. */
export class Peers {
  primary: ServerProcess;
  one: ServerProcess;
  other: ServerProcess;
  private readonly gone: ServerProcess[] = [];
  private readonly starts: Readonly<Record<"primary" | "one", Start>>;

  private constructor(
    starts: Peers["starts"],
    primary: ServerProcess,
    one: ServerProcess,
    other: ServerProcess,
  ) {
    this.starts = starts;
    this.primary = primary;
    this.one = one;
    this.other = other;
  }

  static async start(primaryStart: Start, replicaStart: Start): Promise<Peers> {
    const primary = await primaryStart({ config: common });
    const config = { ...common, replicaof: `127.0.0.1 ${primary.port}` };
    const [one, other] = await Promise.all([replicaStart({ config }), replicaStart({ config })]);
    return new Peers({ primary: primaryStart, one: replicaStart }, primary, one, other);
  }

  /** Starts one that has ended on its files and its port. */
  async restart(name: "primary" | "one", config: Record<string, string>): Promise<void> {
    const { folder, port } = this[name];
    this.gone.push(this[name]);
    this[name] = await this.starts[name]({ folder, config: { ...common, port, ...config } });
  }

  get replicas(): readonly [ServerProcess, ServerProcess] {
    return [this.one, this.other];
  }

  async stop(): Promise<void> {
    await Promise.all([this.primary, this.one, this.other].map((each) => each.stop()));
    // Their folders.
    await Promise.all(this.gone.map((each) => each.stop()));
  }

  /** Both replicas are linked, where the primary is, and have what it has. */
  async areLevel(...replicas: ServerProcess[]): Promise<void> {
    const { primary } = this;
    for (const each of replicas.length > 0 ? replicas : this.replicas) {
      expect(await field(each, "role")).toBe("slave");
      await expect.poll(() => field(each, "master_link_status"), limits).toBe("up");
      // The primary says PING each second.
      const isEqual = async () => {
        const states = [await stateOf(primary), await stateOf(each)];
        return `${states[0]}` === `${states[1]}`;
      };
      await expect.poll(isEqual, limits).toBe(true);
    }
  }

  /** All are in their places, also behind a test that failed. */
  async areReady(): Promise<void> {
    await send(this.primary, ["REPLICAOF", "NO", "ONE"]);
    for (const each of this.replicas) await this.follow(each);
    await this.areLevel();
  }

  /** The replica goes another way for a moment, so that nothing but the whole data set will do. */
  async estrange(replica: ServerProcess): Promise<void> {
    await send(replica, ["REPLICAOF", "NO", "ONE"], ["SET", "own", "v"]);
  }

  async follow(replica: ServerProcess): Promise<void> {
    expect(await send(replica, ["REPLICAOF", "127.0.0.1", this.primary.port])).toMatch(/^\+OK/);
  }

  /** How often the primary's log has said so. */
  logged(text: string): number {
    return this.primary.log.split(text).length - 1;
  }
}

/** Sets directives for as long as the work takes. */
export async function having<Result>(
  server: ServerProcess,
  config: Readonly<Record<string, string | number>>,
  work: () => Promise<Result>,
): Promise<Result> {
  const names = Object.keys(config);
  const before: Words[] = [];
  for (const name of names) {
    const reply = await send(server, ["CONFIG", "GET", name]);
    const [, value = ""] = /^\*2\r\n\$\d+\r\n.*?\r\n\$\d+\r\n(.*)\r\n$/s.exec(reply) ?? [];
    before.push([name, value]);
  }
  expect(await send(server, ["CONFIG", "SET", ...Object.entries(config).flat()])).toBe("+OK\r\n");
  try {
    return await work();
  } finally {
    expect(await send(server, ["CONFIG", "SET", ...before.flat()])).toBe("+OK\r\n");
  }
}

/** The process does nothing for as long as the work takes. */
export async function stopped<Result>(
  server: ServerProcess,
  work: () => Promise<Result>,
): Promise<Result> {
  server.signal("SIGSTOP");
  try {
    return await work();
  } finally {
    server.signal("SIGCONT");
  }
}

/** Both constellations, for the tests of a file; and what runs a scenario in each, which must agree. */
export function bothWays(): <Result>(
  scenario: (peers: Peers) => Promise<Result>,
) => Promise<Result> {
  let ways: readonly [Peers, Peers] | undefined;
  beforeAll(async () => {
    if (!hasRedisServer()) return;
    ways = await Promise.all([
      Peers.start(startOurs, startRedis),
      Peers.start(startRedis, startOurs),
    ]);
  });
  afterAll(() => Promise.all((ways ?? []).map((peers) => peers.stop())));
  return async (scenario) => {
    if (ways === undefined) throw new Error("the servers did not start");
    const [weLead, redisLeads] = await Promise.all(
      ways.map(async (peers) => {
        await peers.areReady();
        return scenario(peers);
      }),
    );
    expect(weLead).toEqual(redisLeads);
    return weLead as Awaited<ReturnType<typeof scenario>>;
  };
}
