/**
 * Both servers as processes, for tests that ask them the same questions. KV_INTEROP_PROGRAM runs
 * something else in place of ours: with `redis-server` every test must pass, or it is itself wrong.
 */
import { fileURLToPath } from "node:url";
import { type ServerOptions, ServerProcess } from "@kv/testing";
import { afterAll, beforeAll, expect, type TestContext, test } from "vitest";

const launcher = fileURLToPath(new URL("../bin/kv-server.mjs", import.meta.url));
const override = process.env.KV_INTEROP_PROGRAM;

const ourProgram: readonly string[] =
  override === undefined ? [process.execPath, launcher] : [override];

/** What starts each of them, for tests that put something in front of it. */
export const programs: Readonly<Record<"ours" | "redis", readonly string[]>> = {
  ours: ourProgram,
  redis: ["redis-server"],
};

export function startOurs(options: ServerOptions = {}): Promise<ServerProcess> {
  return ServerProcess.start({ ...options, program: ourProgram });
}

export function startRedis(options: ServerOptions = {}): Promise<ServerProcess> {
  return ServerProcess.start({ ...options, program: ["redis-server"] });
}

/** Which of these commands the server has. */
export async function commandsOf(
  server: ServerProcess,
  names: readonly string[],
): Promise<Set<string>> {
  const client = await server.connect();
  const known = new Set<string>();
  for (const name of names) {
    const reply = await client.request("COMMAND", "INFO", name);
    if (reply.includes(name.toLowerCase())) known.add(name);
  }
  client.close();
  return known;
}

/** Leaves a test out, saying why, while our server lacks one of the commands that it is about. */
export async function needs(
  context: TestContext,
  server: ServerProcess,
  ...names: string[]
): Promise<void> {
  const known = await commandsOf(server, names);
  const missing = names.filter((name) => !known.has(name));
  context.skip(missing.length > 0, `no ${missing.join(", ")} yet`);
}

export interface Both {
  ours: ServerProcess;
  redis: ServerProcess;
  stop(): Promise<void>;
}

export async function startBoth(options: ServerOptions = {}): Promise<Both> {
  const redis = await startRedis(options);
  try {
    const ours = await startOurs(options);
    return {
      ours,
      redis,
      async stop() {
        await Promise.all([ours.stop(), redis.stop()]);
      },
    };
  } catch (error) {
    await redis.stop();
    throw error;
  }
}

/** Tests, by their names, that come to the same end on both servers and to that of the snapshot. */
export function testOnBoth(scenarios: Record<string, (port: number) => Promise<unknown>>): void {
  let both: Both;
  beforeAll(async () => {
    both = await startBoth();
  });
  afterAll(() => both?.stop());

  test.each(Object.entries(scenarios))("%s", async (_name, scenario) => {
    const [ours, redis] = await Promise.all([scenario(both.ours.port), scenario(both.redis.port)]);
    expect(ours).toEqual(redis);
    expect(ours).toMatchSnapshot();
  });
}
