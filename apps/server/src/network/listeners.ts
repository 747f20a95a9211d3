/**
 * Listeners: the sockets that wait for clients, as `bind`, `port` and `unixsocket` say.
 *
 *      bind * -::* 10.0.0.1       "-" first: an address that is not there is no error
 *           |  |                  "*" all of IPv4, "::*" all of IPv6
 *
 * CONFIG SET has to know at once whether a port could be opened, and Node's server.listen() tells
 * later: it looks the address up first, even when it is a number. So what listen() calls in the
 * end, `_listen2`, is called here. A runtime without it still starts, but keeps its port.
 */
import { unlinkSync } from "node:fs";
import * as net from "node:net";
import { absolutePath } from "../process/byte-path.ts";
import { pathBytes } from "../process/byte-string.ts";
import { codeOf, systemErrorText } from "../process/system-error.ts";
import { bindingPlace } from "./binding-place.ts";

export interface ListenerOptions {
  backlog: number;
  /** A client has connected; its socket is paused. `path` is that of the Unix socket. */
  accepted(socket: net.Socket, path: string | undefined): void;
  warn(message: string): void;
}

interface ImmediateServer extends net.Server {
  _listen2?(
    address: string,
    port: number,
    family: 4 | 6,
    backlog: number,
    descriptor: number,
    flags: number,
  ): void;
}

/** Keeps a socket for "::" off IPv4 addresses, which have one of their own. */
const ipv6OnlyFlag = 1;

/** Errors that say "no such protocol on this machine": no reason not to start. */
const absentProtocol: ReadonlySet<string> = new Set([
  "ENOPROTOOPT",
  "EPROTONOSUPPORT",
  "ESOCKTNOSUPPORT",
  "EPFNOSUPPORT",
  "EAFNOSUPPORT",
]);

export class Listeners {
  readonly #options: ListenerOptions;
  /** Numeric addresses of the names that were looked up. */
  readonly #names = new Map<string, string>();
  #tcp: net.Server[] = [];
  #unix: net.Server | undefined;
  #unixPath = "";
  #isReferenced = true;
  /** Counts what was opened and closed: who waited for something in between begins from an old one. */
  #tcpState = 0;

  constructor(options: ListenerOptions) {
    this.#options = options;
  }

  get hasTcp(): boolean {
    return this.#tcp.length > 0;
  }

  get hasUnix(): boolean {
    return this.#unix !== undefined;
  }

  /** The port in use, which matters when 0 was asked for; 0 when nothing listens. */
  get tcpPort(): number {
    return this.#tcpAddress?.port ?? 0;
  }

  /** The first numeric address that is listened on. */
  get tcpHost(): string | undefined {
    return this.#tcpAddress?.address;
  }

  /** The path of the Unix socket, as a byte string. */
  get unixPath(): string | undefined {
    return this.#unix === undefined ? undefined : this.#unixPath;
  }

  get #tcpAddress(): net.AddressInfo | undefined {
    return (this.#tcp[0]?.address() as net.AddressInfo | null | undefined) ?? undefined;
  }

  /** Whether waiting for clients keeps the process alive. */
  setReferenced(isReferenced: boolean): void {
    this.#isReferenced = isReferenced;
    const open = this.#unix === undefined ? this.#tcp : [...this.#tcp, this.#unix];
    for (const server of open) refer(server, isReferenced);
  }

  /**
   * Listens on all addresses, or on none and returns false; the log says why, and `failed` is told the
   * system's error. When CONFIG SET has other sockets opened meanwhile (a client may have come in on the
   * first address), those stay.
   */
  async openTcp(
    bind: readonly string[],
    port: number,
    failed?: (error: unknown, address: string) => void,
  ): Promise<boolean> {
    const state = ++this.#tcpState;
    for (const entry of bind) {
      const { address, isOptional } = parseEntry(entry);
      const server = this.#makeServer(undefined);
      try {
        await this.#resolve(address);
        if (state !== this.#tcpState) return true;
        await this.#listenTcp(server, address, port === 0 ? this.tcpPort : port);
        if (state !== this.#tcpState) {
          server.close();
          return true;
        }
        this.#tcp.push(server);
      } catch (error) {
        if (state !== this.#tcpState) return true;
        this.#warnOf(error, address, port);
        const code = codeOf(error);
        if (absentProtocol.has(code) || (isOptional && code === "EADDRNOTAVAIL")) continue;
        this.closeTcp();
        failed?.(error, address);
        return false;
      }
    }
    return true;
  }

  /** Like openTcp, in place of what listens now, and at once. */
  reopenTcp(bind: readonly string[], port: number): boolean {
    this.closeTcp();
    for (const entry of bind) {
      const { address, isOptional } = parseEntry(entry);
      if (!this.#resolveNow(address, port)) {
        this.closeTcp();
        return false;
      }
      const server = this.#makeServer(undefined);
      this.#listenTcp(server, address, port).catch((error) => this.#warnOf(error, address, port));
      if (server.listening) {
        this.#tcp.push(server);
      } else if (!isOptional) {
        this.closeTcp();
        return false;
      }
    }
    return true;
  }

  /** Listens on a Unix socket, whose path is a byte string; throws the system's error. */
  async openUnix(path: string, permissions: number): Promise<void> {
    const server = this.#makeServer(path);
    const target = absolutePath(path);
    try {
      unlinkSync(pathBytes(target)); // Left by a server that did not end in good order.
    } catch {
      // Usually there is none; if it is something else, listening fails and says so.
    }
    const place = bindingPlace(path);
    try {
      // Permissions that came after listening would leave a moment in which anyone may connect.
      const before = permissions === 0 ? undefined : process.umask(0o777 & ~permissions);
      const done = settled(server);
      try {
        server.listen({ path: place.path, backlog: this.#options.backlog });
      } finally {
        if (before !== undefined) process.umask(before);
      }
      await done;
      place.bound();
    } finally {
      place.release();
    }
    this.#unix = server;
    this.#unixPath = target;
  }

  closeTcp(): void {
    this.#tcpState++;
    for (const server of this.#tcp) server.close();
    this.#tcp = [];
  }

  /** Stops listening; the path of the Unix socket is removed. True if there was one. */
  closeUnix(): boolean {
    const server = this.#unix;
    this.#unix = undefined;
    if (server === undefined) return false;
    server.close();
    try {
      unlinkSync(pathBytes(this.#unixPath));
    } catch {
      // The runtime was faster, or somebody else.
    }
    return true;
  }

  #makeServer(path: string | undefined): net.Server {
    const server = new net.Server({ noDelay: path === undefined, pauseOnConnect: true });
    refer(server, this.#isReferenced);
    server.on("connection", (socket) => this.#options.accepted(socket, path));
    // Before it listens, an error means that it cannot, and is dealt with where listening began.
    // Afterwards: one connection could not be accepted (EMFILE, say); the next may well be.
    server.on("error", (error) => {
      if (server.listening) {
        this.#options.warn(`Error accepting a client connection: ${systemErrorText(error)}`);
      }
    });
    return server;
  }

  async #resolve(address: string): Promise<void> {
    if (numeric(address) !== undefined) return;
    const { lookup } = process.getBuiltinModule("node:dns/promises");
    this.#names.set(address, (await lookup(address, addressKind)).address);
  }

  /** False: nobody knows the name, and the log says so. */
  #resolveNow(address: string, port: number): boolean {
    if (numeric(address) !== undefined) return true;
    try {
      this.#names.set(address, lookupNow(address));
    } catch (error) {
      // It was known before: that is better than to listen nowhere.
      if (this.#names.has(address)) return true;
      this.#warnOf(error, address, port);
      return false;
    }
    return true;
  }

  /** Rejects when it cannot; `server.listening` tells at once. */
  #listenTcp(server: ImmediateServer, address: string, port: number): Promise<void> {
    const host = numeric(address) ?? this.#names.get(address);
    if (host === undefined) return Promise.reject(new Error(`${address} was not looked up`));
    const { backlog } = this.#options;
    const done = settled(server);
    const isIpv6 = host.includes(":");
    if (typeof server._listen2 === "function") {
      server._listen2(host, port, isIpv6 ? 6 : 4, backlog, -1, isIpv6 ? ipv6OnlyFlag : 0);
    } else {
      server.listen({ host, port, backlog, ipv6Only: isIpv6, exclusive: true });
    }
    return done;
  }

  #warnOf(error: unknown, address: string, port: number): void {
    const text = systemErrorText(error);
    const code = codeOf(error);
    const call = code.startsWith("EA") && !code.startsWith("EAI_") ? "bind: " : "";
    this.#options.warn(
      `Warning: Could not create server TCP listening socket ${address}:${port}: ${call}${text}`,
    );
  }
}

function refer(server: net.Server, isReferenced: boolean): void {
  if (isReferenced) server.ref();
  else server.unref();
}

function parseEntry(entry: string): { address: string; isOptional: boolean } {
  const isOptional = entry.startsWith("-");
  return { address: isOptional ? entry.slice(1) : entry, isOptional };
}

/** The address as a number, or undefined for a name. */
function numeric(address: string): string | undefined {
  if (address === "*") return "0.0.0.0";
  if (address === "::*") return "::";
  return net.isIP(address) === 0 ? undefined : address;
}

/** A name stands for an address of IPv4, as in Redis; those of IPv6 are given as numbers. */
const addressKind = { family: 4 } as const;

const LOOKUP_PATIENCE_MS = 10_000;

const lookupProgram = `require("node:dns").lookup(process.argv[1], ${JSON.stringify(addressKind)},
  (error, address) => console.log(JSON.stringify({ code: error?.code, address })))`;

/**
 * The address of a name, at once. The runtime answers such questions later only, so that another
 * process asks; it takes some fifty milliseconds, and nobody gives names often.
 */
function lookupNow(name: string): string {
  const { spawnSync } = process.getBuiltinModule("node:child_process");
  const { stdout } = spawnSync(process.execPath, ["-e", lookupProgram, "--", name], {
    encoding: "utf8",
    timeout: LOOKUP_PATIENCE_MS,
  });
  const answer = (stdout ? JSON.parse(stdout) : {}) as { code?: string; address?: string };
  const { code = "EAI_AGAIN", address } = answer;
  if (address === undefined) throw Object.assign(new Error(code), { code });
  return address;
}

/** Resolves when the server listens, rejects when it cannot. */
function settled(server: net.Server): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("listening", resolve);
    server.once("error", reject);
  });
}
