/**
 * TlsDoor: where clients come in that speak TLS.
 *
 *      Listeners ── socket, paused ──> handshake ──> opened(): from here a client like any other
 *                                          └── too late, refused, gone: a line in the log
 *
 * Promises:
 *   - the engine hears of nobody whose handshake is not through; until then a peer costs its socket,
 *     counts as a client where their number is limited, and is gone after a minute at the latest;
 *   - a configuration that cannot be had changes nothing: those before it stay in force;
 *   - whoever is inside stays when the configuration changes, but nobody comes back by a session of
 *     another one: each has keys of its own for tickets.
 *
 * The handshake is that of a `tls.Server` which listens nowhere and is handed each socket.
 */
import type { Socket } from "node:net";
import type { Server, TLSSocket, TlsOptions } from "node:tls";
import type { ConfigStore } from "@kv/config";
import { codeOf, systemErrorText } from "../process/system-error.ts";
import { Listeners } from "./listeners.ts";
import { RareWarnings } from "./rare-warnings.ts";
import { printAddress } from "./socket-connection.ts";
import {
  clientChecks,
  nodeTls,
  TlsSettingsError,
  tlsErrorText,
  tlsSettings,
} from "./tls-settings.ts";

export interface TlsDoorOptions {
  config: ConfigStore;
  /** Whether one more may come. */
  hasRoom(): boolean;
  /** A handshake is through. */
  opened(socket: TLSSocket): void;
  warn(message: string): void;
  /** From connecting to the end of the handshake; a minute unless given. */
  handshakeMs?: number;
}

export class TlsDoor {
  /** To be opened when the door is configured. */
  readonly listeners: Listeners;
  readonly #options: TlsDoorOptions;
  readonly #warnings: RareWarnings;
  /** What is in force; undefined until TLS is first asked for. */
  #settings: TlsOptions | undefined;
  #server: Server | undefined;
  /** Those below TLS, of handshakes and of clients that are in. */
  readonly #sockets = new Set<Socket>();
  #openedCount = 0;
  /** Addresses for the log: a socket that is closed has forgotten its own. */
  readonly #names = new WeakMap<Socket, string>();
  #isReferenced = true;

  constructor(options: TlsDoorOptions) {
    const { config, warn } = options;
    this.#options = options;
    this.#warnings = new RareWarnings(warn);
    this.listeners = new Listeners({
      backlog: config.number("tcp-backlog"),
      accepted: (socket) => this.#accepted(socket),
      warn,
    });
  }

  /** Peers whose handshake is not through. */
  get handshakeCount(): number {
    return this.#sockets.size - this.#openedCount;
  }

  /** Reads files and directives anew. Returns why they cannot be had, which the log says, too. */
  configure(): TlsSettingsError | undefined {
    return this.#tried(() => this.#use(tlsSettings(this.#options.config)));
  }

  /** Why connections from here could not be encrypted: each reads files and directives when it is opened. */
  tryOutgoing(): TlsSettingsError | undefined {
    return this.#tried(() => tlsSettings(this.#options.config, "client"));
  }

  #tried(action: () => unknown): TlsSettingsError | undefined {
    try {
      action();
      return undefined;
    } catch (error) {
      if (!(error instanceof TlsSettingsError)) throw error;
      this.#options.warn(error.message);
      return error;
    }
  }

  /** Nothing is in force any more: TLS begins with configure() again. */
  forget(): void {
    this.#settings = undefined;
    this.#server = undefined;
  }

  get isConfigured(): boolean {
    return this.#settings !== undefined;
  }

  /** Takes up `tls-auth-clients`: no file is read for it, so that it cannot fail. */
  followClientChecks(): void {
    if (this.#settings === undefined) return;
    this.#use({ ...this.#settings, ...clientChecks(this.#options.config) });
  }

  /** Nobody comes in any more, and whoever is at the door or inside is cut off. */
  close(): void {
    this.listeners.closeTcp();
    this.#warnings.stop();
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Whether waiting for clients, and for their handshakes, keeps the process alive. */
  setReferenced(isReferenced: boolean): void {
    this.#isReferenced = isReferenced;
    this.listeners.setReferenced(isReferenced);
    for (const socket of this.#sockets) {
      if (isReferenced) socket.ref();
      else socket.unref();
    }
  }

  #use(settings: TlsOptions): void {
    const { handshakeMs = 60_000 } = this.#options;
    const server = new (nodeTls().Server)({ ...settings, handshakeTimeout: handshakeMs });
    server.on("secureConnection", (socket) => this.#secured(socket));
    server.on("tlsClientError", (error, socket) => this.#failed(error, socket));
    this.#settings = settings;
    this.#server = server;
  }

  #accepted(socket: Socket): void {
    // As in Redis, who finds the house full is told nothing: that would take a handshake.
    if (this.#server === undefined || !this.#options.hasRoom()) {
      socket.destroy();
      return;
    }
    this.#sockets.add(socket);
    socket.on("error", ignore); // What becomes of the handshake is told elsewhere.
    socket.once("close", () => this.#sockets.delete(socket));
    this.#names.set(socket, namesOf(socket));
    if (!this.#isReferenced) socket.unref();
    this.#server.emit("connection", socket);
  }

  #secured(socket: TLSSocket): void {
    // Where certificates are optional the runtime lets everybody in; Redis nobody who shows a bad one.
    if (socket.authorizationError && socket.getPeerX509Certificate() !== undefined) {
      this.#warn(certificateRefused, socket);
      socket.destroy();
      return;
    }
    this.#openedCount++;
    socket.once("close", () => this.#openedCount--);
    this.#options.opened(socket);
  }

  #failed(error: Error, socket: TLSSocket): void {
    this.#warn(socket.authorizationError ? certificateRefused : reasonOf(error), socket);
    socket.destroy();
  }

  #warn(reason: string, socket: TLSSocket): void {
    // Not documented, and asked for the log alone: the socket below this one.
    const { _parent: below = socket } = socket as TLSSocket & { _parent?: Socket };
    const names = this.#names.get(below) ?? namesOf(below);
    this.#warnings.warn(`Error accepting a client connection: ${reason} (${names})`);
  }
}

const certificateRefused = "error:0A000086:SSL routines::certificate verify failed";

function reasonOf(error: Error): string {
  const code = codeOf(error);
  if (code === "ERR_TLS_HANDSHAKE_TIMEOUT") return "TLS handshake timeout";
  if (!code.startsWith("E") || code.startsWith("ERR_")) return tlsErrorText(error);
  // The peer has closed its side; the runtime has a code of the system's for it, but no number.
  const isEnd = code === "ECONNRESET" && !("errno" in error);
  return isEnd
    ? "error:0A000126:SSL routines::unexpected eof while reading"
    : systemErrorText(error);
}

function namesOf(socket: Socket): string {
  const { remoteAddress, remotePort, localAddress, localPort } = socket;
  return `addr=${printAddress(remoteAddress, remotePort)} laddr=${printAddress(localAddress, localPort)}`;
}

function ignore(): void {}
