/**
 * The server as a process of its own, for tests of start, signals and end: run from its sources, or as it was
 * built where KV_TEST_BUILT=1 says that the build is of these sources. To read them all anew takes
 * most of what such a test takes.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import * as net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach } from "vitest";

/** Whether the servers are those that were built. */
export const isBuilt = process.env.KV_TEST_BUILT === "1";
const program = isBuilt
  ? new URL("../../bin/kv-server.mjs", import.meta.url)
  : new URL("./kv-server.mjs", import.meta.url);
/** What is given to the runtime before the arguments of the server. */
export const programWords: readonly string[] = [
  ...(isBuilt ? [] : ["--conditions=@kv/source"]),
  fileURLToPath(program),
];
const PATIENCE_MS = 15_000;

export interface ServerProcess {
  readonly child: ChildProcess;
  readonly pid: number;
  stdout(): string;
  stderr(): string;
  /** Resolves when standard output has this text. */
  says(text: string): Promise<void>;
  /** Exit code, or the name of the signal that ended it. */
  readonly ended: Promise<number | string>;
}

export interface RunOptions {
  folder?: string;
  stdin?: string;
  env?: NodeJS.ProcessEnv;
  /** Words in place of all others, as a shell is to make them: of any bytes. */
  shellWords?: string;
}

export function runServer(args: readonly string[], options: RunOptions = {}): ServerProcess {
  const { folder, stdin, env, shellWords } = options;
  const words = [...programWords, ...args];
  const script = `exec "$0" "$@" ${shellWords}`;
  const [command, commandWords] =
    shellWords === undefined
      ? [process.execPath, words]
      : ["sh", ["-c", script, process.execPath, ...words]];
  const child = spawn(command, commandWords, {
    cwd: folder,
    env: { ...process.env, ...env },
  });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (data) => {
    stdout += data;
  });
  child.stderr.on("data", (data) => {
    stderr += data;
  });
  child.stdin.end(stdin ?? "");
  const ended = new Promise<number | string>((resolve) => {
    child.on("close", (code, signal) => resolve(code ?? signal ?? -1));
  });
  return {
    child,
    pid: child.pid ?? -1,
    stdout: () => stdout,
    stderr: () => stderr,
    ended,
    async says(text) {
      const startedMs = performance.now();
      while (!stdout.includes(text)) {
        const isOver = child.exitCode !== null || child.signalCode !== null;
        if (isOver || performance.now() - startedMs > PATIENCE_MS) {
          throw new Error(`never said "${text}", but:\n${stdout}${stderr}`);
        }
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    },
  };
}

/** The servers that a test puts in here are killed when it is over. Once for each file of tests. */
export function killedAfterEach(): ServerProcess[] {
  const running: ServerProcess[] = [];
  afterEach(async () => {
    for (const { child, ended } of running.splice(0)) {
      child.kill("SIGKILL");
      await ended;
    }
  });
  return running;
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as net.AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Sends an inline command and resolves with what comes back first. */
export function ask(target: number | string, command: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket =
      typeof target === "number" ? net.connect(target, "127.0.0.1") : net.connect(target);
    socket.on("error", reject);
    socket.on("data", (data) => {
      socket.destroy();
      resolve(data.toString("latin1"));
    });
    socket.write(`${command}\r\n`);
  });
}

/** A folder of its own, gone when `using` ends. */
export function temporaryFolder(): { path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), "kv-server-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}
