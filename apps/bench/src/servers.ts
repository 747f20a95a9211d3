/**
 * Starts and stops the two servers that are compared. Every server gets a free port and a
 * temporary folder of its own, and neither outlives the benchmark: `await using` in the ordinary
 * case, the exit handler below in every other.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { RespClient } from "./resp-client.ts";

/** One of the two sides of the comparison. */
export interface ServerKind {
  name: "ours" | "redis";
  /** As it is called in the tables. */
  label: string;
  command: string;
  /** What stands before the server's own arguments. */
  prefix: readonly string[];
  /** Whether it runs on V8: then there are collector pauses and a heap to report. */
  onV8: boolean;
}

export interface StartOptions {
  /** Extra arguments of the server, as on its command line. */
  args?: readonly string[];
  /** Arguments for the runtime, such as `--trace-gc`; redis-server has none. */
  runtimeArgs?: readonly string[];
  /** Folder to work in; a temporary one when left out. */
  dir?: string;
  /** How often it is asked whether it is ready: 10 ms apart when left out. */
  askEveryMs?: number;
}

export interface Server extends AsyncDisposable {
  kind: ServerKind;
  pid: number;
  port: number;
  dir: string;
  /** From the start of the process until it answered PING with PONG. */
  readyAfterMs: number;
  /** What it has written to stdout and stderr so far. */
  log(): string;
  stop(): Promise<void>;
}

const READY_WITHIN_MS = 180_000;

const running = new Set<ChildProcess>();
const folders = new Set<string>();

function cleanUp(): void {
  for (const child of running) child.kill("SIGKILL");
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
}

/** From here on nothing is left behind, however this process ends (SIGKILL aside). */
export function cleanUpAtExit(): void {
  process.on("exit", cleanUp);
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => process.exit(130));
  }
}

/** Server under test: a script of ours, or any executable that takes redis-server's arguments. */
export function ourServer(path: string): ServerKind {
  const isScript = /\.[cm]?[jt]s$/.test(path);
  return {
    name: "ours",
    label: isScript ? "kv" : path,
    command: isScript ? process.execPath : path,
    prefix: isScript ? [path] : [],
    onV8: isScript,
  };
}

export function referenceServer(path: string): ServerKind {
  return { name: "redis", label: "redis-server", command: path, prefix: [], onV8: false };
}

export function isInstalled(kind: ServerKind): boolean {
  return spawnSync(kind.command, [...kind.prefix, "--version"], { timeout: 20_000 }).status === 0;
}

export function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "kv-bench-"));
  folders.add(folder);
  return folder;
}

export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
  folders.delete(folder);
}

export async function startServer(kind: ServerKind, options: StartOptions = {}): Promise<Server> {
  const port = await freePort();
  const ownFolder = options.dir === undefined ? makeFolder() : undefined;
  const dir = options.dir ?? ownFolder!;
  const runtimeArgs = kind.onV8 ? (options.runtimeArgs ?? []) : [];
  const settings = ["--port", `${port}`, "--bind", "127.0.0.1", "--dir", dir];
  const noSaving = ["--save", "", "--appendonly", "no"];
  const startMs = performance.now();
  const child = spawn(
    kind.command,
    [...runtimeArgs, ...kind.prefix, ...settings, ...noSaving, ...(options.args ?? [])],
    { stdio: ["ignore", "pipe", "pipe"] },
  );
  running.add(child);
  let log = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => (log += text));
  }
  const ended = new Promise<void>((resolve) => {
    child.once("error", (error) => {
      log += error.message;
      resolve();
    });
    child.once("close", () => resolve());
  });

  const stop = async (): Promise<void> => {
    // Nothing here may be kept, so the server gets no chance to spend time on an orderly end.
    child.kill("SIGKILL");
    await ended;
    running.delete(child);
    if (ownFolder !== undefined) removeFolder(ownFolder);
    if (child.signalCode === "SIGKILL") return;
    // A scenario has only seen its connections break; the reason is here.
    console.error(`${kind.label} ended by itself: ${child.signalCode ?? child.exitCode}`);
    console.error(log.slice(-3000));
  };

  const hasEnded = () => child.exitCode !== null || child.signalCode !== null;
  try {
    await waitUntilReady(port, hasEnded, options.askEveryMs ?? 10);
  } catch (error) {
    await stop();
    throw new Error(`${kind.label} did not start: ${error}\n${log.slice(-2000)}`);
  }
  return {
    kind,
    pid: child.pid!,
    port,
    dir,
    readyAfterMs: performance.now() - startMs,
    log: () => log,
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** Asks until the answer is PONG: not refused, and no longer "-LOADING". */
async function waitUntilReady(
  port: number,
  hasEnded: () => boolean,
  askEveryMs: number,
): Promise<void> {
  const giveUpAtMs = performance.now() + READY_WITHIN_MS;
  let trouble: unknown;
  while (performance.now() < giveUpAtMs) {
    if (hasEnded()) throw new Error("the process ended");
    try {
      await using client = await RespClient.connect(port);
      if ((await client.send("PING")) === "PONG") return;
    } catch (error) {
      trouble = error;
    }
    await sleep(askEveryMs);
  }
  throw trouble;
}

function freePort(): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const probe = createServer();
  probe.once("error", reject);
  probe.listen(0, "127.0.0.1", () => {
    const address = probe.address();
    probe.close(() => resolve(typeof address === "object" ? address!.port : 0));
  });
  return promise;
}

/**
 * Runs `measure` once for each server, with both started afresh and alive together, and takes
 * turns in who goes first. Use it where one must not see the memory or the heat of the last round.
 */
export async function inTurns<T>(
  kinds: readonly [ServerKind, ServerKind],
  round: number,
  measure: (kind: ServerKind) => Promise<T>,
): Promise<{ ours: T; redis: T }> {
  const [first, second] = round % 2 === 0 ? kinds : [kinds[1], kinds[0]];
  const results = new Map<string, T>();
  for (const kind of [first, second]) results.set(kind.name, await measure(kind));
  return { ours: results.get("ours")!, redis: results.get("redis")! };
}
