/**
 * packages/replication/docs/moving.md says what is so: its commands, one after the other, on a redis-server
 * and on ours. A reply has all the lines that the page shows, at the latest a few seconds after it was asked
 * for the first time where it only tells of a state.
 */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { hasRedisServer, type ServerProcess } from "@kv/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startOurs, startRedis } from "./both-servers.ts";

const page = readFileSync(
  new URL("../../../packages/replication/docs/moving.md", import.meta.url),
  "utf8",
);

interface Step {
  readonly server: string;
  readonly command: string;
  readonly lines: string[];
}

function stepsOf(text: string): Step[] {
  const steps: Step[] = [];
  for (const [, block = ""] of text.matchAll(/^```\n(.*?)^```$/gms))
    for (const line of block.trimEnd().split("\n")) {
      const [, server, command] = /^(redis|kv)> (.*)$/.exec(line) ?? [];
      if (server !== undefined && command !== undefined) steps.push({ server, command, lines: [] });
      else steps.at(-1)?.lines.push(line);
    }
  return steps;
}

/** Words as a shell takes them, without one. */
function wordsOf(command: string): string[] {
  return [...command.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, word]) => quoted ?? word ?? "");
}

describe.runIf(hasRedisServer())("moving from Redis to kv, and back", () => {
  const servers = new Map<string, ServerProcess>();
  beforeAll(async () => {
    servers.set("redis", await startRedis({ config: { "repl-diskless-sync-delay": "0" } }));
    servers.set("kv", await startOurs({ config: { "repl-diskless-sync-delay": "0" } }));
  });
  afterAll(() => Promise.all([...servers.values()].map((server) => server.stop())));

  const portOf = (name: string) => `${servers.get(name)?.port}`;

  function run({ server, command }: Step): string[] {
    const ports: Record<string, string> = { "6379": portOf("redis"), "6380": portOf("kv") };
    const words = wordsOf(command).map((word) => ports[word] ?? word);
    const options = { encoding: "utf8", timeout: 10_000 } as const;
    const text = execFileSync("redis-cli", ["-p", portOf(server), ...words], options);
    return text.split(/\r?\n/);
  }

  test("the page's commands answer what it shows", async () => {
    const steps = stepsOf(page);
    expect(steps.length).toBeGreaterThan(30);
    for (const step of steps) {
      const told = `${step.server}> ${step.command}`;
      const missing = () => {
        const shown = run(step);
        return step.lines.filter((line) => !shown.includes(line));
      };
      // Only what changes nothing may be asked again.
      if (/^(INFO|GET|DBSIZE|EXISTS|WAIT)/.test(step.command))
        await expect.poll(missing, { timeout: 15_000, message: told }).toEqual([]);
      else expect(missing(), told).toEqual([]);
    }
  });
});
