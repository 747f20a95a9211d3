/**
 * ServerProcess: a server as operators see it, a process with a port, a folder and a log. The same
 * class runs redis-server and ours, so that a test can ask both the same questions.
 *
 * Promises: the folder and the port are the server's own; stop() and a failed start leave neither
 * process nor folder behind.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { redisVersion } from "./comparable.ts";
import { WireClient } from "./wire-client.ts";

export interface ServerOptions {
  /** What to run: the executable and the words ahead of the server's own arguments. */
  program?: readonly string[];
  /** Directives, as on the command line without dashes; `null` leaves a default out. */
  config?: Readonly<Record<string, string | number | null>>;
  /** Words ahead of the directives, such as the path of a file. */
  args?: readonly string[];
  /** Use this folder and leave it behind: for a restart on the same files. */
  folder?: string;
  /** Wait until clients are served. Default true; without it the caller awaits the exit. */
  awaitReady?: boolean;
}

export interface Exit {
  code: number | null;
  signal: string | null;
}

const START_LIMIT_MS = 20_000;

/** Whether there is a redis-server to compare with; says so when there is none. */
export function hasRedisServer(): boolean {
  if (redisVersion()?.startsWith("7.") === true) return true;
  console.warn("left out: the comparison needs redis-server 7 on the PATH");
  return false;
}

/** A port that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === "object" && address ? address.port : 0));
    });
  });
}

export class ServerProcess {
  readonly port: number;
  readonly folder: string;
  readonly socketPath: string;
  readonly exited: Promise<Exit>;
  /** Everything written to stdout and to stderr so far. */
  log = "";
  private readonly child: ChildProcess;
  private readonly keepsFolder: boolean;
  private readonly clients: WireClient[] = [];
  private hasExited = false;

  private constructor(options: ServerOptions, port: number) {
    this.port = port;
    this.keepsFolder = options.folder !== undefined;
    this.folder = options.folder ?? mkdtempSync(join(tmpdir(), "kv-server-"));
    this.socketPath = join(this.folder, "socket");
    const config: Record<string, string | number | null> = {
      port,
      bind: "127.0.0.1",
      dir: this.folder,
      unixsocket: this.socketPath,
      save: "",
      "enable-debug-command": "yes",
      ...options.config,
    };
    const words = Object.entries(config).flatMap(([name, value]) =>
      value === null ? [] : [`--${name}`, ...`${value}`.split(" ")],
    );
    const [executable = "redis-server", ...ahead] = options.program ?? [];
    this.child = spawn(executable, [...ahead, ...(options.args ?? []), ...words], {
      cwd: this.folder,
      stdio: ["ignore", "pipe", "pipe"],
    });
    for (const stream of [this.child.stdout, this.child.stderr])
      stream?.on("data", (text) => {
        this.log += `${text}`;
      });
    this.exited = new Promise((resolve, reject) => {
      this.child.once("error", reject);
      this.child.once("close", (code, signal) => {
        this.hasExited = true;
        resolve({ code, signal });
      });
    });
    // A start that fails is reported where it is awaited.
    this.exited.catch(() => {});
  }

  static async start(options: ServerOptions = {}): Promise<ServerProcess> {
    const given = options.config?.port;
    const server = new ServerProcess(options, given ? Number(given) : await freePort());
    if (options.awaitReady === false) return server;
    try {
      await server.answers();
      return server;
    } catch (error) {
      await server.stop();
      throw error;
    }
  }

  /** Resolves once clients are served. */
  async answers(): Promise<void> {
    const endMs = Date.now() + START_LIMIT_MS;
    while (Date.now() < endMs && !this.hasExited) {
      const client = await WireClient.connect({ port: this.port }).catch(() => null);
      const reply = await client?.request("PING").catch(() => "");
      client?.close();
      if (reply?.startsWith("+") || reply?.startsWith("-NOAUTH")) return;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    throw new Error(`the server does not answer; its log:\n${this.log}`);
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  /** A raw connection; closed by stop() at the latest. */
  async connect(over: "tcp" | "unix" = "tcp"): Promise<WireClient> {
    const client = await WireClient.connect(
      over === "tcp" ? { port: this.port } : { path: this.socketPath },
    );
    this.clients.push(client);
    return client;
  }

  signal(name: NodeJS.Signals): void {
    this.child.kill(name);
  }

  /** Ends the process at once, files left as they are. */
  async kill(): Promise<Exit> {
    for (const client of this.clients) client.close();
    if (!this.hasExited) this.child.kill("SIGKILL");
    return this.exited.catch(() => ({ code: null, signal: null }));
  }

  /** Ends the process and removes its folder, unless that was given. */
  async stop(): Promise<void> {
    await this.kill();
    if (!this.keepsFolder) rmSync(this.folder, { recursive: true, force: true });
  }
}
