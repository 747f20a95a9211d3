/**
 * Fleet: two to five servers that follow each other live through a random day, and what replication
 * promises is checked all along.
 *
 * One seed makes the servers, their directives and clocks, and a list of steps: clients write what there
 * is to write, connections break in each way that there is, servers are killed, lose the tail of their
 * disks and come back, run out of memory, others are promoted. What must hold:
 *
 *   - servers that stand at the same offset of the same history have the same keys, those that have
 *     expired among them: nothing expires on a replica by itself;
 *   - WAIT counts nobody who does not have what was written;
 *   - what was written, and is there on the server that is promoted, stays;
 *   - no server ends by itself, each starts again from its disk, and each keyspace keeps its invariants;
 *   - in the end, when everybody hears everybody, all are equal: keys, functions, offsets and histories.
 *
 * A failing run is cut down to the steps that still fail: see fleetReport().
 */
import { bytesOf, type Keyspace, keyIndex, keyLength } from "@kv/core";
import { endingPort } from "@kv/engine";
import { MemoryStorage, type PowerLoss } from "@kv/persistence/testing";
import { latin1 } from "@kv/resp";
import { Chance } from "./chance.ts";
import { FaultyNetwork } from "./faulty-network.ts";
import { type End, type FleetPlan, type FleetStep, fleetDay, fleetPlan } from "./fleet-steps.ts";
import { type Harness, harness, type TestClient } from "./harness.ts";
import { infoFields } from "./replica-client.ts";
import { contentsOf, difference } from "./simulation.ts";

/** Where tokens are written: nothing else touches this database but FLUSHALL. */
const TOKENS_DATABASE = 9;
/** How long a fleet may take until it is one again. */
const CONVERGENCE_MS = 180_000;
const CHECK_STEPS = 5;
const START_MS = 1_700_000_000_000;

const losses: Record<End, PowerLoss | null> = {
  shutdown: null,
  kill: null,
  power: {},
  "power-names": { keepsNames: true },
  "power-half": { keepsNames: true, keptBytes: (bytes) => bytes >> 1 },
  "power-zeros": { keepsNames: true, zeros: true },
};

/** One server, or its disk while it is off. */
class FleetNode {
  readonly name: string;
  readonly address: string;
  disk = new MemoryStorage();
  kv: Harness | null = null;
  isLoaded = false;
  /** Whom it is to follow, and whom it has been told to; null: nobody. */
  wanted: FleetNode | null = null;
  follows: FleetNode | null = null;
  /** The step at which it lost data for the last time, or may have. */
  disturbedAt = -1;
  /** And at which somebody said FLUSHALL. */
  flushedAt = -1;
  clients: (TestClient | undefined)[] = [];

  constructor(index: number) {
    this.name = `n${index + 1}`;
    this.address = `${this.name}:6379`;
  }

  /** The server, once it serves. */
  get ready(): Harness | null {
    return this.isLoaded ? this.kv : null;
  }

  client(index: number): TestClient | undefined {
    const { kv } = this;
    if (kv === null) return undefined;
    let client = this.clients[index];
    if (client === undefined || client.closed) {
      client = kv.client();
      this.clients[index] = client;
    }
    return client;
  }
}

/** Something that was written and must stay. */
interface Token {
  readonly name: string;
  readonly writtenAt: number;
  readonly client: TestClient;
  readonly primary: FleetNode;
}

/** The names of the tokens that are there. */
function tokensOf({ arena, databases }: Keyspace): Set<string> {
  const names = new Set<string>();
  databases[TOKENS_DATABASE]?.dict.eachEntry((entry) => {
    const at = keyIndex(arena, entry);
    names.add(latin1(bytesOf(arena, entry), at, at + keyLength(arena, entry)));
  });
  return names;
}

class Fleet {
  private readonly plan: FleetPlan;
  private readonly network: FaultyNetwork;
  private readonly chance: Chance;
  private readonly nodes: FleetNode[] = [];
  private primary: FleetNode;
  private step = 0;
  private starts = 0;
  private written = 0;
  private readonly waits: Token[] = [];
  /** Tokens that the primary has to have. */
  private safe = new Set<string>();
  private readonly problems: string[] = [];

  constructor(seed: number, plan: FleetPlan) {
    this.plan = plan;
    this.chance = new Chance(seed);
    this.network = new FaultyNetwork(this.chance);
    this.network.tickMs = plan.tickMs;
    for (let index = 0; index < plan.size; index++) this.nodes.push(new FleetNode(index));
    this.primary = this.nodes[0] as FleetNode;
    for (const node of this.nodes) {
      node.wanted = node === this.primary ? null : this.primary;
      this.start(node);
    }
  }

  private at(index: number): FleetNode {
    return this.nodes[index % this.nodes.length] as FleetNode;
  }

  // Servers.

  private start(node: FleetNode): void {
    const index = this.nodes.indexOf(node);
    const { wanted } = node;
    const replicaof = wanted === null ? null : { host: wanted.name, port: 6379 };
    const kv = harness({
      seed: this.chance.below(2 ** 30) + this.starts++,
      disk: node.disk,
      segmentBytes: this.plan.segmentBytes[index] as number,
      config: { ...this.plan.configs[index], replicaof },
    });
    kv.host.nowMs = START_MS + this.network.nowMs + (this.plan.skewsMs[index] as number);
    const { usage } = kv.host;
    const allowedMemoryBytes = this.plan.memoryBytes[index] as number;
    kv.host.usage = () => ({ ...usage.call(kv.host), allowedMemoryBytes });
    node.kv = kv;
    node.follows = wanted;
    node.isLoaded = false;
    node.clients = [];
    this.network.attach(node.address, kv);
    void kv.engine.load().then((isLoaded) => {
      if (node.kv !== kv) return;
      node.isLoaded = isLoaded;
      if (!isLoaded) this.problems.push(`${node.name} does not start: ${kv.log.join(" / ")}`);
      if (node === this.primary) this.keepSafe(kv);
    });
  }

  /** As a signal does: the final save takes its turns, in which nothing else happens. False: refused. */
  private async shutDown(kv: Harness): Promise<boolean> {
    let mayExit: boolean | undefined;
    kv.engine.of(endingPort).begin({ save: "default", now: true }, (decided) => {
      mayExit = decided;
    });
    while (mayExit === undefined) {
      kv.engine.turn();
      await Promise.resolve();
    }
    return mayExit;
  }

  private async end(node: FleetNode, end: End, isSilent: boolean): Promise<void> {
    const { kv } = node;
    if (kv === null) return;
    if (end === "shutdown") {
      if (!node.isLoaded || !(await this.shutDown(kv))) return;
      await kv.engine.settled();
    }
    this.network.detach(node.address, isSilent);
    node.kv = null;
    node.disturbedAt = this.step;
    // What the old process still has under way goes to the old disk.
    node.disk = node.disk.copy();
    const loss = losses[end];
    if (loss !== null) node.disk.powerLoss(loss);
  }

  /** Tells each server whom it is to follow, as soon as it listens. */
  private tell(node: FleetNode): void {
    const { ready, wanted } = node;
    if (ready === null || node.follows === wanted) return;
    const words = wanted === null ? ["NO", "ONE"] : [wanted.name, "6379"];
    const reply = ready.client().send("REPLICAOF", ...words);
    if (reply !== "OK") return;
    node.follows = wanted;
    node.disturbedAt = this.step;
    if (node === this.primary) this.keepSafe(ready);
  }

  private keepSafe(kv: Harness): void {
    this.safe = tokensOf(kv.engine.keyspace);
  }

  private promote(node: FleetNode, late: number, isChain: boolean): void {
    if (node.ready === null) return;
    this.primary = node;
    node.wanted = null;
    this.tell(node);
    this.keepSafe(node.ready);
    const led = [node];
    for (const other of this.nodes) {
      if (other === node || (late >= 0 && other === this.at(late))) continue;
      other.wanted = isChain ? this.chance.of(led) : node;
      led.push(other);
    }
    // Whoever is late must not end up behind itself.
    if (late >= 0 && this.at(late).wanted !== null && this.isBehind(this.at(late), this.at(late)))
      this.at(late).wanted = node;
  }

  /** Whether the node gets what it has from the other one, by whatever way. */
  private isBehind(node: FleetNode, other: FleetNode): boolean {
    let at = node.wanted;
    for (let hops = 0; at !== null && hops <= this.nodes.length; hops++, at = at.wanted)
      if (at === other) return true;
    return at !== null;
  }

  private follow(node: FleetNode, target: FleetNode): void {
    if (node === this.primary || node === target) return;
    const { wanted } = node;
    node.wanted = target;
    if (this.isBehind(target, node)) node.wanted = wanted;
  }

  // Clients.

  private traffic(step: FleetStep & { kind: "traffic" }): void {
    const node = step.node === null ? this.primary : this.at(step.node);
    const client = node.client(step.client);
    if (client === undefined) return;
    for (const words of step.requests) client.send(...words);
    client.pushed();
  }

  private token(replicaCount: number, timeoutMs: number): void {
    const { primary } = this;
    const kv = primary.ready;
    if (kv === null) return;
    const client = kv.client();
    const name = `t${this.written++}`;
    client.send("SELECT", TOKENS_DATABASE);
    if (client.send("SET", name, "v") !== "OK") return;
    if (primary.follows === null) this.safe.add(name);
    const reply = client.send("WAIT", replicaCount, timeoutMs);
    const token = { name, writtenAt: this.step, client, primary };
    if (reply === undefined) this.waits.push(token);
    else this.answered(token, reply);
  }

  private listen(): void {
    for (const node of this.nodes) {
      const { propagated = [] } = node.kv ?? {};
      if (!propagated.splice(0).some(([name = ""]) => /^flushall$/i.test(name))) continue;
      node.flushedAt = this.step;
      if (node === this.primary) this.safe.clear();
    }
    for (let index = this.waits.length - 1; index >= 0; index--) {
      const token = this.waits[index] as Token;
      const reply = token.client.receive();
      if (reply === undefined && token.primary.kv !== null && !token.client.closed) continue;
      this.waits.splice(index, 1);
      if (reply !== undefined) this.answered(token, reply);
    }
  }

  /** WAIT has counted some: they have it, unless they have lost data since. */
  private answered({ name, writtenAt, primary }: Token, reply: unknown): void {
    if (typeof reply !== "number" || primary.flushedAt >= writtenAt) return;
    const holders = this.nodes.filter((node) => {
      if (node === primary) return false;
      if (node.disturbedAt >= writtenAt) return true;
      return node.kv !== null && tokensOf(node.kv.engine.keyspace).has(name);
    });
    if (holders.length < reply)
      this.problems.push(`WAIT counts ${reply} that have ${name}, and ${holders.length} do`);
  }

  // Steps.

  async run(): Promise<void> {
    for (const step of this.plan.steps) {
      this.step++;
      await this.take(step);
      this.listen();
      for (const node of this.nodes) this.tell(node);
      if (this.step % CHECK_STEPS === 0) this.check();
      this.throwProblems();
    }
    await this.evening();
  }

  private heal(): void {
    this.network.heal();
    for (const { kv } of this.nodes)
      if (kv !== null) kv.engine.keyspace.arena.limitBytes = Number.MAX_SAFE_INTEGER;
  }

  private async take(step: FleetStep): Promise<void> {
    const { network } = this;
    switch (step.kind) {
      case "traffic":
        this.traffic(step);
        return;
      case "time":
        await this.pass(step.durationMs);
        return;
      case "rounds":
        for (let round = 0; round < step.count; round++) await network.round();
        return;
      case "token":
        this.token(step.replicaCount, step.timeoutMs);
        return;
      case "lose":
        network.lose(step.loss);
        return;
      case "cut":
        network.cut(this.at(step.from).name, this.at(step.to).name);
        return;
      case "isolate": {
        const { name } = this.at(step.node);
        const others = this.nodes.map((each) => each.name).filter((each) => each !== name);
        network.partition([name], others);
        return;
      }
      case "refuse":
        network.refuse(this.at(step.node).name);
        return;
      case "heal":
        this.heal();
        return;
      case "full": {
        // One that cannot load what it has does not start.
        const arena = this.at(step.node).ready?.engine.keyspace.arena;
        if (arena !== undefined) arena.limitBytes = arena.segmentBytes;
        return;
      }
      case "delay":
        network.delayMaxMs = step.delayMaxMs;
        return;
      case "end":
        await this.end(this.at(step.node), step.end, step.isSilent);
        return;
      case "restart":
        if (this.at(step.node).kv === null) this.start(this.at(step.node));
        return;
      case "promote":
        this.promote(this.at(step.node), step.late, step.isChain);
        return;
      case "follow":
        this.follow(this.at(step.node), this.at(step.target));
        return;
      case "command":
        this.at(step.node)
          .ready?.client()
          .send(...step.words);
    }
  }

  private async pass(durationMs: number): Promise<void> {
    const pieceMs = 5 * this.plan.tickMs;
    for (let leftMs = durationMs; leftMs > 0; leftMs -= pieceMs) {
      await this.network.pass(Math.min(leftMs, pieceMs));
      this.listen();
      for (const node of this.nodes) this.tell(node);
    }
  }

  // What must hold.

  private throwProblems(): void {
    for (const { name, kv } of this.nodes)
      if (kv !== null && kv.host.exitCode !== null)
        this.problems.push(`${name} ended by itself: ${kv.log.slice(-5).join(" / ")}`);
    const [problem] = this.problems;
    if (problem !== undefined) throw new Error(problem);
  }

  /** Where a server stands, if it has whatever belongs there. */
  private placeOf({ ready }: FleetNode): string | null {
    if (ready === null) return null;
    const facts = infoFields(ready, "replication");
    if (facts.role === "slave" && facts.master_link_status !== "up") return null;
    return `${facts.master_replid}:${facts.master_repl_offset}`;
  }

  private check(): void {
    const places = new Map<string, FleetNode>();
    for (const node of this.nodes) {
      node.ready?.check();
      const place = this.placeOf(node);
      if (place === null) continue;
      const other = places.get(place);
      if (other === undefined) places.set(place, node);
      else this.compare(other, node, place);
    }
    const { ready } = this.primary;
    if (ready === null || this.primary.follows !== null) return;
    const there = tokensOf(ready.engine.keyspace);
    for (const name of this.safe)
      if (!there.has(name)) throw new Error(`${this.primary.name} has lost ${name}`);
  }

  private compare(one: FleetNode, other: FleetNode, place: string): void {
    const [left, right] = [one.ready as Harness, other.ready as Harness];
    const found = difference(contentsOf(left.engine.keyspace), contentsOf(right.engine.keyspace));
    if (found !== "")
      throw new Error(`${one.name} and ${other.name} are both at ${place}, but ${found}`);
  }

  /** Everybody comes back and hears everybody, and follows the primary. */
  private async evening(): Promise<void> {
    const { network } = this;
    this.heal();
    network.delayMaxMs = 20;
    for (const node of this.nodes) if (node.kv === null) this.start(node);
    const led = [this.primary];
    this.primary.wanted = null;
    for (const node of this.nodes) {
      if (node === this.primary) continue;
      node.wanted = this.chance.percent(60) ? this.primary : this.chance.of(led);
      led.push(node);
    }
    let why = "";
    for (let passedMs = 0; passedMs < CONVERGENCE_MS; passedMs += 500) {
      await this.pass(500);
      this.throwProblems();
      why = this.apart();
      if (why === "") break;
    }
    if (why !== "") throw new Error(`the fleet does not come together: ${why}`);
    this.step++;
    this.check();
    this.compareAll();
  }

  /** Why the servers are not one fleet yet; "" when they are. */
  private apart(): string {
    const place = this.placeOf(this.primary);
    if (this.primary.follows !== null) return `${this.primary.name} does not lead`;
    for (const node of this.nodes) {
      if (node.follows !== node.wanted) return `${node.name} follows ${node.follows?.name}`;
      const own = this.placeOf(node);
      if (own !== place || own === null)
        return `${node.name} is at ${own}, and ${this.primary.name} at ${place}; ${node.kv?.log.slice(-6).join(" / ")}`;
    }
    return "";
  }

  private compareAll(): void {
    const facts = (node: FleetNode) => {
      const kv = node.ready as Harness;
      const libraries = kv.client().send("FUNCTION", "LIST", "WITHCODE") as unknown[];
      return {
        digest: kv.client().send("DEBUG", "DIGEST"),
        functions: libraries.map((each) => JSON.stringify(each)).sort(),
      };
    };
    const wanted = JSON.stringify(facts(this.primary));
    for (const node of this.nodes) {
      if (node !== this.primary) this.compare(this.primary, node, "the end");
      const found = JSON.stringify(facts(node));
      if (found !== wanted) throw new Error(`${node.name} has ${found}, not ${wanted}`);
    }
  }

  /** The last lines of all logs. */
  logs(): string {
    return this.nodes
      .flatMap(({ name, kv }) => (kv?.log ?? []).slice(-12).map((line) => `   ${name}: ${line}`))
      .join("\n");
  }
}

export interface FleetFailure {
  seed: number;
  plan: FleetPlan;
  message: string;
}

async function failureOf(seed: number, plan: FleetPlan): Promise<string> {
  let fleet: Fleet | undefined;
  try {
    fleet = new Fleet(seed, plan);
    await fleet.run();
    return "";
  } catch (error) {
    const text = error instanceof Error ? `${error.message}\n${error.stack}` : `${error}`;
    return `${text}\n${fleet?.logs()}`;
  }
}

/** Runs that the search for a shorter list of steps may take. */
const SHRINKING_RUNS = 300;

/** One run; null when all went well, else the shortest list of steps found that still fails. */
export function runFleet(
  seed: number,
  count: number,
  shrinkingRuns = SHRINKING_RUNS,
): Promise<FleetFailure | null> {
  return runPlan(seed, fleetPlan(seed, count), shrinkingRuns);
}

/** A long and quiet day; as runFleet(). */
export function runFleetDay(seed: number): Promise<FleetFailure | null> {
  return runPlan(seed, fleetDay(seed), 0);
}

async function runPlan(
  seed: number,
  whole: FleetPlan,
  shrinkingRuns: number,
): Promise<FleetFailure | null> {
  let plan = whole;
  let message = await failureOf(seed, plan);
  if (message === "") return null;
  let runs = 0;
  const first = message.slice(0, 12);
  for (let size = plan.steps.length >> 1; size >= 1; size >>= 1) {
    for (let from = 0; from < plan.steps.length && runs < shrinkingRuns; runs++) {
      const fewer = { ...plan, steps: plan.steps.toSpliced(from, size) };
      const again = await failureOf(seed, fewer);
      // Another problem is for another day.
      if (again.slice(0, 12) !== first) {
        from += size;
        continue;
      }
      plan = fewer;
      message = again;
    }
  }
  return { seed, plan, message };
}

export function fleetReport(failure: FleetFailure | null): string {
  if (failure === null) return "";
  const { seed, plan, message } = failure;
  const nodes = plan.configs.map(
    (config, index) =>
      `   n${index + 1}: ${JSON.stringify(config)} ${plan.skewsMs[index]} ms, ${plan.memoryBytes[index]} bytes`,
  );
  const steps = plan.steps.map((step) => `   ${JSON.stringify(step).slice(0, 400)}`);
  return [`KV_FLEET_SEED=${seed}: ${message}`, ...nodes, ...steps].join("\n");
}
