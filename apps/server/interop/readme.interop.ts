/** Every example of the README is run as it stands there, but for the port. */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { ServerProcess } from "@kv/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startOurs } from "./both-servers.ts";

const run = promisify(execFile);
const readme = readFileSync(new URL("../../../README.md", import.meta.url), "utf8");
const folder = fileURLToPath(new URL("..", import.meta.url));

/** The block of code whose fence carries this name. */
function example(name: string): string {
  const block = new RegExp(`\`\`\`${name}\\n([\\s\\S]*?)\`\`\``).exec(readme)?.[1];
  if (block === undefined) throw new Error(`the README has no example called ${name}`);
  return block;
}

describe("README", () => {
  let server: ServerProcess;
  beforeAll(async () => {
    server = await startOurs();
  });
  afterAll(() => server.stop());

  test("redis-cli", async () => {
    const lines = [...readme.matchAll(/^redis-cli (.*)$/gm)].map(([, words]) => words as string);
    expect(lines.length).toBeGreaterThan(1);
    const replies: string[] = [];
    for (const line of lines) {
      const { stdout } = await run("redis-cli", ["-p", String(server.port), ...line.split(" ")]);
      replies.push(stdout.trim());
    }
    expect(replies).toEqual(["OK", "hello"]);
  });

  test.each(["js ioredis", "js node-redis", "js in-process"])("%s", async (name) => {
    const code = example(name).replaceAll("6379", String(server.port));
    const promised = [...code.matchAll(/console\.log\(.*\/\/ (.*)$/gm)].map(([, line]) => line);
    expect(promised.length).toBeGreaterThan(0);
    const options = ["--input-type=module", "--eval", code];
    const { stdout } = await run(process.execPath, options, { cwd: folder });
    expect(stdout.trim().split("\n")).toEqual(promised);
  });
});
