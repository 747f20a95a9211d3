/**
 * The program in one file starts by way of what the build compiled, and without it where that is
 * missing or does not fit.
 */
import { spawnSync } from "node:child_process";
import {
  copyFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ServerProcess } from "@kv/testing";
import { afterAll, beforeEach, expect, onTestFinished, test } from "vitest";
import { programs, startOurs } from "./both-servers.ts";

const dist = fileURLToPath(new URL("../dist", import.meta.url));
const loader = new URL("../bin/program.mjs", import.meta.url).href;
const folder = mkdtempSync(join(tmpdir(), "kv-program-"));
const cache = join(folder, "program.cache");

beforeEach(() => {
  for (const name of ["program.cjs", "program.cache"]) {
    copyFileSync(join(dist, name), join(folder, name));
  }
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Starts the copy in the folder, and gives its lines: whether the cache was of use, and its version. */
function start(...nodeFlags: string[]): string[] {
  const code = `
    const { loadProgram } = await import(${JSON.stringify(loader)});
    const program = loadProgram(${JSON.stringify(folder)});
    console.log(program.isCompiled);
    await program.main();
  `;
  const words = [...nodeFlags, "--input-type=module", "--eval", code, "program", "--version"];
  const { stdout, stderr } = spawnSync(process.execPath, words, { encoding: "utf8" });
  return (stderr + stdout).trimEnd().split("\n");
}

const version = expect.stringContaining("Redis server v=");

test("what the build compiled is used, from wherever it lies", () => {
  expect(start()).toEqual(["true", version]);
});

test("without it the program is compiled", () => {
  rmSync(cache);
  expect(start()).toEqual(["false", version]);
});

test("what was compiled for another V8 is left alone", () => {
  expect(start("--no-sparkplug")).toEqual(["false", version]);
});

test("what is cut off, or something else, is left alone", () => {
  const whole = readFileSync(cache);
  for (const wrong of [whole.subarray(0, whole.length / 2), new Uint8Array(), Buffer.from("no")]) {
    writeFileSync(cache, wrong);
    expect(start()).toEqual(["false", version]);
  }
});

test("what was compiled for another text is left alone", () => {
  const program = join(folder, "program.cjs");
  writeFileSync(program, `${readFileSync(program, "latin1")}\n`);
  expect(start()).toEqual(["false", version]);
});

test("the text is ASCII, as its loader takes it to be", () => {
  const bytes = readFileSync(join(dist, "program.cjs"));
  expect(bytes.findIndex((byte) => byte > 127)).toBe(-1);
});

test("what it requires of Node is loaded before", async () => {
  const { nodeModules } = await import(loader);
  const text = readFileSync(join(dist, "program.cjs"), "latin1");
  const required = text.matchAll(/= ?(?:__toESM\()?require\("(?:node:)?([^"]+)"\)/g);
  expect(new Set([...required].map(([, name]) => name))).toEqual(new Set(nodeModules));
});

test("its scripts find their machine", async () => {
  const server = await startOurs();
  const client = await server.connect();
  expect(await client.request("EVAL", "return 1 + 1", "0")).toBe(":2\r\n");
  await server.stop();
});

/** How many threads of its pool a server has by now, as the system tells. */
function poolThreads({ pid }: ServerProcess): number {
  const names = readdirSync(`/proc/${pid}/task`).map((task) =>
    readFileSync(`/proc/${pid}/task/${task}/comm`, "latin1"),
  );
  return names.filter((name) => name === "libuv-worker\n").length;
}

test.runIf(process.platform === "linux").each([
  {
    what: "eight threads, of which a few may wait for the disk",
    env: ["-u", "UV_THREADPOOL_SIZE"],
    threads: 8,
  },
  { what: "as many as the environment says", env: ["UV_THREADPOOL_SIZE=3"], threads: 3 },
])("files have $what", async ({ env, threads }) => {
  const program = ["env", ...env, ...programs.ours];
  const server = await ServerProcess.start({ program });
  onTestFinished(() => server.stop());
  const client = await server.connect();
  // All of them from the start: who wants to make them when there are none left is ended by it.
  expect(poolThreads(server)).toBe(threads);
  expect(await client.request("BGSAVE")).toBe("+Background saving started\r\n");
  await expect.poll(() => client.request("INFO", "persistence")).toContain("rdb_saves:1");
  expect(poolThreads(server)).toBe(threads);
});

test("without WebAssembly there are no scripts, and all else", async () => {
  const [node, ...words] = programs.ours;
  const server = await ServerProcess.start({ program: [node ?? "", "--jitless", ...words] });
  onTestFinished(() => server.stop());
  const client = await server.connect();
  expect(await client.request("EVAL", "return 1", "0")).toBe(
    "-ERR Scripts cannot run here, their machine is missing: This runtime has no WebAssembly\r\n",
  );
  expect(await client.request("SET", "k", "v")).toBe("+OK\r\n");
  expect(await client.request("SAVE")).toBe("+OK\r\n");
});

test("V8 knows the limits that are raised once the program serves", () => {
  const code = `(await import(${JSON.stringify(loader)})).inlineMore()`;
  const words = ["--input-type=module", "--eval", code];
  const { status, stderr } = spawnSync(process.execPath, words, { encoding: "utf8" });
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
});
