/** packages/replication/docs/moving.md says what is so: its commands, on a redis-server and on ours. */
import { hasRedisServer, type ServerProcess } from "@kv/testing";
import { afterAll, describe, expect, test } from "vitest";
import { startOurs, startRedis } from "./both-servers.ts";
import { runSteps } from "./documented-steps.ts";

const page = new URL("../../../packages/replication/docs/moving.md", import.meta.url);
const config = { "repl-diskless-sync-delay": 0 };

describe.runIf(hasRedisServer())("moving from Redis to kv, and back", () => {
  const running: ServerProcess[] = [];
  afterAll(() => Promise.all(running.map((server) => server.stop())));

  test("the page's commands answer what it shows", async () => {
    const redis = await startRedis({ config });
    const kv = await startOurs({ config });
    running.push(redis, kv);
    const roles = [
      { name: "redis", port: 6379, server: redis },
      { name: "kv", port: 6380, server: kv },
    ];
    expect(await runSteps(page, roles)).toBeGreaterThan(30);
  });
});
