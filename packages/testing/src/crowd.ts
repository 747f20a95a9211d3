/**
 * Crowd: several clients of one server, in step. Blocking commands are about who is served when, so
 * what is compared between redis-server and ours is what each client has received after each step.
 *
 * One seed, one run: a failure prints its seed, its steps, and what each side received.
 */
import { Chance } from "./chance.ts";
import { setsAsTheirs } from "./comparable.ts";
import { Harness, type TestClient } from "./harness.ts";
import type { ServerProcess } from "./server-process.ts";
import { requestText, type WireClient } from "./wire-client.ts";

/** A client sends a request; `@n` stands for the ID of client n. */
export interface CrowdStep {
  readonly client: number;
  readonly words: readonly (string | number)[];
}

/** Several clients of one server. */
export interface Crowd {
  /** Makes the step. What each client has received since the last one, raw. */
  step(step: CrowdStep): Promise<string[]>;
  /** The digest of all data. */
  digest(): Promise<string>;
  close(): void;
}

function textOf({ words }: CrowdStep, ids: readonly string[]): string {
  return requestText(
    words.map((word) => {
      const at = /^@(\d)$/.exec(`${word}`)?.[1];
      return at === undefined ? word : (ids[Number(at)] ?? word);
    }),
  );
}

/** Clients of our engine without sockets. */
export function inProcessCrowd(count: number): Crowd {
  const kv = new Harness({ config: setsAsTheirs() });
  const clients: TestClient[] = Array.from({ length: count }, () => kv.client());
  const ids = clients.map(({ client }) => `${client?.id}`);
  return {
    step(step) {
      kv.host.nowMs = Date.now();
      clients[step.client]?.sendBytes(textOf(step, ids));
      kv.engine.turn();
      return Promise.resolve(clients.map((client) => client.takeRaw()));
    },
    digest: () => Promise.resolve(`${kv.send("DEBUG", "DIGEST")}`),
    close() {},
  };
}

/** Clients of a server that runs as a process, in an empty data set. */
export async function processCrowd(server: ServerProcess, count: number): Promise<Crowd> {
  const control = await server.connect();
  await control.request("FLUSHALL");
  const clients: WireClient[] = [];
  const ids: string[] = [];
  for (let i = 0; i < count; i++) {
    const client = await server.connect();
    ids.push(/\d+/.exec(await client.request("CLIENT", "ID"))?.[0] ?? "");
    clients.push(client);
  }
  return {
    async step(step) {
      clients[step.client]?.write(textOf(step, ids));
      // When the second is answered, all that the first event set off has left.
      await control.request("PING");
      await control.request("PING");
      await new Promise((resolve) => setImmediate(resolve));
      return clients.map((client) => client.takeReceived());
    },
    digest: async () => (await control.request("DEBUG", "DIGEST")).trim().slice(1),
    close() {
      for (const client of [control, ...clients]) client.close();
    },
  };
}

const SILENCE = 40;

/** Where two crowds, making the same steps, did not receive the same; "" when they did. */
export async function crowdsDiffer(
  steps: readonly CrowdStep[],
  reference: Crowd,
  subject: Crowd,
): Promise<string> {
  const done: string[] = [];
  for (const step of steps) {
    const ours = await subject.step(step);
    const theirs = await reference.step(step);
    // A slow machine: what is on its way is waited for once.
    if (theirs.join("|") !== ours.join("|")) {
      await new Promise((resolve) => setTimeout(resolve, SILENCE));
      const rest = await reference.step({ client: -1, words: [] });
      for (const [index, more] of rest.entries()) theirs[index] += more;
    }
    done.push(`${step.client}: ${step.words.join(" ")}`);
    if (theirs.join("|") !== ours.join("|"))
      return `${done.slice(-30).join("\n")}\nredis: ${JSON.stringify(theirs)}\nours:  ${JSON.stringify(ours)}`;
  }
  const theirs = await reference.digest();
  const ours = await subject.digest();
  return theirs === ours ? "" : `${done.join("\n")}\ndata sets differ: ${theirs} ${ours}`;
}

const clientCount = 5;
const keys = ["a", "b", "c"];

/** Random steps of five clients: lists, sorted sets, and what gets in their way. */
export function crowdSteps(seed: number, count: number): CrowdStep[] {
  const chance = new Chance(seed);
  const key = () => chance.of(keys);
  const side = () => chance.of(["LEFT", "RIGHT"]);
  const value = () => `v${chance.below(100)}`;
  const score = () => chance.below(5);
  const some = () => Array.from({ length: 1 + chance.below(3) }, key);
  const waits = (): (string | number)[] =>
    chance.of<() => (string | number)[]>([
      () => [chance.of(["BLPOP", "BRPOP"]), ...some(), 0],
      () => [chance.of(["BZPOPMIN", "BZPOPMAX"]), ...some(), 0],
      () => ["BLMOVE", key(), key(), side(), side(), 0],
      () => ["BRPOPLPUSH", key(), key(), 0],
      () => {
        const names = some();
        return ["BLMPOP", 0, names.length, ...names, side(), "COUNT", 1 + chance.below(3)];
      },
      () => {
        const names = some();
        return ["BZMPOP", 0, names.length, ...names, chance.of(["MIN", "MAX"])];
      },
    ])();
  const acts = (): (string | number)[] =>
    chance.of<() => (string | number)[]>([
      () => [chance.of(["LPUSH", "RPUSH"]), key(), ...Array.from(some(), value)],
      () => [chance.of(["LPUSH", "RPUSH"]), key(), value()],
      () => ["ZADD", key(), score(), value(), score(), value()],
      () => ["DEL", key()],
      () => ["SET", key(), "text"],
      () => [chance.of(["RENAME", "COPY", "LMOVE"]), key(), key(), "LEFT", "RIGHT"],
      () => ["RENAME", key(), key()],
      () => ["MULTI"],
      () => ["EXEC"],
      () => ["FLUSHALL"],
      () => ["SWAPDB", 0, 1],
      () => ["SELECT", chance.below(2)],
      () => ["MOVE", key(), chance.below(2)],
      () => ["CLIENT", "UNBLOCK", `@${chance.below(clientCount)}`, chance.of(["TIMEOUT", "ERROR"])],
      () => ["SORT", key(), "ALPHA", "STORE", key()],
      () => ["LRANGE", key(), 0, -1],
      () => ["PING"],
    ])();
  return Array.from({ length: count }, () => ({
    client: chance.below(clientCount),
    words: chance.percent(35) ? waits() : acts(),
  }));
}

/** How many clients crowdSteps() is about. */
export const crowdSize = clientCount;
