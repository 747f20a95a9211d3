/** `npm start`, called from elsewhere: paths are the caller's. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePort, WireClient } from "@kv/testing";
import { afterEach, beforeEach, expect, test } from "vitest";

const root = fileURLToPath(new URL("../../../", import.meta.url));
let folder: string;
let child: ChildProcess | undefined;

beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "kv-npm-start-")));
  mkdirSync(join(folder, "data"));
});

afterEach(async () => {
  child?.kill("SIGTERM");
  child = undefined;
  rmSync(folder, { recursive: true });
});

/** Where a server that is started from `folder` with these words keeps its data. */
async function dataFolder(port: number, words: readonly string[]): Promise<string> {
  let log = "";
  child = spawn("npm", ["--prefix", root, "start", "--", ...words], {
    cwd: folder,
    shell: process.platform === "win32",
  });
  child.stdout?.on("data", (text) => {
    log += text;
  });
  const ended = new Promise((resolve) => child?.once("close", resolve));
  await expect.poll(() => log, { timeout: 50_000 }).toContain("Ready to accept connections tcp");
  const client = await WireClient.connect({ port });
  const reply = await client.request("CONFIG", "GET", "dir");
  client.write("SHUTDOWN NOSAVE\r\n");
  await ended;
  client.close();
  return reply.split("\r\n")[4];
}

test("a configuration file, and the folder that it names", async () => {
  const port = await freePort();
  writeFileSync(join(folder, "my.conf"), `port ${port}\nbind 127.0.0.1\ndir data\n`);
  expect(await dataFolder(port, ["my.conf"])).toBe(join(folder, "data"));
});

test("a folder among the arguments", async () => {
  const port = await freePort();
  const words = ["--port", `${port}`, "--dir", "./data"];
  expect(await dataFolder(port, words)).toBe(join(folder, "data"));
});

test("without a word about it, the data is kept in the repository", async () => {
  const port = await freePort();
  expect(await dataFolder(port, ["--port", `${port}`])).toBe(realpathSync(join(root, "data")));
});
