/**
 * Server: an engine with sockets, files and time.
 *
 *      Listeners -> SocketConnection -> Engine <- TurnLoop, Cron
 *                                         |
 *                                      NodeHost
 *
 * It owns no part of the process: signals, the log, the exit and the working directory belong to
 * main.ts, or to the program that a server is embedded in.
 */

import { existsSync } from "node:fs";
import type { Socket } from "node:net";
import { machine, release, type } from "node:os";
import { dirname } from "node:path";
import type { ConfigStore } from "@kv/config";
import {
  type Client,
  createEngine,
  Due,
  type Engine,
  type EngineOptions,
  endingPort,
  type HostFacts,
  type LogLevel,
  type ShutdownRequest,
  type System,
} from "@kv/engine";
import { Dialer } from "./network/dialer.ts";
import { DirectWrites } from "./network/direct-writes.ts";
import { isKnownRuntime, takeoverSelfTest } from "./network/handle-takeover.ts";
import type { InProcessStream } from "./network/in-process-stream.ts";
import { connectInProcessTo, type InprocConnection } from "./network/inproc.ts";
import { Listeners } from "./network/listeners.ts";
import { OutputViews } from "./network/output-views.ts";
import {
  connectionOf,
  type SocketConnection,
  type SocketFacts,
} from "./network/socket-connection.ts";
import { TlsDoor } from "./network/tls-door.ts";
import { outgoingTls, type TlsSettingsError } from "./network/tls-settings.ts";
import { InputBuffer, type Station } from "./network/traffic.ts";
import { Cron, TurnLoop } from "./network/turn-loop.ts";
import { createNodeHost } from "./node-host.ts";
import { withOwnModules } from "./own-modules.ts";
import { byteString, pathBytes, textOf } from "./process/byte-string.ts";
import { codedError, codeOf, systemErrorText } from "./process/system-error.ts";
import { descriptorLimit } from "./process/warnings.ts";

export interface ServerOptions {
  /** Loaded. */
  config: ConfigStore;
  configFile?: string;
  executable?: string;
  modules?: readonly System[];
  /** All systems, where it is to be no data server; `modules` come on top. */
  systems?: readonly System[] | undefined;
  /** Where data files live. "." follows the process's working directory; undefined: in memory. */
  folder: string | undefined;
  /** To listen nowhere is fine; otherwise it is an error. */
  isEmbedded?: boolean;
  /** Directives whose 0 means any free port; otherwise, as in a configuration file, it means none. */
  anyPort?: readonly PortName[];
  /** Reads with 'data' events even where handles can be taken over. */
  avoidsTakeover?: boolean;
  log(level: LogLevel, message: string): void;
  /** The engine wants the process to end. The server is still open. */
  exit(code: number): void;
  /** An error of our own: nothing may go on. */
  failed(error: unknown): void;
  /** A directive of the process was changed by CONFIG SET. Returns why it cannot be. */
  reconfigured?(name: string): string | undefined;
  /** The server follows another one from now on, or none any more. */
  roleChanged?(): void;
  /** The cron runs, so nothing hangs. */
  beat?(): void;
}

type PortName = "port" | "tls-port";

/** Descriptors for everything but clients: files, listening sockets, the event loop. */
const RESERVED_DESCRIPTORS = 32;

/** Directives that are put into force here, when CONFIG SET changes them. */
const ownDirectives = [
  "port",
  "tls-port",
  "bind",
  "tcp-keepalive",
  "maxclients",
  "proc-title-template",
  "oom-score-adj",
  "oom-score-adj-values",
  "watchdog-period",
] as const;

/** And those, but for `tls-port`, that say how TLS is spoken. */
const tlsDirectives = [
  "tls-replication",
  "tls-cluster",
  "tls-cert-file",
  "tls-key-file",
  "tls-key-file-pass",
  "tls-client-cert-file",
  "tls-client-key-file",
  "tls-client-key-file-pass",
  "tls-ca-cert-file",
  "tls-ca-cert-dir",
  "tls-dh-params-file",
  "tls-protocols",
  "tls-ciphers",
  "tls-ciphersuites",
  "tls-prefer-server-ciphers",
  "tls-session-caching",
  "tls-session-cache-timeout",
] as const;

/** The system cuts a longer path off, and then the socket is elsewhere. */
const UNIX_PATH_BYTES_MAX = 108;

function tooLong(path: string): string {
  return `unix socket path too long (${path.length}), must be under ${UNIX_PATH_BYTES_MAX}`;
}

/** Why the server cannot listen, and where. */
export interface ListenFailure {
  place: string;
  reason: string;
  /** The system's, with its code. */
  error: unknown;
}

function unixFailure(error: unknown, path: string): ListenFailure {
  const place = textOf(path);
  if (path.length >= UNIX_PATH_BYTES_MAX) return { place, reason: tooLong(path), error };
  // Node says "permission denied" of a folder that is not there, as Windows does.
  const isLost = codeOf(error) === "EACCES" && !existsSync(pathBytes(dirname(path)));
  const actual = isLost ? codedError("ENOENT", "No such file or directory", error) : error;
  return { place, reason: `bind: ${systemErrorText(actual)}`, error: actual };
}

/** Of the system, where a file could not be read. */
function reasonBehind(error: TlsSettingsError): unknown {
  return codeOf(error.cause).startsWith("ERR_") ? error : (error.cause ?? error);
}

export class Server {
  readonly engine: Engine;
  readonly #options: ServerOptions;
  readonly #facts: HostFacts;
  readonly #listeners: Listeners;
  readonly #tls: TlsDoor;
  readonly #station: Station<Client>;
  readonly #dialer: Dialer;
  readonly #connections = new Set<SocketConnection<Client>>();
  readonly #inprocConnections = new Set<InprocConnection<Client>>();
  readonly #turns: TurnLoop;
  readonly #cron: Cron;
  #takesHandles: boolean;
  #keepAliveSeconds: number;
  /** `bind` and port that are listened on, to see whether they changed. */
  readonly #listeningOn: Record<PortName, string> = { port: "", "tls-port": "" };
  #isReferenced = true;
  /** Calls of the engine, and of what it calls, that have not returned. */
  #depth = 0;
  #failure: ListenFailure | undefined;

  constructor(options: ServerOptions) {
    const { config, folder, log, modules = [], systems } = options;
    this.#options = options;
    this.#facts = {
      processId: process.pid,
      runtime: `node ${process.versions.node}`,
      operatingSystem: `${type()} ${release()} ${machine()}`,
      architecture: process.arch,
      executable: options.executable ?? byteString(process.argv[1] ?? ""),
      configFile: options.configFile ?? "",
      tcpPort: config.number("port"),
      tlsPort: config.number("tls-port"),
    };
    this.#turns = new TurnLoop(() => this.#guarded(() => this.engine.turn()) ?? Due.NEVER);
    this.#cron = new Cron(
      () => {
        options.beat?.();
        this.#guarded(() => this.engine.cron());
        this.#turns.request();
      },
      () => this.engine.hz,
    );
    this.engine = this.#createEngine({
      config,
      ...(systems === undefined ? { modules: withOwnModules(modules) } : { systems, modules }),
      host: createNodeHost({
        folder,
        facts: this.#facts,
        log: (level, message) => this.#inside(() => log(level, message)),
        wake: () => this.#turns.request(),
        wakeAfter: (durationMs) => this.#turns.requestAfter(durationMs),
        dial: (target, dialed) => this.#dialer.dial(target, dialed),
        exit: (code) => options.exit(code),
        roleChanged: () => options.roleChanged?.(),
      }),
    });
    this.#station = {
      traffic: this.engine,
      input: new InputBuffer(),
      views: new OutputViews(),
      writes: new DirectWrites(),
      isInside: () => this.#depth > 0 || this.engine.situation.current !== null,
      activity: () => {
        if (this.engine.needsTurn) this.#turns.request();
      },
      failed: (error) => options.failed(error),
    };
    this.#dialer = new Dialer({ config, station: this.#station });
    this.#listeners = new Listeners({
      backlog: config.number("tcp-backlog"),
      accepted: (socket, path) => this.#opened(socket, { path, takesHandle: this.#takesHandles }),
      warn: (message) => log("warning", message),
    });
    this.#tls = new TlsDoor({
      config,
      hasRoom: () => this.engine.hasRoom(),
      opened: (socket) => this.#opened(socket, { takesHandle: false, isEncrypted: true }),
      warn: (message) => log("warning", message),
    });
    this.#keepAliveSeconds = config.number("tcp-keepalive");
    this.#takesHandles = options.avoidsTakeover !== true && isKnownRuntime();
    for (const name of ownDirectives) config.onApply(name, () => this.#reconfigure(name));
    config.onApply(tlsDirectives, () => this.#reconfigureTls());
    config.onApply("tls-auth-clients", () => {
      this.#tls.followClientChecks();
      return undefined;
    });
  }

  /** One that cannot be put together may have asked for a turn already. */
  #createEngine(options: EngineOptions): Engine {
    try {
      return createEngine(options);
    } catch (error) {
      this.#turns.stop();
      throw error;
    }
  }

  get port(): number {
    return this.#listeners.tcpPort;
  }

  get tlsPort(): number {
    return this.#tls.listeners.tcpPort;
  }

  /** The first numeric address that is listened on. */
  get host(): string | undefined {
    return this.#listeners.tcpHost ?? this.#tls.listeners.tcpHost;
  }

  /** The path of the Unix socket, as a byte string. */
  get unixPath(): string | undefined {
    return this.#listeners.unixPath;
  }

  get connectionCount(): number {
    return this.#connections.size;
  }

  /** Why listen() answered false, when the system is the reason. */
  get failure(): ListenFailure | undefined {
    return this.#failure;
  }

  /** Kinds of sockets that clients can connect to: "tcp", "unix", "tls". */
  get transports(): string[] {
    const { hasTcp, hasUnix } = this.#listeners;
    return [
      ...(hasTcp ? ["tcp"] : []),
      ...(hasUnix ? ["unix"] : []),
      ...(this.#tls.listeners.hasTcp ? ["tls"] : []),
    ];
  }

  /** Opens the listening sockets. False: not all could be opened; the log says which and why. */
  async listen(): Promise<boolean> {
    const { config, log, isEmbedded = false, avoidsTakeover } = this.#options;
    this.engine.countAsClients(() => this.#tls.handshakeCount);
    this.#lowerMaxClients();
    if (!this.#configureTls()) {
      log("warning", "Failed to configure TLS. Check logs for more info.");
      return false;
    }
    for (const name of ["port", "tls-port"] as const) {
      if (this.#isWanted(name) && !(await this.#listenOn(name))) return false;
    }
    if (config.text("unixsocket") !== "" && !(await this.#listenUnix())) return false;
    if (this.transports.length === 0 && !isEmbedded) {
      log("warning", "Configured to not listen anywhere, exiting.");
      return false;
    }
    if (!this.#takesHandles && avoidsTakeover !== true) void this.#tryTakeover();
    return true;
  }

  /** Readies TLS for those who come, and sees whether this server could go to others with it. */
  #configureTls(): boolean {
    const outgoing = outgoingTls(this.#options.config);
    const incoming = this.#isWanted("tls-port") ? this.#tls.configure() : undefined;
    const error = incoming ?? (outgoing === undefined ? undefined : this.#tls.tryOutgoing());
    if (error === undefined) return true;
    const place = incoming === undefined && outgoing !== undefined ? outgoing : "tls-port";
    this.#failure = { place, reason: error.message, error: reasonBehind(error) };
    return false;
  }

  #isWanted(name: PortName): boolean {
    const { config, anyPort = [] } = this.#options;
    return config.number(name) !== 0 || anyPort.includes(name);
  }

  #listenersOf(name: PortName): Listeners {
    return name === "port" ? this.#listeners : this.#tls.listeners;
  }

  async #listenOn(name: PortName): Promise<boolean> {
    const { config, log } = this.#options;
    const port = config.number(name);
    const listeners = this.#listenersOf(name);
    const bind = config.value<readonly string[]>("bind");
    const failed = (error: unknown, address: string) => {
      const place = `${address.includes(":") ? `[${address}]` : address}:${port}`;
      this.#failure = { place, reason: systemErrorText(error), error };
    };
    if (!(await listeners.openTcp(bind, port, failed))) {
      const kind = name === "port" ? "tcp" : "tls";
      log("warning", `Failed listening on port ${port} (${kind}), aborting.`);
      return false;
    }
    if (port === 0) config.assign(name, listeners.tcpPort);
    this.#listeningOn[name] = this.#wantsToListenOn(name);
    this.#tellPorts();
    return true;
  }

  /** INFO prints them. */
  #tellPorts(): void {
    this.#facts.tcpPort = this.#options.config.number("port");
    this.#facts.tlsPort = this.#options.config.number("tls-port");
  }

  async #listenUnix(): Promise<boolean> {
    const { config, log } = this.#options;
    const path = config.text("unixsocket");
    try {
      if (path.length >= UNIX_PATH_BYTES_MAX) {
        throw codedError("ENAMETOOLONG", tooLong(path));
      }
      await this.#listeners.openUnix(path, config.number("unixsocketperm"));
      return true;
    } catch (error) {
      this.#failure = unixFailure(error, path);
      log("warning", `Failed opening Unix socket: ${this.#failure.reason}`);
      return false;
    }
  }

  /** Starts the cron, then loads the data set, if there is one. False: it could not be loaded. */
  async load(): Promise<boolean> {
    this.#cron.start();
    return this.engine.load();
  }

  /** A stream that is a client of this server. */
  connect(): InProcessStream {
    const connection = connectInProcessTo(this.#station);
    this.#inprocConnections.add(connection);
    connection.onClosed(() => this.#inprocConnections.delete(connection));
    return connection.stream;
  }

  /** Whether the process is kept alive while the server is open. */
  setReferenced(isReferenced: boolean): void {
    this.#isReferenced = isReferenced;
    this.#listeners.setReferenced(isReferenced);
    this.#tls.setReferenced(isReferenced);
    this.#cron.setReferenced(isReferenced);
    this.#dialer.setReferenced(isReferenced);
    for (const connection of this.#connections) connection.setReferenced(isReferenced);
  }

  /**
   * Asks for the end: true when the process may end, and then close() is next. It may have to be waited
   * for, for replicas or the end of a script, and be taken back meanwhile.
   */
  end(request: ShutdownRequest): Promise<boolean> {
    return new Promise((decided) => this.engine.of(endingPort).begin(request, decided));
  }

  /** Whoever asked for the end does not want to wait for the final save: it is given up. */
  hurry(): void {
    this.engine.hurry();
  }

  /**
   * At once, also the final save: for a program that may end as soon as it has asked. True when the process may
   * end: then close() is next.
   */
  shutdown(request: ShutdownRequest): boolean {
    return this.engine.shutdown(request);
  }

  /** True when the disk has nothing to do for this server. */
  get isSettled(): boolean {
    return this.engine.isSettled;
  }

  /** Resolves when that is so. */
  settled(): Promise<void> {
    return this.engine.settled();
  }

  /** Closes all sockets, and gives up what is under way. Nothing is saved: see shutdown. */
  close(): void {
    this.engine.stop();
    this.#cron.stop();
    this.#turns.stop();
    this.#listeners.closeTcp();
    this.#listeners.closeUnix();
    this.#tls.close();
    this.#dialer.close();
    for (const connection of this.#connections) connection.destroy();
    for (const connection of this.#inprocConnections) connection.end();
  }

  #opened(socket: Socket, way: Omit<SocketFacts, "keepAliveSeconds">): void {
    const facts = { ...way, keepAliveSeconds: this.#keepAliveSeconds };
    const connection = connectionOf(this.#station, socket, facts);
    if (connection === undefined) return;
    this.#connections.add(connection);
    if (!this.#isReferenced) connection.setReferenced(false);
    connection.onClosed(() => this.#connections.delete(connection));
    connection.open();
  }

  /** A runtime that nobody tried: 'data' events serve until it has shown that handles work. */
  async #tryTakeover(): Promise<void> {
    this.#takesHandles = await takeoverSelfTest();
    const result = this.#takesHandles ? "works" : "does not work; reading costs more time";
    this.#options.log("notice", `Reading into a shared buffer ${result} on this runtime.`);
  }

  #inside<Result>(action: () => Result): Result {
    this.#depth++;
    try {
      return action();
    } finally {
      this.#depth--;
    }
  }

  #guarded<Result>(action: () => Result): Result | undefined {
    try {
      return this.#inside(action);
    } catch (error) {
      this.#options.failed(error);
      return undefined;
    }
  }

  #wantsToListenOn(name: PortName): string {
    const { config } = this.#options;
    return `${config.print("bind")} ${config.number(name)}`;
  }

  #reconfigure(name: (typeof ownDirectives)[number]): string | undefined {
    const { config, reconfigured } = this.#options;
    switch (name) {
      case "port":
      case "tls-port":
        return this.#relisten(name) ?? reconfigured?.(name);
      case "bind": {
        const problem = this.#relisten("port") ?? this.#relisten("tls-port");
        if (problem !== undefined) return "Failed to bind to specified addresses.";
        return reconfigured?.(name);
      }
      case "tcp-keepalive":
        this.#keepAliveSeconds = config.number(name);
        return undefined;
      case "maxclients":
        return this.#refuseMaxClients();
      default:
        return reconfigured?.(name);
    }
  }

  #relisten(name: PortName): string | undefined {
    const wanted = this.#wantsToListenOn(name);
    if (wanted === this.#listeningOn[name]) return undefined;
    const { config } = this.#options;
    const port = config.number(name);
    if (name === "tls-port" && port !== 0 && !this.#tls.isConfigured) {
      const problem = this.#reconfigureTls();
      if (problem !== undefined) return problem;
    }
    this.#listeningOn[name] = wanted;
    const bind = port === 0 ? [] : config.value<readonly string[]>("bind");
    if (!this.#listenersOf(name).reopenTcp(bind, port)) {
      return "Unable to listen on this port. Check server logs.";
    }
    if (name === "tls-port" && port === 0) this.#tls.forget();
    this.#tellPorts();
    return undefined;
  }

  /** What is said of TLS matters when it is spoken. */
  #reconfigureTls(): string | undefined {
    const { config } = this.#options;
    const isRefused =
      (outgoingTls(config) !== undefined && this.#tls.tryOutgoing() !== undefined) ||
      (config.number("tls-port") !== 0 && this.#tls.configure() !== undefined);
    return isRefused ? "Unable to update TLS configuration. Check server logs." : undefined;
  }

  #refuseMaxClients(): string | undefined {
    const most = descriptorLimit() - RESERVED_DESCRIPTORS;
    if (this.#options.config.number("maxclients") <= most) return undefined;
    return `The operating system is not able to handle the specified number of clients, try with ${most}`;
  }

  #lowerMaxClients(): void {
    const { config, log } = this.#options;
    const wanted = config.number("maxclients");
    const limit = descriptorLimit();
    if (wanted + RESERVED_DESCRIPTORS <= limit) return;
    const possible = Math.max(1, limit - RESERVED_DESCRIPTORS);
    config.assign("maxclients", possible);
    log(
      "warning",
      `You requested maxclients of ${wanted} requiring at least ${wanted + RESERVED_DESCRIPTORS} max file descriptors.`,
    );
    log(
      "warning",
      `Current maximum open files is ${limit}. maxclients has been reduced to ${possible} to compensate for low ulimit. If you need higher maxclients increase 'ulimit -n'.`,
    );
  }
}
