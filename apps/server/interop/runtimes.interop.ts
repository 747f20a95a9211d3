/**
 * The Nodes that `engines` promises, and those that it refuses. The oldest release that is promised
 * and the pinned one run the built program; an older one is told so in plain words, and
 * so is one that is so old that it could not read most of our sources.
 */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ServerProcess } from "@kv/testing";
import { describe, expect, test } from "vitest";
import { nodeRelease } from "./node-releases.ts";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const bin = (name: string) => join(root, "apps/server/bin", `${name}.mjs`);
const library = join(root, "apps/server/dist/index.js");

function run(node: string, ...words: string[]) {
  const { status, stdout, stderr } = spawnSync(node, words, { encoding: "utf8" });
  return { status, stdout, stderr };
}

const [node24, node22, node14] = await Promise.all(
  ["24.21.0", "22.23.3", "14.21.3"].map(nodeRelease),
);

const promised = [
  ["24, the oldest line that is promised", "24.21.0", node24],
  ["26, the one that is pinned", process.versions.node, process.execPath],
] as const;

test("engines promise what is tested here", () => {
  const { engines } = JSON.parse(readFileSync(join(root, "apps/server/package.json"), "utf8"));
  expect(engines).toEqual({ node: ">=24" });
});

describe.each(promised)("Node %s", (_, version, found) => {
  const node = found ?? "";

  test.skipIf(found === undefined)("serves, saves and finds its data again", async () => {
    const program = [node, bin("kv-server")];
    const value = "x".repeat(100_000);
    const first = await ServerProcess.start({ program });
    const client = await first.connect();
    expect(await client.request("INFO", "server")).toContain(`node ${version}`);
    client.write("SET k v\r\n".repeat(5000));
    expect(await client.replies(5000)).toBe("+OK\r\n".repeat(5000));
    expect(await client.request("SET", "large", value)).toBe("+OK\r\n");
    expect(await client.request("HSET", "h", "f", "1")).toBe(":1\r\n");
    expect(await client.request("BGSAVE")).toContain("saving started");
    await expect
      .poll(() => first.log, { timeout: 10_000 })
      .toContain("Background saving terminated with success");
    const file = join(first.folder, "dump.rdb");
    const checked = run(node, bin("kv-check-rdb"), file);
    expect(checked).toMatchObject({ status: 0, stderr: "" });
    expect(checked.stdout).toContain("[info] 3 keys read");
    const second = await ServerProcess.start({ program, folder: first.folder });
    expect(await (await second.connect()).request("GET", "large")).toContain(value);
    second.signal("SIGTERM");
    expect(await second.exited).toEqual({ code: 0, signal: null });
    for (const server of [first, second]) {
      expect(server.log).not.toMatch(/Warning:|crashed|stopped by an error/);
      await server.stop();
    }
  });

  test.skipIf(found === undefined)("answers for each program, without a word on stderr", () => {
    for (const name of ["kv-server", "kv-check-rdb", "kv-check-aof"]) {
      expect(run(node, bin(name), "--version")).toMatchObject({ status: 0, stderr: "" });
      expect(run(node, bin(name), "--help")).toMatchObject({ status: 0, stderr: "" });
    }
  });

  test.skipIf(found === undefined)("has a server in its own process", () => {
    const script = `
      import { createServer } from ${JSON.stringify(library)};
      await using server = await createServer();
      const stream = server.connect();
      stream.write("PING\\r\\n");
      for await (const reply of stream) { console.log(String(reply).trim()); break; }`;
    const words = ["--input-type=module", "--eval", script];
    expect(run(node, ...words)).toEqual({ status: 0, stdout: "+PONG\n", stderr: "" });
  });
});

describe.each([
  ["22.23.3", node22],
  ["14.21.3", node14],
])("Node %s is refused", (version, node) => {
  test.skipIf(node === undefined)("by each program, in plain words", () => {
    for (const name of ["kv-server", "kv-check-rdb", "kv-check-aof"]) {
      const { status, stdout, stderr } = run(node ?? "", bin(name), "--version");
      expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
      expect(stderr).toMatch(
        new RegExp(
          `^${name} needs Node\\.js 24 or later, but this is Node\\.js ${version} \\(.*\\)`,
        ),
      );
      expect(stderr.trimEnd().split("\n")).toHaveLength(1);
    }
  });
});

test.skipIf(node14 === undefined)(
  "npm start and npm test refuse a Node that cannot install",
  () => {
    for (const script of ["start", "test"]) {
      const path = join(root, "scripts", `${script}.mjs`);
      const { status, stdout, stderr } = run(node14 ?? "", path, "--version");
      expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
      expect(stderr).toMatch(/^kv needs Node\.js 20 or later to install itself, but this is .*\n$/);
    }
  },
);
