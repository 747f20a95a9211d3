/** docs/scripts.md says what is so: its examples here, its table of differences on both servers. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { type Harness, harness, ServerProcess, type WireClient } from "@kv/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const page = readFileSync(new URL("../docs/scripts.md", import.meta.url), "utf8");

/** A reply as redis-cli shows it. */
function shown(reply: unknown): string {
  if (Array.isArray(reply)) return reply.map((each, i) => `${i + 1}) ${shown(each)}`).join("\n");
  if (reply instanceof Error) return `(error) ${reply.message}`;
  if (typeof reply === "number") return `(integer) ${reply}`;
  return reply === null ? "(nil)" : JSON.stringify(reply);
}

/** Sends a line as a person would have typed it. */
function typed(kv: Harness, line: string): unknown {
  kv.self.sendBytes(`${line}\r\n`);
  return kv.self.receive();
}

const blocks = [...page.matchAll(/^```\n([\s\S]*?)^```$/gm)].map(([, block]) => block as string);

test.each(blocks.map((block, index) => ({ block, index })))("example $index", ({ block }) => {
  const kv = harness();
  const examples = block.split(/^> /m).slice(1);
  expect(examples.length).toBeGreaterThan(0);
  for (const example of examples) {
    const [line, ...reply] = example.trimEnd().split("\n");
    expect(shown(typed(kv, line as string))).toBe(reply.join("\n"));
  }
});

const rows = [...page.matchAll(/^\| `(.*?)` +\| `(.*?)` +\| `(.*?)` +\|/gm)].map(
  ([, script, here, there]) =>
    ({ script, here, there }) as Record<"script" | "here" | "there", string>,
);

/** The bytes of a reply, as the table writes it. Errors end with the script's name, which is left out. */
function inTable(reply: string): string {
  if (reply === "$-1\r\n" || reply === "*-1\r\n") return "nil";
  if (reply.startsWith("$")) return JSON.stringify(reply.slice(reply.indexOf("\n") + 1, -2));
  return reply.slice(1, -2).replace(/ script: [0-9a-f]{40}, on @user_script:1\.$/, "");
}

/** What stands in a cell, where "…" is anything. */
const cell = (text: string) =>
  new RegExp(`^${text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&").replaceAll("…", ".*")}$`);

test.each(rows)("$script answers here $here", ({ script, here }) => {
  const kv = harness();
  kv.send("EVAL", script, 0);
  expect(inTable(kv.self.takeRaw())).toMatch(cell(here));
});

const isThere = String(spawnSync("redis-server", ["--version"]).stdout).includes("v=7.0.15 ");
if (!isThere) console.warn("half of page.test.ts skipped: redis-server 7.0.15 is not installed");

describe.runIf(isThere)("in redis-server", () => {
  let server: ServerProcess;
  let client: WireClient;
  beforeAll(async () => {
    server = await ServerProcess.start();
    client = await server.connect();
  });
  afterAll(() => server?.stop());

  test.each(rows)("$script answers $there", async ({ script, there }) => {
    expect(inTable(await client.request("EVAL", script, 0))).toMatch(cell(there));
  });
});

test("the table has been found", () => expect(rows.length).toBeGreaterThan(5));
